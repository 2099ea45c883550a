"""Finds known secrets in text: in each form that encoders give them, whole, or a long piece from one of their two ends."""

from __future__ import annotations

import base64
import html
import json
import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from httptask.unescaping import may_hold_escapes, plain, unescaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: A value shorter than this is masked in its own slot only: searching for it in text would mask half of every page.
SHORTEST_SEARCHED = 6
#: A piece of at least so many characters, and of at least half of its secret, is masked as the secret is.
SHORTEST_PIECE = 8
#: So many characters of an end are searched for; more would cost time to prepare and find no less.
LONGEST_SEED = 16
#: What is left of an escaped character when its text was cut off: JSON's, percent or HTML, or nothing.
_HALF_ESCAPE = re.compile(r"(?:\\(?:u[0-9A-Fa-f]{0,3})?|%(?:25)*[0-9A-Fa-f]?|&#?\w*)?")
#: One word of letters: a piece that is no more may be a word of any page.
_PLAIN_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
#: Of one character in any spelling; percent signs that were escaped again and again stop counting here.
_LONGEST_SPELLING = 48
#: RFC 3986 section 2.3: no encoder escapes these.
_PLAIN = re.compile(r"[A-Za-z0-9._~-]+")
_PARTS = re.compile(rf"{_PLAIN.pattern}|.", re.DOTALL)
#: Below this length a text is cheaper looked through for beginnings of the values than for each value.
_SHORT = 40
_OF_A_NUMBER = re.compile(r"[0-9.e+-]+")


class SecretSearch:
    """The search for some texts; what takes long to prepare is prepared when something is found."""

    def __init__(self, values: Iterable[str]) -> None:
        """Prepare the search, longest first so that a whole value is masked before a part of it."""
        texts = {form for value in values for form in _forms(value)}
        self._texts = sorted((text for text in texts if len(text) >= SHORTEST_SEARCHED), key=lambda text: (-len(text), text))
        self._pieces = _Pieces([text for text in self._texts if _least(text) < len(text)])
        signs = [*self._pieces.seeds, *(_pattern(text) for text in self._texts if _least(text) >= len(text))]
        # without groups, which would make a search ten times as long
        self._signs = re.compile("|".join(signs)) if signs else None
        self.in_numbers = any(_OF_A_NUMBER.fullmatch(text) for text in self._texts)

    def masked(self, value: str, *, mask: str, cut: str) -> str:
        """Return the text with the mask in place of each secret, of what a cut left of one at its mark, and of long pieces."""
        if self._signs is None:
            return value
        if may_hold_escapes(value):
            value = self._unescaped(value, mask)
        found = self._signs.search(value)
        if found:
            value = self._whole.sub(mask, value)
        if cut in value:
            *heads, last = value.split(cut)
            value = cut.join([*(self._without_beginning(head, mask) for head in heads), last])
        return self._pieces.masked(value, mask) if found else value

    def _unescaped(self, value: str, mask: str) -> str:
        """Mask each secret that stands there whole once escapes are undone."""
        if self._signs is None or not self._signs.search(plain(value)):
            return value
        undone, done = unescaped(value), 0
        kept: list[str] = []
        for match in self._whole.finditer(undone.text):
            start, end = undone.origin(*match.span())
            kept += (value[done:start], mask)
            done = end
        return "".join([*kept, value[done:]])

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile("|".join(map(_pattern, self._texts)))

    def _without_beginning(self, value: str, mask: str) -> str:
        for text in self._texts:
            for begin in re.finditer(_pattern(text[:SHORTEST_SEARCHED]), value):
                if _is_rest(value, begin.end(), text[SHORTEST_SEARCHED:]):
                    return value[: begin.start()] + mask
        return value


