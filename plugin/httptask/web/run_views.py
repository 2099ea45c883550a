"""A run as a template draws it: its steps in order with what they came to, where it stands, and what a person can say. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from httptask.model import Workflow
from httptask.onward import Standing
from httptask.resuming import find_step, outputs_read
from httptask.runs import RunResult

#: Steps that a page shows; a forEach counts its items in one.
MOST_ROWS = 400


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step: its path, how deep it lies, what it is for, its status, and what is said about it."""

    path: str
    depth: int
    summary: str
    status: str
    detail: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A step or item whose outcome nobody knows, and the outputs that later steps read of it."""

    path: str
    outputs: str


@dataclass(frozen=True, slots=True)
class RunView:
    """A run on its page.

    Attributes:
        goes_on: it can be gone on with.
        asks: what the gate asks at which it waits.
        stays: why it cannot be gone on with although it stands.

    """

    id: str
    workflow: str
    task: str
    status: str
    began: str
    ran: str
    where: str
    message: str
    steps: tuple[StepRow, ...]
    waiting: tuple[str, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    goes_on: bool = False
    stays: str = ""
    outputs: str = ""


def rows_of(ended: Sequence[Mapping[str, Any]], workflow: Workflow, running: Mapping[str, int]) -> tuple[StepRow, ...]:
    """Return the steps in the order of the file: what the journal knows of them, what is under way, and what is still to come."""
    known = {row["id"]: row for row in ended}
    paths = _ordered([*known, *(path for path in running if path not in known)], workflow)
    rows = [_row(path, known.get(path), workflow, running) for path in paths]
    return tuple(rows[:MOST_ROWS])


def unknown_of(standing: Standing, workflow: Workflow) -> tuple[Unknown, ...]:
    """Return what a person has to settle."""
    return tuple(
        Unknown(
            path, json.dumps(dict.fromkeys(outputs_read(workflow, path), ""), indent=2) if outputs_read(workflow, path) else ""
        )
        for path in standing.unknown
    )


def outputs_of(result: RunResult | None) -> str:
    """Return the outputs of a run that has ended here."""
    return json.dumps(dict(result.outputs), indent=2, ensure_ascii=False) if result is not None and result.outputs else ""


def _ordered(paths: Sequence[str], workflow: Workflow) -> Iterator[str]:
    """Yield the top steps of the file, each with what is known below it, then what belongs to none of them."""
    left = dict.fromkeys(paths)
    tops = [step.id for step in workflow.every_step() if step not in workflow.on_failure]
    undo = [f"onFailure/{step.id}" for step in workflow.on_failure]
    for top in (*tops, *undo):
        below = [path for path in left if path == top or path.startswith((f"{top}/", f"{top}["))]
        if top not in below and not (top.startswith("onFailure/") and not below):
            yield top
        for path in sorted(below, key=lambda path: (path != top,)):
            del left[path]
            yield path
    yield from left


def _row(path: str, known: Mapping[str, Any] | None, workflow: Workflow, running: Mapping[str, int]) -> StepRow:
    step = find_step(workflow, path)
    summary = " ".join(step.summary.split()) or (step.task or step.file or "") if step is not None else ""
    failure = (known or {}).get("failure") or {}
    status = "running" if path in running else known["status"] if known else "to come"
    return StepRow(path, path.count("/"), summary, status, _detail(known, running.get(path)), failure.get("message", ""))


def _detail(known: Mapping[str, Any] | None, done: int | None) -> str:
    if done:
        return f"{done} done"
    if known is None:
        return ""
    if "paged" in known:
        return f"{known['paged']['items']} items on {known['paged']['pages']} pages"
    return ", ".join(f"{count} {status}" for status, count in known.get("items", {}).items())
