"""A body as exact text and as data, with a reference wherever a dry run would show a mask."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httptask import sensitive
from httptask.export.subject import Content, Reference, Text
from httptask.secrets import MASK, Redactor, is_blank

if TYPE_CHECKING:
    from httptask.export.naming import Path, Variables
    from httptask.export.standins import StandIns
    from httptask.model import TaskTemplate

#: The data of a body that is no JSON, and what is missing in one.
_NOTHING = object()
_KINDS: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}


@dataclass(frozen=True, slots=True)
class Bodies:
    """Makes the content of one call's body."""

    template: TaskTemplate
    redactor: Redactor
    variables: Variables
    stand_ins: StandIns

    def content(self, body: bytes, rendered: bytes | None, *, is_json: bool) -> Content:
        """Return the content of a body; `rendered` is the same with stand-ins, None where it could not be made with them."""
        text = body.decode("utf-8")
        tree = _read(text) if is_json else _NOTHING
        if tree is _NOTHING or _written(tree) != text:
            return Content(self._text(text, "" if rendered is None else rendered.decode("utf-8")))
        if rendered is None:
            data: Any = Reference(self.variables.field((), ""), "json")
        else:
            shown = self.redactor.body(sensitive.request_body(self.template, tree).value)
            data = self._value(tree, shown, _read(rendered.decode("utf-8")), ())
        return Content(json_text(data), data, is_json=True)

    def _text(self, real: str, rendered: str) -> Text:
        found = self.stand_ins.text(real, rendered, "raw")
        plain = "" if found is None else "".join(found.literals)
        return Text.of(Reference(self.variables.content())) if found is None or self.redactor.free(plain) != plain else found

    def _value(self, real: Any, shown: Any, rendered: Any, path: Path) -> Any:
        """Return a value of the body's data; `shown` is the same masked, `rendered` with stand-ins."""
        if isinstance(real, dict) and real:
            return {
                key: self._value(value, _shown(shown, key), _inner(rendered, key), (*path, key)) for key, value in real.items()
            }
        if isinstance(real, list) and real:
            return [self._value(item, _shown(shown, at), _inner(rendered, at), (*path, at)) for at, item in enumerate(real)]
        return self._leaf(real, shown, rendered, path)

    def _leaf(self, real: Any, shown: Any, rendered: Any, path: Path) -> Any:
        if (alone := self.stand_ins.value(rendered)) is not None and self.stand_ins.stands_for(rendered, real):
            return alone
        if type(rendered) is type(real) and (found := self._open(real, shown, rendered)) is not _NOTHING:
            return found
        variable = self.variables.field(path, kind_of(real))
        return Text((Reference(variable),)) if isinstance(real, str) else Reference(variable, "json")

    def _open(self, real: Any, shown: Any, rendered: Any) -> Any:
        """Return a leaf of which no more than its stand-ins is secret; nothing for one that must be hidden whole."""
        if rendered == real and (shown == real or is_blank(real)):
            return real
        found = self.stand_ins.text(real, rendered, "raw") if isinstance(real, str) else None
        if found is None or shown != self.redactor.text(real):
            return _NOTHING
        return found if all(self.redactor.text(piece) == piece for piece in found.literals) else _NOTHING


def kind_of(value: Any) -> str:
    """Return the JSON Schema type of a scalar."""
    return _KINDS.get(type(value), "")


def _shown(shown: Any, key: str | int) -> Any:
    """Return what is shown of a value within another one; nothing where that is masked whole, or the key is."""
    found = _NOTHING if isinstance(shown, str) else _inner(shown, key)
    return MASK if found is _NOTHING else found


def _inner(rendered: Any, key: str | int) -> Any:
    try:
        return rendered[key]
    except (LookupError, TypeError):
        return _NOTHING


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:  # a text that a header calls JSON
        return _NOTHING


def json_text(data: Any) -> Text:
    """Return data as the JSON that is sent, compact, with references in it."""
    if isinstance(data, Text):
        pieces = (
            _written(piece)[1:-1] if isinstance(piece, str) else Reference(piece.variable, "jsonString") for piece in data.pieces
        )
        return Text.of('"', *pieces, '"')
    if isinstance(data, Reference):
        return Text.of(data)
    if isinstance(data, dict):
        return _joined("{", [Text.of(_written(key) + ":") + json_text(value) for key, value in data.items()], "}")
    if isinstance(data, list):
        return _joined("[", [json_text(value) for value in data], "]")
    return Text.of(_written(data))


def _joined(begin: str, items: list[Text], end: str) -> Text:
    pieces = [piece for number, item in enumerate(items) for piece in ((",",) if number else ()) + item.pieces]
    return Text.of(begin, *pieces, end)


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
