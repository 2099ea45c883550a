"""A pasted body becomes a schema and an example: what was pasted is shown again, but for what is secret. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from httptask.curl.command import Note
from httptask.curl.shell import VARIABLE
from httptask.curl.signs import Watch, is_secret_name
from httptask.errors import ImportFailed, Problem
from httptask.schemas import json_path, too_deep

#: A larger example would make a file that nobody reads; the body is then kept in a file of its own.
LARGEST_EXAMPLE = 32 * 1024
#: Fields that a schema names; nobody reads more, and each costs whoever loads the template.
MOST_FIELDS = 500
#: Levels of the body that the schema describes; a definition file may have no more than a hundred itself.
_DEEPEST_SCHEMA = 20
_DEEPEST_EXAMPLE = 80
_SECRET = {"type": "string", "format": "password"}
_TYPES: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
#: Stands for a value that may not be shown.
NOTHING = object()


@dataclass(frozen=True, slots=True)
class BodyFound:
    """A body as a template describes it; `example` is NOTHING where none may be shown, or it is too large."""

    content_type: str
    schema: Mapping[str, Any]
    example: Any = field(repr=False)
    notes: tuple[Note, ...] = ()


def body_of(raw: bytes, content_type: str, watch: Watch) -> BodyFound:
    """Return the description of a body.

    Raises:
        ImportFailed: it is not what its type says, or holds a variable where a value has to stand.

    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ImportFailed(Problem("body", "it is not UTF-8 text", "only JSON and text can be sent")) from None
    if content_type.lower().startswith("text/"):
        return _text_body(text, content_type, watch)
    value = _json_value(text)
    if too_deep(value) or _depth(value) > _DEEPEST_EXAMPLE:
        raise ImportFailed(Problem("body", f"it is nested deeper than {_DEEPEST_EXAMPLE} levels", "paste a simpler body"))
    showing = _Showing(watch)
    shown = showing.shown(value, ())
    if showing.problems:
        raise ImportFailed(showing.problems)
    if len(text) > LARGEST_EXAMPLE:
        return BodyFound(content_type, _types([value]), NOTHING, (*showing.notes, _too_large()))
    schema = schema_of([value], watch)
    if _fields(schema) > MOST_FIELDS:
        says = f"it has more than {MOST_FIELDS} fields, so that the schema names none"
        return BodyFound(content_type, _types([value]), shown, (*showing.notes, Note("changed", "body", says)))
    return BodyFound(content_type, schema, shown, tuple(showing.notes))


