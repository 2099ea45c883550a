"""The rate limit: a fixed window that the first request opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptask.sandbox.options import RateLimit
    from httptask.sandbox.wire import Fields


@dataclass(frozen=True, slots=True)
class Window:
    """A window with `used` requests counted; `opened` is whole epoch seconds, as a `Date` header would say it."""

    opened: int
    used: int

    @classmethod
    def count(cls, window: Window | None, limit: RateLimit, now: float) -> Window:
        """Return the window after one more request at `now`; a window that ended gives way to a new one."""
        if window is None or now >= window.reset(limit):
            return cls(int(now), 1)
        return cls(window.opened, window.used + 1)

    def reset(self, limit: RateLimit) -> int:
        """Return the epoch second at which this window ends."""
        return self.opened + limit.seconds

    def exceeded(self, limit: RateLimit) -> bool:
        """Tell whether the request counted last is one too many."""
        return self.used > limit.limit

    def headers(self, limit: RateLimit) -> Fields:
        """Return the three counters, in lower case as real servers send them."""
        return (
            ("x-rate-limit-limit", str(limit.limit)),
            ("x-rate-limit-remaining", str(max(0, limit.limit - self.used))),
            ("x-rate-limit-reset", str(self.reset(limit))),
        )
