"""Workflow files that tests of several engines run: one with every construct, and the one that it uses."""

EVERYTHING = """
name: everything
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: pause
    wait: 1s
  - id: sure
    approve: 'Look at {{ steps.pools.outputs.pools | length }} pools?'
  - id: both
    if: '{{ steps.pools.outputs.pools | length > 0 }}'
    parallel:
      - id: left
        task: okta.get_agent_pools_update_settings
        with: {poolId: '{{ steps.pools.outputs.pools[0].id }}'}
      - id: right
        task: okta.list_agent_pools_updates
        forEach: {items: '{{ steps.pools.outputs.pools }}', maxParallel: 2}
        with: {poolId: '{{ item.id }}'}
  - id: inner
    workflow: inner.yaml
    with: {pool: '{{ steps.pools.outputs.pools[0].id }}'}
  - id: never
    if: '{{ steps.both.status != "succeeded" }}'
    task: okta.list_agent_pools
outputs:
  status: '{{ steps.both.status }}'
  settings: '{{ steps.left.status }}'
  lists: '{{ steps.right.outputs | length }}'
  of: '{{ steps.inner.outputs.of }}'
  skipped: '{{ steps.never.status }}'
"""

INNER = """
name: inner
inputs: {type: object, properties: {pool: {type: string}}, required: [pool]}
steps:
  - id: first
    task: okta.list_agent_pools_updates
    with: {poolId: '{{ inputs.pool }}'}
  - id: second
    if: '{{ steps.first.response.status == 200 }}'
    task: okta.list_agent_pools_updates
    with: {poolId: '{{ inputs.pool }}'}
outputs: {of: '{{ inputs.pool }}: {{ steps.second.status }}'}
"""
