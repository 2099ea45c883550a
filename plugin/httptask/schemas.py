"""JSON Schema 2020-12 checks with messages that name keys and rules but never values: the only module that imports jsonschema.

`format` asserts here (jsonschema ignores it unless told), also for OpenAPI's `int32` and `int64`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, pairwise
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.validators import extend
from referencing.exceptions import Unresolvable

from httptask.accepting import Acceptance
from httptask.errors import Problem
from httptask.suggest import did_you_mean, nearest

Path = tuple[str | int, ...]

#: RFC 3339 section 5.6, with the leap second's 60 apart; `fromisoformat` alone takes other forms of ISO 8601 too.
_DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:)(60|\d\d)((?:\.\d+)?(?:Z|[+-]\d\d:\d\d))", re.ASCII)

#: Keywords that name or address a schema in another way than `$ref` with a path, which is all that definition files use.
OTHER_REFERENCES = ("$id", "$anchor", "$dynamicRef", "$dynamicAnchor")
_ONE_IN_PLACE = ("not", "if", "then", "else")
_LISTS_IN_PLACE = ("allOf", "anyOf", "oneOf")

#: Levels of arrays and objects in one value; no API nests so deeply, and Python's stack ends soon after.
MAX_DEPTH = 200
#: As a tuple: a union of types is several times slower to test against, and answers hold millions of parts.
_CONTAINERS = (dict, list)
#: Items that an excerpt keeps of each list: the first number with which the whole is small enough.
_KEPT_ITEMS = (1000, 100, 10, 1)


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: where in the value, the schema keyword, and a message free of values.

    `path` leads to the value at fault; for an unknown or missing key it leads to the object and `key` names the key.
    """

    path: Path
    keyword: str
    message: str
    hint: str = ""
    key: str | None = None

    def problem(self, root: str = "") -> Problem:
        """Return the violation as a Problem whose place is a JSON path below `root`."""
        return Problem(json_path(self.path, root), self.message, self.hint)


def too_deep(value: Any) -> bool:
    """Tell whether arrays and objects are nested deeper than `MAX_DEPTH`: later readers would run out of stack."""
    level: list[Any] = [[value]]
    for _ in range(MAX_DEPTH + 1):
        inner = (part for parts in level for part in (parts.values() if isinstance(parts, dict) else parts))
        level = list({id(part): part for part in inner if isinstance(part, _CONTAINERS)}.values())
        if not level:
            return False
    return True


def excerpt(value: Any, size: int) -> Any:
    """Return a value of more than `size` parts with its lists cut short, so that checking it takes a bounded time.

    Items of a list share one schema, so its first ones stand for the rest. What cannot be cut so far becomes None.
    """
    if _fits(value, size):
        return value
    cuts = (_cut(value, kept, size) for kept in _KEPT_ITEMS)
    return next((cut for cut in cuts if _fits(cut, size)), None)


def _fits(value: Any, size: int) -> bool:
    parts, left = [value], size
    while parts and left >= 0:
        part = parts.pop()
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        left -= len(inner)
        parts.extend(islice(inner, max(left, 0)))
    return left >= 0


def _cut(value: Any, kept: int, size: int) -> Any:
    if isinstance(value, list):
        return [_cut(item, kept, size) for item in value[:kept]]
    if isinstance(value, dict) and len(value) <= size:
        return {key: _cut(item, kept, size) for key, item in value.items()}
    return value


class Validator:
    """A schema compiled once. References resolve inside the schema only: nothing is ever fetched."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Compile; the schema must be self-contained."""
        root = dict(schema)
        self._validator = _Validator2020(root, format_checker=_FORMATS)
        self._accepts = Acceptance(lambda reference: referred(reference, root), _FORMATS.checkers).of(root)

    def violations(self, value: Any, limit: int | None = None) -> tuple[Violation, ...]:
        """Return every broken rule, or the first `limit` that are found, in document order."""
        if self._certainly_fits(value):
            return ()
        every = (violation for error in self._validator.iter_errors(value) for violation in _violations(error))
        try:
            found = list(islice(every, limit))
        except RecursionError:
            return (Violation((), "$ref", "cannot be checked: its schema has a reference that does not end"),)
        except Unresolvable:
            return (Violation((), "$ref", "cannot be checked: its schema has a reference that leads nowhere"),)
        return tuple(
            sorted(
                dict.fromkeys(found),
                key=lambda violation: [(str(part), 0) if isinstance(part, str) else ("", part) for part in violation.path],
            )
        )

    def _certainly_fits(self, value: Any) -> bool:
        try:
            return self._accepts(value)
        except RecursionError:
            return False


