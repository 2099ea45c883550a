"""Stopping in an orderly way: a request to stop that every wait and every sender sees, whichever thread it is in."""

from __future__ import annotations

import queue
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptask.ports import Clock

#: Seconds that a request which may change something gets to be answered once a stop was asked for.
GRACE = 5.0
#: Seconds that a lock may be waited for; more than anybody waits.
_LONGEST = 1e6


@dataclass(slots=True)
class Halt:
    """Whether to stop: not at all, orderly, or at once. Asking is safe from a signal handler and from any thread.

    A `threading.Event` would not be: a signal handler that sets it waits for ever for the lock which the code that it interrupts
    may hold. The queue is reentrant.
    """

    _asked: queue.SimpleQueue[None] = field(default_factory=queue.SimpleQueue)
    _times: int = 0

    def ask(self) -> None:
        """Ask to stop; the second time means at once."""
        self._times += 1
        self._asked.put(None)

    @property
    def asked(self) -> bool:
        """Whether nothing new may be sent."""
        return self._times > 0

    @property
    def at_once(self) -> bool:
        """Whether nobody may be waited for any more."""
        return self._times > 1

    def wait(self, seconds: float) -> bool:
        """Wait, at most until somebody asks to stop; tell whether somebody did."""
        try:
            self._asked.get(timeout=max(0.0, min(seconds, _LONGEST)))
        except queue.Empty:
            return False
        self._asked.put(None)  # for the others who wait
        return True


@dataclass(frozen=True, slots=True)
class HaltableClock:
    """A clock whose sleeps end when a stop is asked for, by the interrupt that ends a task in an orderly way."""

    inner: Clock
    halt: Halt

    def now(self) -> float:
        """Return the wall clock in epoch seconds."""
        return self.inner.now()

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return self.inner.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            KeyboardInterrupt: a stop was asked for.

        """
        if self.halt.wait(seconds):
            raise KeyboardInterrupt

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self.inner.random()
