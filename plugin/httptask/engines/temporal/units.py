"""Units as activities, seen from a workflow: what they are called and told, and what is kept of what they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from httptask.engines.temporal.ends import Known, by_itself, summed_up
    from httptask.engines.temporal.names import DECIDE, HEARTBEAT, LARGEST, LONGEST_TURN, LOST_WORKERS, UNIT, length
    from httptask.hosted.turns import OUTCOME_UNKNOWN
    from httptask.hosted.walking import Do
    from httptask.outcome import Failure, FailureKind


def identity(do: Do) -> str:
    """Return what names a unit within its run, and its activity in the engine's UI."""
    index = "" if do.item is None else f"[{do.item['index']}]"
    return f"{do.node.path}{index}" if do.action == "send" else f"{do.node.path}{index}:{do.action}"


def unit(do: Do, began: float, key: str, again: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the argument of a unit's activity; the definition and the inputs stand in the run's own argument."""
    data: dict[str, Any] = {"path": do.node.path, "action": do.action, "results": dict(do.results), "began": began, "key": key}
    data |= {"item": dict(do.item)} if do.item is not None else {}
    data |= {"more": dict(do.more)} if do.more else {}
    return {UNIT: data | ({"again": dict(again)} if again is not None else {})}


async def begin(do: Do, data: Mapping[str, Any], known: Known) -> Mapping[str, Any]:
    """Run a unit's activity and return what came of it, however it ended."""
    if (most := length(data)) > LARGEST:
        return _too_much(do, most, known, polled="again" in data[UNIT])
    try:
        told: Mapping[str, Any] = await workflow.execute_activity(
            (do.node.task or DECIDE) if do.action == "send" else DECIDE,
            data,
            activity_id=identity(do),
            summary=do.node.summary or None,
            start_to_close_timeout=LONGEST_TURN,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=_policy(do),
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        told = _failed(do, error, known)
    task = asyncio.current_task()
    if task is not None and task.cancelling():  # what was under way has ended, and its answer is in the history
        raise asyncio.CancelledError
    return told


def kept(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an answer what the walk reads again: what ended the run whole, of others no outcome."""
    if "result" not in told or not told["goesOn"]:
        return dict(told)
    return {**told, "outputs": {}, "withheld": [], "outcome": None}


def _policy(do: Do) -> RetryPolicy:
    """Return how often the server begins a unit: as often as the task's own policy, which decides, and for lost workers."""
    return RetryPolicy(
        initial_interval=timedelta(seconds=1),
        maximum_interval=timedelta(minutes=1),
        maximum_attempts=do.node.attempts + LOST_WORKERS,
    )


def _too_much(do: Do, most: int, known: Known, *, polled: bool) -> Mapping[str, Any]:
    """Return the end of a unit that reads too much to be begun; what it would only have summed up has ended as it has."""
    summed = summed_up(do, known)
    if summed is not None:
        return summed
    hint = "read less of earlier steps: name the fields that are needed, or give them outputs"
    message = f"step '{do.node.path}' is handed {most} bytes of earlier steps, and Temporal passes at most {LARGEST}"
    return by_itself(do, Failure(FailureKind.EXPRESSION, message, hint), known, pending=polled)


def _failed(do: Do, error: ActivityError, known: Known) -> Mapping[str, Any]:
    """Return the end of a unit whose activity failed: what the activity itself says of it, else what can be known without it."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        if cause.details and isinstance(cause.details[0], Mapping) and "goesOn" in cause.details[0]:
            told: Mapping[str, Any] = cause.details[0]
            return told
        if cause.non_retryable and cause.type != OUTCOME_UNKNOWN:
            return summed_up(do, known) or by_itself(do, Failure(FailureKind.INPUT, cause.message), known)
    message = f"no worker came to an end with step '{do.node.path}': {cause or error}"
    failure = Failure(FailureKind.INTERRUPTED, message, "look at the server and the workers before starting it again")
    return summed_up(do, known) or by_itself(do, failure, known, pending=True)
