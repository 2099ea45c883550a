"""Ends that no real server gives in a moment: what is too large, and a step whose activity ends without our words."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio import exceptions
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from temporalio.testing import ActivityEnvironment

from httptask.engines.temporal import activities
from httptask.engines.temporal.activities import Turns, _said
from httptask.engines.temporal.ends import Known
from httptask.engines.temporal.fitting import fitting, within
from httptask.engines.temporal.jobs import Job, Jobs, may_change
from httptask.engines.temporal.lease import LEASE
from httptask.engines.temporal.names import LARGEST, LOST_WORKERS, MOST_SAID, length
from httptask.engines.temporal.starting import start_argument
from httptask.engines.temporal.units import _failed, _policy, begin, unit
from httptask.engines.temporal.workflows import _failed as run_failed
from httptask.errors import InputInvalid
from httptask.hosted.decisions import Listed
from httptask.hosted.marks import Mark
from httptask.hosted.one_task import OneTask
from httptask.hosted.outline import Node
from httptask.hosted.packed import unit_from
from httptask.hosted.turns import Ended, Turn
from httptask.hosted.units import Item
from httptask.hosted.walking import Do, End
from httptask.outcome import Failure, FailureKind
from httptask.wiring import registry

FAILURE = Failure(FailureKind.READ_TIMEOUT, "no answer").to_json()
NOTHING = Known()
DO = Do("send", Node("create", "task", "okta.create_agent_pools_update", attempts=4), {})


def failed(cause, do=DO, known=NOTHING):
    error = ActivityError(
        "activity",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="",
        activity_id="",
        retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
    )
    error.__cause__ = cause
    return _failed(do, error, known)


def lost():
    return exceptions.TimeoutError("heartbeat", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[])


def test_a_step_whose_workers_were_all_lost_is_unknown():
    told = failed(lost())
    assert (told["status"], told["goesOn"], told["failure"]["kind"]) == ("unknown", False, "interrupted")
    assert "'create'" in told["failure"]["message"]
    assert _policy(DO).maximum_attempts == 4 + LOST_WORKERS


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ApplicationError("no such task", type="inputInvalid", non_retryable=True), "failed"),
        (ApplicationError("no such task", type="OutcomeUnknown", non_retryable=True), "unknown"),
        (ApplicationError("a bug", type="KeyError"), "unknown"),
    ],
)
def test_a_step_that_ends_without_our_words(error, status):
    assert failed(error)["status"] == status


def test_only_what_may_change_something_is_unknown_when_its_workers_were_lost():
    told = failed(lost(), known=Known(asking=frozenset({"create"})))
    assert (told["status"], told["failure"]["kind"], told["goesOn"]) == ("failed", "interrupted", False)
    for action in ("list", "enter", "ask", "outputs"):
        assert failed(lost(), Do(action, DO.node, {}))["status"] == "failed"


def test_a_run_goes_on_after_a_lost_step_as_its_file_says():
    known = Known(frozenset({"create"}), frozenset({"create"}))
    told = failed(lost(), known=known)
    assert (told["status"], told["goesOn"], told["result"]["handled"]) == ("failed", True, True)
    assert not failed(lost(), known=Known(passed=known.passed))["goesOn"]  # nobody knows


LARGE = {"value": {"pools": "x" * LARGEST}}
EACH = Node("create", "each", "okta.create_agent_pools_update")
GROUP = Node("both", "group", members=(Node("a", "task"), Node("b", "task")))


def gathered(node, results):
    return Do("gather", node, {"pools": {"status": "failed", "outputs": LARGE}, **results}, None, {"expected": 2})


def begun(do, known=NOTHING, again=None):
    return asyncio.run(begin(do, unit(do, 0.0, "run", again), known))


@pytest.mark.parametrize(
    ("node", "results", "status"),
    [
        (EACH, {"create[0]": {"status": "succeeded"}, "create[1]": {"status": "skipped"}}, "succeeded"),
        (EACH, {"create[0]": {"status": "failed"}, "create[1]": {"status": "unknown", "failure": FAILURE}}, "unknown"),
        (GROUP, {"a": {"status": "succeeded"}, "b": {"status": "failed", "failure": FAILURE}}, "failed"),
        (GROUP, {"a": {"status": "succeeded"}, "b": {"status": "failed", "handled": True}}, "succeeded"),
    ],
)
def test_what_items_come_to_does_not_depend_on_their_size_or_on_workers(node, results, status):
    do = gathered(node, results)
    for told in (begun(do), failed(lost(), do)):
        assert told["status"] == status
        assert (told["failure"] or {}).get("kind") == next(
            (r["failure"]["kind"] for r in results.values() if "failure" in r), None
        )


def test_an_unknown_end_within_a_workflow_stays_unknown_whatever_its_size():
    more = {"failed": {"status": "unknown", "failure": FAILURE, "outcome": LARGE, "result": {}}}
    do = Do("leave", Node("inner", "workflow"), {}, None, more)
    for told in (begun(do), failed(lost(), do)):
        assert (told["status"], told["failure"]["kind"]) == ("unknown", "readTimeout")


def test_a_step_that_is_handed_too_much_says_so_before_it_is_sent():
    do = Do("send", DO.node, {"pools": {"status": "succeeded", "outputs": LARGE}})
    told = begun(do, Known(passed=frozenset({"create"})))
    assert (told["status"], told["failure"]["kind"], told["goesOn"]) == ("failed", "expression", True)
    assert "step 'create' is handed" in told["failure"]["message"]
    assert begun(do, again={"mark": None})["status"] == "unknown"


def ended(status="unknown", **more):
    result = {"status": status, "failure": FAILURE, **more.pop("result", {})}
    return Ended(status, result, failure=Failure.from_json(FAILURE), **more)


def test_a_large_response_is_left_out_of_the_outcome_before_anything_else():
    data = ended(outputs={"a": 1}, outcome={"ok": True, "response": {"status": 200, "body": "x" * LARGEST}}).to_json()
    fits = fitting(data)
    assert fits == {**data, "outcome": {"ok": True, "response": None}, "withheld": ["outcome.response"]}
    assert fitting(fits) == fits


@pytest.mark.parametrize("status", ["unknown", "failed", "succeeded"])
def test_no_size_changes_how_a_unit_ended(status):
    wide = "é" * (LARGEST // 6)  # as Temporal writes it: three times what hosted units count
    assert length("é") == 8
    for read, kept, withheld in ((1, {"small": 1}, ["s", "a"]), (wide, {}, ["s", "a", "small", "result.outputs"])):
        result = {"handled": True, "outputs": {"value": read}}
        fits = fitting(ended(status, result=result, outputs={"small": 1, "a": wide}, withheld=("s",)).to_json())
        assert length(fits) <= LARGEST
        assert (fits["status"], fits["goesOn"], fits["failure"], fits["result"]["handled"]) == (status, True, FAILURE, True)
        assert (fits["outputs"], fits["withheld"]) == (kept, withheld)


def test_a_failure_of_many_words_is_told_in_fewer():
    failure = Failure(FailureKind.SERVER_ERROR, "x" * LARGEST)
    fits = fitting(Ended("unknown", {"status": "unknown", "failure": failure.to_json()}, failure=failure).to_json())
    assert (fits["status"], fits["failure"]["message"]) == ("unknown", "x" * MOST_SAID)
    assert fits["result"]["failure"] == fits["failure"]
    error = run_failed(End("unknown", {"failure": {**FAILURE, "message": "x" * LARGEST}}))
    assert (error.type, error.message) == ("OutcomeUnknown", "x" * MOST_SAID)


def test_what_was_left_out_is_told_in_the_log_and_the_error_keeps_its_type(caplog):
    tasks = registry(())
    job = Job(OneTask(tasks["okta.list_agent_pools"]).unit(tasks), "key", alone=True)
    with pytest.raises(ApplicationError) as caught:
        _said(ended(outputs={"a": "x" * LARGEST}), job)
    assert (caught.value.type, caught.value.non_retryable) == ("OutcomeUnknown", True)
    assert caught.value.details[0]["withheld"] == ["a"]
    assert "not passed on: a" in caplog.text


FLOW = """
name: lists
inputs: {type: object, properties: {ticket: {type: string, format: password}}}
steps:
  - id: pools
    task: okta.list_agent_pools
    headers: {X-Ticket: '{{ inputs.ticket }}'}
  - id: counted
    task: okta.list_agent_pools
    idempotent: false
  - id: create
    task: okta.create_agent_pools_update
    continueOnError: true
    forEach: {items: '{{ steps.pools.outputs.pools }}'}
    with: {poolId: '{{ item.id }}', body: {name: once, agentType: AD, agents: []}}
