"""Text that knows its lines, and the builder of plain data that remembers where every value stood."""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from httptask.errors import Problem, TemplateInvalid
from httptask.model import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = tuple[str | int, ...]

#: Levels of mappings and lists; people write fewer than twenty.
MAX_DEPTH = 100
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
TOO_DEEP_HINT = "move inner parts to shared schemas"
#: Values in a file that uses aliases, each counted as often as it is used: a kilobyte of aliases can stand for 10^9 values.
MAX_EXPANDED = 200_000

_LINE_END = re.compile(r"\r\n|\r|\n")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)  # UTF-32 LE begins like UTF-16 LE


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where it says it. Values under an alias share the alias' place and the anchor's data."""

    data: Any
    file: str
    places: Mapping[Path, Place]
    keys: Mapping[Path, Place]

    def place(self, path: Path) -> Place:
        """Return where the value at `path` stands, or its nearest ancestor that the file holds."""
        known = (self.places.get(path[:end]) for end in range(len(path), -1, -1))
        return next((place for place in known if place is not None), Place(self.file))

    def key_place(self, path: Path) -> Place:
        """Return where the key of the value at `path` stands; an item of a list has none, so its value's place."""
        return self.keys.get(path) or self.place(path)


@dataclass(frozen=True, slots=True)
class Source:
    """Decoded text that knows its lines."""

    file: str
    text: str
    starts: tuple[int, ...]

    @classmethod
    def of(cls, file: str, text: str) -> Source:
        """Note where the lines start."""
        return cls(file, text, (0, *(match.end() for match in _LINE_END.finditer(text))))

    @classmethod
    def decode(cls, raw: bytes, file: str) -> Source:
        """Read UTF-8, with or without a byte-order mark.

        Raises:
            TemplateInvalid: the bytes are not UTF-8.

        """
        if raw.startswith(_WIDE_MARKS):
            raise TemplateInvalid(Problem(str(Place(file)), "the file is UTF-16 or UTF-32", "save it as UTF-8"))
        raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            return cls.of(file, raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            before = cls.of(file, raw[: error.start].decode("utf-8"))
            where = str(before.place(len(before.text)))
            raise TemplateInvalid(Problem(where, "the file is not UTF-8", "save it as UTF-8")) from error

    def place(self, offset: int) -> Place:
        """Return the line and column of a character."""
        line = bisect_right(self.starts, offset)
        return Place(self.file, line, offset - self.starts[line - 1] + 1)


@dataclass(slots=True)
class _Anchor:
    """A value with a name; not `done` while it is being read. `height` is how many levels it holds."""

    value: Any = None
    size: int = 1
    height: int = 0
    done: bool = False


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read. `key` is the key that waits for its value."""

    container: dict[str, Any] | list[Any]
    path: Path
    anchor: _Anchor
    started: int
    key: str | None = None
    height: int = 1
    first: dict[str, Place] = field(default_factory=dict)

    @property
    def wants_key(self) -> bool:
        return isinstance(self.container, dict) and self.key is None

    @property
    def slot(self) -> str | int:
        return len(self.container) if self.key is None else self.key

    def add(self, value: Any, height: int) -> None:
        if isinstance(self.container, list):
            self.container.append(value)
        else:
            self.container[str(self.key)] = value
            self.key = None
        self.height = max(self.height, height + 1)


class TreeBuilder:
    """Turns parse events into data with a stack of its own: depth is a number here, never the C stack."""

    def __init__(self, file: str) -> None:
        """Start with nothing read."""
        self.problems: list[Problem] = []
        self._file = file
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchor] = {}
        self._places: dict[Path, Place] = {}
        self._keys: dict[Path, Place] = {}
        self._root = _Open([], (), _Anchor(), 0)
        self._size = 0

    def document(self) -> Document:
        """Return what was built.

        Raises:
            TemplateInvalid: problems were noted, or nothing was read.

        """
        if not self._root.container and not self.problems:
            self.note(Place(self._file), "the file is empty", "a definition file holds one mapping")
        if self.problems:
            raise TemplateInvalid(self.problems)
        return Document(
            next(iter(self._root.container)), self._file, MappingProxyType(self._places), MappingProxyType(self._keys)
        )

    def note(self, place: Place, message: str, hint: str = "") -> None:
        """Keep a problem and read on, so that all are reported at once."""
        self.problems.append(Problem(str(place), message, hint))

    def fatal(self, place: Place, message: str, hint: str = "") -> NoReturn:
        """Report a problem that makes the rest unreadable, with those noted before it."""
        self.note(place, message, hint)
        raise TemplateInvalid(self.problems)

    @property
    def wants_key(self) -> bool:
        """Tell whether the next scalar is a key."""
        return bool(self._stack) and self._stack[-1].wants_key

    def begin(self, container: dict[str, Any] | list[Any], place: Place, anchor: str | None = None) -> None:
        """Open a mapping or list."""
        if self.wants_key:
            self.fatal(place, "a mapping or list cannot be a key", "put an expression in quotes: '{{ ... }}'")
        self._check_depth(1, place)
        started = self._size
        path = self._arrive(place)
        self._stack.append(_Open(container, path, self._anchor(anchor), started))

    def end(self) -> None:
        """Close the innermost mapping or list."""
        frame = self._stack.pop()
        frame.anchor.size, frame.anchor.height = self._size - frame.started, frame.height
        self._finish(frame.container, frame.anchor)

    def value(self, value: Any, place: Place, anchor: str | None = None) -> None:
        """Take a scalar."""
        self._arrive(place)
        self._finish(value, self._anchor(anchor))

    def alias(self, name: str, place: Place) -> None:
        """Take a value that was named before."""
        if self.wants_key:
            self.fatal(place, "an alias cannot be a key", "write the key out")
        target = self._anchors.get(name)
        if target is None:
            self.fatal(place, "an alias without an anchor", "put `&name` at a value above it, or quote text that starts with *")
        if not target.done:
            self.fatal(place, "an alias to a value that contains it", "data cannot hold itself; write the part out")
        self._check_depth(target.height, place)
        self._size += target.size - 1
        if self._size > MAX_EXPANDED:
            self.fatal(place, f"aliases expand to more than {MAX_EXPANDED} values", "use fewer aliases inside aliases")
        self._arrive(place)
        self._finish(target.value, target)

    def key(self, key: str, place: Place) -> None:
        """Take a key of the innermost mapping."""
        frame = self._stack[-1]
        before = frame.first.setdefault(key, place)
        if before is not place:
            self.note(place, f"the key {key!r} stands here twice", f"first at line {before.line}; remove one of them")
        frame.key = key
        self._keys.setdefault((*frame.path, key), place)

    def _check_depth(self, levels: int, place: Place) -> None:
        if len(self._stack) + levels > MAX_DEPTH:
            self.fatal(place, TOO_DEEP, TOO_DEEP_HINT)

    def _arrive(self, place: Place) -> Path:
        self._size += 1
        path: Path = (*self._stack[-1].path, self._stack[-1].slot) if self._stack else ()
        self._places.setdefault(path, place)
        return path

    def _anchor(self, name: str | None) -> _Anchor:
        anchor = _Anchor()
        if name is not None:
            self._anchors[name] = anchor
        return anchor

    def _finish(self, value: Any, anchor: _Anchor) -> None:
        anchor.value, anchor.done = value, True
        (self._stack[-1] if self._stack else self._root).add(value, anchor.height)