class VerbatimSearch:
    """The search for values as they stand, and as JSON's strings, by one linear pass for each: a server may choose them.

    A server that knows how this works can make no expression of it that takes long to prepare or to search for.
    """

    def __init__(self, values: Iterable[str]) -> None:
        """Order the texts, longest first."""
        forms = ((form, value) for value in values for form in (json.dumps(value)[1:-1], value))
        self._texts = dict(sorted(((form, value) for form, value in forms if len(form) >= SHORTEST_SEARCHED), key=_longest_first))
        self._seeds = {text[:SHORTEST_SEARCHED] for text in self._texts}
        self.in_numbers = any(_OF_A_NUMBER.fullmatch(text) for text in self._texts)

    def replaced(self, value: str, by: Callable[[str], str]) -> str:
        """Return the text with each value in it replaced `by` something."""
        if not self._texts or (len(value) < _SHORT and not self._may_hold(value)):
            return value
        for text, meant in self._texts.items():
            if text in value:
                value = value.replace(text, by(meant))
        return value

    def masked(self, value: str, *, mask: str, cut: str) -> str:
        """Return the text with the mask in place of each value, and of the beginning of one that a cut left at its mark."""
        value = self.replaced(value, lambda _: mask)
        if cut not in value:
            return value
        *heads, last = value.split(cut)
        return cut.join([*(self._without_beginning(head, mask) for head in heads), last])

    def _may_hold(self, value: str) -> bool:
        starts = range(len(value) - SHORTEST_SEARCHED + 1)
        return any(value[start : start + SHORTEST_SEARCHED] in self._seeds for start in starts)

    def _without_beginning(self, value: str, mask: str) -> str:
        for text in self._texts:
            begin = value.rfind(text[:SHORTEST_SEARCHED])
            if begin >= 0 and text.startswith(value[begin:]):
                return value[:begin] + mask
        return value


def _longest_first(pair: tuple[str, str]) -> tuple[int, str]:
    return -len(pair[0]), pair[0]


class _Seed:
    """One end of a text: found by an expression, or by itself where no encoder changes it, which is faster."""

    def __init__(self, text: str) -> None:
        self.pattern = _pattern(text)
        self._plain = text if _is_plain(text) else None

    def end(self, value: str, position: int) -> int:
        """Return where the seed ends that a value has at a position, 0 if it has none there."""
        if self._plain is not None:
            return position + len(self._plain) if value.startswith(self._plain, position) else 0
        match = _pattern_of(self.pattern).match(value, position)
        return match.end() if match else 0


class _Pieces:
    """The search for pieces: a seed, which is an end of each text, is found first; the rest is compared from there."""

    def __init__(self, texts: list[str]) -> None:
        heads = _shared((text[: _seed(text)], text) for text in texts)
        tails = _shared((text[-_seed(text) :][::-1], text) for text in texts)
        self._heads = [(_Seed(head), found) for head, found in heads.items()]
        self._tails = [(_Seed(tail[::-1]), found) for tail, found in tails.items()]
        self.seeds = [seed.pattern for seed, _ in (*self._heads, *self._tails)]

    def masked(self, value: str, mask: str) -> str:
        if not self.seeds:
            return value
        kept: list[str] = []
        done = position = 0
        while match := self._search.search(value, position):
            start, end = self._around(value, match.start(), done)
            position = max(end, match.start() + 1)
            if start < end and not _PLAIN_WORD.fullmatch(value, start, end):
                kept += (value[done:start], mask)
                done = end
        return "".join([*kept, value[done:]])

    @cached_property
    def _search(self) -> re.Pattern[str]:
        return re.compile("|".join(self.seeds))

    def _around(self, value: str, found: int, done: int) -> tuple[int, int]:
        """Return start and end of the piece at a seed, the same where it is too short; what is done is not looked at again."""
        start = end = found
        for seed, texts in self._heads:
            if seed.end(value, found):
                end = max(end, *(_forward(value, found, text) for text in texts))
        for seed, texts in self._tails:
            if last := seed.end(value, found):
                begin = min(_backward(value, last, text, done) for text in texts)
                if begin < last:
                    start, end = min(start, begin), max(end, last)
        return start, end