def is_endless(schema: Any, root: Mapping[str, Any]) -> bool:
    """Tell whether a schema inside `root` leads back to itself without a step into the value: checking it would never end."""
    waiting, seen = _in_place(schema, root), set[int]()
    while waiting:
        other = waiting.pop()
        if other is schema:
            return True
        if id(other) not in seen:
            seen.add(id(other))
            waiting += _in_place(other, root)
    return False


def referred(reference: str, root: Any) -> Any:
    """Return the schema that a reference of the form `#/a/b` leads to inside `root`, or None."""
    start, *parts = reference.split("/")
    for part in parts:
        root = root.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(root, Mapping) else None
    return root if start == "#" and parts and isinstance(root, Mapping | bool) else None


def json_path(path: Iterable[str | int], root: str = "") -> str:
    """Return a path as text: `body.agents[0].id`; a key that is no plain word is quoted."""
    text = root
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "a").replace("-", "a").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"['{part}']"
    return text


def _in_place(schema: Any, root: Mapping[str, Any]) -> list[Any]:
    """Return the schemas that the same value must also match, or is also held against."""
    if not isinstance(schema, Mapping):
        return []
    target = referred(schema["$ref"], root) if isinstance(schema.get("$ref"), str) else None
    found = [] if target is None else [target]
    found += [schema[key] for key in _ONE_IN_PLACE if key in schema]
    found += [branch for key in _LISTS_IN_PLACE if isinstance(schema.get(key), list) for branch in schema[key]]
    dependent = schema.get("dependentSchemas")
    return found + (list(dependent.values()) if isinstance(dependent, Mapping) else [])


def _violations(error: ValidationError) -> Iterator[Violation]:
    path = tuple(error.absolute_path)
    keyword = str(error.validator)
    rule: Any = error.validator_value
    if keyword == "additionalProperties" and isinstance(error.instance, dict):
        known = list(error.schema.get("properties", {})) if isinstance(error.schema, dict) else []
        for key in (key for key in error.instance if key not in known and not _patterned(error.schema, key)):
            yield Violation(path, keyword, f"unknown key '{key}'", did_you_mean(key, known) or _listing("known keys", known), key)
    elif keyword == "required" and isinstance(error.instance, dict):
        for key in (key for key in rule if key not in error.instance):
            yield Violation(path, keyword, f"'{key}' is missing", _misspelled(key, error), key)
    elif _is_about_a_key(error):
        yield Violation(path, "propertyNames", f"the key '{error.instance}' {_message(error, keyword)}", "", str(error.instance))
    elif keyword in {"anyOf", "oneOf"} and error.context and not _own_hint(error):
        closest = best_match([error])
        closest = best_match(error.context) if closest in {None, error} else closest
        yield from _violations(closest) if closest else ()
    else:
        yield Violation(path, keyword, _message(error, keyword), _hint(error, keyword))


def _misspelled(missing: str, error: ValidationError) -> str:
    """Return a hint when the object holds an unlisted key that looks like the missing one."""
    present: Any = error.instance
    listed = error.schema.get("properties", {}) if isinstance(error.schema, Mapping) else {}
    if not listed:  # another part of the schema may list what this one does not
        return ""
    found = nearest(missing, [key for key in present if key not in listed])
    return f"it holds '{found}': did you mean '{missing}'?" if found else ""


#: Rules that say nothing to a reader; beside them `x-hint` of our own schemas says what is meant.
_HINTED = frozenset({"pattern", "not", "oneOf"})
_MESSAGES = {
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "exclusiveMinimum": "must be more than {0}",
    "exclusiveMaximum": "must be less than {0}",
    "multipleOf": "must be a multiple of {0}",
    "minLength": "must have at least {0} characters",
    "maxLength": "must have at most {0} characters",
    "minItems": "must have at least {0} items",
    "maxItems": "must have at most {0} items",
    "minProperties": "must have at least {0} keys",
    "maxProperties": "must have at most {0} keys",
    "uniqueItems": "must not repeat an item",
    "pattern": "does not match the pattern {0}",
    "format": "is not a valid {0}",
    "not": "is not allowed here",
    "None": "is not allowed here",
    "dependentRequired": "needs other keys beside it: {0}",
}


