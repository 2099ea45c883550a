"""What stands in a form, between the texts that a browser sends and the inputs that a task takes. Pure.

An entry mirrors its part: text for a control, a dict for a group, a list for rows, texts for choices, `Json` where a place is
written as JSON, and None for an optional group that is left out. An empty optional control is absent: to send an empty text, an
empty list or null, write the place as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from httptask.errors import InputInvalid, Problem
from httptask.inputs import Fault, coerce, from_json
from httptask.schemas import json_path
from httptask.secrets import MASK
from httptask.sensitive import mark
from httptask.web.parts import Kind, Part

#: Names of fields that are no inputs; no JSON path begins so.
HAS = "~has"
AS_JSON = "~json"
CONNECTION, HEADERS, TIMEOUT, FAULT = "~connection", "~headers", "~timeout", "~fault"
#: Those of them that problems may be about.
OWN = (CONNECTION, HEADERS, TIMEOUT, FAULT)
#: The place of all inputs at once, when they are written as JSON.
WHOLE = "~inputs"
JSON_HINT = "text needs double quotes"
ABSENT: Any = object()
_LEAVES = frozenset({Kind.TEXT, Kind.AREA, Kind.NUMBER, Kind.BOOLEAN, Kind.CHOICE})

Fields = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Json:
    """A place that is written as JSON."""

    text: str


Entry = str | tuple[str, ...] | dict[str, Any] | list[Any] | Json | None


@dataclass(slots=True)
class Reading:
    """What a form says: the inputs, what is wrong with them, and the field of each place where the two have other numbers."""

    inputs: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)

    def field_of(self, at: str) -> str:
        """Return the name of the field that holds what stands at a JSON path of the inputs."""
        for where in sorted(self.moved, key=len, reverse=True):
            if at == where or at.startswith((f"{where}.", f"{where}[")):
                return self.moved[where] + at[len(where) :]
        return at


def below(name: str, key: str | int) -> str:
    """Return the name of a field within a place; the inputs themselves have the names of their keys."""
    return json_path((key,), "" if name == WHOLE else name)


def blank(part: Part, *, always: bool) -> Entry:
    """Return the entry that a form begins with: required groups open, a row in lists that need one."""
    if part.kind is Kind.GROUP:
        return {key: blank(inner, always=key in part.required) for key, inner in part.fields.items()} if always else None
    if part.kind is Kind.LIST:
        return [blank(part.item, always=True)] if always or part.item.kind in _LEAVES else []
    if part.kind is Kind.CHOICES:
        return ()
    return Json("") if part.kind is Kind.JSON else ""


def parse(fields: Fields, part: Part, name: str = WHOLE, *, always: bool = True) -> Entry:
    """Return the entry that submitted fields describe. Rows keep their order and lose their gaps."""
    if part.kind is Kind.JSON or name in fields.get(AS_JSON, ()):
        return Json(_text(fields, name))
    if part.kind is Kind.GROUP:
        if not always and name not in fields.get(HAS, ()):
            return None
        return {key: parse(fields, inner, below(name, key), always=key in part.required) for key, inner in part.fields.items()}
    if part.kind is Kind.LIST:
        return [parse(fields, part.item, below(name, row)) for row in _rows(fields, name)]
    if part.kind is Kind.CHOICES:
        return tuple(fields.get(name, ()))
    return _text(fields, name)


def fill(part: Part, value: Any) -> Entry:
    """Return the entry that stands for a value; what fields cannot say is written as JSON."""
    entry = _filled(part, value)
    if entry is not None and not isinstance(entry, Json) and part.kind not in {Kind.GROUP, Kind.LIST}:
        said = read(part, entry, "", Reading())
        entry = entry if said is not ABSENT and _same(said, value) else None
    return Json(_pretty(value)) if entry is None else entry


def read(part: Part, entry: Entry, name: str, reading: Reading, at: str | None = None) -> Any:
    """Return the value that an entry stands for, or ABSENT; `at` is its JSON path where that is not the field's name."""
    at = name if at is None else at
    if isinstance(entry, Json):
        return _read_json(part, entry.text, at, reading)
    if isinstance(entry, dict):
        found = ((key, read(inner, entry[key], below(name, key), reading, below(at, key))) for key, inner in part.fields.items())
        return {key: value for key, value in found if value is not ABSENT}
    if isinstance(entry, list):
        return _read_rows(part, entry, name, reading, at)
    if isinstance(entry, tuple):
        return [part.choices.get(text, text) for text in entry] or ABSENT
    return _read_text(part, entry) if entry else ABSENT


def read_all(part: Part, entry: Entry) -> Reading:
    """Return what a whole form says."""
    reading = Reading()
    value = read(part, entry, WHOLE, reading)
    if value is not ABSENT and not isinstance(value, dict):
        reading.faults.append(Fault(WHOLE, Problem("inputs", "inputs must be a mapping of names to values")))
    reading.inputs = value if isinstance(value, dict) else {}
    return reading


def with_row(part: Part, entry: Entry, name: str) -> Entry:
    """Return the entry with a row more in a list, or with a group that was left out."""
    return _changed(
        part, entry, name, lambda at, old: [*old, blank(at.item, always=True)] if _is_rows(old) else blank(at, always=True)
    )


