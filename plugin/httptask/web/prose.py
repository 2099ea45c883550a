"""Authors' words as pieces: descriptions with code and links, as API documents write them, and long names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: `code`, or [text](https://...); anything else is text.
_MARKED = re.compile(r"`(?P<code>[^`\n]+)`|\[(?P<text>[^\]\n]+)\]\((?P<link>https?://[^\s()<>\"']+)\)")
#: Where a line may end within a name: behind what separates its words.
_WORD = re.compile(r"[^_./]*[_./]+|[^_./]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a description; a link leads to a page of the web and to nothing else."""

    text: str
    is_code: bool = False
    link: str = ""


def pieces(text: str) -> Iterator[Piece]:
    """Yield the pieces of a description in order; joined they hold all of its words."""
    end = 0
    for match in _MARKED.finditer(text):
        if match.start() > end:
            yield Piece(text[end : match.start()])
        yield Piece(match["code"], is_code=True) if match["code"] else Piece(match["text"], link=match["link"])
        end = match.end()
    if end < len(text):
        yield Piece(text[end:])


def chunks(name: str) -> list[str]:
    """Return the pieces of a name between which a line may end."""
    return _WORD.findall(name)
