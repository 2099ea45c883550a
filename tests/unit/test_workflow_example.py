import pytest

from httptask.auth import auth_for
from httptask.clock import FakeClock
from httptask.loader import load_workflow, open_registry, shipped
from httptask.model import Connection
from httptask.runner import Runner
from httptask.sandbox.core import Sandbox
from httptask.sandbox.inprocess import SandboxTransport
from httptask.sandbox.options import SandboxOptions
from httptask.secrets import Secret
from httptask.workflow import WorkflowRunner

REGISTRY = open_registry()
EXAMPLE = load_workflow(shipped("task_templates").parent / "examples" / "roll_out_agent_update.yaml", REGISTRY)


def connect(template):
    return Connection("sandbox", "https://example.okta.com", auth_for(template.provider, None, secret=Secret("sandbox-token")))


@pytest.fixture(scope="module")
def rolled_out():
    clock = FakeClock()
    sandbox = Sandbox(SandboxOptions.from_json(EXAMPLE.sandbox), clock=clock)
    runner = Runner(SandboxTransport(sandbox), clock)
    return WorkflowRunner(runner, REGISTRY, connect, clock).run(EXAMPLE, {}), clock


def outcomes(result):
    for step in result.steps:
        yield from (item.outcome for item in step.items or () if item.outcome)
        if step.outcome:
            yield step.outcome


def test_the_example_rolls_an_update_out(rolled_out):
    result, _ = rolled_out
    assert (result.status, {step.status for step in result.steps}) == ("succeeded", {"succeeded"})
    assert result.outputs["updated"]
    assert result.outputs["notOperational"] == []


def test_the_example_retries_what_failed_once(rolled_out):
    result, _ = rolled_out
    assert set(result.outputs["retried"]) < set(result.outputs["updated"])
    assert len(result.outputs["retried"]) == 1


def test_the_example_meets_a_full_window_and_an_unavailable_server_on_its_way(rolled_out):
    result, clock = rolled_out
    retried = [attempt for outcome in outcomes(result) for attempt in outcome.attempts if attempt.decision.action == "retry"]
    assert {attempt.status for attempt in retried} == {429, 503}
    assert all(attempt.decision.wait in clock.sleeps for attempt in retried)


def test_the_example_is_through_within_twenty_seconds(rolled_out):
    assert rolled_out[1].monotonic() < 20


def test_another_type_of_pool_may_have_nothing_to_do():
    clock = FakeClock()
    runner = Runner(SandboxTransport(Sandbox(clock=clock)), clock)
    result = WorkflowRunner(runner, REGISTRY, connect, clock).run(EXAMPLE, {"poolType": "RUM"})
    assert (result.status, result.outputs) == ("succeeded", {"updated": [], "retried": [], "notOperational": []})


def test_a_wrong_token_stops_the_example_at_its_first_step():
    clock = FakeClock()
    runner = Runner(SandboxTransport(Sandbox(SandboxOptions(token="other"), clock=clock)), clock)
    result = WorkflowRunner(runner, REGISTRY, connect, clock).run(EXAMPLE, {})
    assert (result.status, [step.id for step in result.steps]) == ("failed", ["pools"])
    assert (result.failure.kind, result.failure.code) == ("unauthorized", "E0000011")
