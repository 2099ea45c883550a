"""The promise that all engines share, kept by Conductor itself: each row of the table on its server, with a worker process."""

import json
import time

import pytest

from engines.conductor.workers import finished, last, one_task
from engines.contract import Seen, check, prepare, scenarios
from engines.sandboxes import waited
from httptask.hosted.host import Host
from httptask.hosted.one_task import OneTask
from httptask.hosted.stores import from_store
from httptask.hosted.turns import Turn, take
from httptask.loader import Library
from httptask.sandbox.options import SandboxOptions

REGISTRY = Library().registry()
TOKEN = SandboxOptions().token
#: Names alone: what they stand for is known when a sandbox runs.
NAMES = [scenario.name for scenario in scenarios({"id": "", "agents": []}, "", TOKEN)]


def prepared(box):
    def run(task, inputs):
        with Host(lambda provider, _: from_store(provider, "box", values, place="test"), "test") as host:
            return take(OneTask(REGISTRY[task], inputs).unit(REGISTRY), Turn("test"), host).outputs

    values = {"baseUrl": box.url, "token": box.token}
    return prepare(run)


@pytest.mark.parametrize("name", NAMES)
def test_the_contract_of_engines(server, box, worker, row, name):
    box.reset()
    pool, scheduled = prepared(box)
    (scenario,) = (each for each in scenarios(pool, scheduled, box.token) if each.name == name)
    one_task(server, "contract", scenario.task, {**scenario.inputs, "httptask": {"retry": scenario.retry}})
    if scenario.script:
        box.play(scenario.match, scenario.script)
    sent, applied = len(box.sent(scenario.match)), box.applied(scenario.operation)
    if scenario.kill:
        worker.kills_itself(scenario.kill)
    began = time.monotonic()
    run = server.call("POST", "/workflow/contract", {})
    if scenario.kill:
        worker.revive()
    task = last(finished(server, run), "call")
    seen = seen_of(server, task)
    entries = box.sent(scenario.match)[sent:]
    whole = Seen(seen[0], len(entries), box.applied(scenario.operation) - applied, waited(entries), *seen[1:])
    check(scenario, whole)
    row((name, f"{task['status']} ({whole.kind or 'no failure'}), sent {whole.attempts}", time.monotonic() - began))


def seen_of(server, task):
    """What a person sees: state, kind of failure, and everything in words."""
    own = task["outputData"]["httptask"]
    logs = server.call("GET", f"/tasks/{task['taskId']}/log")
    state = "unknown" if own.get("error") == "OutcomeUnknown" else own["status"]
    assert task["status"] == ("COMPLETED" if state == "succeeded" else "FAILED_WITH_TERMINAL_ERROR")
    assert (task.get("reasonForIncompletion") or "").startswith(own.get("error", ""))
    kind = own["failure"]["kind"] if own.get("failure") else None
    return state, kind, json.dumps([task["outputData"], task.get("reasonForIncompletion"), logs])
