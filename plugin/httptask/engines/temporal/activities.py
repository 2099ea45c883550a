"""The one activity behind every name: takes a turn of a task, or of a unit of a workflow, and reports it in Temporal's words."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from traceback import extract_tb
from typing import Any

from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError

from httptask.engines.temporal.fitting import check_kept, fitting, within
from httptask.engines.temporal.jobs import Job, Jobs, may_change
from httptask.engines.temporal.lease import LEASE, Lease
from httptask.engines.temporal.names import MOST_SAID, UNIT
from httptask.engines.temporal.pulse import BEATS, Pulse, server_of
from httptask.engines.temporal.started import Started
from httptask.errors import HttpTaskError
from httptask.hosted.given import given
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark, is_open
from httptask.hosted.performing import Done, perform, told
from httptask.hosted.turns import OUTCOME_UNKNOWN, Again, Ended, Turn

Activity = Callable[[Sequence[RawValue]], Coroutine[Any, Any, dict[str, Any]]]


class TurnBroken(HttpTaskError):
    """A turn met a fault of the program."""

    @classmethod
    def by(cls, error: Exception) -> TurnBroken:
        """Return what tells the fault's type and place; its message may hold a value."""
        place = extract_tb(error.__traceback__)[-1]
        at = f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}"
        return cls(f"a fault of httptask: {at} (it would be the same again; report it with this line)")


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
        job: Job | None = None
        try:
            async with pulse.beating():
                job = await self._job(args, pulse, lost=lost)
                done = await self._turn(job, pulse, lost=lost)
        except HttpTaskError as error:
            kind = OUTCOME_UNKNOWN if (lost or pulse.has_sent) and may_change(args, job) else error.kind
            raise ApplicationError(str(error), type=kind, non_retryable=True) from None
        return await _reported(done, job, pulse)

    async def _job(self, args: Sequence[Any], pulse: Pulse, *, lost: bool) -> Job:
        info = activity.info()
        first = args[0] if args and isinstance(args[0], Mapping) else {}
        try:
            argument = await self.started.argument(activity.client(), info) if UNIT in first else None
        except RPCError:
            if not lost:  # nothing was sent: this attempt is no lost one for the next
                await pulse.close(pulse.kept.get("mark"))
            raise
        return await self._threaded(lambda: self.jobs.job(info, args, argument))

    async def _turn(self, job: Job, pulse: Pulse, *, lost: bool) -> Done | Again:
        info, loop = activity.info(), asyncio.get_running_loop()
        LEASE.set(Lease.of(job.unit, pulse.lets_send))

        def keep(found: Mark) -> None:
            kept = {**pulse.kept, "mark": found.to_json()}
            check_kept(kept, "verifyBefore" if job.alone else "verify: {before: true}")
            asyncio.run_coroutine_threadsafe(pulse.store(kept), loop).result()

        mark = Mark.from_json(pulse.kept.get("mark") or job.mark)
        most = info.retry_policy.maximum_attempts if info.retry_policy else 0
        allowed = most if most and job.alone else None
        last, since = bool(most) and info.attempt >= most, info.scheduled_time.timestamp()
        turn = Turn(job.key, mark, lost, allowed, last, since, keep=keep)
        return await self._threaded(lambda: self._performed(job, turn))

    def _performed(self, job: Job, turn: Turn) -> Done | Again:
        pending = turn.lost or is_open(turn.mark.entries)
        try:
            unit = job.unit if job.alone else given(job.unit, pending=pending)
            return unit if isinstance(unit, Ended) else perform(unit, turn, self.host, job.more)
        except (HttpTaskError, RPCError):
            raise
        except Exception as error:  # noqa: BLE001 - the next attempt would meet the same fault, and take this one for a lost worker
            raise TurnBroken.by(error) from None

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
        case _:
            return _said(within(done, job.unit), job)


def _said(done: Done, job: Job) -> dict[str, Any]:
    data = fitting(told(done))
    if data.get("withheld"):
        activity.logger.warning("these hold a secret or too much and are not passed on: %s", ", ".join(data["withheld"]))
    if job.alone:
        data = {name: value for name, value in data.items() if name not in {"result", "goesOn"}}
    if isinstance(done, Ended) and not done.goes_on:
        raise ApplicationError(done.message[:MOST_SAID], data, type=done.error, non_retryable=True)
    return data
