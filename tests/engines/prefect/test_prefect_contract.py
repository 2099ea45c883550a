"""The promise that all engines share, kept by Prefect's own server and processes."""

import time

import pytest

from engines.contract import check, prepare, scenarios
from engines.prefect.before import Before
from engines.prefect.killing import KILLS, NAMES


@pytest.fixture
def scenario(request, sandbox, player):
    sandbox.reset()
    pool, scheduled = prepare(lambda task, inputs: player(do="outputs", task=task, inputs=inputs, block="sandbox"))
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


@pytest.mark.parametrize("name", KILLS)
def test_the_contract_of_engines_when_the_process_of_a_flow_is_killed(name, killed, api, row):
    found = killed(name)
    row(name, found.end["state"]["name"], found.seconds)
    assert found.left == found.later, "Prefect itself does not run a crashed flow again"
    check(found.plan.before.scenario, found.plan.before.seen(api, found.run))
