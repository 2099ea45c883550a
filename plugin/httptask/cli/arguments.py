"""Inputs from the command line: `-i name=value` coerced by schema, files, and the body."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from httptask.errors import InputInvalid, Problem, TemplateInvalid
from httptask.inputs import BODY, coerce, input_schema, property_schema
from httptask.loader import read_bytes, shown
from httptask.model import Schema, TaskTemplate, Workflow
from httptask.suggest import did_you_mean

Lookup = Callable[[str], tuple[Schema, Mapping[str, Schema]]]


def task_inputs(template: TaskTemplate, given: Iterable[str], file: Path | None, body: str | None) -> dict[str, Any]:
    """Return a task's inputs from `--inputs FILE`, `-i` and `--body`, later ones winning.

    Raises:
        InputInvalid: every option that cannot be read, and every name that the task does not know.

    """
    inputs = _collect(given, file, lambda name: property_schema(template, name))
    if body is not None:
        if BODY not in input_schema(template)["properties"]:
            hint = "give its named inputs with -i" if template.body else f"its request is {template.method} without content"
            raise InputInvalid(Problem("--body", f"{template.id} takes no body", hint))
        inputs[BODY] = _body(template, body)
    return inputs


def workflow_inputs(workflow: Workflow, given: Iterable[str], file: Path | None) -> dict[str, Any]:
    """Return a workflow's inputs from `--inputs FILE` and `-i`.

    Raises:
        InputInvalid: every option that cannot be read, and every name that the workflow does not know.

    """
    properties = workflow.inputs.get("properties", {})

    def lookup(name: str) -> tuple[Schema, Mapping[str, Schema]]:
        if name not in properties:
            hint = did_you_mean(name, properties) or f"its inputs: {', '.join(properties) or 'none'}"
            raise InputInvalid(Problem(name, "the workflow has no such input", hint))
        return properties[name], workflow.inputs.get("$defs", {})

    return _collect(given, file, lookup)


def read_text(source: str) -> str:
    """Return the text of `@FILE`, of `-` (standard input), or the text itself; `@@` stands for a literal `@`.

    Raises:
        InputInvalid: the file cannot be read or is not UTF-8.

    """
    if source.startswith("@@") or not (source == "-" or source.startswith("@")):
        return source.removeprefix("@") if source.startswith("@@") else source
    try:
        raw = sys.stdin.buffer.read() if source == "-" else read_bytes(Path(source[1:]).expanduser())
        return raw.decode("utf-8")
    except TemplateInvalid as error:
        raise InputInvalid(error.problems) from None
    except UnicodeDecodeError:
        raise InputInvalid(Problem(source, "the file is not UTF-8")) from None


def _collect(given: Iterable[str], file: Path | None, lookup: Lookup) -> dict[str, Any]:
    inputs = _from_file(file) if file else {}
    problems: list[Problem] = []
    for option in given:
        name, sign, text = option.partition("=")
        try:
            if not sign:
                raise InputInvalid(Problem("-i", "an input is written NAME=VALUE", "quote it as one word for the shell"))  # noqa: TRY301
            schema, definitions = lookup(name)
            inputs[name] = coerce(schema, definitions, read_text(text) if text != "-" else text)
        except InputInvalid as error:
            problems += error.problems
    if problems:
        raise InputInvalid(problems)
    return inputs


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
    try:
        return json.loads(text)
    except ValueError as error:
        place = f"line {error.lineno} column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a number"
        hint = "text needs double quotes; @FILE reads a file, - reads standard input"
        raise InputInvalid(Problem("--body", f"not JSON at {place}", hint)) from None
