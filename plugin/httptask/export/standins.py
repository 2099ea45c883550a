"""Texts that no encoder changes stand in for secrets while a request is rendered: so it is seen where each value goes.

What is found is proved: with the values put back, encoded, the text must be the one that is really sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from httptask.export.subject import Encoding, Reference, Text, Variable
from httptask.expressions import to_text


@dataclass(slots=True)
class StandIns:
    """Stand-ins with what they stand for. `mark` is a word that occurs in nothing of the call."""

    mark: str
    _known: dict[str, tuple[Any, Variable]] = field(default_factory=dict)

    @classmethod
    def unlike(cls, text: str) -> StandIns:
        """Return stand-ins with a mark that a text does not hold."""
        mark = "xSTANDINx"
        while mark in text:
            mark += "x"
        return cls(mark)

    def __bool__(self) -> bool:
        """Tell whether anything is stood in for."""
        return bool(self._known)

    def make(self, value: Any, variable: Variable) -> str:
        """Return what stands in for a value."""
        word = f"{self.mark}{len(self._known)}z"
        self._known[word] = (value, variable)
        return word

    def value(self, rendered: Any) -> Text | Reference | None:
        """Return what a rendered value of JSON is if it is one stand-in alone; None if it is not."""
        if not isinstance(rendered, str) or rendered not in self._known:
            return None
        value, variable = self._known[rendered]
        return Text((Reference(variable),)) if isinstance(value, str) else Reference(variable, "json")

    def text(self, real: str, rendered: str, encoding: Encoding) -> Text | None:
        """Return the real text with references in the places of the stand-ins; None if some of it was made of them otherwise."""
        words = re.split(f"({re.escape(self.mark)}[0-9]+z)", rendered)
        back = "".join(_encoded(self._known[word][0], encoding) if word in self._known else word for word in words)
        if back != real:
            return None
        return Text.of(*(Reference(self._known[word][1], encoding) if word in self._known else word for word in words))

    def stands_for(self, rendered: Any, real: Any) -> bool:
        """Tell whether a rendered value is the stand-in of this very value."""
        known = self._known.get(rendered) if isinstance(rendered, str) else None
        return known is not None and type(known[0]) is type(real) and known[0] == real


def _encoded(value: Any, encoding: Encoding) -> str:
    text = to_text(value)
    if encoding == "percent":
        return quote(text.encode("utf-8"), safe="")
    return json.dumps(text, ensure_ascii=False)[1:-1] if encoding == "jsonString" else text