def _message(error: ValidationError, keyword: str) -> str:
    rule: Any = error.validator_value
    if keyword in _HINTED and keyword != "not" and _own_hint(error):
        return "is not written as it must be"
    if keyword == "type":
        expected = " or ".join(rule) if isinstance(rule, list) else str(rule)
        return f"must be {expected}, is {_json_type(error.instance)}"
    if keyword == "enum":
        return "must be one of " + ", ".join(map(_shown, rule))
    if keyword == "const":
        return f"must be {_shown(rule) or 'empty text'}"
    if keyword == "dependentRequired":
        present: Any = error.instance
        rule = "; ".join(f"'{key}' needs {', '.join(needed)}" for key, needed in rule.items() if key in present)
    return _MESSAGES.get(keyword, "breaks the rule '" + keyword + "'").format(rule)


def _hint(error: ValidationError, keyword: str) -> str:
    if keyword in _HINTED and _own_hint(error):
        return _own_hint(error)
    if keyword == "enum" and isinstance(error.instance, str):
        allowed: Any = error.validator_value
        return did_you_mean(error.instance, [value for value in allowed if isinstance(value, str)])
    return ""


def _own_hint(error: ValidationError) -> str:
    """Return how our own schemas say that a rule is to be kept."""
    return str(error.schema.get("x-hint", "")) if isinstance(error.schema, Mapping) else ""


def _is_about_a_key(error: ValidationError) -> bool:
    """Tell whether the rule stands below the keyword `propertyNames`, which is not a property of that name."""
    steps = ("", *error.absolute_schema_path)
    return any(step == "propertyNames" and before != "properties" for before, step in pairwise(steps))


def _patterned(schema: Any, key: str) -> bool:
    return any(re.search(pattern, key) for pattern in schema.get("patternProperties", ()))


def _shown(value: Any) -> str:
    """Return a value of a schema as a message shows it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listing(label: str, names: list[str]) -> str:
    return f"{label}: {', '.join(names)}" if names else ""


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "no JSON type")


def _pattern(_: Any, pattern: str, instance: object, __: Any) -> Iterator[ValidationError]:
    """Match as ECMA-262 does, where `$` is the end of the text; Python's also stands before a last line feed."""
    strict = re.sub(r"(?<!\\)\$\Z", r"\\Z", pattern)
    if isinstance(instance, str) and not re.search(strict, instance):
        yield ValidationError("")


def _unique_items(_: Any, unique: object, instance: object, __: Any) -> Iterator[ValidationError]:
    """Find a repeated item in one pass, where jsonschema compares each with each."""
    if unique is True and isinstance(instance, list) and len({_identity(item) for item in instance}) < len(instance):
        yield ValidationError("")


def _identity(value: Any) -> Any:
    """Return what is equal for equal JSON values: 1 and 1.0 are one number, 1 and true are not one value."""
    if isinstance(value, list):
        return ("list", *map(_identity, value))
    if isinstance(value, dict):
        return frozenset((key, _identity(item)) for key, item in value.items())
    return ("bool", value) if isinstance(value, bool) else value


def _formats() -> FormatChecker:
    checker = FormatChecker()

    @checker.checks("date-time", raises=ValueError)
    def date_time(value: object) -> bool:
        if not isinstance(value, str):
            return True
        match = _DATE_TIME.fullmatch(value.upper())
        return bool(match and datetime.fromisoformat(match[1] + ("59" if match[2] == "60" else match[2]) + match[3]))

    @checker.checks("int32")
    def int32(value: object) -> bool:
        return not isinstance(value, int) or -(2**31) <= value < 2**31

    @checker.checks("int64")
    def int64(value: object) -> bool:
        return not isinstance(value, int) or -(2**63) <= value < 2**63

    return checker


_FORMATS = _formats()
#: jsonschema has no type information for `extend`.
_Validator2020: Any = extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items})  # type: ignore[no-untyped-call]
