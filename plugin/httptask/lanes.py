"""Works side by side, results in order: who runs the items of a `forEach`, the steps of a group, and each single step.

Every work runs in a thread that may be given up, because a server can keep a thread waiting longer than a person is willing to
wait after Ctrl-C. `InlineLanes` runs works one after the other in the caller's thread, for simulations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from httptask.halting import Halt
from httptask.ports import Clock

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
#: Seconds between two looks whether a stop was asked for.
_LOOK = 0.05
#: Works begun ahead of the result that is asked for next, per lane: enough to keep lanes busy, few enough to hold in memory.
_AHEAD = 4


class Work(Protocol[T_co]):
    """Something to be done in a lane."""

    def run(self) -> T_co:
        """Do it."""
        ...

    def given_up(self) -> T_co:
        """Return what is known of it now; whatever its thread still does must not count."""
        ...

    def patience(self) -> float:
        """Return the seconds that it deserves after a stop was asked for."""
        ...


class Lanes(Protocol):
    """Runs works."""

    def run(self, works: Iterable[Work[T]], width: int, ends: Callable[[T], bool]) -> Iterator[T]:
        """Yield the result of each work in order, at most `width` at a time; after a result that `ends`, none is begun."""
        ...


class InlineLanes:
    """Runs one after the other, in the caller's thread."""

    def run(self, works: Iterable[Work[T]], width: int, ends: Callable[[T], bool]) -> Iterator[T]:  # noqa: ARG002 - one lane
        """Yield the result of each work."""
        for work in works:
            result = work.run()
            yield result
            if ends(result):
                return


@dataclass(frozen=True, slots=True)
class ThreadLanes:
    """Runs each lane in a daemon thread, and gives a lane up when its patience is over after a stop was asked for."""

    halt: Halt
    clock: Clock

    def run(self, works: Iterable[Work[T]], width: int, ends: Callable[[T], bool]) -> Iterator[T]:
        """Yield the result of each work in order; a work that was begun when a stop was asked for is always told."""
        return _Round(self, iter(works), width, ends).results()


@dataclass(slots=True)
class _Round(Generic[T]):
    lanes: ThreadLanes
    works: Iterator[Work[T]]
    width: int
    ends: Callable[[T], bool]
    changed: threading.Condition = field(default_factory=threading.Condition)
    running: dict[int, Work[T]] = field(default_factory=dict)
    done: dict[int, T] = field(default_factory=dict)
    begun: int = 0
    taken: int = 0
    closed: bool = False
    halted_at: float | None = None
    error: BaseException | None = None

    def results(self) -> Iterator[T]:
        for _ in range(self.width):
            threading.Thread(target=self._lane, daemon=True).start()
        while True:
            with self.changed:
                while self.taken not in self.done and not self._is_over():
                    self.changed.wait(_LOOK)
                    self._look_for_a_stop()
                if self.error is not None:
                    raise self.error
                if self.taken not in self.done:
                    return
                result = self.done.pop(self.taken)
                self.taken += 1
                self.changed.notify_all()
            yield result

    def _is_over(self) -> bool:
        return self.error is not None or (self.closed and not self.running and self.taken >= self.begun)

    def _look_for_a_stop(self) -> None:
        """Give up the works whose patience is over; those that were given up are told as they stand."""
        halt = self.lanes.halt
        if not halt.asked:
            return
        self.closed = True
        now = self.lanes.clock.monotonic()
        self.halted_at = now if self.halted_at is None else self.halted_at
        for index, work in list(self.running.items()):
            if halt.at_once or now - self.halted_at >= work.patience():
                self.done[index] = work.given_up()
                del self.running[index]

    def _lane(self) -> None:
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.closed or self.begun - self.taken < self.width * _AHEAD)
                begun = self._begin()
                self.changed.notify_all()
            if begun is None:
                return
            self._do(*begun)

    def _begin(self) -> tuple[int, Work[T]] | None:
        if self.closed:
            return None
        try:
            work = next(self.works, None)
        except BaseException as error:  # noqa: BLE001 - whatever the list of works raises belongs to whoever asked for results
            self.error, work = error, None
        if work is None:
            self.closed = True
            return None
        index, self.begun = self.begun, self.begun + 1
        self.running[index] = work
        return index, work

    def _do(self, index: int, work: Work[T]) -> None:
        result, error = None, None
        try:
            result = work.run()
        except BaseException as raised:  # noqa: BLE001 - as above
            error = raised
        with self.changed:
            if index in self.running:
                del self.running[index]
                if error is not None:
                    self.error, self.closed = self.error or error, True
                elif result is not None:
                    self.done[index] = result
                    self.closed = self.closed or self.ends(result)
            self.changed.notify_all()