def secrets_in(raw: bytes) -> Iterator[str]:
    """Yield every text that a JSON body holds under a name that says it is secret; nothing of a body that is no JSON."""
    try:
        waiting = [(json.loads(raw), False)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value, is_secret = waiting.pop()
        if isinstance(value, dict):
            waiting += ((item, is_secret or is_secret_name(key)) for key, item in value.items())
        elif isinstance(value, list):
            waiting += ((item, is_secret) for item in value)
        elif is_secret and isinstance(value, str):
            yield value


def schema_of(values: Iterable[Any], watch: Watch, level: int = 0) -> dict[str, Any]:
    """Return a schema that admits these values, and others of their kind: nothing is required, further keys are allowed."""
    found = list(values)
    if level >= _DEEPEST_SCHEMA:
        return {}
    strings = [value for value in found if isinstance(value, str)]
    if any(VARIABLE.search(text) or watch.suspects(text) for text in strings):
        return dict(_SECRET) if len(strings) == len(found) else {"format": "password"}
    schema: dict[str, Any] = _types(found)
    objects = [value for value in found if isinstance(value, dict)]
    if any(objects):
        given: dict[str, list[Any]] = {}
        for key, inner in (pair for value in objects for pair in value.items()):
            given.setdefault(key, []).append(inner)
        schema["properties"] = {key: _property(key, inner, watch, level) for key, inner in given.items()}
    items = [item for value in found if isinstance(value, list) for item in value]
    if items:
        schema["items"] = schema_of(items, watch, level + 1)
    return schema


def _property(key: str, values: list[Any], watch: Watch, level: int) -> dict[str, Any]:
    if is_secret_name(key):
        texts = all(value is None or isinstance(value, str) for value in values)
        return dict(_SECRET) if texts and None not in values else {"format": "password"}
    return schema_of(values, watch, level + 1)


def _types(values: list[Any]) -> dict[str, Any]:
    """Return the types of values. Null alone says nothing; an integer among numbers is a number."""
    names = dict.fromkeys("null" if value is None else _TYPES[type(value)] for value in values)
    if "number" in names:
        names.pop("integer", None)
    if set(names) <= {"null"}:
        return {}
    return {"type": next(iter(names)) if len(names) == 1 else list(names)}


class _Showing:
    """Makes the example: leaves out what is secret, and notes what cannot be there."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._told: set[str] = set()
        self.problems: list[Problem] = []
        self.notes: list[Note] = []

    def shown(self, value: Any, path: tuple[str | int, ...]) -> Any:
        if isinstance(value, dict):
            fields = {key: self._field(key, item, (*path, key)) for key, item in value.items()}
            return {key: item for key, item in fields.items() if item is not NOTHING}
        if isinstance(value, list):
            items = [self.shown(item, (*path, index)) for index, item in enumerate(value)]
            return [item for item in items if item is not NOTHING]
        if isinstance(value, str) and VARIABLE.search(value):
            hint = "write a value in its place; it becomes the example, and callers give their own"
            self.problems.append(Problem(_where(path), "a variable stands in the body, and none is looked up", hint))
            return NOTHING
        if isinstance(value, str) and self._watch.suspects(value):
            return self._withheld(path, "it is a credential, or looks like one")
        if self._watch.holds(value):
            return self._withheld(path, "it is a credential of the command")
        return value

    def _field(self, key: str, value: Any, path: tuple[str | int, ...]) -> Any:
        if VARIABLE.search(key) or self._watch.suspects(key):
            self.problems.append(Problem(_where(path[:-1]), "a key of the body is a variable or a credential", "rename it"))
            return NOTHING
        if is_secret_name(key):
            return self._withheld(path, "its name says that it is secret")
        return self.shown(value, path)

    def _withheld(self, path: tuple[str | int, ...], why: str) -> Any:
        where = re.sub(r"\[[0-9]+\]", "[*]", _where(path))
        if where not in self._told:
            self._told.add(where)
            self.notes.append(Note("secret", where, f"{why}: it is left out of the example, and masked when it is given"))
        return NOTHING


def _text_body(text: str, content_type: str, watch: Watch) -> BodyFound:
    if VARIABLE.search(text):
        raise ImportFailed(Problem("body", "a variable stands in the body, and none is looked up", "write its value"))
    if watch.suspects_prose(text[:LARGEST_EXAMPLE]):
        note = Note("secret", "body", "it holds a credential, or what looks like one: no example is kept, and the body is masked")
        return BodyFound(content_type, dict(_SECRET), NOTHING, (note,))
    if len(text) > LARGEST_EXAMPLE:
        return BodyFound(content_type, {"type": "string"}, NOTHING, (_too_large(),))
    return BodyFound(content_type, {"type": "string"}, text)


def _too_large() -> Note:
    says = f"it is larger than {LARGEST_EXAMPLE // 1024} kB, so that no example and no fields are kept; give it with --body @FILE"
    return Note("changed", "body", says)


def _json_value(text: str) -> Any:
    problem = "a variable that is not in quotes stands in the body" if VARIABLE.search(text) else "it is not JSON"
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite)
    except json.JSONDecodeError as error:
        where = f"body, line {error.lineno} column {error.colno}"
        raise ImportFailed(Problem(where, problem, "its Content-Type says JSON: keys and texts stand in double quotes")) from None
    except RecursionError:
        message = f"it is nested deeper than {_DEEPEST_EXAMPLE} levels"
        raise ImportFailed(Problem("body", message, "paste a simpler body")) from None
    except ValueError:
        message = "a key stands there twice, or a number that JSON cannot hold"
        raise ImportFailed(Problem("body", message, "keep one of the keys, and write the number as text")) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _refused(_: str) -> None:
    raise ValueError


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _fields(schema: Any) -> int:
    """Return how many properties a schema names, in all depths."""
    waiting, found = [schema], 0
    while waiting:
        part = waiting.pop()
        properties = part.get("properties", {})
        found += len(properties)
        waiting += [*properties.values(), *([part["items"]] if "items" in part else [])]
    return found


def _depth(value: Any) -> int:
    """Return the levels of arrays and objects."""
    level, depth = [value], 0
    while level := [part for value in level if isinstance(value, dict | list) for part in _parts(value)]:
        depth += 1
    return depth


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value


def _where(path: tuple[str | int, ...]) -> str:
    return json_path(path, "body")
