"""The pytest fixture `httptask_cassette`, in tests of people who test their own workflows: recorded against the sandbox."""

import pytest

# imported here and not anew by each test within: that takes time, and a second copy of PyYAML does not know what its C part makes
import httptask.sandbox.server
import httptask.testing.cassettes
import httptask.transport  # noqa: F401

pytestmark = pytest.mark.broad

FLOW = """
name: flow
inputs: {type: object, properties: {type: {type: string}}}
steps:
  - {id: pools, task: okta.list_agent_pools, with: {poolType: '{{ inputs.type }}'}}
  - {id: ask, approve: 'Go on?'}
  - {id: again, task: okta.list_agent_pools, with: {poolType: '{{ inputs.type }}'}}
outputs: {pools: '{{ steps.again.outputs.poolIds | length }}'}
"""
TEST = """
def test_flow(httptask_cassette):
    take = httptask_cassette(sandbox=True)
    run = take.workflow("flow.yaml", {"type": "AD"}, approved=["ask"])
    assert (run.status, run.outputs) == ("succeeded", {"pools": 5})
    assert take.task("okta.list_agent_pools", {"limitPerPoolType": 1}).ok
    assert take.unused == ()
"""
MORE = """
import pytest

def test_first(httptask_cassette):
    take = httptask_cassette("shared/pools.yaml", sandbox={"rateLimit": "1000/60"})
    assert take.task("okta.list_agent_pools").ok
    assert take.workflow("flow.yaml", {"type": "AD"}).status == "waiting"

def test_second(httptask_cassette):
    take = httptask_cassette("shared/pools.yaml")
    assert take.task("okta.list_agent_pools").ok
    assert [line.partition(": ")[2] for line in take.unused] == ["GET /api/v1/agentPools?poolType=AD"]

@pytest.mark.parametrize("kind", ["A/D", "x:*"])
def test_third(httptask_cassette, kind):
    assert httptask_cassette(sandbox=True).task("okta.list_agent_pools").ok
"""


@pytest.fixture
def place(pytester, monkeypatch):
    for name in ("OKTA_CLIENT_ORGURL", "OKTA_CLIENT_TOKEN", "HTTPTASK_CONFIG", "HTTPTASK_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(pytester.path))
    (pytester.path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return pytester


def run(place, *options):
    return place.runpytest("-p", "no:xdist", "-p", "no:hypothesispytest", *options)


def test_a_test_is_recorded_once_replayed_from_then_on_and_fails_when_it_changes(place):
    place.makepyfile(test_mine=TEST)
    failed = run(place)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(
        ["*there is no cassette *cassettes/test_mine/test_flow.yaml; pytest --httptask-record records it"]
    )
    run(place, "--httptask-record").assert_outcomes(passed=1)
    cassette = place.path / "cassettes" / "test_mine" / "test_flow.yaml"
    text = cassette.read_text(encoding="utf-8")
    assert text.count("- request:") == 3
    assert "sandbox-token" not in text
    run(place, "--httptask-record").assert_outcomes(passed=1)
    assert cassette.read_text(encoding="utf-8") == text, "what is there is not recorded again"
    place.makepyfile(test_mine=TEST.replace('{"type": "AD"}', '{"type": "LDAP"}'))
    failed = run(place)
    failed.assert_outcomes(failed=1)
    miss = "*ReplayMiss: *nothing recorded answers GET /api/v1/agentPools?poolType=LDAP*"
    failed.stdout.fnmatch_lines([miss, '*query poolType: recorded "AD", sent "LDAP"*'])


def test_a_cassette_may_be_named_and_shared_and_each_case_has_its_own(place):
    place.makepyfile(test_mine=MORE)
    run(place, "--httptask-record").assert_outcomes(passed=4)
    names = {file.name for file in (place.path / "cassettes" / "test_mine").iterdir()}
    assert names == {"test_third_A_D.yaml", "test_third_x.yaml"}
    run(place).assert_outcomes(passed=4)


def test_recording_without_a_connection_says_how_to_give_one(place):
    place.makepyfile(test_mine=TEST.replace("sandbox=True", ""))
    failed = run(place, "--httptask-record")
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(["*NoConnection: *no connection to Okta*"])
    assert not (place.path / "cassettes" / "test_mine" / "test_flow.yaml").exists()
