"""`run --dry-run`: what a run would do, as far as that can be known before the first answer."""

import pytest

pytestmark = pytest.mark.broad

INNER = """
name: inner
inputs: {type: object, properties: {type: {type: string}}}
steps:
  - {id: look, task: okta.list_agent_pools, with: {poolType: '{{ inputs.type }}'}}
"""
PLAN = """
name: plan
steps:
  - id: both
    parallel:
      - {id: one, task: okta.list_agent_pools, with: {poolType: AD}}
      - {id: two, task: okta.list_agent_pools, with: {poolType: LDAP}}
  - {id: inner, workflow: inner.yaml, with: {type: MFA}}
  - {id: each, task: okta.list_agent_pools, forEach: "{{ ['OPP', 'IWA'] }}", with: {poolType: '{{ item }}'}}
  - {id: later, task: okta.list_agent_pools_updates, with: {poolId: '{{ steps.one.outputs.poolIds[0] }}'}}
  - {id: after, task: okta.list_agent_pools}
"""


@pytest.fixture
def plan(inside, tmp_path):
    def write(text=PLAN):
        (tmp_path / "inner.yaml").write_text(INNER)
        (tmp_path / "plan.yaml").write_text(text)
        return lambda *options: inside("run", "plan.yaml", "--dry-run", "--sandbox", *options)

    return write


def test_every_request_that_needs_no_answer_is_shown_those_of_groups_and_used_workflows_too(plan):
    steps = {step["id"]: step for step in plan()("--json").json["steps"]}
    types = {name: [request["url"].rpartition("=")[2] for request in step["requests"]] for name, step in steps.items()}
    assert types == {
        "both": [],
        "one": ["AD"],
        "two": ["LDAP"],
        "inner": [],
        "inner/look": ["MFA"],
        "each": ["OPP", "IWA"],
        "later": [],
        "after": [],
    }
    assert steps["later"]["needs"] == ["one"]


def test_nothing_behind_an_approval_is_rendered(plan):
    text = "name: p\nsteps:\n  - {id: gate, approve: sure?}\n  - {id: look, task: okta.list_agent_pools}\n"
    assert [step["requests"] for step in plan(text)("--json").json["steps"]] == [[], []]


def test_people_see_the_requests_with_the_credential_masked(plan):
    done = plan()()
    assert "GET /api/v1/agentPools?poolType=MFA HTTP/1.1" in done.out
    assert "later  okta.list_agent_pools_updates  needs the answer of one\n" in done.out
    assert "Authorization: SSWS ***" in done.out
    assert done.err == "dry run: nothing was sent\n"
