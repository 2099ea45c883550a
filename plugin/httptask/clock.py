"""Time and chance: the real ones, and ones that a test or a simulation moves by hand."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count

#: 14 November 2023, 22:13:20 UTC: a moment that is easy to recognise in a report.
START = 1_700_000_000.0


class SystemClock:
    """The machine's own time and chance."""

    def now(self) -> float:
        """Return the wall clock in epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for real."""
        time.sleep(seconds)

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return random.random()  # noqa: S311 - spreads retries in time; nothing is kept safe by it


class FakeClock:
    """A clock in which sleeping takes no time: it moves on and remembers. For tests, and for simulating a policy.

    Threads share it when they are started by `run_threads`: time then stands still while any of them works, and moves to the
    earliest moment anybody waits for when all of them sleep. `jitter` is what `random()` returns: one number, or a function
    that is asked each time.
    """

    def __init__(self, start: float = START, jitter: float | Callable[[], float] = 0.5) -> None:
        """Stand at `start`, in epoch seconds; nothing has passed yet."""
        self._start = start
        self._passed = 0.0
        self._sleeps: list[float] = []
        self._jitter = jitter
        self._changed = threading.Condition()
        self._awake = 0
        self._waiting: list[tuple[float, int]] = []
        self._woken: set[int] = set()
        self._numbers = count()
        self._raised: list[Exception] = []

    @property
    def sleeps(self) -> tuple[float, ...]:
        """Every wait so far, in order."""
        with self._changed:
            return tuple(self._sleeps)

    def now(self) -> float:
        """Return the start plus what has passed."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Return what has passed since the start."""
        with self._changed:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Wait until everybody else waits too and this is the earliest moment waited for.

        Raises:
            ValueError: the wait is negative, as with the real `sleep`.

        """
        _check(seconds)
        with self._changed:
            self._sleeps.append(seconds)
            if not self._awake:
                self._passed += seconds
                return
            number = next(self._numbers)
            heappush(self._waiting, (self._passed + seconds, number))
            self._rest()
            self._changed.wait_for(lambda: number in self._woken)
            self._woken.remove(number)

    def advance(self, seconds: float) -> None:
        """Move on without a wait, as when a server takes its time.

        Raises:
            ValueError: time would run backwards.

        """
        _check(seconds)
        with self._changed:
            self._passed += seconds

    def random(self) -> float:
        """Return the number that was given, or what the given function says."""
        return self._jitter() if callable(self._jitter) else self._jitter

    def run_threads(self, works: Sequence[Callable[[], None]]) -> None:
        """Run each in a thread of its own on this clock; return when all are done, or raise what one of them raised."""
        with self._changed:
            self._awake += len(works)
        threads = [threading.Thread(target=self._run, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._raised:
            raise self._raised.pop()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - whatever a thread raises belongs to whoever started it
            self._raised.append(error)
        finally:
            with self._changed:
                self._rest()

    def _rest(self) -> None:
        """Note that one thread less is awake; when none is, move to the earliest moment and wake who waits for it."""
        self._awake -= 1
        if not self._awake and self._waiting:
            due, number = heappop(self._waiting)
            self._passed = max(self._passed, due)
            self._woken.add(number)
            self._awake += 1
            self._changed.notify_all()


def _check(seconds: float) -> None:
    if not seconds >= 0:
        raise ValueError("a clock cannot be moved back: seconds must be 0 or more")
