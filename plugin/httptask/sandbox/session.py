"""What a sandbox remembers between requests besides the data: its clock, its rate-limit window, faults to come, the log."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from httptask.sandbox.limits import Window
from httptask.sandbox.state import State
from httptask.sandbox.tokens import TokenDesk

if TYPE_CHECKING:
    from httptask.faults import Fault
    from httptask.ports import Clock
    from httptask.sandbox.options import FaultRule, SandboxOptions

LOG_LENGTH = 1000
LONGEST_PATH_LOGGED = 500


class FaultQueue:
    """Faults still to be played. Each rule is a list of its own; after its end the server is well again."""

    def __init__(self, rules: tuple[FaultRule, ...]) -> None:
        """Queue the rules in order."""
        self._queues: list[tuple[FaultRule, deque[Fault]]] = []
        for rule in rules:
            self.add(rule)

    def add(self, rule: FaultRule) -> None:
        """Queue one more rule."""
        self._queues.append((rule, deque(rule.faults)))

    def clear(self) -> None:
        """Play no more faults."""
        self._queues.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the next fault for a request: the first rule that matches and has one left."""
        queue = next((faults for rule, faults in self._queues if faults and rule.matches(method, path)), None)
        return queue.popleft() if queue else None

    def to_json(self) -> list[dict[str, Any]]:
        """Return what is left, rule by rule."""
        return [{"match": rule.match, "remaining": [str(fault) for fault in faults]} for rule, faults in self._queues if faults]


@dataclass(frozen=True, slots=True)
class Received:
    """One request in the log. `status` is None when no status line went out; `applied` names the operation carried out."""

    method: str
    path: str
    status: int | None
    applied: str | None
    at: float

    def to_json(self) -> dict[str, Any]:
        """Return the entry in the control surface's shape."""
        return {
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "applied": self.applied is not None,
            "at": datetime.fromtimestamp(self.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }


class Session:
    """One life of a sandbox, from a start or reset to the next reset."""

    def __init__(self, options: SandboxOptions, clock: Clock) -> None:
        """Start fresh; time is the clock's, moved ahead by `offset` seconds."""
        self.options = options
        self.clock = clock
        self.restart()

    def restart(self) -> None:
        """Forget everything since the start, the moved clock included."""
        self.offset = 0.0
        self.state = State(self.options.seed, self.options.speed, self.options.pools)
        self.faults = FaultQueue(self.options.faults)
        self.window: Window | None = None
        self.log: deque[Received] = deque(maxlen=LOG_LENGTH)
        self.applied: Counter[str] = Counter()
        self.answered = 0
        self.desk = TokenDesk(self.options)

    def now(self) -> float:
        """Return the sandbox's time in epoch seconds."""
        return self.clock.now() + self.offset

    def count(self, now: float) -> Window:
        """Count a request against the rate limit and return its window."""
        self.window = Window.count(self.window, self.options.rate_limit, now)
        return self.window

    def record(self, received: Received) -> None:
        """Log a request; the log is bounded, the counts of operations carried out are not."""
        self.log.append(received)
        if received.applied is not None:
            self.applied[received.applied] += 1
