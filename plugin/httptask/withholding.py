"""What a journal keeps of a value: all of it but what may not be shown, which is withheld, never stored as its mask.

A mask stored in place of a secret would be read back as a value and sent; a withheld value stops whoever reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from httptask.errors import WithheldValue
from httptask.expressions import PartialList, PartialMapping, barred, is_barred, why_barred
from httptask.secrets import MASK, Redactor, is_blank, is_sensitive_field

Pointer = tuple[str | int, ...]


def kept(value: Any, redactor: Redactor) -> dict[str, Any]:
    """Return `{value, withheld}`: a JSON value with null where something is withheld, and the places of those."""
    places: list[list[str | int]] = []
    return {"value": _kept(value, redactor, (), places), **({"withheld": places} if places else {})}


def restored(data: Mapping[str, Any], name: str, given: Mapping[str, Any] | None = None) -> Any:
    """Return the value again, with what is `given` by name in its gaps.

    Reading a gap that is left raises WithheldValue, which tells its name, such as `steps.login.outputs.token`.
    """
    value, known = data["value"], given or {}
    for place in data.get("withheld", ()):
        full = _spelled(name, place)
        filled = _put(value, tuple(place), known[full]) if full in known else None
        value = _with_gap(value, tuple(place), full) if full not in known else filled
    return value


def names_withheld(data: Mapping[str, Any], name: str) -> list[str]:
    """Return the names of what was withheld of a value."""
    return [_spelled(name, place) for place in data.get("withheld", ())]


def without(data: Mapping[str, Any], place: Sequence[str | int]) -> dict[str, Any]:
    """Return kept data in which one more place is withheld."""
    return {"value": _put(data["value"], tuple(place), None), "withheld": [*data.get("withheld", ()), list(place)]}


def told(value: Any) -> Any:
    """Return a value for people and programs: what was withheld is the mask, what else cannot be had is null."""
    if is_barred(value):
        return MASK if why_barred(value) is WithheldValue else None
    if isinstance(value, PartialMapping):
        return {key: told(item) for key, item in value.items()}
    return [told(item) for item in value] if isinstance(value, PartialList) else value


def _kept(value: Any, redactor: Redactor, place: Pointer, places: list[list[str | int]]) -> Any:
    if isinstance(value, Mapping):
        if any(redactor.text(key) != key for key in value):  # a key that is a secret has no name to be withheld under
            places.append(list(place))
            return None
        return dict(_kept_fields(value, redactor, place, places))
    if isinstance(value, list | tuple):
        return [_kept(item, redactor, (*place, index), places) for index, item in enumerate(value)]
    if not is_barred(value) and redactor.json(value) == value:
        return value
    places.append(list(place))
    return None


def _kept_fields(
    value: Mapping[str, Any], redactor: Redactor, place: Pointer, places: list[list[str | int]]
) -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if is_barred(item) or (is_sensitive_field(key) and not is_blank(item)):
            places.append([*place, key])
            yield key, None
        else:
            yield key, _kept(item, redactor, (*place, key), places)


def _with_gap(value: Any, place: Pointer, name: str) -> Any:
    if not place:
        return barred(name, WithheldValue)
    head, rest = place[0], place[1:]
    if isinstance(value, list) and isinstance(head, int):
        return PartialList(_with_gap(item, rest, name) if index == head else item for index, item in enumerate(value))
    return PartialMapping({key: _with_gap(item, rest, name) if key == head else item for key, item in value.items()})


def _put(value: Any, place: Pointer, given: Any) -> Any:
    if not place:
        return given
    head, rest = place[0], place[1:]
    if isinstance(value, list):
        return type(value)(_put(item, rest, given) if index == head else item for index, item in enumerate(value))
    return type(value)({key: _put(item, rest, given) if key == head else item for key, item in value.items()})


def _spelled(name: str, place: Sequence[str | int]) -> str:
    return name + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def dotted(place: Sequence[str | int]) -> str:
    """Return a place as text, as in `agents[0].id`."""
    return _spelled("", place).removeprefix(".")
