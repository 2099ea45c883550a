"""One turn of a unit as one execution of a Prefect task run: what was known of it, the turn, and what Prefect is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import AwaitingRetry, Completed, Scheduled

from httptask.engines.prefect.ends import failure_of
from httptask.engines.prefect.ledger import Ledger, Record
from httptask.engines.prefect.places import Place
from httptask.engines.prefect.telling import run_logger
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.turns import Again, Ended, Turn, take
from httptask.hosted.units import Unit


@dataclass(frozen=True, slots=True)
class Call:
    """A unit that sends, and what it is known by.

    Attributes:
        name: in the ledger.
        key: of the run, for idempotency keys.
        place: where the execution stands that does it now.

    """

    unit: Unit
    name: str
    key: str
    place: Place
    ledger: Ledger
    host: Host

    def begin(self, mark: Mark) -> None:
        """Note that a request may leave from now on.

        Whoever takes the run over reads the ledger after Prefect counted its execution. So the count is looked at after writing:
        either we see the other, or the other sees this. And before it, so that nothing is written over what the other one noted.

        Raises:
            CannotGoOn: Prefect took the run away from this process.

        """
        self.place.check()
        self.ledger.begin(self.name, mark, task_run(), now=self.host.clock.now())
        self.place.check()


@dataclass(frozen=True, slots=True)
class Done:
    """A unit is over; `kept`: an earlier execution of the flow run did it, and nothing was sent now."""

    ended: Ended
    kept: bool = False


def turned(call: Call) -> Done | State[Any]:
    """Take one turn; return how the unit ended, or the state that makes Prefect come again."""
    known = call.ledger.of(call.name)
    if known is not None and known.is_over and known.told is not None:
        return Done(Ended.from_json(known.told), kept=True)
    mark = _mark(known)
    lost = known is not None and known.is_open
    if call.unit.may_change:
        call.begin(mark)
    since = 0.0 if known is None else known.since
    came = take(call.unit, Turn(call.key, mark, lost, since=since, keep=call.begin, varies=True), call.host)
    if isinstance(came, Again):
        if call.unit.may_change:
            call.place.check()  # what another process has settled by now must not be opened again
        call.ledger.again(call.name, came, task_run())
        return _due(came)
    begun = call.ledger.of(call.name)  # with what was about to be sent, where something was
    call.ledger.end(call.name, came, mark if begun is None else begun.mark, task_run())
    return Done(came)


def told_to_prefect(done: Done) -> dict[str, Any] | State[Any]:
    """Return what a task run of a workflow's step returns: its outputs, or a state that says more than that it went well.

    Raises:
        HttpTaskFailed: the unit did not succeed, and the workflow does not go on.

    """
    ended, outputs = done.ended, outputs_of(done)
    if done.kept:
        return Completed(name="Kept", message="done by an earlier execution of this flow run", data=outputs)
    if ended.status == "skipped":
        return Completed(name="Skipped", message="its condition does not hold", data=outputs)
    if ended.failure is not None:
        return Completed(name="FailedButContinued", message=f"{ended.error}: {ended.message}", data=outputs)
    return outputs


def outputs_of(done: Done) -> dict[str, Any]:
    """Return the named outputs, and tell the log which ones are missing.

    Raises:
        HttpTaskFailed: the unit did not succeed, and nothing goes on after it.

    """
    if done.kept:
        run_logger().info("done by an earlier execution of this flow run: nothing is sent")
    if not done.ended.goes_on:
        raise failure_of(done.ended)
    if done.ended.withheld:
        names = ", ".join(done.ended.withheld)
        run_logger().info("not handed to Prefect, because they are secret or too large: %s", names)
    return dict(done.ended.outputs)


def at(seconds: float) -> datetime:
    """Return the moment that is so many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def _mark(known: Record | None) -> Mark:
    """Return what the turn goes on from; a unit that is known to have failed begins anew."""
    return Mark() if known is None or known.begins_anew else known.mark


def _due(again: Again) -> State[Any]:
    if again.why == "poll":
        return Scheduled(name="Polling", scheduled_time=at(again.wait), message=again.reason)
    return AwaitingRetry(scheduled_time=at(again.wait), message=again.reason)


def task_run() -> UUID | None:
    """Return the id of the task run that this code belongs to."""
    context = TaskRunContext.get()
    return None if context is None else context.task_run.id
