"""One unit in one op: its turns, told to the ledger; its end, in Dagster's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster import Failure, MetadataValue, OpExecutionContext, RetryRequested

from httptask.engines.dagster.ledger import Ledger, Past
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.performing import Done, perform
from httptask.hosted.turns import Again, Ended, Turn, take
from httptask.hosted.units import Unit


@dataclass(frozen=True, slots=True)
class Bench:
    """What the units of one op are done with."""

    context: OpExecutionContext
    host: Host
    ledger: Ledger


def decide(bench: Bench, unit: Unit, more: Mapping[str, Any]) -> Done:
    """Do a unit that sends nothing: to do it again after a lost worker changes nothing."""
    done = perform(unit, Turn(bench.ledger.root), bench.host, more)
    if isinstance(done, Again):
        raise TypeError("a unit that sends nothing is over at once")
    return done


@dataclass(frozen=True, slots=True)
class Sending:
    """A unit that sends.

    Attributes:
        use: names it within the run.
        key: part of idempotency keys, where the unit's own path does not tell it from others of the run.
        in_place: the op itself waits before another attempt, because a step that waits for its retry makes room for other items.
        shares_op: the op does other units too, and may fail for one of them: that this one went well is told, and not left to it.

    """

    bench: Bench
    unit: Unit
    use: str
    in_place: bool = False
    shares_op: bool = False
    key: str = ""

    def run(self) -> Ended:
        """Take turns until the unit is over.

        Raises:
            RetryRequested: another attempt may be made; what is needed for it is in the ledger.
            Failure: the run was ended meanwhile.

        """
        past = self.bench.ledger.past(self.use)
        if past.stands is not None:
            message = "%s: %s already, and not to be sent again: nothing is sent"
            self.bench.context.log.info(message, self.use, past.stands.status)
            return past.stands
        if past.is_open:
            self.bench.context.log.warning("%s: an earlier worker may have sent a request, and nobody told its end", self.use)
        mark, lost = past.mark, past.is_open
        self._rest(past)
        while True:
            done = self._turn(past, mark, lost=lost)
            if isinstance(done, Ended):
                return self._told(done)
            self._wait(done)
            mark, lost = done.mark, False

    def _turn(self, past: Past, mark: Mark, *, lost: bool) -> Ended | Again:
        since = self.bench.ledger.since if lost else 0.0
        turn = Turn(self._key(past), mark, lost, since=since, keep=self._keep, varies=True)
        self._begin(turn)
        done = take(self.unit, turn, self.bench.host)
        if isinstance(done, Again):
            self._mark(done.mark, done.wait, f"{done.reason}; again in {done.wait:g} s")
        return done

    def _begin(self, turn: Turn) -> None:
        """Tell that a turn begins, and only then ask whether the run goes on.

        A run that goes on with this one begins after this one was ended: either it finds the turn told, or we find the end here.

        Raises:
            Failure: the run was ended.

        """
        self.bench.ledger.tell(self.use, "begun", f"{self.use}: turn {turn.number} begins")
        if not self.bench.ledger.is_over():
            return
        if not turn.lost:
            self._mark(turn.mark, 0.0, f"turn {turn.number} sends nothing")
        raise Failure(f"{self.use}: the run was ended while this worker was still alive: nothing is sent", allow_retries=False)

    def _mark(self, mark: Mark, wait: float, why: str) -> None:
        left = {"mark": mark.to_json(), "until": self.bench.host.clock.now() + wait}
        self.bench.ledger.tell(self.use, "marked", f"{self.use}: {why}", left)

    def _keep(self, mark: Mark) -> None:
        self.bench.ledger.tell(self.use, "kept", f"{self.use}: what is about to be sent", mark.to_json())

    def _key(self, past: Past) -> str:
        return "/".join([self.bench.ledger.root, *([self.key] if self.key else []), *([str(past.ends)] if past.ends else [])])

    def _wait(self, again: Again) -> None:
        if again.why == "retry" and not self.in_place:
            raise RetryRequested(max_retries=self.bench.context.retry_number + 1, seconds_to_wait=again.wait)
        self.bench.host.clock.sleep(again.wait)

    def _rest(self, past: Past) -> None:
        """Wait for what is left: a run that goes on with another one begins at once, whatever the server said."""
        if past.until is not None:
            self.bench.host.clock.sleep(max(0.0, past.until - self.bench.host.clock.now()))

    def _told(self, ended: Ended) -> Ended:
        if self.shares_op or ended.status in {"failed", "unknown"}:
            short = Ended(ended.status, ended.result, failure=ended.failure)
            self.bench.ledger.tell(self.use, "ended", f"{self.use}: {ended.status}: {ended.message}", short.to_json())
        return ended


def failure(ended: Ended) -> Failure:
    """Return what ends the step, and is never repeated by Dagster."""
    metadata: dict[str, Any] = {"status": ended.status, "error type": ended.error}
    metadata |= {} if ended.failure is None else {"kind": ended.failure.kind.value}
    if ended.outcome is not None:
        metadata["outcome"] = MetadataValue.json(dict(ended.outcome))
    return Failure(f"{ended.error}: {ended.message}", metadata=metadata, allow_retries=False)
