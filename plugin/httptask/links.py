"""The Link header field (RFC 8288), by which an answer names what it is related to: the next page of a list, for one.

The parser is that of RFC 8288 appendix B: it reads what it can and ends where the text makes no sense, so that no header of a
server can raise. Targets stay as they are written; `origins.same_origin_target` resolves them and says where they may lead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

#: Line breaks are not among them in RFC 9110 section 5.6.3; obsolete folding brings them (section 5.5).
_OWS = " \t\r\n"
_NAME_ENDS = re.compile(r"[ \t\r\n=;,]|\Z")
_VALUE_ENDS = re.compile(r"[;,]|\Z")
#: RFC 9110 section 5.6.4; the closing quote may be missing at the end of the field.
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|\\?\Z)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """One link: its target as written, its relation types in lower case, and the resource it is about, None for the answer's."""

    target: str
    relations: tuple[str, ...] = ()
    anchor: str | None = None

    def is_about(self, context: str) -> bool:
        """Tell whether the link says something about the answer itself, whose URL is `context`, and not about another thing."""
        return not self.anchor or (bool(context) and _resolved(context, self.anchor) == context)


def next_target(values: Iterable[str], context: str = "") -> str | None:
    """Return the target of the first link to the next page, None when no field value has one.

    A link that names another resource in `anchor` is about that resource's pages (RFC 8288 section 3.2).

    Args:
        values: the values of all Link header fields, in order.
        context: the URL that was asked; without it a link with an anchor of any kind does not count.

    """
    found = (link for link in links(values) if "next" in link.relations and link.is_about(context))
    return next((link.target for link in found), None)


def links(values: Iterable[str]) -> Iterator[Link]:
    """Yield every link of the Link header fields, in order."""
    for value in values:
        yield from _links(value)


def _links(value: str) -> Iterator[Link]:
    at = 0
    while (at := _skip(value, at, _OWS + ",")) < len(value) and value[at] == "<":
        end = value.find(">", at)
        if end < 0:
            return
        parameters, after = _parameters(value, end + 1)
        relations = dict.fromkeys(parameters.get("rel", "").lower().split())
        yield Link(value[at + 1 : end], tuple(relations), parameters.get("anchor"))
        at = after


def _parameters(value: str, at: int) -> tuple[dict[str, str], int]:
    """Return a link's parameters, names in lower case, and where they end; of a name that comes again the first value counts."""
    found: dict[str, str] = {}
    while (at := _skip(value, at, _OWS)) < len(value) and value[at] == ";":
        at = _skip(value, at + 1, _OWS)
        end = _end(_NAME_ENDS, value, at)
        name, at = value[at:end].lower(), _skip(value, end, _OWS)
        text = ""
        if value[at : at + 1] == "=":
            text, at = _value(value, _skip(value, at + 1, _OWS))
        found.setdefault(name, text)
    return found, at


def _value(value: str, at: int) -> tuple[str, int]:
    if quoted := _QUOTED.match(value, at):
        return _ESCAPED.sub(r"\1", quoted[1]), quoted.end()
    end = _end(_VALUE_ENDS, value, at)
    return value[at:end].rstrip(_OWS), end


def _skip(value: str, at: int, characters: str) -> int:
    while at < len(value) and value[at] in characters:
        at += 1
    return at


def _end(pattern: re.Pattern[str], value: str, at: int) -> int:
    match = pattern.search(value, at)
    return match.start() if match else len(value)


def _resolved(base: str, reference: str) -> str:
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""
