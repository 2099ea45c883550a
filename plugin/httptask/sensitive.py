"""What a task's schemas call secret: `format: password` and `writeOnly` (JSON Schema 2020-12 validation, section 9.4)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from httptask.inputs import input_schema, parameter_names
from httptask.model import Schema, TaskTemplate
from httptask.secret_search import SHORTEST_SEARCHED
from httptask.secrets import MASK, Secret, is_blank, is_sensitive_field

REFERENCE = "a value that the schema calls secret"
_SCALARS = frozenset({str, int, float, bool, type(None)})
#: Values learned from one answer, to be masked elsewhere too.
MOST_LEARNED = 100


@dataclass(frozen=True, slots=True)
class Marked:
    """A value with the mask in place of what its schema calls secret, and those secrets, to be masked wherever they occur."""

    value: Any
    secrets: tuple[Secret, ...] = ()


def mark(value: Any, schema: Any, definitions: Mapping[str, Schema], *, answered: bool = False) -> Marked:
    """Return a value as its schema allows it to be shown; a field with a sensitive name is secret whatever the schema says.

    Of what a server `answered`, `MOST_LEARNED` values are returned, and the others are masked in their place alone: a server
    must not choose how long the search for them takes.
    """
    search = _Search(definitions, {}, MOST_LEARNED if answered else math.inf, verbatim=answered)
    shown = _masked(value, schema, search)
    return Marked(shown, tuple(search.found))


def inputs(template: TaskTemplate, values: Mapping[str, Any]) -> Marked:
    """Return a task's inputs as they may be shown."""
    return mark(dict(values), input_schema(template), template.definitions)


def request_body(template: TaskTemplate, body: Any) -> Marked:
    """Return a rendered JSON body as it may be shown; what a body template made is judged by the inputs' values elsewhere."""
    schema = template.body.schema if template.body is not None and template.body.template is None else {}
    return mark(body, schema, template.definitions)


def response_body(template: TaskTemplate, body: Any) -> Marked:
    """Return a response's body as it may be shown, by every documented response: a field stays secret under another status."""
    schemas = [spec.schema for spec in template.responses.values()] if _calls_anything_secret(template) else []
    return mark(body, {"anyOf": schemas}, template.definitions, answered=True)


def outputs(template: TaskTemplate, values: Mapping[str, Any]) -> Marked:
    """Return a task's outputs as they may be shown."""
    properties = {name: output.schema for name, output in template.outputs.items()}
    return mark(dict(values), {"properties": properties}, template.definitions, answered=True)


@lru_cache(maxsize=1024)
def secret_parameters(template: TaskTemplate) -> frozenset[str]:
    """Return the names, as they go on the wire, of parameters that the schema calls secret; header names in lower case."""
    search = _Search(template.definitions, {})
    return frozenset(
        parameter.name.lower() if parameter.location == "header" else parameter.name
        for parameter in parameter_names(template).values()
        if search.is_secret(search.branches(parameter.schema))
    )


@lru_cache(maxsize=1024)
def _calls_anything_secret(template: TaskTemplate) -> bool:
    """Tell whether a walk along the schemas can find anything; most APIs call nothing secret, and their answers are long."""
    parts: list[Any] = [template.definitions, *(spec.schema for spec in template.responses.values())]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            if _Search.is_secret((part,)):
                return True
            parts += part.values()
        elif isinstance(part, list):
            parts.extend(part)
    return False


@dataclass(frozen=True, slots=True)
class _Search:
    """Where references lead, the secrets found so far, in order, and how many are looked for."""

    definitions: Mapping[str, Schema]
    found: dict[Secret, None]
    most: float = math.inf
    verbatim: bool = False

    def branches(self, schema: Any) -> tuple[Schema, ...]:
        """Return a schema with all that it refers to or combines."""
        return tuple(self._branches(schema, frozenset()))

    def _branches(self, schema: Any, seen: frozenset[str]) -> Iterator[Schema]:
        if not isinstance(schema, Mapping):  # true and false are schemas too
            return
        yield schema
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from self._branches(self.definitions.get(name, {}), seen | {name})
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                yield from self._branches(branch, seen)
        for keyword in ("then", "else"):
            yield from self._branches(schema.get(keyword), seen)

    @staticmethod
    def is_secret(branches: tuple[Schema, ...]) -> bool:
        return any(branch.get("format") == "password" or branch.get("writeOnly") is True for branch in branches)

    def keep(self, value: Any) -> None:
        """Keep every text and number in a value as a secret of its own."""
        if len(self.found) >= self.most:
            return
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, list | tuple):
            for item in value:
                self.keep(item)
        elif not is_blank(value) and not (self.verbatim and len(str(value)) < SHORTEST_SEARCHED):
            self.found[Secret(str(value), reference=REFERENCE, verbatim=self.verbatim)] = None


def _masked(value: Any, schema: Any, search: _Search) -> Any:
    if not schema and type(value) in _SCALARS:
        return value
    branches = search.branches(schema)
    if search.is_secret(branches) and not is_blank(value):
        search.keep(value)
        return MASK
    if isinstance(value, Mapping):
        return {key: _field(key, item, branches, search) for key, item in value.items()}
    if isinstance(value, list | tuple):
        alike = None if any("prefixItems" in branch for branch in branches) else _all_of(_items(0, branches))
        return [
            _masked(item, _all_of(_items(index, branches)) if alike is None else alike, search)
            for index, item in enumerate(value)
        ]
    return value


def _field(key: str, value: Any, branches: tuple[Schema, ...], search: _Search) -> Any:
    if is_sensitive_field(key) and not is_blank(value):
        search.keep(value)
        return MASK
    return _masked(value, _all_of(_properties(key, branches)), search)


def _all_of(schemas: Iterator[Any]) -> Schema:
    """Return one schema for several, without those that say nothing: an answer has many more values than its schema has parts."""
    found = [schema for schema in schemas if schema and isinstance(schema, Mapping)]
    return {"allOf": found} if found else {}


def _properties(key: str, branches: tuple[Schema, ...]) -> Iterator[Any]:
    for branch in branches:
        if key in branch.get("properties", {}):
            yield branch["properties"][key]
        else:
            yield branch.get("additionalProperties")
        for pattern, schema in branch.get("patternProperties", {}).items():
            if re.search(pattern, key):
                yield schema


def _items(index: int, branches: tuple[Schema, ...]) -> Iterator[Any]:
    for branch in branches:
        prefix = branch.get("prefixItems", ())
        yield prefix[index] if index < len(prefix) else branch.get("items")
