"""The variables of one export: each secret gets one, under a name that says what it is and that no other one has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from httptask.export.subject import Variable
from httptask.withholding import dotted

if TYPE_CHECKING:
    from httptask.model import Connection

Path = tuple[str | int, ...]
_PREFIX = "HTTPTASK_"
#: Name of the connection that options of the call made: its paths are relative to the working directory.
_CALL = "call"
#: Names that `settings.dry_connection` and `wiring` give to connections which are none.
DRY_RUN, SANDBOX = "dry-run", "sandbox"
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class Variables:
    """The variables so far, by what they hold."""

    _known: dict[Hashable, Variable] = field(default_factory=dict)

    def input(self, path: Path, kind: str) -> Variable:
        """Return the variable of an input, or of a value within one."""
        return self._named(("input", *path), _words("INPUT", *path), f"the input {dotted(path)}", kind)

    def header(self, name: str, value: str) -> Variable:
        """Return the variable of a header's value; a call and its request share one."""
        return self._named(("header", name.lower(), value), _words("HEADER", name), f"the value of the header {name}")

    def field(self, path: Path, kind: str) -> Variable:
        """Return the variable of a value within a body; of any other than a text it holds the JSON."""
        holds = f"the value of {dotted(('body', *path))}" if path else "the body"
        held = holds if kind == "string" else f"{holds}, as JSON"
        return self._named(("body", *path), _words("BODY", *path), held, kind)

    def content(self) -> Variable:
        """Return the variable of a whole body that is no JSON."""
        return self._named(("content",), _words("BODY"), "the whole body")

    def part(self, kind: str, name: str, number: int) -> Variable:
        """Return the variable of a part of the URL."""
        holds = f"the {kind} parameter {name}, percent-encoded as it stands in the URL"
        return self._named((kind, number), _words(kind.upper(), name), holds)

    def credential(self, reference: str, connection: Connection, what: str = "TOKEN") -> Variable:
        """Return the variable of a credential: the one that its reference names, or one to be filled from where it lies."""
        scheme, _, rest = reference.partition(":")
        named = scheme == "env" and _SHELL_NAME.fullmatch(rest) is not None
        command = _command(scheme, rest, anywhere=connection.name == _CALL)
        holds = f"the {what.lower()} of the connection{_spoken(connection)}"
        if rest and not named and not command:
            holds += f", which stands in {reference}"
        name = rest if named else _PREFIX + what
        variable = Variable(name, holds, command, _key(what), may_be_empty=what != "TOKEN")
        return self._known.setdefault(("credential", what), variable)

    def derived(self, what: str, holds: str) -> Variable:
        """Return the variable of what a credential is exchanged for, or makes, when a request is sent."""
        return self._known.setdefault(("credential", what), Variable(_PREFIX + what, holds, key=_key(what)))

    def _named(self, what: Hashable, words: str, holds: str, kind: str = "string") -> Variable:
        if what not in self._known:
            taken = {variable.name for variable in self._known.values()}
            name, number = _PREFIX + words, 2
            while name in taken:
                name, number = f"{_PREFIX}{words}_{number}", number + 1
            self._known[what] = Variable(name, holds, key=_key(name.removeprefix(_PREFIX)), kind=kind)
        return self._known[what]


def _spoken(connection: Connection) -> str:
    """Return the name of a connection that has one, with a space before it."""
    return "" if connection.name in {_CALL, DRY_RUN, SANDBOX} else f" {connection.name}"


def _command(scheme: str, rest: str, *, anywhere: bool) -> str:
    """Return a command that prints what a reference names; a path that is relative to a file of profiles has none."""
    if scheme == "file" and (anywhere or rest.startswith("/")):
        return f"cat {shlex.quote(rest)}"
    service, slash, name = rest.rpartition("/")
    return f"keyring get {shlex.quote(service)} {shlex.quote(name)}" if scheme == "keyring" and slash else ""


def _key(name: str) -> str:
    """Return a name for where digits may not come first."""
    key = name.removeprefix("INPUT_").lower()
    return f"input_{key}" if key[0].isdigit() else key


def _words(*parts: str | int) -> str:
    """Return a name in capitals of the letters and digits of some words."""
    words = (re.sub(r"[^A-Za-z0-9]+", "_", str(part)).strip("_").upper() for part in parts)
    return "_".join(word or "VALUE" for word in words)
