"""What kind of control a place in a task's inputs gets: a JSON Schema, seen as a part of a form. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from httptask.inputs import BODY, input_schema
from httptask.model import Schema, TaskTemplate, Workflow
from httptask.reference import resolved
from httptask.secrets import is_sensitive_field

#: Levels of lists and groups that are shown as fields; what lies deeper is written as JSON.
MAX_DEPTH = 8
#: A text that may be longer than this gets several lines.
LONG_TEXT = 200
_SCALARS = frozenset({"string", "integer", "number", "boolean"})
_NUMBERS = frozenset({"integer", "number"})


class Kind(StrEnum):
    """The controls of a form."""

    TEXT = "text"
    AREA = "area"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    CHOICES = "choices"
    GROUP = "group"
    LIST = "list"
    JSON = "json"


@dataclass(frozen=True)
class Part:
    """One place: its kind, its schema with references and `allOf` merged, and whether what stands there is secret.

    `forced` are kinds of a group's keys that their schemas alone do not tell. Where secrets are given as references
    (`takes_references`), what would be one is a text that may be shown (`is_reference`). Defaults of what is no part of a request
    are our own.
    """

    kind: Kind
    schema: Mapping[str, Any]
    definitions: Mapping[str, Schema] = field(repr=False)
    is_secret: bool = False
    depth: int = 0
    forced: Mapping[str, Kind] = field(default_factory=dict, repr=False)
    is_of_a_request: bool = True
    takes_references: bool = False
    is_reference: bool = False

    @cached_property
    def fields(self) -> dict[str, Part]:
        """The parts of a group, by key."""
        properties = self.schema.get("properties", {})
        found = {key: part_of(schema, self.definitions, key, above=self) for key, schema in properties.items()}
        if self.takes_references:
            found = {key: _as_reference(part) if part.is_secret else part for key, part in found.items()}
        return {key: replace(part, kind=self.forced.get(key, part.kind)) for key, part in found.items()}

    @cached_property
    def item(self) -> Part:
        """The part that each row of a list has."""
        return part_of(self.schema["items"], self.definitions, above=self)

    @property
    def required(self) -> frozenset[str]:
        """The keys that a group must have."""
        return frozenset(self.schema.get("required", ()))

    @cached_property
    def choices(self) -> dict[str, Any]:
        """Text -> value of each choice. Text is the value itself where that is unmistakable, else its JSON."""
        source = self.item.schema if self.kind is Kind.CHOICES else self.schema
        values = source["enum"] if "enum" in source else [source["const"]]
        return {choice_text(value, values): value for value in values}

    @property
    def types(self) -> frozenset[str]:
        """The JSON types that the schema names, null left out; empty where it names none."""
        return _types(self.schema)


def root_of(template: TaskTemplate) -> Part:
    """Return the whole of a task's inputs as a group."""
    forced: dict[str, Kind] = {}
    if template.body is not None and template.accepts_body:
        if template.body.content_type.startswith("text/"):
            forced = {BODY: Kind.AREA}
        elif not _types(_merged(template.body.schema, template.definitions)):
            forced = {BODY: Kind.JSON}
    root = part_of(input_schema(template), template.definitions)
    kept = {key: kind for key, kind in forced.items() if root.fields[key].kind is Kind.TEXT or kind is Kind.AREA}
    return Part(Kind.GROUP, root.schema, template.definitions, forced=kept)


def root_of_workflow(workflow: Workflow) -> Part:
    """Return the whole of a workflow's inputs as a group."""
    whole = part_of(workflow.inputs, workflow.inputs.get("$defs", {}))
    return replace(whole, kind=Kind.GROUP, takes_references=True, is_of_a_request=False)


def _as_reference(part: Part) -> Part:
    return replace(part, kind=Kind.TEXT, schema=_reference(part.schema), is_secret=False, is_reference=True)


def _reference(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a reference to what a schema describes."""
    return {"type": "string", **({"description": schema["description"]} if "description" in schema else {})}


def part_of(schema: Any, definitions: Mapping[str, Schema], key: str = "", *, above: Part | None = None) -> Part:
    """Return the part of a schema; `key` is the name that it has in its group."""
    whole = _merged(schema, definitions)
    hidden = whole.get("format") == "password" or whole.get("writeOnly") is True or is_sensitive_field(key)
    depth = above.depth + 1 if above else 0
    kind = _kind(whole, definitions, is_input=depth == 1)
    if depth >= MAX_DEPTH and kind in {Kind.GROUP, Kind.LIST}:
        kind = Kind.JSON
    secret = hidden or bool(above and above.is_secret)
    return Part(kind, whole, definitions, secret, depth, is_of_a_request=above is None or above.is_of_a_request)


def choice_text(value: Any, among: list[Any]) -> str:
    """Return the text by which a form names a value of an enumeration."""
    if isinstance(value, str) and value and not any(_json(other) == value for other in among if not isinstance(other, str)):
        return value
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _merged(schema: Any, definitions: Mapping[str, Schema]) -> dict[str, Any]:
    """Return a schema as one thing: what may also be null is seen as what it is otherwise."""
    whole = resolved(schema, definitions)
    for keyword in ("anyOf", "oneOf"):
        branches = [resolved(branch, definitions) for branch in whole.get(keyword, ())]
        real = [branch for branch in branches if branch.get("type") != "null"]
        if len(real) == 1 and len(branches) > 1:
            rest = {name: value for name, value in whole.items() if name != keyword}
            whole = {**real[0], **rest}
    return whole


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    given = schema.get("type", ())
    return frozenset([given] if isinstance(given, str) else given) - {"null"}


def _kind(schema: Mapping[str, Any], definitions: Mapping[str, Schema], *, is_input: bool) -> Kind:
    if "enum" in schema or "const" in schema:
        return Kind.CHOICE
    types = _types(schema)
    branches = [resolved(branch, definitions) for key in ("anyOf", "oneOf") for branch in schema.get(key, ())]
    if branches:
        return Kind.TEXT if all(_is_scalar(_types(branch)) for branch in branches) else Kind.JSON
    if not types:
        return _untyped(schema, is_input=is_input)
    if types == {"object"}:
        return Kind.GROUP if schema.get("properties") else Kind.JSON
    if types == {"array"}:
        return _list_kind(schema, definitions)
    return _scalar_kind(types, schema)


def _scalar_kind(types: frozenset[str], schema: Mapping[str, Any]) -> Kind:
    if types == {"boolean"}:
        return Kind.BOOLEAN
    if types <= _NUMBERS:
        return Kind.NUMBER
    is_long = schema.get("maxLength", 0) > LONG_TEXT
    return (Kind.AREA if is_long else Kind.TEXT) if _is_scalar(types) else Kind.JSON


def _is_scalar(types: frozenset[str]) -> bool:
    return bool(types) and types <= _SCALARS


def _untyped(schema: Mapping[str, Any], *, is_input: bool) -> Kind:
    """Return the kind where a schema names no type; the text of an input stays text, as on the command line."""
    if schema.get("properties"):
        return Kind.GROUP
    return Kind.TEXT if is_input else Kind.JSON


def _list_kind(schema: Mapping[str, Any], definitions: Mapping[str, Schema]) -> Kind:
    items = schema.get("items")
    if not isinstance(items, Mapping) or not items or "prefixItems" in schema:
        return Kind.JSON
    inner = _kind(_merged(items, definitions), definitions, is_input=False)
    if inner is Kind.CHOICE:
        return Kind.CHOICES
    return Kind.JSON if inner in {Kind.JSON, Kind.LIST, Kind.CHOICES} else Kind.LIST
