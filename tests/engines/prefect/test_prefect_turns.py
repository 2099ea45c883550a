"""What a turn notes and goes on from, with Prefect's server in memory: else it takes a process that dies at the right moment."""

import importlib
import importlib.util
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from contextvars import copy_context
from pathlib import Path
from types import SimpleNamespace

import pytest

from hosting import Killed, MemoryEngine
from httptask.hosted.marks import Mark
from httptask.hosted.one_task import OneTask
from httptask.hosted.outline import outlined
from httptask.hosted.turns import Again, Ended
from httptask.hosted.units import Unit
from httptask.loader import load_workflow

HERE = Path(__file__).resolve().parent


class Server:
    """Artifacts and a flow run, as far as the adapter asks for them."""

    def __init__(self):
        self.run, self.run_count, self.artifacts = uuid.uuid4(), 1, []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def read_flow_run(self, _run):
        return SimpleNamespace(run_count=self.run_count, state=None)

    def create_artifact(self, created):
        self.artifacts.append(SimpleNamespace(id=uuid.uuid4(), data=created.data, updated=len(self.artifacts)))
        return self.artifacts[-1]

    def update_artifact(self, artifact, update):
        [found] = [each for each in self.artifacts if each.id == artifact]
        found.data, found.updated = update.data, 1 + max(each.updated for each in self.artifacts)

    def read_artifacts(self, *, limit, offset, **_which):
        return self.artifacts[offset : offset + limit]


@pytest.fixture
def server(monkeypatch, tmp_path):
    if importlib.util.find_spec("prefect") is None:
        pytest.skip("Prefect is not installed here: tests/engines/run prefect")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    found = Server()
    for name in ("ledger", "places"):
        monkeypatch.setattr(_module(name), "get_client", lambda **_: found)
    return found


@pytest.fixture
def engine():
    return MemoryEngine()


def _module(name):
    return importlib.import_module(f"httptask.engines.prefect.{name}")


def execution(server, engine, unit):
    """Return the call of a unit in an execution of the flow run that Prefect begins now."""
    place = _module("places").Place(server.run, counts=((server.run, server.run_count),))
    return _module("turning").Call(unit, unit.use, place.key, place, _module("ledger").Ledger(place), engine.host)


def reading(engine, **use):
    return OneTask.used(engine.registry["okta.list_agent_pools"], {"poolType": "AD"}, use).unit(engine.registry)


def test_what_the_server_had_done_is_not_sent_again_because_its_answer_could_not_be_read(server, engine):
    turning = _module("turning")
    workflow = load_workflow(HERE / "unreadable.yaml", engine.registry)
    pools = turning.turned(execution(server, engine, Unit(workflow, engine.registry, "pools", {}))).ended
    unit = Unit(workflow, engine.registry, "create", {}, results={"pools": pools.result})
    first = turning.turned(execution(server, engine, unit))
    server.run_count = 2
    again = turning.turned(execution(server, engine, unit))
    assert [each.partition(" ")[0] for each in engine.wire.sent] == ["GET", "POST"]
    assert again.kept
    assert again.ended == first.ended
    with pytest.raises(_module("ends").HttpTaskFailed, match="expression"):
        turning.told_to_prefect(again)


def test_a_read_that_is_said_not_to_be_repeatable_is_noted_and_not_repeated_when_it_was_lost(server, engine, monkeypatch):
    unit, turned = reading(engine, idempotent=False), _module("turning").turned
    with monkeypatch.context() as dying:
        dying.setattr(engine.wire, "send", _dies)
        with pytest.raises(Killed):
            turned(execution(server, engine, unit))
    server.run_count = 2
    assert turned(execution(server, engine, unit)).ended.status == "unknown"
    assert engine.wire.sent == []


def test_a_read_that_was_lost_is_not_noted_and_sent_again(server, engine, monkeypatch):
    unit, turned = reading(engine), _module("turning").turned
    with monkeypatch.context() as dying:
        dying.setattr(engine.wire, "send", _dies)
        with pytest.raises(Killed):
            turned(execution(server, engine, unit))
    assert server.artifacts == []
    assert turned(execution(server, engine, unit)).ended.status == "succeeded"


def _dies(*_request):
    raise Killed


def test_a_process_that_was_given_up_writes_nothing(server, engine):
    call = execution(server, engine, reading(engine, idempotent=False))
    server.run_count = 2
    with pytest.raises(_module("ends").CannotGoOn, match="took this flow run away"):
        _module("turning").turned(call)
    assert (server.artifacts, engine.wire.sent) == ([], [])


