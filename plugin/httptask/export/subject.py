"""What is exported: one call of a task as frozen values that hold no secret, a reference in the place of each.

An exporter cannot leak what it is not given. `gathering` makes a Subject of a call; exporters only write it down.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from httptask.message import Timeouts
from httptask.model import Paginate, TaskTemplate
from httptask.outcome import Outcome

#: How the value of a variable goes into its place: as it is, percent-encoded, within the quotes of a JSON string, or as a
#: value of JSON that the variable holds written out, such as a number.
Encoding = Literal["raw", "percent", "jsonString", "json"]


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that holds what must not be shown.

    Attributes:
        name: a name that every shell takes.
        holds: what belongs into it, in words.
        command: a shell command that prints it; empty where nobody knows one.
        key: what it is called where names are written in lower case, as inputs of a workflow are.
        kind: JSON Schema type of its value; empty where that may be any.
        may_be_empty: an empty value is a value.

    """

    name: str
    holds: str
    command: str = ""
    key: str = ""
    kind: str = "string"
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """The place of a variable's value within a text, or that of a whole value of JSON."""

    variable: Variable
    encoding: Encoding = "raw"


Piece = str | Reference


@dataclass(frozen=True, slots=True)
class Text:
    """A text with references in it, piece by piece."""

    pieces: tuple[Piece, ...] = ()

    @classmethod
    def of(cls, *pieces: Piece) -> Text:
        """Return a text of these pieces, neighbours put together and empty ones left out."""
        joined: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, str) and joined and isinstance(joined[-1], str):
                joined[-1] += piece
            elif piece:
                joined.append(piece)
        return cls(tuple(joined))

    def __add__(self, other: Text) -> Text:
        """Return both, one after the other."""
        return Text.of(*self.pieces, *other.pieces)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The references, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Reference))

    @property
    def literal(self) -> str | None:
        """The text itself if it holds no reference, else None."""
        return None if self.references else "".join(self.literals)

    @property
    def literals(self) -> tuple[str, ...]:
        """The pieces that are no references."""
        return tuple(piece for piece in self.pieces if isinstance(piece, str))

    def written(self, write: Callable[[Reference], str]) -> str:
        """Return the text with each reference as somebody writes it."""
        return "".join(piece if isinstance(piece, str) else write(piece) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password of HTTP Basic (RFC 7617), each still apart."""

    username: Text
    password: Reference


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its exact text, and its data if it is JSON.

    In the data a `Text` with references, or a `Reference` alone for another value of JSON, stands where a secret is.
    """

    text: Text
    data: Any = None
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """The request, byte by byte. Content-Length is not among the headers: whoever sends the body counts it.

    `login` takes the place of the header Authorization. `says_empty`: without a body, the length 0 is said all the same.
    """

    method: str
    url: Text
    headers: tuple[tuple[str, Text], ...]
    content: Content | None = None
    login: Login | None = None
    says_empty: bool = False

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every reference in the request."""
        login = () if self.login is None else (self.login.username + Text.of(self.login.password),)
        texts = (*login, self.url, *(value for _, value in self.headers), *([self.content.text] if self.content else []))
        return tuple(reference for text in texts for reference in text.references)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What the references refer to, once each."""
        return tuple(dict.fromkeys(reference.variable for reference in self.references))


@dataclass(frozen=True, slots=True)
class Target:
    """The connection without its credential. `ca_is_folder`: the trusted certificates lie in a folder, not in one file."""

    name: str
    base_url: str
    source: str
    timeouts: Timeouts
    verify: bool | str = True
    ca_is_folder: bool = False
    client_certificate: tuple[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the caller said beside inputs and connection."""

    headers: Mapping[str, Text] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)
    idempotent: bool | None = None
    deadline: float | None = None
    allow_unknown_enum: bool = False
    paginate: Paginate | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What the reader of an export must know. A `loss` is something of the call that its form cannot say."""

    kind: Literal["loss", "hint"]
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"kind": self.kind, "message": self.message}


@dataclass(frozen=True, slots=True)
class Subject:
    """One call of a task, as exporters see it.

    Attributes:
        inputs: as checked; a `Text` or `Reference` stands where a secret is.
        message: the request, its credential included, by reference.
        notes: what holds for every form.
        at: the moment of the export, in epoch seconds.
        outcome: what came of the call if it was sent, masked.

    """

    template: TaskTemplate
    inputs: Mapping[str, Any]
    message: Message
    target: Target
    said: Said = field(default_factory=Said)
    notes: tuple[Note, ...] = ()
    at: float = 0.0
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """The text of an export, and what its reader must know."""

    text: str
    notes: tuple[Note, ...] = ()


def variables_in(tree: Any) -> Iterator[Variable]:
    """Yield the variable of each reference in data, a text or a reference."""
    for leaf in leaves(tree):
        if isinstance(leaf, Reference):
            yield leaf.variable
        elif isinstance(leaf, Text):
            yield from (reference.variable for reference in leaf.references)


def leaves(tree: Any) -> Iterator[Any]:
    """Yield everything in data that is neither a mapping nor a list."""
    if isinstance(tree, Mapping | list | tuple):
        for item in tree.values() if isinstance(tree, Mapping) else tree:
            yield from leaves(item)
    else:
        yield tree


def rewritten(tree: Any, write: Callable[[Any], Any]) -> Any:
    """Return data of the same shape in which each leaf is as somebody writes it."""
    if isinstance(tree, Mapping):
        return {key: rewritten(item, write) for key, item in tree.items()}
    return [rewritten(item, write) for item in tree] if isinstance(tree, list | tuple) else write(tree)
