"""A retry budget per host, shared by all threads: when a server is down, retries must not become the load that keeps it down.

After the SRE book, chapter 21: retries are allowed while they are a small share of the requests. Each first attempt earns a
tenth of a retry, each retry spends one, and a small reserve lets a quiet client retry at once. A wait that the server named
costs nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

RESERVE = 10.0
EARNED = 0.1
COST = 1.0


@dataclass(slots=True)
class Purse:
    """What one host's budget holds while somebody looks at it; `spend` is called under the budget's lock."""

    left: float = RESERVE

    def spend(self) -> None:
        """Pay for one retry."""
        self.left -= COST


class RetryBudget:
    """The budgets of all hosts of a process."""

    def __init__(self) -> None:
        """Give each host its reserve when it is first seen."""
        self._purses: dict[str, Purse] = {}
        self._lock = threading.Lock()

    def earn(self, host: str) -> None:
        """Note a first attempt."""
        with self._lock:
            purse = self._purses.setdefault(host, Purse())
            purse.left = min(purse.left + EARNED, RESERVE)

    @contextmanager
    def opened(self, host: str) -> Iterator[Purse]:
        """Yield the host's purse, so that looking and spending are one step."""
        with self._lock:
            yield self._purses.setdefault(host, Purse())
