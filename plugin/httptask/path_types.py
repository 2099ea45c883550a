"""What a JSON Schema says about the values below a path: which types they may have, and which keys there cannot be.

Everything here errs on one side: a type or an absence is told only where the schema leaves nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.schemas import referred

#: In the order in which a message names them.
_ORDER = ("string", "integer", "number", "boolean", "array", "object", "null")
#: Combinations within combinations; schemas written by people have two or three.
_DEEPEST = 16
#: Schemas looked at for one answer: combinations of combinations grow fast, and beyond this nothing is told.
_MOST = 5000
#: A whole number is both, so that `integer` and `number` meet there.
_NUMBER = frozenset({"integer", "number"})


@dataclass(frozen=True, slots=True)
class Shape:
    """A JSON Schema, and the one around it that its references lead into."""

    schema: Any
    root: Mapping[str, Any]

    @classmethod
    def of(cls, *types: str) -> Shape:
        """Return the shape of any value of these types."""
        return cls({"type": list(types)}, {})


@dataclass(frozen=True, slots=True)
class Absent:
    """A key that an object cannot have, because its schema is closed, and those that it may have."""

    key: str
    known: tuple[str, ...]


class _Effort:
    """How much is still looked at for one answer."""

    def __init__(self) -> None:
        self.left = _MOST

    def spent(self, depth: int) -> bool:
        """Count one schema, and tell whether that was too many or too deep."""
        self.left -= 1
        return self.left < 0 or depth == _DEEPEST


#: What a path leads to; None where the schema does not say.
Look = Shape | Absent | None


def follow(shape: Shape, path: Iterable[str]) -> Look:
    """Return what stands below a path of keys and indexes."""
    look: Look = shape
    effort = _Effort()
    for key in path:
        if not isinstance(look, Shape):
            break
        look = _below(look, key, effort, 0)
    return look


def types_of(look: Look) -> frozenset[str] | None:
    """Return the JSON types that a value may have, or None where it may have any. A number may be `integer` too."""
    return _types(look, _Effort(), 0) if isinstance(look, Shape) else None


def cannot_fit(given: Look, wanted: Look) -> bool:
    """Tell whether no value of one shape has a type of the other."""
    have, need = types_of(given), types_of(wanted)
    return have is not None and need is not None and not have & need


def named(types: frozenset[str] | None) -> str:
    """Return types as a message names them: `integer or null`."""
    shown = (types or frozenset()) - ({"integer"} if types and types >= _NUMBER else set())
    return " or ".join(name for name in _ORDER if name in shown)


def type_of_value(value: Any) -> Shape:
    """Return the shape of a literal of a file, by its type alone."""
    return Shape.of(*(sorted(_value_types(value)) if not isinstance(value, Mapping | list) else [_container(value)]))


def _container(value: Any) -> str:
    return "object" if isinstance(value, Mapping) else "array"


def _conjuncts(shape: Shape) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas that all hold for a value: its own, and those behind `$ref` and `allOf`."""
    waiting, seen = [shape.schema], set[int]()
    while waiting:
        schema = waiting.pop(0)
        if not isinstance(schema, Mapping) or id(schema) in seen:
            continue
        seen.add(id(schema))
        yield schema
        if isinstance(schema.get("$ref"), str):
            waiting.append(referred(schema["$ref"], shape.root))
        waiting += _listed(schema, "allOf")


def _alternatives(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[list[Shape]]:
    for key in ("anyOf", "oneOf"):
        branches = _listed(schema, key)
        if branches:
            yield [Shape(branch, root) for branch in branches]


def _listed(schema: Mapping[str, Any], key: str) -> list[Any]:
    return schema[key] if isinstance(schema.get(key), list) else []


def _types(shape: Shape, effort: _Effort, depth: int) -> frozenset[str] | None:
    if effort.spent(depth):
        return None
    found: frozenset[str] | None = None
    for schema in _conjuncts(shape):
        rules = [_own_types(schema), *(_any_of(branches, effort, depth + 1) for branches in _alternatives(schema, shape.root))]
        for rule in (rule for rule in rules if rule is not None):
            found = rule if found is None else found & rule
    return found or None  # types that exclude one another are a mistake of the schema, which is not for us to tell


def _any_of(branches: list[Shape], effort: _Effort, depth: int) -> frozenset[str] | None:
    each = [_types(branch, effort, depth) for branch in branches]
    return None if None in each else frozenset().union(*(types for types in each if types))


def _own_types(schema: Mapping[str, Any]) -> frozenset[str] | None:
    if "const" in schema:
        return _value_types(schema["const"])
    if isinstance(schema.get("enum"), list):
        return frozenset().union(*map(_value_types, schema["enum"]))
    given = schema.get("type")
    names = [given] if isinstance(given, str) else given
    if not isinstance(names, list):
        return None
    return frozenset(names) | (_NUMBER if "number" in names else frozenset())


def _value_types(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset({"null"})
    if isinstance(value, bool):
        return frozenset({"boolean"})
    if isinstance(value, int | float):
        return _NUMBER if value == int(value) else frozenset({"number"})
    return frozenset({"string" if isinstance(value, str) else _container(value)})


def _below(shape: Shape, key: str, effort: _Effort, depth: int) -> Look:
    """Return what stands below one key: where several schemas hold, what any of them says of it."""
    if effort.spent(depth):
        return None
    looks: list[Look] = []
    for schema in _conjuncts(shape):
        looks.append(_own_below(schema, key, shape.root))
        looks += [_in_any(branches, key, effort, depth + 1) for branches in _alternatives(schema, shape.root)]
    shapes = [look for look in looks if isinstance(look, Shape)]
    if shapes:
        return shapes[0] if len(shapes) == 1 else Shape({"allOf": [one.schema for one in shapes]}, shape.root)
    return next((look for look in looks if isinstance(look, Absent)), None)


def _in_any(branches: list[Shape], key: str, effort: _Effort, depth: int) -> Look:
    """Return what stands below a key when one of several schemas holds; those without keys are not meant."""
    keyed = [branch for branch in branches if (_types(branch, effort, depth) or {"object"}) & {"object", "array"}]
    looks = [_below(branch, key, effort, depth) for branch in keyed]
    if not looks or None in looks:
        return None
    shapes = [look for look in looks if isinstance(look, Shape)]
    if shapes:
        return Shape({"anyOf": [one.schema for one in shapes]}, shapes[0].root)
    return Absent(key, tuple(dict.fromkeys(name for look in looks if isinstance(look, Absent) for name in look.known)))


def _own_below(schema: Mapping[str, Any], key: str, root: Mapping[str, Any]) -> Look:
    properties = schema.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    if key in known:
        return Shape(known[key], root)
    if key.isdigit() and "object" not in (_own_types(schema) or {"array"}):
        return _item(schema, int(key), root)
    if schema.get("patternProperties"):
        return None
    rest = schema.get("additionalProperties")
    if rest is False:
        return None if key.isdigit() and "array" in (_own_types(schema) or {"array"}) else Absent(key, tuple(known))
    return Shape(rest, root) if isinstance(rest, Mapping) else None


def _item(schema: Mapping[str, Any], index: int, root: Mapping[str, Any]) -> Look:
    first = _listed(schema, "prefixItems")
    if index < len(first):
        return Shape(first[index], root)
    return Shape(schema["items"], root) if isinstance(schema.get("items"), Mapping) else None