def test_what_is_over_is_not_shadowed_by_a_later_note_of_a_process_that_was_given_up(server, engine):
    unit = reading(engine, idempotent=False)
    old, new = execution(server, engine, unit), execution(server, engine, unit)
    new.ledger.end(unit.use, Ended("succeeded", {"status": "succeeded"}), Mark(), None)
    old.ledger.begin(unit.use, Mark(), None, now=0)
    assert [each.data["phase"] for each in server.artifacts] == ["ended", "begun"]
    assert _module("turning").turned(execution(server, engine, unit)).kept
    assert engine.wire.sent == []


def walked(server, engine, monkeypatch, file):
    """Do an execution of a workflow's flow run that Prefect begins now, and return its end."""
    place = _module("places").Place(server.run, counts=((server.run, server.run_count),))
    workflow = load_workflow(HERE / file, engine.registry)
    book = _module("ledger").Ledger(place)
    run = _module("walked").Run(workflow, engine.registry, {}, engine.host, book, place, engine.clock.now(), 60)
    monkeypatch.setattr(_module("walked").Run, "_as_task", _in_place)
    return _module("flows")._end(run, outlined(workflow, engine.registry, engine="Prefect"))


def _in_place(_run, _name, _use, work, **_options):
    with suppress(_module("ends").HttpTaskFailed):
        work()


def sent(engine):
    """The requests so far, each by its method and the last piece of its path; none of them is told again."""
    said = [each.partition("?")[0] for each in engine.wire.sent]
    engine.wire.sent.clear()
    return [
        f"{each.partition(' ')[0]} {'ID' if '/updates/' in each and 'settings' not in each else each.split('/')[-1]}"
        for each in said
    ]


_ID = re.compile(r"(?<=/updates)/(?!settings)[^/]+")
SETTINGS = "GET /api/v1/agentPools/*/updates/settings"


def test_once_the_undoing_has_begun_nothing_else_is_done_any_more(server, engine, monkeypatch):
    engine.play([(SETTINGS, "404, ok")])
    first = walked(server, engine, monkeypatch, "made_and_deleted.yaml")
    assert sent(engine) == ["GET agentPools", "POST updates", "GET settings", "DELETE ID"]
    server.run_count = 2
    again = walked(server, engine, monkeypatch, "made_and_deleted.yaml")
    assert sent(engine) == []
    assert (again.status, again.told) == (first.status, first.told) == ("failed", again.told)
    assert again.told["failure"]["kind"] == "notFound"


def test_what_is_left_of_the_undoing_is_done_by_the_next_execution(server, engine, monkeypatch):
    engine.play([(SETTINGS, "404, ok"), ("DELETE /api/v1/agentPools/*/updates/*", "400, ok")])
    walked(server, engine, monkeypatch, "made_and_deleted.yaml")
    assert sent(engine)[-1] == "DELETE ID"
    server.run_count = 2
    end = walked(server, engine, monkeypatch, "made_and_deleted.yaml")
    assert sent(engine) == ["DELETE ID"]
    assert (end.status, end.told["failure"]["kind"]) == ("failed", "notFound")


def test_a_process_that_was_given_up_begins_no_undoing(server, engine, monkeypatch):
    engine.play([(SETTINGS, "404")])
    monkeypatch.setattr(engine.wire, "send", _taken_away(server, engine.wire.send, "settings"))
    with pytest.raises(_module("ends").CannotGoOn, match="took this flow run away"):
        walked(server, engine, monkeypatch, "made_and_deleted.yaml")
    assert sent(engine)[-1] == "GET settings"
    assert [each.data["unit"] for each in server.artifacts if each.data["unit"] == "(undoing)"] == []


TWO_CREATED = """
name: two_created
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: create
    task: okta.create_agent_pools_update
    forEach: '{{ steps.pools.outputs.pools[:2] }}'
    with:
      poolId: '{{ item.id }}'
      body: {name: open, agentType: AD, agents: '{{ item.agents }}', notifyAdmin: false}
onFailure:
  - id: look
    task: okta.list_agent_pools
"""


def test_a_run_in_which_something_is_open_is_unknown_and_undoes_nothing(server, engine, monkeypatch, tmp_path):
    (tmp_path / "two_created.yaml").write_text(TWO_CREATED)
    engine.play([("POST /api/v1/agentPools/*/updates", "400")])
    execution(server, engine, reading(engine)).ledger.begin("create[1]", Mark(), None, now=0)
    server.run_count = 2
    end = walked(server, engine, monkeypatch, tmp_path / "two_created.yaml")
    assert sent(engine) == ["GET agentPools", "POST updates"]
    assert (end.status, end.told["failure"]["kind"]) == ("unknown", "interrupted")
    assert "create[1]" in end.told["failure"]["message"]
    with pytest.raises(_module("ends").OutcomeUnknown, match=r"this execution ended with: .*400"):
        _module("flows")._result(end)


def _taken_away(server, send, word):
    """Return a way to send during which Prefect begins the flow run again elsewhere, when the word is in the address."""

    def sends(request, timeouts):
        server.run_count += word in request.url
        return send(request, timeouts)

    return sends


