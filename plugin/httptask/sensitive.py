"""What a task's schemas call secret: `format: password` and `writeOnly` (JSON Schema 2020-12 validation, section 9.4)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Any, Protocol

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
    return _marked(value, _Places(definitions).of((schema,)), answered=answered)


def _marked(value: Any, place: _Place, *, answered: bool) -> Marked:
    found = _Found({}, MOST_LEARNED if answered else math.inf, verbatim=answered)
    return Marked(_masked(value, place, found), tuple(found.secrets))


def is_secret_input(schema: Schema, name: str) -> bool:
    """Tell whether a text given for an input is secret by the schema of all inputs, or by its name."""
    return bool(mark({name: "a text"}, schema, schema.get("$defs", {})).secrets)


def inputs(template: TaskTemplate, values: Mapping[str, Any]) -> Marked:
    """Return a task's inputs as they may be shown."""
    return _marked(dict(values), _inputs_place(template), answered=False)


def request_body(template: TaskTemplate, body: Any) -> Marked:
    """Return a rendered JSON body as it may be shown; what a body template made is judged by the inputs' values elsewhere."""
    schema = template.body.schema if template.body is not None and template.body.template is None else {}
    return mark(body, schema, template.definitions)


def response_body(template: TaskTemplate, body: Any) -> Marked:
    """Return a response's body as it may be shown, by every documented response: a field stays secret under another status."""
    return _marked(body, _response_place(template), answered=True)


def in_request_body(template: TaskTemplate | None, body: Any, by: Callable[[Any], Any]) -> Any:
    """Return a rendered JSON body with what is secret replaced `by` something; without a template, names alone tell."""
    if template is None or template.body is None or template.body.template is not None:
        return _masked(body, _Places({}).of(()), _Replacing(by))
    return _masked(body, _Places(template.definitions).of((template.body.schema,)), _Replacing(by))


def in_response_body(template: TaskTemplate | None, body: Any, by: Callable[[Any], Any]) -> Any:
    """Return a response's body likewise, by every documented response."""
    return _masked(body, _Places({}).of(()) if template is None else _response_place(template), _Replacing(by))


def outputs(template: TaskTemplate, values: Mapping[str, Any]) -> Marked:
    """Return a task's outputs as they may be shown."""
    return _marked(dict(values), _outputs_place(template), answered=True)


@lru_cache(maxsize=1024)
def _inputs_place(template: TaskTemplate) -> _Place:
    return _Places(template.definitions).of((input_schema(template),))


@lru_cache(maxsize=1024)
def _response_place(template: TaskTemplate) -> _Place:
    schemas = [spec.schema for spec in template.responses.values()] if _calls_anything_secret(template) else []
    return _Places(template.definitions).of(schemas)


@lru_cache(maxsize=1024)
def _outputs_place(template: TaskTemplate) -> _Place:
    properties = {name: output.schema for name, output in template.outputs.items()}
    return _Places(template.definitions).of(({"properties": properties},))


@lru_cache(maxsize=1024)
def secret_parameters(template: TaskTemplate) -> frozenset[str]:
    """Return the names, as they go on the wire, of parameters that the schema calls secret; header names in lower case."""
    places = _Places(template.definitions)
    return frozenset(
        parameter.name.lower() if parameter.location == "header" else parameter.name
        for parameter in parameter_names(template).values()
        if places.of((parameter.schema,)).is_secret
    )


@lru_cache(maxsize=1024)
def _calls_anything_secret(template: TaskTemplate) -> bool:
    """Tell whether a walk along the schemas can find anything; most APIs call nothing secret, and their answers are long."""
    parts: list[Any] = [template.definitions, *(spec.schema for spec in template.responses.values())]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            if _is_secret(part):
                return True
            parts += part.values()
        elif isinstance(part, list):
            parts.extend(part)
    return False


def _is_secret(schema: Schema) -> bool:
    return schema.get("format") == "password" or schema.get("writeOnly") is True


