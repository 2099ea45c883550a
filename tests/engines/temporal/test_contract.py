"""The table of every engine's promises, through a real Temporal server, with a real worker that is really killed."""

import time

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio.client import WorkflowFailureError

from engines.contract import Seen, check, prepare, scenarios
from engines.sandboxes import waited
from engines.temporal.flows import OneTask

NAMES = [scenario.name for scenario in scenarios({"id": "p", "agents": []}, "u", "t")]


@pytest.fixture
def table(rig):
    """The scenarios for a sandbox that begins anew."""

    def run(task, inputs):
        return rig.end(rig.start(OneTask.run, [task, inputs, {}]))["outputs"]

    rig.box.reset()
    return {scenario.name: scenario for scenario in scenarios(*prepare(run), rig.box.token)}


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_of_engines(rig, table, name, record_property):
    scenario, began = table[name], time.monotonic()
    before, log = rig.box.applied(scenario.operation), rig.workers.log.stat().st_size
    sent = len(rig.box.sent(scenario.match))
    if scenario.script:
        rig.box.play(scenario.match, scenario.script)
    if scenario.kill:
        rig.workers.kill.write_text(scenario.kill)
    options = {"retry": scenario.retry} if scenario.retry else {}
    handle = rig.start(OneTask.run, [scenario.task, scenario.inputs, options])
    if scenario.kill:
        rig.workers.replace_dead()
    result = rig.end(handle)
    entries = rig.box.sent(scenario.match)[sent:]
    seen = Seen(
        state=state(result),
        attempts=len(entries),
        applied=rig.box.applied(scenario.operation) - before,
        wait=waited(entries),
        kind=kind(result),
        visible=rig.told(handle)[0] + rig.workers.log.read_text()[log:],
    )
    check(scenario, seen)
    record_property("scenario", f"{name} | {seen.state}, {seen.attempts} sent | {time.monotonic() - began:.1f}")


def state(result):
    if not isinstance(result, WorkflowFailureError):
        return result["status"]
    return "unknown" if result.cause.cause.type == "OutcomeUnknown" else "failed"


def kind(result):
    return result.cause.cause.details[0]["failure"]["kind"] if isinstance(result, WorkflowFailureError) else None