def _least(text: str) -> int:
    """Return the length from which a piece of this text counts."""
    return max(SHORTEST_PIECE, -(-len(text) // 2))


def _seed(text: str) -> int:
    return min(_least(text), LONGEST_SEED)


def _shared(ends: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return texts by the shortest end that they share, so that one search serves them all."""
    found: dict[str, list[str]] = {}
    for end, text in sorted(ends, key=lambda pair: len(pair[0])):
        shorter = next((known for known in found if end.startswith(known)), end)
        found.setdefault(shorter, []).append(text)
    return found


def _forward(value: str, start: int, text: str) -> int:
    """Return where the agreement of a value with a text's beginning ends; `start` where it is too short to count."""
    if _is_plain(text) and not value.startswith(text[: _least(text)], start):
        return start
    position, length = start, 0
    for part in _PARTS.findall(text):
        if _is_plain(part):
            same = _agreement(part, lambda piece: value.startswith(piece, position))  # noqa: B023 - called at once
            position, length = position + same, length + same
            if same < len(part):
                break
        elif match := _pattern_of(_character(part)).match(value, position):
            position, length = match.end(), length + 1
        else:
            break
    return position if length >= _least(text) else start


def _backward(value: str, end: int, text: str, least: int) -> int:
    """Return where the agreement of a value with a text's end begins; `end` where it is too short to count."""
    if _is_plain(text) and not value.endswith(text[-_least(text) :], least, end):
        return end
    position, length = end, 0
    for part in reversed(_PARTS.findall(text)):
        if _is_plain(part):
            same = _agreement(part[::-1], lambda piece: value.endswith(piece[::-1], least, position))  # noqa: B023 - called at once
            position, length = position - same, length + same
            if same < len(part):
                break
        elif match := _pattern_of(_character(part) + r"\Z").search(value, max(least, position - _LONGEST_SPELLING), position):
            position, length = match.start(), length + 1
        else:
            break
    return position if length >= _least(text) else end


def _agreement(part: str, agrees: Callable[[str], bool]) -> int:
    """Return the length of the longest beginning of a part that agrees."""
    least, most = 0, len(part)
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if agrees(part[:middle]) else (least, middle - 1)
    return least


@lru_cache(maxsize=1024)
def _is_plain(character: str) -> bool:
    """Tell whether every encoder leaves a character (or several) alone."""
    return _PLAIN.fullmatch(character) is not None


def _is_rest(value: str, position: int, text: str) -> bool:
    """Tell whether what follows in a value is the beginning of a text, up to the value's end and perhaps half an escape."""
    for character in text:
        match = _pattern_of(_character(character)).match(value, position)
        if match is None:
            return _HALF_ESCAPE.fullmatch(value, position) is not None
        position = match.end()
    return False


def _forms(value: str) -> set[str]:
    raw = value.encode("utf-8", "surrogatepass")
    return {value, raw.hex(), raw.hex().upper(), *_base64_forms(raw)}


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Yield what base64 makes of the bytes alone, and within a longer text at each of its three alignments."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(raw).decode("ascii").rstrip("=")
        for before in range(3):
            whole = encode(bytes(before) + raw).decode("ascii")
            # characters at the ends share bits with the neighbours
            yield whole[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]


def _pattern(text: str) -> str:
    """Return an expression for the text in which each character may be raw or escaped: no two encoders escape the same set."""
    return "".join(map(_character, text))


@lru_cache(maxsize=1024)
def _pattern_of(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


@lru_cache(maxsize=1024)
def _character(character: str) -> str:
    if _is_plain(character):
        return re.escape(character)
    percent = "".join(f"%(?:25)*{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
    units = character.encode("utf-16-be", "surrogatepass").hex()
    in_json = "".join("\\\\u" + units[start : start + 4] for start in range(0, len(units), 4))
    spellings = {json.dumps(character)[1:-1], "\\" + character, html.escape(character), character}
    if character == " ":
        spellings.add("+")
    # what is escaped comes before the bare backslash, quote or ampersand, which would match a part of it
    longest_first = sorted(spellings, key=lambda spelling: (-len(spelling), spelling))
    return f"(?:(?i:{percent}|{in_json})|{'|'.join(map(re.escape, longest_first))})"
