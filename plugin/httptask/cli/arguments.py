"""Inputs from the command line: `-i name=value` coerced by schema, files, and the body."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from httptask.errors import InputInvalid, Problem, TemplateInvalid
from httptask.inputs import BODY, check, coerce, from_json, property_schema
from httptask.loader import read_bytes, shown
from httptask.model import Schema, TaskTemplate, Workflow
from httptask.reference import resolved

Lookup = Callable[[str], tuple[Schema, Mapping[str, Schema]]]


def task_inputs(template: TaskTemplate, given: Iterable[str], file: Path | None, body: str | None) -> dict[str, Any]:
    """Return a task's inputs from `--inputs FILE`, `-i` and `--body`, later ones winning. Unknown names are kept for the check.

    Raises:
        InputInvalid: every option that cannot be read, together with what the task's own check finds in the others.

    """
    reading = _Reading(lambda name: property_schema(template, name))
    reading.collect(given, file)
    if body is not None:
        reading.take(BODY, lambda: _body(template, body))
    if reading.problems:
        raise InputInvalid([*reading.problems, *_others(template, reading)])
    return reading.inputs


def workflow_inputs(workflow: Workflow, given: Iterable[str], file: Path | None) -> dict[str, Any]:
    """Return a workflow's inputs from `--inputs FILE` and `-i`. Unknown names are kept for the check.

    Raises:
        InputInvalid: every option that cannot be read.

    """
    properties = workflow.inputs.get("properties", {})
    reading = _Reading(lambda name: (properties.get(name, {}), workflow.inputs.get("$defs", {})))
    reading.collect(given, file)
    if reading.problems:
        raise InputInvalid(reading.problems)
    return reading.inputs


def read_text(source: str) -> str:
    """Return the text of `@FILE`, of `-` (standard input), or the text itself; `@@` stands for a literal `@`.

    Raises:
        InputInvalid: the file cannot be read or is not UTF-8.

    """
    if source.startswith("@@") or not (source == "-" or source.startswith("@")):
        return source.removeprefix("@") if source.startswith("@@") else source
    try:
        raw = sys.stdin.buffer.read() if source == "-" else read_bytes(_file(source[1:]))
        return raw.decode("utf-8")
    except TemplateInvalid as error:
        raise InputInvalid(error.problems) from None
    except UnicodeDecodeError:
        raise InputInvalid(Problem(source, "the file is not UTF-8")) from None


def _file(written: str) -> Path:
    try:
        return Path(written).expanduser()
    except RuntimeError:  # there is no such user, so `~` is a letter of the name
        return Path(written)


class _Reading:
    """Reads options one by one and keeps what is wrong with each."""

    def __init__(self, lookup: Lookup) -> None:
        self.lookup = lookup
        self.inputs: dict[str, Any] = {}
        self.problems: list[Problem] = []
        self.unread: set[str] = set()

    def collect(self, given: Iterable[str], file: Path | None) -> None:
        if file is not None:
            self.inputs.update(_from_file(file))
        given_before: set[str] = set()
        for option in given:
            name, sign, text = option.partition("=")
            if sign:
                self.take(name, lambda name=name, text=text: self._coerced(name, text, again=name in given_before))  # type: ignore[misc]
                given_before.add(name)
            else:
                self.problems.append(Problem("-i", "an input is written NAME=VALUE", "quote it as one word for the shell"))

    def take(self, name: str, read: Callable[[], Any]) -> None:
        try:
            self.inputs[name] = read()
        except InputInvalid as error:
            self.problems += error.problems
            self.unread.add(name)

    def _coerced(self, name: str, text: str, *, again: bool) -> Any:
        """Return a value as its schema asks; `-i tag=a -i tag=b` gives a list, for an input that is one."""
        written, definitions = self.lookup(name)
        schema = resolved(written, definitions)
        value = coerce(schema, definitions, text if text == "-" else read_text(text))
        if schema.get("type") != "array" or isinstance(value, list) or str(value).startswith("["):
            return value
        earlier = self.inputs[name] if again and isinstance(self.inputs.get(name), list) else []
        return [*earlier, coerce(schema.get("items", {}), definitions, str(value))]


def _others(template: TaskTemplate, reading: _Reading) -> Iterable[Problem]:
    """Return what the task's check finds in the inputs that could be read."""
    try:
        check(template, reading.inputs)
    except InputInvalid as error:
        return (problem for problem in error.problems if problem.where not in reading.unread)
    return ()


def _from_file(file: Path) -> dict[str, Any]:
    from httptask.documents import parse

    try:
        data = parse(read_bytes(file), file=shown(file)).data
    except TemplateInvalid as error:
        raise InputInvalid(error.problems) from None
    if not isinstance(data, dict):
        raise InputInvalid(Problem(shown(file), "inputs must be a mapping of names to values"))
    return dict(data)


def _body(template: TaskTemplate, source: str) -> Any:
    text = read_text(source)
    if template.body is not None and template.body.content_type.startswith("text/"):
        return text
    return from_json(text, "--body", "text needs double quotes; @FILE reads a file, - reads standard input")