class _Places:
    """The places of values that some schemas speak of, each looked up once: a task's values are as many as its answers."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._known: dict[tuple[int, ...], _Place] = {}

    def of(self, schemas: Iterable[Any]) -> _Place:
        """Return the place that all these schemas speak of; those that say nothing are left out."""
        saying = [schema for schema in schemas if schema and isinstance(schema, Mapping)]
        key = tuple(map(id, saying))
        if key not in self._known:
            self._known[key] = _Place(self, tuple(saying), self._branches(saying))
        return self._known[key]

    def _branches(self, schemas: Iterable[Schema]) -> tuple[Schema, ...]:
        return tuple(branch for schema in schemas for branch in self._each(schema, frozenset()))

    def _each(self, schema: Any, seen: frozenset[str]) -> Iterator[Schema]:
        """Yield a schema with all that it refers to or combines."""
        if not isinstance(schema, Mapping):  # true and false are schemas too
            return
        yield schema
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            yield from self._each(self._definitions.get(name, {}), seen | {name})
        for keyword in ("allOf", "anyOf", "oneOf"):
            for branch in schema.get(keyword, ()):
                yield from self._each(branch, seen)
        for keyword in ("then", "else"):
            yield from self._each(schema.get(keyword), seen)


class _Place:
    """What schemas say of the values at one place, and of the places below it."""

    def __init__(self, places: _Places, schemas: tuple[Schema, ...], branches: tuple[Schema, ...]) -> None:
        self._places = places
        #: Held, because places are known by the identity of their schemas.
        self._schemas = schemas
        self._branches = branches
        self.is_secret = any(map(_is_secret, branches))
        self.says_nothing = not branches
        self._listed = frozenset(key for branch in branches for key in branch.get("properties", ()))
        self._patterned = any("patternProperties" in branch for branch in branches)
        self._fields: dict[str | None, _Place] = {}

    def field(self, key: str) -> _Place:
        """Return the place of a field; what no schema lists shares one, because a server may send any names."""
        if self._patterned:
            return self._places.of(_properties(key, self._branches))
        name = key if key in self._listed else None
        if name not in self._fields:
            self._fields[name] = self._places.of(_properties(name, self._branches))
        return self._fields[name]

    def items(self) -> Iterator[_Place]:
        """Yield the place of each item of a list, without end."""
        length = max((len(branch["prefixItems"]) for branch in self._branches if "prefixItems" in branch), default=0)
        for index in range(length):
            yield self._places.of(_items(index, self._branches))
        yield from repeat(self._places.of(_items(length, self._branches)))


class _Taking(Protocol):
    """Is handed each secret, and gives what stands in its place."""

    def take(self, value: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Replacing:
    by: Callable[[Any], Any]

    def take(self, value: Any) -> Any:
        return self.by(value)


@dataclass(frozen=True, slots=True)
class _Found:
    """The secrets found so far, in order, and how many are looked for."""

    secrets: dict[Secret, None]
    most: float
    verbatim: bool

    def take(self, value: Any) -> str:
        self.keep(value)
        return MASK

    def keep(self, value: Any) -> None:
        """Keep every text and number in a value as a secret of its own."""
        if len(self.secrets) >= self.most:
            return
        if isinstance(value, Mapping):
            value = list(value.values())
        if isinstance(value, list | tuple):
            for item in value:
                self.keep(item)
        elif not is_blank(value) and not (self.verbatim and len(str(value)) < SHORTEST_SEARCHED):
            self.secrets[Secret(str(value), reference=REFERENCE, verbatim=self.verbatim)] = None


def _masked(value: Any, place: _Place, taking: _Taking) -> Any:
    if place.says_nothing and type(value) in _SCALARS:
        return value
    if place.is_secret and not is_blank(value):
        return taking.take(value)
    if isinstance(value, Mapping):
        return {key: _field(key, item, place, taking) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, below, taking) for item, below in zip(value, place.items(), strict=False)]
    return value


def _field(key: str, value: Any, place: _Place, taking: _Taking) -> Any:
    if is_sensitive_field(key) and not is_blank(value):
        return taking.take(value)
    return _masked(value, place.field(key), taking)


def _properties(key: str | None, branches: tuple[Schema, ...]) -> Iterator[Any]:
    """Yield what branches say of a field; None stands for one that none of them lists."""
    for branch in branches:
        if key in branch.get("properties", {}):
            yield branch["properties"][key]
        else:
            yield branch.get("additionalProperties")
        for pattern, schema in branch.get("patternProperties", {}).items():
            if key is not None and re.search(pattern, key):
                yield schema


def _items(index: int, branches: tuple[Schema, ...]) -> Iterator[Any]:
    for branch in branches:
        prefix = branch.get("prefixItems", ())
        yield prefix[index] if index < len(prefix) else branch.get("items")
