"""A journal that is kept in memory: for runs that nobody will resume, and for simulations."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from httptask.ports import Entry


@dataclass(slots=True)
class MemoryJournal:
    """The port `RunJournal` without a file. `kept` is what a crash at this moment would leave, `waiting` what it would lose."""

    run_id: str
    durable: bool = False
    kept: list[Entry] = field(default_factory=list)
    waiting: list[Entry] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def append(self, *entries: Entry) -> None:
        """Write entries."""
        with self._lock:
            self.waiting.extend(entries)

    def commit(self, *entries: Entry) -> None:
        """Write entries and keep all that waits."""
        with self._lock:
            self.waiting.extend(entries)
            self.kept.extend(self.waiting)
            self.waiting.clear()

    def last(self, path: str, kind: str) -> Entry | None:
        """Return the newest entry of a kind about a path."""
        with self._lock:
            found = (entry for entry in reversed([*self.kept, *self.waiting]) if entry.path == path and entry.kind == kind)
            return next(found, None)

    def below(self, path: str, kind: str) -> Iterator[Entry]:
        """Yield the entries of a kind whose path starts with `path`, oldest first."""
        with self._lock:
            found = [entry for entry in (*self.kept, *self.waiting) if entry.kind == kind and entry.path.startswith(path)]
        yield from found

    def copy(self) -> MemoryJournal:
        """Return what a crash would leave, as another process would read it."""
        read = [Entry(entry.path, entry.kind, json.loads(json.dumps(entry.data)), entry.at, entry.ran) for entry in self.kept]
        return MemoryJournal(self.run_id, self.durable, read)