def without(part: Part, entry: Entry, name: str) -> Entry:
    """Return the entry without a row or group."""
    return _changed(part, entry, name, lambda _part, _old: ABSENT)


def as_json(part: Part, entry: Entry, name: str) -> Entry:
    """Return the entry with one place written as JSON."""

    def written(at: Part, old: Entry) -> Entry:
        value = read(at, old, name, Reading())
        return old if isinstance(old, Json) else Json("" if value is ABSENT or value == {} else _pretty(value))

    return _changed(part, entry, name, written)


def as_fields(part: Part, entry: Entry, name: str) -> Entry:
    """Return the entry with one place shown as fields, as far as fields can say what is written there."""

    def shown(at: Part, old: Entry) -> Entry:
        if not isinstance(old, Json) or at.kind is Kind.JSON:
            return old
        value = read(at, old, name, reading := Reading())
        return old if reading.faults else blank(at, always=True) if value is ABSENT else fill(at, value)

    return _changed(part, entry, name, shown)


def entry_at(part: Part, entry: Entry, name: str) -> Entry:
    """Return what stands at one place; None where there is no such place."""
    found: list[Entry] = [None]

    def look(_part: Part, old: Entry) -> Entry:
        found.append(old)
        return old

    _changed(part, entry, name, look)
    return found[-1]


def holds_secret(part: Part, text: str) -> bool:
    """Tell whether a JSON text holds what its schema, or the name of a field, calls secret."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(mark(value, part.schema, part.definitions).secrets)


def masked(part: Part, text: str) -> str:
    """Return a JSON text with the mask in place of its secrets."""
    return _pretty(mark(json.loads(text), part.schema, part.definitions).value)


def _text(fields: Fields, name: str) -> str:
    # a browser sends each line end of a text as CRLF (HTML, "constructing the entry list")
    return (fields.get(name) or ("",))[0].replace("\r\n", "\n")


def _rows(fields: Fields, name: str) -> list[int]:
    pattern = re.compile(re.escape(name) + r"\[(\d{1,6})\]")
    names = (*fields, *fields.get(HAS, ()), *fields.get(AS_JSON, ()))
    return sorted({int(match[1]) for match in map(pattern.match, names) if match})


def _read_text(part: Part, text: str) -> Any:
    if part.kind is Kind.CHOICE and text in part.choices:
        return part.choices[text]
    return coerce(part.schema, part.definitions, text)


def _read_json(part: Part, text: str, at: str, reading: Reading) -> Any:
    where = "inputs" if at == WHOLE else at
    if not text.strip():
        return ABSENT
    try:
        value = from_json(text, where, JSON_HINT)
    except InputInvalid as error:
        reading.faults += (Fault(at, problem) for problem in error.problems)
        return ABSENT
    if any(secret.reveal() == MASK for secret in mark(value, part.schema, part.definitions).secrets):
        message = "a secret in it is shown as *** and has to be typed again"
        reading.faults.append(Fault(at, Problem(where, message, "secrets are not sent back to the page")))
        return ABSENT
    return value


def _read_rows(part: Part, rows: list[Entry], name: str, reading: Reading, at: str) -> Any:
    values: list[Any] = []
    for index, row in enumerate(rows):
        here, there = below(name, index), below(at, len(values))
        value = read(part.item, row, here, reading, there)
        if value is not ABSENT:
            values.append(value)
            if here != there:
                reading.moved[there] = here
    return values or ABSENT


def _filled(part: Part, value: Any) -> Entry:
    if part.kind is Kind.GROUP and isinstance(value, dict) and set(value) <= set(part.fields):
        return {
            key: fill(inner, value[key]) if key in value else blank(inner, always=key in part.required)
            for key, inner in part.fields.items()
        }
    if part.kind is Kind.LIST and isinstance(value, list) and value:
        return [fill(part.item, item) for item in value]
    if part.kind is Kind.CHOICES and isinstance(value, list):
        return tuple(_choice(part, item) for item in value)
    if part.kind is Kind.CHOICE:
        return _choice(part, value)
    if part.kind in {Kind.NUMBER, Kind.BOOLEAN}:
        return json.dumps(value)
    return value if part.kind in {Kind.TEXT, Kind.AREA} and isinstance(value, str) else None


def _choice(part: Part, value: Any) -> str:
    return next((text for text, other in part.choices.items() if _same(value, other)), json.dumps(value))


def _changed(part: Part, entry: Entry, name: str, change: Any, here: str = WHOLE) -> Entry:
    """Return an entry with what stands at one name changed; ABSENT takes it away."""
    if here == name:
        return change(part, entry)  # type: ignore[no-any-return] # each change returns an entry
    if isinstance(entry, dict):
        return {key: _inner(part.fields[key], entry[key], name, change, below(here, key)) for key in part.fields}
    if isinstance(entry, list):
        rows = (_changed(part.item, row, name, change, below(here, index)) for index, row in enumerate(entry))
        return [row for row in rows if row is not ABSENT]
    return entry


def _inner(part: Part, entry: Entry, name: str, change: Any, here: str) -> Entry:
    changed = _changed(part, entry, name, change, here)
    return blank(part, always=False) if changed is ABSENT else changed


def _is_rows(entry: Entry) -> bool:
    return isinstance(entry, list)


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: 1, 1.0 and true are three."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
