"""The promise that all engines share, kept by Prefect's own server and processes."""

import time

import pytest

from engines.contract import Seen, check, prepare, scenarios
from engines.prefect.api import how
from engines.sandboxes import waited

NAMES = [each.name for each in scenarios({"id": "p", "agents": []}, "u", "t")]
KILLS = [name for name in NAMES if "killed" in name]


@pytest.fixture
def scenario(request, sandbox, player):
    sandbox.reset()
    pool, scheduled = prepare(lambda task, inputs: player(do="outputs", task=task, inputs=inputs))
    table = scenarios(pool, scheduled, sandbox.token)
    return next(each for each in table if each.name == request.param)


@pytest.mark.parametrize("scenario", [name for name in NAMES if name not in KILLS], indirect=True, ids=str)
def test_the_contract_of_engines(scenario, sandbox, player, api, row):
    before, began = Before(scenario, sandbox), time.monotonic()
    if scenario.script:
        sandbox.play(scenario.match, scenario.script)
    run = player(do="one", task=scenario.task, inputs=scenario.inputs, use={"retry": scenario.retry})["run"]
    row(scenario.name, api.flow_run(run)["state"]["name"], time.monotonic() - began)
    check(scenario, before.seen(api, run))


@pytest.mark.parametrize("scenario", KILLS, indirect=True, ids=str)
def test_the_contract_of_engines_when_the_process_of_a_flow_is_killed(scenario, sandbox, killed, api, row):
    before, began = Before(scenario, sandbox), time.monotonic()
    run = killed(scenario.kill, "contract", {"task_id": scenario.task, "inputs": scenario.inputs})
    sent = before.sent()
    time.sleep(1)
    assert before.sent() == sent, "Prefect itself does not run a crashed flow again"
    api.retry(run)
    found = api.ended(run, than=2)
    row(scenario.name, found["state"]["name"], time.monotonic() - began)
    check(scenario, before.seen(api, run))


class Before:
    def __init__(self, scenario, sandbox):
        self.scenario, self.sandbox = scenario, sandbox
        self.entries = len(sandbox.sent(scenario.match))
        self.applied = sandbox.applied(scenario.operation)

    def sent(self):
        return self.sandbox.sent(self.scenario.match)[self.entries :]

    def seen(self, api, run):
        state, kind = how(api.flow_run(run))
        applied = self.sandbox.applied(self.scenario.operation) - self.applied
        return Seen(state, len(self.sent()), applied, waited(self.sent()), kind, api.visible(run))
