"""Asks a person on a terminal for required inputs that are missing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from httptask.cli.console import Console, on_one_line
from httptask.inputs import BODY, coerce, input_schema
from httptask.model import TaskTemplate
from httptask.reference import resolved
from httptask.schemas import Validator


def can_ask() -> bool:
    """Tell whether a person is there: the answers come from a terminal, and the questions are seen."""
    return bool(sys.stdin.isatty() and sys.stderr.isatty())


def completed(template: TaskTemplate, inputs: Mapping[str, Any], console: Console) -> dict[str, Any]:
    """Return the inputs with those that are required and missing, as a person gives them; others are not asked for."""
    schema = input_schema(template)
    found = dict(inputs)
    for name in (name for name in schema["required"] if name not in found):
        found[name] = _asked(name, schema["properties"][name], template, console)
    return found


def _asked(name: str, written: Any, template: TaskTemplate, console: Console) -> Any:
    """Ask until the value is one that the task takes."""
    schema = resolved(written, template.definitions)
    description = on_one_line(str(schema.get("description", "")))
    if description:
        console.note(console.style(description, "dim", stream=sys.stderr))
    if name == BODY and schema.get("type") == "object" and schema.get("required"):
        return {field: _asked_field(field, schema, template, console) for field in schema["required"]}
    return _asked_once(name, written, template, console)


def _asked_field(field: str, schema: Mapping[str, Any], template: TaskTemplate, console: Console) -> Any:
    return _asked_once(f"{BODY}.{field}", schema.get("properties", {}).get(field, {}), template, console)


def _asked_once(label: str, written: Any, template: TaskTemplate, console: Console) -> Any:
    schema = resolved(written, template.definitions)
    while True:
        value = coerce(schema, template.definitions, _answer(label, schema))
        problems = list(_problems(written, template, value))
        if not problems:
            return value
        for message in problems:
            console.note(f"  {label}: {message}")


def _answer(label: str, schema: Mapping[str, Any]) -> str:
    values = schema.get("enum")
    if values and all(isinstance(value, str) for value in values):
        return str(click.prompt(label, type=click.Choice(values), err=True))
    if schema.get("type") == "boolean":
        return str(click.prompt(label, type=click.Choice(["true", "false"]), err=True))
    if schema.get("type") in {"object", "array"}:
        return _json(label)
    return str(click.prompt(label, hide_input=schema.get("format") == "password", err=True))


def _json(label: str) -> str:
    while True:
        text = str(click.prompt(f"{label} (JSON)", err=True))
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            click.echo("  this is no JSON", err=True)
        else:
            return text


def _problems(written: Any, template: TaskTemplate, value: Any) -> Iterator[str]:
    schema = {"properties": {"value": written}, "$defs": dict(template.definitions)}
    for violation in Validator(schema).violations({"value": value}):
        yield violation.message
