"""A call as a use of its task by an engine's adapter: what it is called with, in names that each engine spells its own way."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from typing import Any

from httptask.export.pythonic import INDENT, constants, literal
from httptask.export.subject import Note, Reference, Subject, Variable, leaves, variables_in


def name_of(subject: Subject) -> str:
    """Return what the use is called: the operation's name, which is a name in Python too."""
    return subject.template.id.partition(".")[2].replace(".", "_").replace("-", "_")


def options(subject: Subject) -> dict[str, Any]:
    """Return what is said of the use beside its inputs, in the words of a step."""
    said = subject.said
    words = {"headers": dict(said.headers), "retry": dict(said.retry), "idempotent": said.idempotent, "timeout": said.deadline}
    return {name: value for name, value in words.items() if value not in ({}, None)}


def variables(subject: Subject) -> tuple[Variable, ...]:
    """Return what the inputs and headers refer to; the credential is the engine's business."""
    return tuple(dict.fromkeys(variables_in([subject.inputs, subject.said.headers])))


def program(subject: Subject, imports: str, body: str) -> str:
    """Return a file in Python: what it imports, its constants, and what it does."""
    held = variables(subject)
    standard = "\n".join((["import json"] if _has_json(subject.inputs) else []) + (["import os"] if held else []))
    return "\n\n".join(filter(None, (standard, imports, "\n".join(constants(held)), body))) + "\n"


def call(what: str, words: Mapping[str, Any], pad: str = "") -> str:
    """Return a call with these words, a line for each; names that Python does not take are handed over in a dictionary."""
    inner = pad + INDENT
    plain = {name: value for name, value in words.items() if name.isidentifier() and not keyword.iskeyword(name)}
    lines = [f"{inner}{name}={literal(value, inner)},\n" for name, value in plain.items()]
    if rest := {name: value for name, value in words.items() if name not in plain}:
        lines.append(f"{inner}**{literal(rest, inner)},\n")
    return f"{what}(\n{''.join(lines)}{pad})" if lines else f"{what}()"


def notes(subject: Subject) -> Iterator[Note]:
    """Yield what the use of a task by an engine cannot say."""
    if subject.said.paginate is not None:
        yield Note("loss", "this reads the first page: a step with paginate in a workflow file reads them all")
    if subject.said.allow_unknown_enum:
        yield Note("loss", "under an engine a value outside an enumeration is an error")


def _has_json(tree: Any) -> bool:
    return any(isinstance(leaf, Reference) for leaf in leaves(tree))
