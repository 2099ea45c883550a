"""What one turn of a unit leaves for the next, small enough for any engine to keep, as JSON.

A mark says that the turn of its number ended in an orderly way. An engine stores it before it reports that the unit is to be
taken again; a turn that the engine begins though nothing was reported, and no mark stored, follows one whose worker was lost, and
which may have sent something.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.errors import HttpTaskError
from httptask.ports import Entry
from httptask.recording import CONCLUSION, INTENT, PAGE, RESULT, WAIT

_POLL = re.compile(r"/until:(\d+)(?:/|$)")


class MarkInvalid(HttpTaskError):
    """What an engine handed back is no mark."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What is left of the turns so far.

    Attributes:
        number: of the last turn that ended in an orderly way, for people; 0 before the first.
        failures: attempts in a row that failed and may be repeated.
        since: epoch seconds at which the first of these began; 0 before it.
        entries: what was written about the unit, as in a journal.

    """

    number: int = 0
    failures: int = 0
    since: float = 0.0
    entries: tuple[Entry, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        entries = [[entry.path, entry.kind, dict(entry.data), entry.at, entry.ran] for entry in self.entries]
        return {"number": self.number, "failures": self.failures, "since": self.since, "entries": entries}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Mark:
        """Return the mark that `to_json` wrote; no data is the mark before the first turn.

        Raises:
            MarkInvalid: it did not write this.

        """
        if data is None:
            return cls()
        try:
            entries = tuple(Entry(path, kind, dict(value), at, ran) for path, kind, value, at, ran in data["entries"])
            return cls(int(data["number"]), int(data["failures"]), float(data["since"]), entries)
        except (KeyError, TypeError, ValueError):
            raise MarkInvalid("the engine handed back something else than what the turn before left") from None


def left(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Return of everything written what the next turn needs: results and pages go other ways, and of polls the last counts."""
    kept = [entry for entry in entries if entry.kind not in {RESULT, PAGE}]
    newest = max((number for entry in kept if (number := _poll(entry)) is not None), default=None)
    return tuple(entry for entry in kept if _poll(entry) in {None, newest})


def is_open(entries: Iterable[Entry]) -> bool:
    """Tell whether something was begun whose end is not written, or left open what it did."""
    return any(end is None or end.data["open"] for end in _ends(entries))


def is_begun(entries: Iterable[Entry]) -> bool:
    """Tell whether an attempt is written down whose end is not: the one that a lost worker was at."""
    return any(end is None for end in _ends(entries))


def lost_attempt(entries: Iterable[Entry], call: str, *, since: float) -> Entry:
    """Return what the lost worker would have written before it sent: nobody knows which request it was, nor when it left.

    Args:
        entries: what is written about the unit.
        call: path of the call that it was at.
        since: epoch seconds before which it cannot have left; an idempotency key counts as that old.

    """
    known = [entry for entry in entries if entry.kind == INTENT and entry.path.startswith(f"{call}/")]
    number = max((entry.data["number"] for entry in known), default=0) + 1
    return Entry(f"{call}/attempt:{number}", INTENT, {"number": number, "digest": None, "safe": False}, since)


def poll_at_hand(entries: Iterable[Entry]) -> int:
    """Return the number of the poll that a turn is at: the newest, unless it was settled and the wait for the next one began."""
    known = tuple(entries)
    newest = max((_poll(entry) or 0 for entry in known if entry.kind == INTENT), default=0)
    settled = any(entry.kind == WAIT and _poll(entry) == newest for entry in known)
    return newest + 1 if settled or not newest else newest


def _ends(entries: Iterable[Entry]) -> list[Entry | None]:
    """Return how each attempt that was begun ended; None where that is not written."""
    known = tuple(entries)
    ends = {entry.path: entry for entry in known if entry.kind == CONCLUSION}
    return [ends.get(entry.path) for entry in known if entry.kind == INTENT]


def _poll(entry: Entry) -> int | None:
    found = _POLL.search(entry.path)
    return int(found[1]) if found else None
