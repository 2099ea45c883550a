"""Tells quickly that a value certainly fits a JSON Schema, so that the full check runs only where something may be wrong.

A schema becomes functions once. They know the keywords that answers and inputs of APIs are mostly made of; wherever another one
has a say, or a value is not plainly right, the answer is no, which means: look closer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

#: Tells that a value certainly fits.
Accepts = Callable[[Any], bool]
#: Returns the schema that a reference leads to, or None.
Follow = Callable[[str], Any]

_TYPES: Mapping[str, frozenset[type]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "array": frozenset({list}),
    "object": frozenset({dict}),
    "null": frozenset({type(None)}),
}
_SAYS_NOTHING = frozenset(
    {"title", "description", "default", "example", "examples", "readOnly", "writeOnly", "deprecated", "$comment", "$defs"}
)
_BITS: Mapping[str, int] = {"int32": 31, "int64": 63}


class Acceptance:
    """The functions of one schema document, each made when it is first asked: a reference may lead back to where it stands."""

    def __init__(self, follow: Follow, formats: Collection[str]) -> None:
        """Take what resolves references, and the formats that the full check looks at."""
        self._follow = follow
        self._formats = formats
        self._known: dict[int, Accepts] = {}

    def of(self, schema: Any) -> Accepts:
        """Return the function of a schema, which must outlive this object."""
        if schema is True:
            return _anything
        if not isinstance(schema, Mapping):
            return _nothing
        if id(schema) not in self._known:
            self._known[id(schema)] = _Later(self, schema)
        return self._known[id(schema)]

    def made(self, schema: Mapping[str, Any]) -> Accepts:
        """Make the function of a schema: what all of its keywords accept."""
        rules = [self._rule(keyword, rule) for keyword, rule in schema.items() if not _says_nothing(keyword)]
        if any(keyword in schema for keyword in ("properties", "additionalProperties")):
            rules.append(self._fields(schema))
        return rules[0] if len(rules) == 1 else lambda value: all(accepts(value) for accepts in rules)

    def _rule(self, keyword: str, rule: Any) -> Accepts:
        make = _RULES.get(keyword)
        return _nothing if make is None else make(self, rule)

    def _type(self, rule: Any) -> Accepts:
        names = [rule] if isinstance(rule, str) else rule
        types = frozenset[type]().union(*(_TYPES.get(name, ()) for name in names))
        return lambda value: type(value) in types

    def _enum(self, rule: Any) -> Accepts:
        texts = frozenset(value for value in rule if isinstance(value, str))
        return lambda value: type(value) is str and value in texts

    def _required(self, rule: Any) -> Accepts:
        return lambda value: not isinstance(value, dict) or all(key in value for key in rule)

    def _each(self, rule: Any) -> Accepts:
        accepts = self.of(rule)
        return lambda value: not isinstance(value, list) or all(map(accepts, value))

    def _reference(self, rule: Any) -> Accepts:
        return self.of(self._follow(rule))

    def _all(self, rule: Any) -> Accepts:
        parts = [self.of(part) for part in rule]
        return lambda value: all(accepts(value) for accepts in parts)

    def _any(self, rule: Any) -> Accepts:
        parts = [self.of(part) for part in rule]
        return lambda value: any(accepts(value) for accepts in parts)

    def _format(self, rule: Any) -> Accepts:
        if rule in _BITS:
            limit = 1 << _BITS[rule]
            return lambda value: not isinstance(value, int) or -limit <= value < limit
        return (lambda value: not isinstance(value, str)) if rule in self._formats else _anything

    def _anything(self, _rule: Any) -> Accepts:
        return _anything

    def _fields(self, schema: Mapping[str, Any]) -> Accepts:
        known = {name: self.of(rule) for name, rule in schema.get("properties", {}).items()}
        other = self.of(schema.get("additionalProperties", True))

        def accepts(value: Any) -> bool:
            return not isinstance(value, dict) or all(known.get(key, other)(part) for key, part in value.items())

        return accepts


class _Later:
    """A function that is made when it is first called."""

    def __init__(self, acceptance: Acceptance, schema: Mapping[str, Any]) -> None:
        self._acceptance = acceptance
        self._schema = schema
        self._accepts: Accepts | None = None

    def __call__(self, value: Any) -> bool:
        if self._accepts is None:
            self._accepts = self._acceptance.made(self._schema)
        return self._accepts(value)


def _says_nothing(keyword: str) -> bool:
    return keyword in _SAYS_NOTHING or keyword.startswith("x-")


def _anything(_value: Any) -> bool:
    return True


def _nothing(_value: Any) -> bool:
    return False


_RULES: Mapping[str, Callable[[Acceptance, Any], Accepts]] = {
    "type": Acceptance._type,  # noqa: SLF001 - its own
    "enum": Acceptance._enum,  # noqa: SLF001
    "required": Acceptance._required,  # noqa: SLF001
    "items": Acceptance._each,  # noqa: SLF001
    "$ref": Acceptance._reference,  # noqa: SLF001
    "allOf": Acceptance._all,  # noqa: SLF001
    "anyOf": Acceptance._any,  # noqa: SLF001
    "format": Acceptance._format,  # noqa: SLF001
    "properties": Acceptance._anything,  # noqa: SLF001 - see _fields
    "additionalProperties": Acceptance._anything,  # noqa: SLF001 - see _fields
}
