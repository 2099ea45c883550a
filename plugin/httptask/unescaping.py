"""What a text says once its escapes are undone, with the way back: encoders may escape characters that need it not.

Percent-encoding (RFC 3986 section 2.1), HTML's character references, the escapes of JSON and JavaScript, and the line breaks of
wrapped base64 (RFC 2045 section 6.8). One layer is undone, however often its own mark was escaped again.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from html.entities import html5

#: Each alternative begins with a character of its own, so that a search passes over all others quickly.
_ESCAPE = re.compile(
    r"%(?:25){0,8}[0-7][0-9A-Fa-f]"
    r"|&#(?:[0-9]{1,7}|[xX][0-9A-Fa-f]{1,6});?"
    r"|&[A-Za-z]{2,24};"
    r"|\\\\{0,7}(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2})"
    r"|\n(?<=[A-Za-z0-9+/_-]{4}\n)(?=[A-Za-z0-9+/_-])"
    r"|\r\n(?<=[A-Za-z0-9+/_-]{4}\r\n)(?=[A-Za-z0-9+/_-])"
    r"|\\n(?<=[A-Za-z0-9+/_-]{4}\\n)(?=[A-Za-z0-9+/_-])"
    r"|\\r\\n(?<=[A-Za-z0-9+/_-]{4}\\r\\n)(?=[A-Za-z0-9+/_-])"
)
#: Spellings kept with what they stand for; a text may hold millions, and few different ones.
_MOST_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Unescaped:
    """A text without its escapes, and where it came from: places in it, and the same places in the original, in order."""

    text: str
    places: tuple[int, ...]
    origins: tuple[int, ...]

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of the text stands in the original, whole escapes included."""
        first = bisect_right(self.places, start) - 1
        last = bisect_left(self.places, end)
        if last == len(self.places) or self.places[last] != end:
            last -= 1
        return self.origins[first] + start - self.places[first], self.origins[last] + end - self.places[last]


def may_hold_escapes(text: str) -> bool:
    """Tell quickly whether it is worth to look."""
    return "%" in text or "&" in text or "\\" in text or "\n" in text


def plain(text: str) -> str:
    """Return a text with its escapes undone."""
    characters = _Characters()
    return _ESCAPE.sub(lambda match: characters[match[0]], text)


def unescaped(text: str) -> Unescaped:
    """Return the same with the way back, which takes longer."""
    characters = _Characters()
    parts: list[str] = []
    places, origins = [0], [0]
    place = done = 0
    for match in _ESCAPE.finditer(text):
        character, start = characters[match[0]], match.start()
        parts += (text[done:start], character)
        place += start - done
        done = match.end()
        places += (place, place + len(character))
        origins += (start, done)
        place += len(character)
    return Unescaped("".join([*parts, text[done:]]), tuple(places), tuple(origins))


class _Characters(dict[str, str]):
    """What escapes stand for, by their spelling."""

    def __missing__(self, escape: str) -> str:
        character = _character(escape)
        if len(self) < _MOST_KEPT:
            self[escape] = character
        return character


def _character(escape: str) -> str:
    """Return what an escape stands for, itself if for nothing; for a line break nothing."""
    if escape.strip("\\rn\r\n") == "":
        return ""
    if escape.startswith("&"):
        return _referred(escape)
    digits = escape[-2:] if escape.startswith("%") else escape.lstrip("\\")[1:]
    return chr(int(digits, 16))


def _referred(reference: str) -> str:
    name = reference[1:].rstrip(";")
    if not name.startswith("#"):
        return html5.get(f"{name};", reference)
    digits = name.removeprefix("#")
    code = int(digits) if digits.isdecimal() else int(digits[1:], 16)
    return chr(code) if code <= sys.maxunicode else reference