"""


@pytest.fixture
def argument(tmp_path):
    file = tmp_path / "flow.yaml"
    file.write_text(FLOW)
    return start_argument(file, {"ticket": "env:TICKET_THAT_IS_NOT_SET"})


def test_a_run_is_told_which_of_its_steps_change_nothing(argument):
    assert argument["known"] == {"asking": ["pools"], "passed": ["create"]}


def test_a_list_that_is_too_long_ends_its_step_as_the_file_says(argument):
    one = unit_from({**argument, "path": "create", "action": "list"})
    assert within(Listed(()), one) == Listed(())
    told = within(Listed((Item(0, {"value": "x" * LARGEST}),)), one)
    assert (told.status, told.failure.kind, told.goes_on) == ("failed", FailureKind.EXPRESSION, True)


@pytest.mark.parametrize(
    ("path", "action", "status"),
    [("pools", "send", "failed"), ("counted", "send", "unknown"), ("create", "send", "unknown"), ("create", "list", "failed")],
)
def test_a_secret_that_a_worker_lacks_leaves_only_what_may_change_something_unknown(argument, path, action, status):
    one = unit_from({**argument, "path": path, "action": action})
    told = Turns(None, None, None, None)._performed(Job(one, "key"), Turn("key", Mark(), lost=True))
    assert told.status == status
    assert may_change([{"httptask": {"action": action}}], Job(one, "key")) == (status == "unknown")


def test_what_cannot_be_read_may_have_changed_something_unless_it_sends_nothing(argument):
    gone = Job(unit_from({**argument, "path": "gone"}), "key")
    assert may_change([{"httptask": {"action": "send"}}], gone)
    assert may_change([{"httptask": {"action": "send"}}], None)
    assert may_change([], None)
    assert not may_change([{"httptask": {"action": "gather"}}], None)


@pytest.mark.parametrize(("sends", "kind"), [(False, "turnBroken"), (True, "OutcomeUnknown")])
def test_a_fault_of_the_program_ends_a_turn_once_and_is_unknown_only_where_something_was_sent(monkeypatch, sends, kind):
    tasks = registry(())
    one = OneTask(tasks["okta.create_agent_pools_update"], {"poolId": "p", "body": {}}).unit(tasks)

    def fault(*_):
        assert not sends or LEASE.get().is_held()
        raise ValueError("a-secret")

    class Server:
        async def heartbeat(self, kept):
            pass

    monkeypatch.setattr(activities, "server_of", lambda info: Server())
    monkeypatch.setattr(activities, "perform", fault)
    jobs = SimpleNamespace(job=lambda *_: Job(one, "key", alone=True))
    with ThreadPoolExecutor(1) as threads, pytest.raises(ApplicationError) as caught:
        ActivityEnvironment().run(asyncio.run, Turns(None, jobs, None, threads).take([{}, {}]))
    assert (caught.value.type, caught.value.non_retryable, caught.value.__cause__) == (kind, True, None)
    assert "ValueError in test_ends.py" in caught.value.message
    assert "a-secret" not in caught.value.message


def test_arguments_of_another_shape_are_refused_without_a_traceback():
    info = SimpleNamespace(activity_type="okta.list_agent_pools", workflow_run_id="run", activity_id="1")
    with pytest.raises(InputInvalid):
        Jobs(registry(())).job(info, [{"httptask": "a-secret"}], {"definition": None, "inputs": None})
