"""A run as the journal has it: its steps, where it stands, and how to go on, without executing anything."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from httptask.journal import Journal, RunRecord
from httptask.model import Workflow
from httptask.onward import Standing
from httptask.outcome import iso8601
from httptask.ports import Entry
from httptask.recording import APPROVAL, CONCLUSION, INTENT, REACHED, RESULT, STATE, is_lasting

_ITEM = re.compile(r"(?P<step>.+)\[\d+\]")
_CALL = re.compile(r"(?P<use>.+?)(?:/(?:until|page|again):.+)?/attempt:\d+")
_SHOWN = ("paged", "excerpt")


@dataclass(slots=True)
class KeptRun:
    """One run. `entries` gives its entries of a kind, oldest first."""

    record: RunRecord
    status: str
    ran: float
    entries: Callable[[str], Iterator[Entry]] = field(repr=False)

    @classmethod
    def of(cls, journal: Journal, record: RunRecord) -> KeptRun:
        """Return a run; one that nobody executes though it has not ended was interrupted."""
        status = record.status
        if status == "running" and not journal.is_held(record.id):
            status = "interrupted"
        return cls(record, status, max(record.ran, journal.ran(record.id)), lambda kind: journal.entries(record.id, kind))

    def to_json(self) -> dict[str, Any]:
        """Return what a list of runs shows."""
        record = self.record
        return {
            "runId": record.id,
            "workflow": record.workflow,
            "file": record.file,
            "status": self.status,
            "startedAt": iso8601(record.created),
            "updatedAt": iso8601(record.updated),
            "ranSeconds": round(self.ran, 3),
            "connections": record.connections["sources"],
            "message": record.message,
        }

    def steps(self) -> list[dict[str, Any]]:
        """Return each step as it ended last, its items counted; gates that wait, and requests that nobody saw the end of, too."""
        rows: dict[str, dict[str, Any]] = {}
        items: dict[str, dict[str, str]] = {}
        for path, entry in self._results().items():
            item = _ITEM.fullmatch(path)
            if item:
                items.setdefault(item["step"], {})[path] = entry.data["status"]
                rows.setdefault(item["step"], _row(item["step"], "running"))
            else:
                more = {name: entry.data[name] for name in _SHOWN if name in entry.data}
                rows[path] = {**_row(path, entry.data["status"]), "failure": entry.data.get("failure"), **more}
        rows |= {path: _row(path, "waiting") for path in self.waiting()}
        rows |= {path: _row(path, "interrupted") for path in self._on_their_way() if path not in rows}
        for step, found in items.items():
            rows[step]["items"] = {status: list(found.values()).count(status) for status in dict.fromkeys(found.values())}
        return list(rows.values())

    def standing(self) -> Standing:
        """Return where it stands."""
        unknown = [path for path, entry in self._results().items() if entry.data["status"] == "unknown"]
        innermost = [path for path in unknown if not any(other.startswith((f"{path}/", f"{path}[")) for other in unknown)]
        lasting = self.status == "failed" and (any(True for _ in self.entries(STATE)) or self._fails_again())
        on_their_way = self._on_their_way() if self.status in {"interrupted", "unknown"} else []
        return Standing(self.record.id, self.status, tuple(self.waiting()), (*innermost, *on_their_way), lasting)

    def waiting(self) -> list[str]:
        """Return the gates that the run has come to and that nobody has decided."""
        decided = {entry.path for kind in (APPROVAL, RESULT) for entry in self.entries(kind)}
        return list(dict.fromkeys(entry.path for entry in self.entries(REACHED) if entry.path not in decided))

    def _results(self) -> dict[str, Entry]:
        return {entry.path: entry for entry in self.entries(RESULT)}

    def _fails_again(self) -> bool:
        return any(is_lasting(entry) for entry in self._results().values())

    def _on_their_way(self) -> list[str]:
        """Return the steps and items of which a request that may change something was sent, and no end was written down."""
        ended = {entry.path for entry in self.entries(CONCLUSION)}
        results = self._results()
        calls = (entry for entry in self.entries(INTENT) if entry.path not in ended and not entry.data["safe"])
        uses = (match["use"] for match in (_CALL.fullmatch(entry.path) for entry in calls) if match)
        return [use for use in dict.fromkeys(uses) if use not in results]


def in_order(rows: list[dict[str, Any]], workflow: Workflow) -> list[dict[str, Any]]:
    """Return the rows as the file has their steps, each before what is below it; they were written as they ended."""
    return sorted(rows, key=lambda row: _place(row["id"], workflow))


def _place(path: str, workflow: Workflow | None) -> list[tuple[int, int, int]]:
    places: list[tuple[int, int, int]] = []
    for part in path.split("/"):
        name, _, index = part.partition("[")
        steps = list(workflow.every_step()) if workflow else []
        number = next((at for at, step in enumerate(steps) if step.id == name), len(steps))
        places.append((name == "onFailure", number, int(index.rstrip("]") or 0)))
        workflow = steps[number].workflow if number < len(steps) else workflow
    return places


def _row(path: str, status: str) -> dict[str, Any]:
    return {"id": path, "status": status, "failure": None}
