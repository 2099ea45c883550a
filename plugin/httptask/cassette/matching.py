"""Which recorded exchange answers a request, and what differs where none does: pure.

A request is looked up by provider, method, path, query and body; headers are not compared. A placeholder in a recorded request
fits itself, and any value that is no placeholder: what was withheld cannot be compared, but what an answer gave can be.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any
from urllib.parse import unquote, unquote_plus

from httptask.cassette.exchanges import Asked, Content, Exchange
from httptask.cassette.redaction import PLACEHOLDER
from httptask.schemas import json_path
from httptask.secrets import MASK

#: Stands for a part that one side does not have.
ABSENT = object()
#: Recorded requests that are compared in search of the nearest one.
_MOST_COMPARED = 2000
#: Characters of a value in a message.
_LONGEST_SHOWN = 80
#: What stands in a recorded request, or in one that is shown, for what nobody may read.
_GAP = re.compile(rf"{PLACEHOLDER.pattern}|{re.escape(MASK)}")


@dataclass(frozen=True, slots=True)
class Difference:
    """A part in which a request is not the recorded one; `ABSENT` on the side that lacks it."""

    where: str
    recorded: Any
    sent: Any


class Shelf:
    """The exchanges of a cassette, each of which is taken once, in order."""

    def __init__(self, exchanges: Sequence[Exchange]) -> None:
        """Put them all on the shelf."""
        self._exchanges = tuple(exchanges)
        self._taken: set[int] = set()
        self._plain: dict[str, deque[int]] = {}
        self._open: dict[int, None] = {}
        for index, exchange in enumerate(self._exchanges):
            self._plain.setdefault(digest(exchange.asked), deque()).append(index)
            if _holds_withheld(exchange.asked):
                self._open[index] = None

    def take(self, asked: Asked) -> Exchange | None:
        """Return the first exchange left that answers a request, and take it away; an equal request goes before one with gaps."""
        equal = self._plain.get(digest(asked), deque())
        while equal and equal[0] in self._taken:
            equal.popleft()
        found = equal[0] if equal else next((index for index in self._open if self._fits(index, asked)), None)
        if found is None:
            return None
        self._taken.add(found)
        self._open.pop(found, None)
        return self._exchanges[found]

    @property
    def unused(self) -> tuple[int, ...]:
        """The places of what was not taken."""
        return tuple(index for index in range(len(self._exchanges)) if index not in self._taken)

    def times(self, asked: Asked) -> int:
        """Return how often a request was recorded."""
        return sum(self._fits(index, asked) for index in range(len(self._exchanges)))

    def nearest(self, asked: Asked) -> int | None:
        """Return the place of the recorded request that is most like one: same method and path first, then what is left."""
        places = range(len(self._exchanges))
        same = [index for index in places if _heading(self._exchanges[index].asked) == _heading(asked)]
        if same:
            return min(same[:_MOST_COMPARED], key=lambda index: (self._distance(index, asked), index in self._taken, index))
        other = [index for index in places if self._exchanges[index].asked.server == asked.server]
        return max(other[:_MOST_COMPARED], key=lambda index: (self._likeness(index, asked), -index), default=None)

    def _fits(self, index: int, asked: Asked) -> bool:
        return next(differences(self._exchanges[index].asked, asked), None) is None

    def _distance(self, index: int, asked: Asked) -> int:
        return sum(1 for _ in differences(self._exchanges[index].asked, asked))

    def _likeness(self, index: int, asked: Asked) -> tuple[float, bool]:
        recorded = self._exchanges[index].asked
        return SequenceMatcher(None, recorded.path, asked.path).ratio(), recorded.method == asked.method


def digest(asked: Asked) -> str:
    """Return what two requests share that are the same: server, method, target and body, however they are spelled."""
    server, method, segments, query, body = _parts(asked)
    data = [server, method, segments, query, body is not ABSENT, None if body is ABSENT else body]
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def differences(recorded: Asked, sent: Asked) -> Iterator[Difference]:
    """Yield in what a request is not the recorded one."""
    yield from _unlike("server", recorded.server or "none", sent.server or "none")
    yield from _unlike("method", recorded.method, sent.method)
    before, after = _parts(recorded), _parts(sent)
    if len(before[2]) != len(after[2]) or not all(map(_alike, before[2], after[2])):
        yield Difference("path", recorded.path, sent.path)
    for name in dict.fromkeys((*before[3], *after[3])):
        for one, other in zip_longest(before[3].get(name, ()), after[3].get(name, ()), fillvalue=ABSENT):
            yield from _unlike(f"query {name}", one, other)
    yield from _in_bodies((), before[4], after[4])


def shown(value: Any) -> str:
    """Return one side of a difference in words."""
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."


def _heading(asked: Asked) -> tuple[str | None, str, str]:
    return asked.server, asked.method, asked.path


def _parts(asked: Asked) -> tuple[str | None, str, list[str], dict[str, list[str]], Any]:
    path, _, query = asked.target.partition("?")
    pairs: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        pairs.setdefault(unquote_plus(name), []).append(unquote_plus(value))
    return asked.server, asked.method, [unquote(segment) for segment in path.split("/")], pairs, _body(asked.content)


def _body(content: Content | None) -> Any:
    return ABSENT if content is None else content.value


def _holds_withheld(asked: Asked) -> bool:
    text = json.dumps([asked.target, None if asked.content is None else asked.content.value])
    return PLACEHOLDER.search(text) is not None or MASK in text


def _unlike(where: str, recorded: Any, sent: Any) -> Iterator[Difference]:
    if not _alike(recorded, sent):
        yield Difference(where, recorded, sent)


def _alike(recorded: Any, sent: Any) -> bool:
    """Tell whether a value may be the recorded one; 1, 1.0 and true are three values, and so are 0.0 and -0.0."""
    if isinstance(recorded, str) and (PLACEHOLDER.search(recorded) or MASK in recorded):
        return type(sent) in {str, int, float} and _fits_gaps(recorded, sent if isinstance(sent, str) else json.dumps(sent))
    if isinstance(sent, str) and MASK in sent:  # as it is shown
        return isinstance(recorded, str) and _fits_gaps(sent, recorded)
    return type(recorded) is type(sent) and repr(recorded) == repr(sent)


def _fits_gaps(pattern: str, text: str) -> bool:
    """Tell whether a text fits another with gaps, found from left to right in one pass."""
    gaps, fixed = _GAP.findall(pattern), _GAP.split(pattern)
    position = len(fixed[0])
    if not text.startswith(fixed[0]):
        return False
    for number, (gap, literal) in enumerate(zip(gaps, fixed[1:], strict=True), 1):
        end = position + len(gap)
        if not text.startswith(gap + literal, position):
            end = len(text) - len(literal) if number == len(gaps) else text.find(literal, position + 1)
        if end < position or not text.startswith(literal, end) or not _fits_gap(gap, text[position:end]):
            return False
        position = end + len(literal)
    return position == len(text)


def _fits_gap(gap: str, text: str) -> bool:
    return gap in {MASK, text} or (bool(text) and not PLACEHOLDER.search(text))


def _in_bodies(path: tuple[str | int, ...], recorded: Any, sent: Any) -> Iterator[Difference]:
    if isinstance(recorded, Mapping) and isinstance(sent, Mapping):
        yield from _in_objects(path, recorded, sent)
    elif isinstance(recorded, list) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip_longest(recorded, sent, fillvalue=ABSENT)):
            yield from _in_bodies((*path, index), one, other)
    else:
        yield from _unlike(json_path(path, "body"), recorded, sent)


def _in_objects(path: tuple[str | int, ...], recorded: Mapping[str, Any], sent: Mapping[str, Any]) -> Iterator[Difference]:
    free = [key for key in sent if key not in recorded]
    for key, value in recorded.items():
        other = key
        if key not in sent:
            other = next((name for name in free if _alike(key, name)), key)
            free = [name for name in free if name != other]
        yield from _in_bodies((*path, key), value, sent.get(other, ABSENT))
    for key in free:
        yield Difference(json_path((*path, key), "body"), ABSENT, sent[key])
