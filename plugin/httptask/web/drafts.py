"""A form as it stands: read from what a browser sent, changed by its buttons, and checked as the command line checks. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from httptask.errors import Problem
from httptask.inputs import faults
from httptask.model import TaskTemplate
from httptask.outcome import Warn
from httptask.secrets import MASK, Redactor
from httptask.web import entries
from httptask.web.entries import CONNECTION, HEADERS, Entry
from httptask.web.examples import example_of
from httptask.web.parts import Part
from httptask.web.submissions import Submission

UNKNOWN = "~unknown"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form says: the inputs, where to send, extra headers one per line, and whether unknown enumeration values pass."""

    entry: Entry
    target: str | None = None
    headers: str = ""
    allow_unknown: bool = False
    problems: tuple[tuple[str, Problem], ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What a draft comes to. `problems` are by the name of the field."""

    inputs: Mapping[str, Any]
    headers: Mapping[str, str]
    problems: tuple[tuple[str, Problem], ...]
    warnings: tuple[Warn, ...] = ()


def empty(root: Part, target: str | None = None) -> Draft:
    """Return the draft that a page begins with."""
    return Draft(entries.blank(root, always=True), target)


def of_inputs(root: Part, inputs: Mapping[str, Any], target: str | None = None) -> Draft:
    """Return the draft that says these inputs."""
    return Draft(entries.fill(root, dict(inputs)), target)


def of_submission(root: Part, sent: Submission) -> Draft:
    """Return the draft that a browser sent."""
    return Draft(
        entries.parse(sent.fields, root),
        sent.first(CONNECTION) or None,
        sent.first(HEADERS).replace("\r\n", "\n"),
        bool(sent.first(UNKNOWN)),
        sent.problems,
    )


def changed(template: TaskTemplate, root: Part, draft: Draft, action: tuple[str, str]) -> Draft:
    """Return the draft after one of its own buttons was pressed; any other leaves it as it is."""
    name, place = action
    change = {"add": entries.with_row, "remove": entries.without, "json": entries.as_json, "fields": entries.as_fields}.get(name)
    if change is not None:
        return replace(draft, entry=change(root, draft.entry, place))
    if name == "example":
        return replace(draft, entry=entries.fill(root, example_of(template)))
    if name == "clear":
        return empty(root, draft.target)
    return draft


def checked(template: TaskTemplate, root: Part, draft: Draft) -> Checked:
    """Check a draft: everything that is wrong at once, in the words of the command line."""
    reading = entries.read_all(root, draft.entry)
    unread = {fault.at for fault in reading.faults}
    found, warnings = faults(template, reading.inputs, allow_unknown_enum=draft.allow_unknown)
    told = [] if entries.WHOLE in unread else [fault for fault in found if fault.at not in unread]
    headers, wrong = _headers(draft.headers)
    placed = ((reading.field_of(fault.at), fault.problem) for fault in (*reading.faults, *told))
    return Checked(reading.inputs, headers, (*placed, *wrong), warnings)


def unread(root: Part, draft: Draft) -> tuple[tuple[str, Problem], ...]:
    """Return what in a draft cannot be read at all: texts that are no JSON."""
    return tuple((fault.at, fault.problem) for fault in entries.read_all(root, draft.entry).faults)


def placed(problems: Iterable[Problem], ready: Checked) -> tuple[tuple[str, Problem], ...]:
    """Return problems of a rendered request with the fields that they concern: a value that would leave its slot, a header."""
    return tuple((_place(problem, ready), problem) for problem in problems)


def shown_headers(text: str, redactor: Redactor) -> str:
    """Return extra headers as a form may show them again: of a credential only the name and the mask."""
    return "\n".join(_shown_header(line, redactor) for line in text.split("\n"))


def _shown_header(line: str, redactor: Redactor) -> str:
    name, colon, value = line.partition(":")
    return name + colon + (f" {redactor.header(name.strip(), value.strip())}" if value.strip() else value)


def _headers(text: str) -> tuple[dict[str, str], list[tuple[str, Problem]]]:
    found: dict[str, str] = {}
    problems: list[tuple[str, Problem]] = []
    for number, line in enumerate(text.split("\n"), 1):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or not name.strip():
            problems.append((HEADERS, Problem(f"headers line {number}", "a header is written NAME:VALUE")))
        elif value.strip().endswith(MASK):
            message = "a credential is shown as *** and has to be typed again"
            problems.append((HEADERS, Problem(f"headers line {number}", message, "secrets are not sent back to the page")))
        else:
            found[name.strip()] = value.strip(" ")
    return found, problems


def _place(problem: Problem, ready: Checked) -> str:
    own = problem.where == "headers" or problem.where.startswith("call header ") or problem.where in ready.headers
    return HEADERS if own else problem.where
