"""Ends that no real server gives in a moment: what is too large, and a step whose activity ends without our words."""

import asyncio

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio import exceptions
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType

from httptask.engines.temporal.activities import _fitting
from httptask.engines.temporal.names import LARGEST, LOST_WORKERS, length
from httptask.engines.temporal.units import _failed, _policy, begin, unit
from httptask.hosted.outline import Node
from httptask.hosted.walking import Do

DO = Do("send", Node("create", "task", "okta.create_agent_pools_update", attempts=4), {})


def failed(cause):
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
    return _failed(DO, error)


def test_a_step_whose_workers_were_all_lost_is_unknown():
    told = failed(exceptions.TimeoutError("heartbeat", type=TimeoutType.HEARTBEAT, last_heartbeat_details=[]))
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


def test_a_step_that_is_handed_too_much_says_so_before_it_is_sent():
    do = Do("send", DO.node, {"pools": {"status": "succeeded", "outputs": {"value": {"pools": "x" * LARGEST}}}})
    told = asyncio.run(begin(do, unit(do, 0.0, "run", None)))
    assert (told["status"], told["failure"]["kind"]) == ("failed", "expression")
    assert "step 'create' is handed" in told["failure"]["message"]


def test_a_large_response_is_left_out_of_the_outcome_before_anything_else():
    response = {"status": 200, "body": "x" * LARGEST}
    fitting = _fitting({"outputs": {"a": 1}, "outcome": {"ok": True, "response": response}})
    assert fitting == {"outputs": {"a": 1}, "outcome": {"ok": True, "response": None}}
    with pytest.raises(ApplicationError, match="done all the same") as caught:
        _fitting({"outputs": {"a": "é" * (LARGEST // 6)}})
    assert caught.value.non_retryable
    assert length("é") == 8
