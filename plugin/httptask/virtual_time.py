"""Time that nobody waits for, and works side by side in it: a replay comes to the same end each time, in a moment.

Of all threads of a `VirtualClock` one runs at a time. Who sleeps lets the others run; when all sleep, time moves to the earliest
moment that one of them waits for. So waits of works side by side overlap as they do in real time, and their order is a matter of
that time alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Generic, TypeVar

from httptask.clock import START
from httptask.lanes import InlineLanes, Work

T = TypeVar("T")


class VirtualClock:
    """A clock whose sleeps take no time. Threads that it starts, and the one that it is made for, share it."""

    def __init__(self, start: float = START, seed: int = 1) -> None:
        """Stand at `start`, in epoch seconds; `seed` is what chance is drawn from."""
        self._start = start
        self._passed = 0.0
        self._random = Random(seed)  # noqa: S311 - spreads retries; a seed must give the same waits
        self._turns: list[tuple[float, int, threading.Semaphore]] = []
        self._numbers = count()

    def now(self) -> float:
        """Return the start plus what has passed."""
        return self._start + self._passed

    def monotonic(self) -> float:
        """Return what has passed since the start."""
        return self._passed

    def random(self) -> float:
        """Return the next number in [0, 1)."""
        return self._random.random()

    def sleep(self, seconds: float) -> None:
        """Let the others run until it is time.

        Raises:
            ValueError: the wait is negative, as with the real `sleep`.

        """
        if not seconds >= 0:
            raise ValueError("a clock cannot be moved back: seconds must be 0 or more")
        gate = threading.Semaphore(0)
        self.ready(gate, seconds)
        self.wait(gate)

    def start(self, act: Callable[[], None]) -> None:
        """Begin a thread that runs when its turn comes."""
        gate = threading.Semaphore(0)

        def run() -> None:
            gate.acquire()
            act()
            self._hand_over()

        self.ready(gate)
        threading.Thread(target=run, daemon=True).start()

    def ready(self, gate: threading.Semaphore, seconds: float = 0.0) -> None:
        """Put the thread that waits at a gate in line, for so long after now."""
        heappush(self._turns, (self._passed + seconds, next(self._numbers), gate))

    def wait(self, gate: threading.Semaphore) -> None:
        """Let the others run until somebody has put this gate in line and its turn comes."""
        self._hand_over()
        gate.acquire()

    def _hand_over(self) -> None:
        due, _, gate = heappop(self._turns)
        self._passed = max(self._passed, due)
        gate.release()


@dataclass(frozen=True, slots=True)
class VirtualLanes:
    """The port `Lanes` on a virtual clock. No lane is given up: nothing takes time."""

    clock: VirtualClock

    def run(self, works: Iterable[Work[T]], width: int, ends: Callable[[T], bool]) -> Iterator[T]:
        """Yield the result of each work in order, at most `width` at a time; after a result that `ends`, none is begun."""
        if width == 1:
            return InlineLanes().run(works, width, ends)
        return _Round(self.clock, iter(works), width, ends).results()


@dataclass(slots=True)
class _Round(Generic[T]):
    clock: VirtualClock
    works: Iterator[Work[T]]
    width: int
    ends: Callable[[T], bool]
    done: dict[int, T] = field(default_factory=dict)
    begun: int = 0
    running: int = 0
    closed: bool = False
    error: BaseException | None = None
    #: Where the one who asks for results waits for a work to end.
    gate: threading.Semaphore | None = None

    def results(self) -> Iterator[T]:
        taken = 0
        while True:
            self._begin()
            if self.error is not None:
                self._let_end()
                raise self.error
            if taken in self.done:
                yield self.done.pop(taken)
                taken += 1
            elif taken == self.begun:
                return
            else:
                self._wait()

    def _begin(self) -> None:
        while not self.closed and self.running < self.width:
            work = next(self.works, None)
            if work is None:
                self.closed = True
                return
            index, self.begun, self.running = self.begun, self.begun + 1, self.running + 1
            self.clock.start(lambda index=index, work=work: self._act(index, work))  # type: ignore[misc] # bound now, not later

    def _act(self, index: int, work: Work[T]) -> None:
        try:
            result = self.done[index] = work.run()
            self.closed = self.closed or self.ends(result)
        except BaseException as error:  # noqa: BLE001 - whatever a work raises belongs to whoever asked for results
            self.error, self.closed = self.error or error, True
        self.running -= 1
        if self.gate is not None:
            self.clock.ready(self.gate)
            self.gate = None

    def _wait(self) -> None:
        self.gate = threading.Semaphore(0)
        self.clock.wait(self.gate)

    def _let_end(self) -> None:
        while self.running:
            self._wait()
