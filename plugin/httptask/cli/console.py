"""Where the command line writes: results to stdout, everything else to stderr, and all of it through the Redactor."""

from __future__ import annotations

import json as jsonlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import UnsupportedOperation
from typing import Any

from httptask.discretion import Discretion
from httptask.errors import Problem
from httptask.secrets import Redactor
from httptask.version import SCHEMA_VERSION

#: Begins a colour of ours. Nobody else can write it, so that a colour that came with the data is shown and not obeyed.
_MARK = f"\x1b{os.urandom(8).hex()}"
_COLOUR = re.compile(rf"{_MARK}(\[[0-9;]*m)")
#: What terminals obey: C0, DEL, C1, and the characters that change the reading direction.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
#: What may not stand in JSON on a terminal: the same, and halves of surrogate pairs, which no encoding can write.
_CONTROL_IN_JSON = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
#: What the system said when standard output took no more.
_REFUSALS: list[OSError] = []
_LINE_END = re.compile("\r?\n")
#: Moves to the beginning of the line and clears it (ECMA-48: CR, EL).
_OVER = "\r\x1b[K"
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}


class Console:
    """Writes text or JSON. Colours only on a terminal."""

    def __init__(self, *, json: bool = False, verbose: bool = False, discretion: Discretion | None = None) -> None:
        """Choose the form of results and errors."""
        self.json = json
        self.verbose = verbose
        self.discretion = discretion or Discretion()
        self._is_transient = False

    @property
    def redactor(self) -> Redactor:
        """What masks everything that is written."""
        return self.discretion.redactor

    def out(self, text: str = "") -> None:
        """Write one line of a result: a line end within is shown and starts no other, so that no server forges a line of ours."""
        self._clear()
        _write(_printable(self.redactor.text(text), sys.stdout), sys.stdout)

    def block(self, text: str) -> None:
        """Write text of a result that has lines of its own; tabs stay too."""
        self._clear()
        for line in _LINE_END.split(self.redactor.text(text)):
            _write("\t".join(_printable(part, sys.stdout) for part in line.split("\t")), sys.stdout)

    def note(self, text: str) -> None:
        """Write one line that is no result: progress, warnings."""
        self._clear()
        _write(_printable(self.redactor.text(text), sys.stderr), sys.stderr)

    def transient(self, text: str) -> None:
        """Write a line on a terminal that the next one, whatever it is, takes the place of."""
        self._is_transient = True
        shown = _printable(self.redactor.text(text), sys.stderr)[: shutil.get_terminal_size().columns - 1]
        _write(f"{_OVER}{shown}", sys.stderr, end="")

    def _clear(self) -> None:
        if self._is_transient:
            self._is_transient = False
            _write(_OVER, sys.stderr, end="")

    def lines(self, text: str) -> None:
        """Write text that is no result and has lines of its own, such as a traceback."""
        for line in text.split("\n"):
            self.note(line)

    def data(self, value: Any) -> None:
        """Write a result as JSON."""
        self._clear()
        text = json_text(self.redactor.json(value), ascii_only=not _speaks_unicode(sys.stdout))
        _write(_CONTROL_IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text), sys.stdout)

    def problems(self, kind: str, problems: Iterable[Problem]) -> None:
        """Write an error: JSON on stdout when that is asked for and taken, else one line per problem on stderr."""
        found = tuple(problems)
        if self.json:
            self.data(
                {
                    "schemaVersion": SCHEMA_VERSION,
                    "error": {"kind": kind, "message": _headline(found), "problems": [p.to_json() for p in found]},
                }
            )
            if refusal() is None:
                return
        for problem in found:
            label = self.style("error:", "red", "bold", stream=sys.stderr)
            where = f"{problem.where}: " if problem.where else ""
            self.note(f"{label} {where}{problem.message}")
            if problem.hint:
                self.note(f"       {self.style(problem.hint, 'dim', stream=sys.stderr)}")

    def style(self, text: str, *styles: str, stream: Any = None) -> str:
        """Return text with colours if the stream is a terminal."""
        target = stream or sys.stdout
        if not styles or not is_terminal(target):
            return text
        return "".join(f"{_MARK}[{_STYLES[style]}m" for style in styles) + text + f"{_MARK}[0m"

    def table(self, rows: Sequence[Sequence[str]], *, indent: str = "") -> None:
        """Write rows with aligned columns; the last column is not padded."""
        widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
            self.out((indent + "  ".join([*cells, row[-1]])).rstrip())


def on_one_line(text: str) -> str:
    """Return an author's text, which a file may fold over several lines, as one."""
    return " ".join(text.split())


def refusal() -> OSError | None:
    """Write out what waits in standard output, and return what the system said if it did not take everything."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _lost(error)
    return _REFUSALS[-1] if _REFUSALS else None


def forget_refusals() -> None:
    """Begin anew: several commands may run in one process."""
    _REFUSALS.clear()


def json_text(value: Any, *, ascii_only: bool = False) -> str:
    """Return a value as indented JSON; a number that JSON or Python cannot write becomes null."""
    try:
        return jsonlib.dumps(value, indent=2, ensure_ascii=ascii_only, allow_nan=False)
    except ValueError:
        return jsonlib.dumps(_writable(value), indent=2, ensure_ascii=ascii_only, allow_nan=False)


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_writable(item) for item in value]
    try:
        jsonlib.dumps(value, allow_nan=False)
    except ValueError:
        return None
    return value


def silence(stream: Any) -> None:
    """Point a stream at nothing: its reader has gone, and Python would complain once more at exit."""
    with suppress(UnsupportedOperation):  # a stream within a process that uses the command line has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def is_terminal(stream: Any) -> bool:
    """Tell whether a stream is a terminal that wants colours."""
    return bool(stream.isatty())


def _write(text: str, stream: Any, end: str = "\n") -> None:
    """Write a line. A reader that has gone or a full disk is no reason to stop: stderr and exit code still say what happened."""
    try:
        print(text, end=end, file=stream, flush=stream is sys.stderr)
    except OSError as error:
        if stream is sys.stdout:
            _lost(error)
        else:
            silence(stream)


def _lost(error: OSError) -> None:
    """Keep why standard output takes no more, and write to nothing from here on. A reader that has gone wants no more."""
    if not isinstance(error, BrokenPipeError):
        _REFUSALS.append(error)
    silence(sys.stdout)


def _headline(problems: tuple[Problem, ...]) -> str:
    return str(problems[0]) if len(problems) == 1 else f"{len(problems)} problems"


def _speaks_unicode(stream: Any) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") in {"utf8", "utf16"}


def _printable(text: str, stream: Any) -> str:
    """Return text that the stream can encode and that no terminal obeys: a server's answer must not move the cursor."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    shown = text.encode(encoding, "backslashreplace").decode(encoding)
    return "".join(
        _CONTROL.sub(lambda match: repr(match[0])[1:-1], part) if index % 2 == 0 else f"\x1b{part}"
        for index, part in enumerate(_COLOUR.split(shown))
    )
