"""Workflow files beside the examples, each for a state that a page has to show."""

LOST = """
name: lost_answer
description: Creates an update whose answer is lost, and looks at it.
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: create
    task: okta.create_agent_pools_update
    with:
      poolId: '{{ steps.pools.outputs.poolIds | first }}'
      body: {name: spring, agentType: AD, agents: '{{ (steps.pools.outputs.pools | first).agents }}'}
  - id: look
    task: okta.get_agent_pools_update_instance
    with: {poolId: '{{ steps.pools.outputs.poolIds | first }}', updateId: '{{ steps.create.outputs.updateId }}'}
x-sandbox:
  rateLimit: 1000/1
  faults: [{match: POST /api/v1/agentPools/*/updates, script: 'reset-after, ok'}]
"""
FAILS = """
name: fails
description: Asks for a pool that does not exist, and says so.
steps:
  - id: ask
    summary: Ask for the settings of nobody's pool
    task: okta.get_agent_pools_update_settings
    with: {poolId: nobody}
onFailure:
  - id: report
    task: okta.list_agent_pools
    with: {}
x-sandbox: {rateLimit: 1000/1}
"""
LONG = """
name: waits_long
description: Waits, so that it can be stopped.
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {}
  - id: rest
    wait: 300s
x-sandbox: {rateLimit: 1000/1}
"""
BROKEN = """
name: broken
steps:
  - id: pools
    task: okta.list_agent_pool
    with: {poolType: '{{ inputs.nothing }}'}
"""
FILES = {"lost_answer": LOST, "fails": FAILS, "waits_long": LONG, "broken": BROKEN}


def write_workflows(folder):
    for name, text in FILES.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
