"""The promise that all engines share, kept by what is below their adapters: contract.py's table, with an engine in memory."""

import json

import pytest

from engines.contract import READ_TIMEOUT, Seen, check, prepare, scenarios
from hosting import TOKEN, MemoryEngine
from httptask.hosted.one_task import OneTask
from httptask.hosted.turns import Ended


def prepared(engine):
    def run(task, inputs):
        return engine.run(OneTask(engine.registry[task], inputs).unit(engine.registry)).outputs

    return prepare(run)


POOL, UPDATE = prepared(MemoryEngine())
TABLE = scenarios(POOL, UPDATE, TOKEN)


@pytest.mark.parametrize("scenario", TABLE, ids=lambda scenario: scenario.name)
def test_the_contract_of_engines(scenario):
    engine = MemoryEngine(retry={"readTimeout": READ_TIMEOUT})
    assert prepared(engine) == (POOL, UPDATE)
    before = engine.applied(scenario.operation)
    engine.play([(scenario.match, scenario.script)] if scenario.script else [])
    engine.wire.kills[:] = [scenario.kill] if scenario.kill else []
    engine.wire.sent.clear()
    ended = engine.run(
        OneTask.used(engine.registry[scenario.task], scenario.inputs, {"retry": scenario.retry}).unit(engine.registry)
    )
    assert isinstance(ended, Ended)
    seen = Seen(
        state=ended.status,
        attempts=sum(line.partition("?")[0] == scenario.match for line in engine.wire.sent),
        applied=engine.applied(scenario.operation) - before,
        wait=sum(engine.waits),
        kind=ended.failure.kind.value if ended.failure else None,
        visible=json.dumps([ended.outputs, ended.outcome, ended.result, ended.message, *map(repr, engine.turns)]),
    )
    check(scenario, seen)
