"""A form as it stands: read from what a browser sent, changed by its buttons, and checked as the command line checks. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from httptask.errors import Problem
from httptask.identity import new_idempotency_key
from httptask.outcome import Warn
from httptask.runner import Options
from httptask.secrets import MASK, Redactor
from httptask.web import entries
from httptask.web.entries import CONNECTION, FAULT, HEADERS, TIMEOUT, Entry
from httptask.web.subjects import Subject
from httptask.web.submissions import Submission

#: Switches.
UNKNOWN, RETRY = "~unknown", "~retry"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a form says.

    Attributes:
        entry: the inputs.
        target: where to send; None before anything was chosen.
        headers: extra ones, one per line.
        timeout: seconds for all of it, as typed.
        fault: a script to simulate.
        allow_unknown: values outside an enumeration pass.
        retry: the retry policy goes on after the first attempt.

    """

    entry: Entry
    target: str | None = None
    headers: str = ""
    timeout: str = ""
    fault: str = ""
    allow_unknown: bool = False
    retry: bool = False
    problems: tuple[tuple[str, Problem], ...] = ()

    @property
    def has_options(self) -> bool:
        """Whether anything is said in what is folded away."""
        return bool(self.headers or self.timeout or self.fault or self.allow_unknown)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a draft comes to. `problems` are by the name of the field; `timeout` is None where there is no limit."""

    inputs: Mapping[str, Any]
    headers: Mapping[str, str]
    timeout: float | None
    problems: tuple[tuple[str, Problem], ...]
    warnings: tuple[Warn, ...] = ()


def of_inputs(subject: Subject, inputs: Mapping[str, Any], target: str | None = None) -> Draft:
    """Return the draft that says these inputs."""
    return Draft(entries.fill(subject.root, dict(inputs)), target)


def of_submission(subject: Subject, sent: Submission) -> Draft:
    """Return the draft that a browser sent."""
    return Draft(
        entries.parse(sent.fields, subject.root),
        sent.first(CONNECTION) or None,
        sent.first(HEADERS).replace("\r\n", "\n"),
        sent.first(TIMEOUT),
        sent.first(FAULT),
        bool(sent.first(UNKNOWN)),
        bool(sent.first(RETRY)),
        sent.problems,
    )


def changed(subject: Subject, draft: Draft, action: tuple[str, str]) -> Draft:
    """Return the draft after one of its own buttons was pressed; any other leaves it as it is."""
    root, (name, place) = subject.root, action
    change = {"add": entries.with_row, "remove": entries.without, "json": entries.as_json, "fields": entries.as_fields}.get(name)
    if change is not None:
        return replace(draft, entry=change(root, draft.entry, place))
    if name == "example":
        return replace(draft, entry=entries.fill(root, subject.example()))
    if name == "clear":
        return of_inputs(subject, subject.first(), draft.target)
    return draft


def checked(subject: Subject, draft: Draft) -> Checked:
    """Check a draft: everything that is wrong at once, in the words of the command line."""
    reading = entries.read_all(subject.root, draft.entry)
    unread = {fault.at for fault in reading.faults}
    found, warnings = subject.faults(reading.inputs, allow_unknown_enum=draft.allow_unknown)
    told = [] if entries.WHOLE in unread else [fault for fault in found if fault.at not in unread]
    headers, wrong = _headers(draft.headers)
    timeout, late = _timeout(draft.timeout)
    placed = ((reading.field_of(fault.at), fault.problem) for fault in (*reading.faults, *told))
    return Checked(reading.inputs, headers, timeout, (*placed, *wrong, *late), warnings)


def unread(subject: Subject, draft: Draft) -> tuple[tuple[str, Problem], ...]:
    """Return what in a draft cannot be read at all: texts that are no JSON."""
    return tuple((fault.at, fault.problem) for fault in entries.read_all(subject.root, draft.entry).faults)


def options_of(draft: Draft, ready: Checked, *, simulated: bool = False) -> Options:
    """Return how a task is called as its form says; a simulation plays the whole policy."""
    goes_on = draft.retry or simulated
    return Options(
        headers=ready.headers,
        once=not goes_on,
        verify=goes_on,
        allow_unknown_enum=draft.allow_unknown,
        deadline=ready.timeout,
        idempotency_key=new_idempotency_key() if simulated else None,
    )


def with_headers(draft: Draft, headers: Mapping[str, str]) -> Draft:
    """Return the draft with extra headers."""
    return replace(draft, headers="\n".join(f"{name}: {value}" for name, value in headers.items()))


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


def _timeout(text: str) -> tuple[float | None, list[tuple[str, Problem]]]:
    if not text.strip():
        return None, []
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isfinite(seconds) and seconds > 0:
        return seconds, []
    return None, [(TIMEOUT, Problem("timeout", "write a number of seconds", "leave it empty for no limit"))]


def _place(problem: Problem, ready: Checked) -> str:
    own = problem.where == "headers" or problem.where.startswith("call header ") or problem.where in ready.headers
    return HEADERS if own else problem.where
