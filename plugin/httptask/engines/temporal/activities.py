"""The one activity behind every name: takes a turn of a task, or of a unit of a workflow, and reports it in Temporal's words."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from httptask.engines.temporal.jobs import Job, Jobs
from httptask.engines.temporal.lease import IS_HELD
from httptask.engines.temporal.names import LARGEST, UNIT, length
from httptask.engines.temporal.pulse import BEATS, Pulse, server_of
from httptask.engines.temporal.started import Started
from httptask.errors import HttpTaskError
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.performing import Done, perform, told
from httptask.hosted.turns import OUTCOME_UNKNOWN, Again, Ended, Turn

Activity = Callable[[Sequence[RawValue]], Coroutine[Any, Any, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Turns:
    """Takes turns, each in a thread of its own, whatever the event loop does beside it."""

    host: Host
    jobs: Jobs
    started: Started
    threads: ThreadPoolExecutor

    def activity(self) -> Activity:
        """Return the activity: it answers to every name, because a workflow brings tasks along that no worker has files of."""

        @activity.defn(dynamic=True)
        async def httptask_turn(args: Sequence[RawValue]) -> dict[str, Any]:
            return await self.take([activity.payload_converter().from_payload(each.payload) for each in args])

        return httptask_turn

    async def take(self, args: Sequence[Any]) -> dict[str, Any]:
        """Take one turn and return what came of it.

        Raises:
            ApplicationError: it did not succeed; whether and when it is to be taken again is said in it.

        """
        info = activity.info()
        kept: Mapping[str, Any] = next(iter(info.heartbeat_details), {"mark": None, "open": False})
        lost = kept.get("open") is not False  # what another version wrote is taken to be open
        beat = info.heartbeat_timeout
        pulse = Pulse(server_of(info), kept, beat.total_seconds() / BEATS if beat else None)
        IS_HELD.set(pulse.is_held)
        try:
            async with pulse.beating():
                job = await self._job(args, pulse, lost=lost)
                done = await self._turn(job, pulse, lost=lost)
        except HttpTaskError as error:
            raise ApplicationError(str(error), type=OUTCOME_UNKNOWN if lost else error.kind, non_retryable=True) from None
        return await _reported(done, job, pulse)

    async def _job(self, args: Sequence[Any], pulse: Pulse, *, lost: bool) -> Job:
        info = activity.info()
        given = args[0] if args and isinstance(args[0], Mapping) else {}
        try:
            argument = await self.started.argument(activity.client(), info) if UNIT in given else None
        except RPCError:
            if not lost:  # nothing was sent: this attempt is no lost one for the next
                await pulse.close(pulse.kept.get("mark"))
            raise
        return await self._threaded(lambda: self.jobs.job(info, args, argument, lost=lost))

    async def _turn(self, job: Job, pulse: Pulse, *, lost: bool) -> Done | Again:
        if isinstance(job.unit, Ended):
            return job.unit
        info, loop, unit = activity.info(), asyncio.get_running_loop(), job.unit

        def keep(found: Mark) -> None:
            storing = pulse.store({**pulse.kept, "mark": found.to_json()})
            asyncio.run_coroutine_threadsafe(storing, loop).result()

        mark = Mark.from_json(pulse.kept.get("mark") or job.mark)
        most = info.retry_policy.maximum_attempts if info.retry_policy else 0
        allowed = most if most and job.alone else None
        turn = Turn(job.key, mark, lost, allowed, last=bool(most) and info.attempt >= most, keep=keep)
        return await self._threaded(lambda: perform(unit, turn, self.host, job.more))

    async def _threaded(self, work: Callable[[], Any]) -> Any:
        """Do something in a thread, to its end: a cancelled request is still answered, and the answer reported."""
        context = contextvars.copy_context()
        working = asyncio.get_running_loop().run_in_executor(self.threads, context.run, work)
        while True:
            try:
                return await asyncio.shield(working)
            except asyncio.CancelledError:
                if working.cancelled():
                    raise


async def _reported(done: Done | Again, job: Job, pulse: Pulse) -> dict[str, Any]:
    match done:
        case Again(wait, mark, "poll", reason):
            return {"again": {"mark": mark.to_json(), "key": job.key}, "wait": wait, "reason": reason}
        case Again(wait, mark, _, reason, so_far):
            await pulse.close(mark.to_json())
            raise ApplicationError(
                reason,
                type=so_far.error if so_far else "retry",
                next_retry_delay=timedelta(seconds=wait),
                category=ApplicationErrorCategory.BENIGN,
            )
        case Ended() if not done.goes_on:
            raise ApplicationError(done.message, _fitting(_said(done, job)), type=done.error, non_retryable=True)
        case _:
            return _fitting(_said(done, job))


def _said(done: Done, job: Job) -> dict[str, Any]:
    data = told(done)
    if isinstance(done, Ended) and done.withheld:
        activity.logger.warning("these outputs hold a secret or too much and are not passed on: %s", ", ".join(done.withheld))
    return {name: value for name, value in data.items() if name not in {"result", "goesOn"}} if job.alone else data


def _fitting(data: dict[str, Any]) -> dict[str, Any]:
    """Return what fits into a payload: the response of the outcome is left out where it does not.

    Raises:
        ApplicationError: it does not fit even so.

    """
    outcome = data.get("outcome")
    if outcome is not None and length(data) > LARGEST:
        data = {**data, "outcome": {**outcome, "response": None}}
    if length(data) > LARGEST:
        message = f"what came of it has {length(data)} bytes, and Temporal passes at most {LARGEST} on; it was done all the same"
        raise ApplicationError(message, type="tooLarge", non_retryable=True)
    return data
