"""Slow down before a 429 would come: what is known of each rate-limit bucket, and who may send next.

A bucket is a window of the server: so many requests until a reset. Its counters arrive with every response; between them,
requests on their way count as spent. Whoever comes when nothing is left waits in line, first come, first served.
"""

from __future__ import annotations

import fnmatch
import re
import threading
from dataclasses import dataclass, field, replace
from functools import lru_cache

from httptask.model import TaskTemplate
from httptask.waits import Counters

#: Two resets closer than this, in seconds, name the same window: `Date` has whole seconds.
SAME_WINDOW = 1.0
#: Seconds. A reset further away is not believed here: nothing would be sent, so nothing could correct it.
LONGEST_WINDOW = 86400.0


@dataclass(frozen=True, slots=True)
class Window:
    """What is known of a bucket's window. Times are seconds of the monotonic clock.

    Attributes:
        left: requests that the server said are left, those on their way not yet subtracted.
        limit: requests per window.
        end: when the window is over, margin included.
        length: how long a fresh window lasts, margin included.
        opened: when the first request that counts in it was sent, as far as known.

    """

    left: int
    limit: int
    end: float
    length: float
    opened: float = 0.0

    def wait(self, ahead: int, in_flight: int, now: float) -> float:
        """Return how long somebody with `ahead` others before him waits; 0 is now."""
        free = (self.limit if now >= self.end else self.left) - in_flight
        start = 0.0 if now >= self.end else self.end - now
        if ahead < free:
            return 0.0
        turns = (ahead - max(free, 0)) // max(self.limit, 1) + (1 if now >= self.end else 0)
        return start + turns * self.length

    def entered(self, now: float) -> Window:
        """Return the window in which a request sent now counts: a new one, if this one is over."""
        return self if now < self.end else replace(self, left=self.limit, end=now + self.length, opened=now)


def observed(window: Window | None, counters: Counters, now: float, sent: float) -> Window:
    """Return what is known after a response with these counters arrived to a request that was sent at `sent`.

    An answer to a request of the window before says nothing of this one. Any other says the newest: a server may correct itself.
    """
    end, left = now + counters.reset_in, counters.remaining or 0
    limit = counters.limit or (window.limit if window else left + 1)
    if window is not None and abs(end - window.end) <= SAME_WINDOW:
        return replace(window, left=min(window.left, left), limit=limit, end=max(window.end, end))
    if window is not None and sent < window.opened:
        return window
    fresh = window is None or left >= limit - 1
    length = counters.reset_in if fresh else max(window.length if window else 0.0, counters.reset_in)
    return Window(left, limit, end, length, sent)


@dataclass(slots=True)
class _Bucket:
    window: Window | None = None
    in_flight: int = 0
    line: list[int] = field(default_factory=list)


class Pacer:
    """The buckets of all servers, shared by all threads of a process."""

    def __init__(self) -> None:
        """Know nothing yet: the first requests go at once."""
        self._buckets: dict[str, _Bucket] = {}
        self._tickets = 0
        self._lock = threading.Lock()

    def join(self, bucket: str) -> int:
        """Take a place at the end of a bucket's line and return the ticket."""
        with self._lock:
            self._tickets += 1
            self._buckets.setdefault(bucket, _Bucket()).line.append(self._tickets)
            return self._tickets

    def wait(self, bucket: str, ticket: int, now: float) -> float:
        """Return the seconds until this ticket may ask again; 0 means: send now, the ticket counts as on its way."""
        with self._lock:
            state = self._buckets[bucket]
            ahead = state.line.index(ticket)
            seconds = state.window.wait(ahead, state.in_flight, now) if state.window else 0.0
            if seconds <= 0.0:
                state.line.remove(ticket)
                state.in_flight += 1
                state.window = state.window.entered(now) if state.window else None
            return seconds

    def leave(self, bucket: str, ticket: int) -> None:
        """Give up a place in line; nothing happens if it was already used."""
        with self._lock:
            line = self._buckets[bucket].line
            if ticket in line:
                line.remove(ticket)

    def answered(self, bucket: str, counters: Counters | None, *, sent: float, now: float) -> None:
        """Note that a request is no longer on its way, and what its response said; one without counters counts as spent."""
        with self._lock:
            state = self._buckets[bucket]
            state.in_flight -= 1
            if counters is not None and counters.remaining is not None and counters.reset_in <= LONGEST_WINDOW:
                state.window = observed(state.window, counters, now, sent)
            elif state.window is not None:
                state.window = replace(state.window, left=state.window.left - 1)

    def unsent(self, bucket: str) -> None:
        """Note that a request that was let go never left: nothing was spent."""
        with self._lock:
            self._buckets[bucket].in_flight -= 1


def bucket_of(template: TaskTemplate, origin: str) -> str:
    """Return the bucket of a task at a server: the provider's rule for its path, else the path by itself."""
    path = template.openapi_path
    for name, patterns in template.provider.buckets:
        if any(_matches(pattern, path) for pattern in patterns):
            return f"{origin} {name}"
    return f"{origin} {template.method} {path}"


@lru_cache(maxsize=1024)
def _glob(pattern: str) -> re.Pattern[str]:
    parts = (
        "(?:/.*)?" if part == "**" else "/" + fnmatch.translate(part)[4:-3].replace(".*", "[^/]*")
        for part in pattern[1:].split("/")
    )
    return re.compile("".join(parts))


def _matches(pattern: str, path: str) -> bool:
    return _glob(pattern).fullmatch(path) is not None
