"""The journal as the page reads it: recent trials of a task, the list of runs, and the inputs of one, to be filled in again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from httptask.journal import Journal, RunRecord
from httptask.kept_runs import KeptRun
from httptask.recording import INPUTS
from httptask.surroundings import Surroundings
from httptask.trying import TASK

#: Runs that are looked through for the trials of one task.
LOOKED_AT = 300
#: Trials that a task's page lists.
RECENT = 10
#: Runs that the list shows.
LISTED = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A run in a list. `where` names where it went, without a credential."""

    id: str
    name: str
    task: str
    status: str
    began: str
    where: str
    message: str


@dataclass(frozen=True, slots=True)
class Again:
    """The inputs of an earlier trial; `withheld` are places that the journal did not keep."""

    inputs: Mapping[str, Any]
    headers: Mapping[str, str]
    withheld: tuple[str, ...]


@dataclass
class PageJournal:
    """The journal, opened when it is first needed and closed with the page."""

    named: Path | None = None
    _journal: Journal | None = None
    _lock: Lock = field(default_factory=Lock)

    def opened(self) -> Journal:
        """Return the journal.

        Raises:
            JournalError: it cannot be used.

        """
        with self._lock:
            if self._journal is None:
                self._journal = Journal(self.named or Surroundings.current().journal_file)
            return self._journal

    def close(self) -> None:
        """Write what is waiting and close it."""
        with self._lock:
            if self._journal is not None:
                self._journal.close()

    def rows(self) -> list[Row]:
        """Return the newest runs.

        Raises:
            JournalError: it cannot be read.

        """
        journal = self.opened()
        return [_row(KeptRun.of(journal, record)) for record in journal.records(LISTED)]

    def recent(self, task: str) -> list[Row]:
        """Return the newest trials of a task.

        Raises:
            JournalError: it cannot be read.

        """
        journal = self.opened()
        tried = [record for record in journal.records(LOOKED_AT) if record.connections.get(TASK) == task]
        return [_row(KeptRun.of(journal, record)) for record in tried[:RECENT]]

    def again(self, run: str, task: str) -> Again | None:
        """Return what a trial of this task was given; None for what is no such trial.

        Raises:
            JournalError: there is no such run, or it cannot be read.

        """
        journal = self.opened()
        record = journal.record(run)
        entry = next(journal.entries(record.id, INPUTS), None)
        if record.connections.get(TASK) != task or entry is None:
            return None
        kept = entry.data["given"]
        value, places = kept["value"], kept.get("withheld", [])
        for place in places:
            value = _without(value, place)
        given, headers = (value.get(name, {}) if isinstance(value, dict) else {} for name in ("given", "headers"))
        names = [".".join(str(part) for part in place if part != "given") for place in places]
        return Again(given, headers, tuple(names))


def where_of(record: RunRecord) -> str:
    """Return where a run sent, without a credential."""
    if record.connections["where"]["sandbox"]:
        return "sandbox"
    return ", ".join(dict.fromkeys(record.connections["sources"].values()))


def _row(kept: KeptRun) -> Row:
    shown = kept.to_json()
    task = kept.record.connections.get(TASK, "")
    where = where_of(kept.record)
    began = shown["startedAt"][:19].replace("T", " ")
    return Row(shown["runId"], task or shown["workflow"], task, shown["status"], began, where, shown["message"])


def _without(value: Any, place: list[str | int]) -> Any:
    """Return a value without what stands at a place: it was withheld, and null is not what stood there."""
    head, rest = place[0], place[1:]
    if isinstance(value, dict):
        return {key: _without(item, rest) if key == head else item for key, item in value.items() if key != head or rest}
    if isinstance(value, list) and rest:
        return [_without(item, rest) if index == head else item for index, item in enumerate(value)]
    return value
