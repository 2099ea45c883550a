"""Time and chance: the real ones, and ones that a test or a simulation moves by hand."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """A clock in which sleeping takes no time: it moves on and remembers. May be shared by threads.

    `jitter` is what `random()` returns: one number, or a function that is asked each time.
    """

    def __init__(self, start: float = START, jitter: float | Callable[[], float] = 0.5) -> None:
        """Stand at `start`, in epoch seconds; nothing has passed yet."""
        self._start = start
        self._passed = 0.0
        self._sleeps: list[float] = []
        self._jitter = jitter
        self._lock = threading.Lock()

    @property
    def sleeps(self) -> tuple[float, ...]:
        """Every wait so far, in order."""
        with self._lock:
            return tuple(self._sleeps)

    def now(self) -> float:
        """Return the start plus what has passed."""
        return self._start + self.monotonic()

    def monotonic(self) -> float:
        """Return what has passed since the start."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Move on by this much and remember it as a wait.

        Raises:
            ValueError: the wait is negative, as with the real `sleep`.

        """
        self.advance(seconds)
        with self._lock:
            self._sleeps.append(seconds)

    def advance(self, seconds: float) -> None:
        """Move on without a wait, as when a server takes its time.

        Raises:
            ValueError: time would run backwards.

        """
        if not seconds >= 0:
            raise ValueError("a clock cannot be moved back: seconds must be 0 or more")
        with self._lock:
            self._passed += seconds

    def random(self) -> float:
        """Return the number that was given, or what the given function says."""
        return self._jitter() if callable(self._jitter) else self._jitter