def test_what_another_process_did_between_two_executions_in_this_one_is_known(server, engine):
    calls_of, name = _module("calls").calls_of, "okta.create_agent_pools_update#0[0]"
    here = execution(server, engine, reading(engine)).place
    assert calls_of(here) is calls_of(here)
    assert calls_of(here).ledger.of(name) is None
    server.run_count = 2
    execution(server, engine, reading(engine)).ledger.begin(name, Mark(), None, now=0)
    server.run_count = 3
    assert calls_of(execution(server, engine, reading(engine)).place).ledger.of(name).is_open


def test_calls_are_numbered_as_the_flow_hands_them_out_whichever_begins_first(server):
    order, numbers, begun = _module("order"), _module("calls").Calls(None).numbers, []
    runs = [SimpleNamespace(task_run_id=uuid.uuid4()) for _ in range(3)]

    def hand_out():
        with ThreadPoolExecutor(1) as lane:
            begun.append(copy_context())
            early = lane.submit(begun[0].run, order.handed)  # a thread may begin before the next call is handed out
        assert early.result() is order.handed()
        return runs

    assert order.in_order(lambda: numbers("create"), hand_out) == runs
    assert order.handed() is None
    found = [begun[0].run(lambda run=run: order.handed().number(run.task_run_id)) for run in reversed(runs)]
    assert found == [2, 1, 0]
    assert next(numbers("create")) == 3
    assert next(numbers("other")) == 0


def test_a_call_that_a_flow_did_not_finish_handing_out_is_not_sent(server):
    order, begun = _module("order"), []

    def hand_out():
        begun.append(order.handed())
        raise KeyError

    with pytest.raises(KeyError):
        order.in_order(lambda: iter([0]), hand_out)
    with pytest.raises(_module("ends").CannotGoOn, match="nothing is sent"):
        begun[0].number(uuid.uuid4())


ENDS = [
    (Ended("succeeded", {"status": "succeeded"}), True),
    (Ended("unknown", {"status": "unknown"}), True),
    (Ended("failed", {"status": "failed", "final": True}), True),
    (Ended("failed", {"status": "failed"}), False),
]


@pytest.mark.parametrize(("ended", "refuses"), ENDS)
def test_a_call_that_is_known_by_its_step_is_not_taken_for_one_with_other_inputs(ended, refuses, server, engine):
    calls_of = _module("calls").calls_of
    calls = calls_of(execution(server, engine, reading(engine)).place)
    calls.given("create[0]", "some")
    calls.ledger.end("create[0]", ended, Mark(), None)
    server.run_count = 2
    calls = calls_of(execution(server, engine, reading(engine)).place)
    with pytest.raises(_module("ends").CannotGoOn, match="called with other inputs") if refuses else nullcontext():
        calls.given("create[0]", "other")
    calls.given("create[0]", "some")
    calls.given("create[1]", "other")


def test_what_a_call_is_given_stays_with_its_record_in_each_turn(server, engine):
    calls_of = _module("calls").calls_of
    calls = calls_of(execution(server, engine, reading(engine)).place)
    calls.given("create[0]", "some")
    calls.ledger.begin("create[0]", Mark(), None, now=0)
    calls.ledger.again("create[0]", Again(1.0, Mark(), "retry", "429"), None)
    server.run_count = 2
    with pytest.raises(_module("ends").CannotGoOn, match=r"create\[0\] was called with other inputs"):
        calls_of(execution(server, engine, reading(engine)).place).given("create[0]", "other")


def test_a_record_says_since_when_something_may_have_been_sent_until_the_unit_is_known_to_have_failed(
    server, engine, monkeypatch
):
    turned, unit, began = _module("turning").turned, reading(engine, idempotent=False), engine.clock.now()
    engine.play([("GET /api/v1/agentPools", "429(Retry-After=5), ok")])
    turned(execution(server, engine, unit))
    engine.clock.advance(5)
    with monkeypatch.context() as dying:
        dying.setattr(engine.wire, "send", _dies)
        with pytest.raises(Killed):
            turned(execution(server, engine, unit))
    server.run_count = 2
    found = execution(server, engine, unit).ledger.of(unit.use)
    assert (found.phase, found.since) == ("begun", began)
    assert turned(execution(server, engine, unit)).ended.status == "unknown"
    assert execution(server, engine, unit).ledger.of(unit.use).since == began


def test_a_unit_that_is_tried_anew_was_not_sent_before_that(server, engine):
    turned, unit = _module("turning").turned, reading(engine, idempotent=False)
    engine.play([("GET /api/v1/agentPools", "400, ok")])
    turned(execution(server, engine, unit))
    engine.clock.advance(60)
    server.run_count = 2
    assert turned(execution(server, engine, unit)).ended.status == "succeeded"
    assert execution(server, engine, unit).ledger.of(unit.use).since == engine.clock.now()
