"""Shows what became of a pasted command: files on stdout, what was left out and what to do next on stderr."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask.curl.steps import references
from httptask.loader import shown
from httptask.surroundings import Surroundings
from httptask.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from httptask.cli.console import Console
    from httptask.curl.command import Note
    from httptask.curl.steps import Aim, Step
    from httptask.model import TaskTemplate

#: Kind of a note -> what its lines begin with.
_LABELS = {"ignored": "left out", "connection": "for the connection", "changed": "note", "secret": "secret"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A task that the command became, or that there was already; `files` are those of a new one, written or not."""

    template: TaskTemplate
    aim: Aim
    notes: tuple[Note, ...]
    steps: tuple[Step, ...]
    files: tuple[tuple[Path, str], ...] = ()
    written: bool = False
    exists: bool = False


def tell(result: Shown, console: Console) -> None:
    """Write all of it, as JSON where that is asked for."""
    if console.json:
        console.data(_json(result))
        return
    if result.exists:
        console.out(f"{result.template.id} does this already, so that no new template is needed; --force makes one all the same")
    for number, (file, text) in enumerate(result.files):
        if result.written:
            console.out(f"wrote {shown(file)}")
        else:
            console.block(("\n" if number else "") + f"# {file}\n{text}".rstrip("\n"))
    for line in _lines(result):
        console.note(line)


def _lines(result: Shown) -> Iterable[str]:
    for (kind, message), notes in groupby(result.notes, key=lambda note: (note.kind, note.message)):
        yield f"{_LABELS[kind]}: {', '.join(dict.fromkeys(note.subject for note in notes))}: {message}"
    if not result.written and not result.exists:
        yield "nothing was written: --out DIR writes these files"
    if result.aim.credential is None:
        yield "note: the command brings no credential for this provider"
    yield "next:"
    for step in result.steps:
        if step.do == "add":
            yield f"  # add to {Surroundings.current().profiles_file}"
        yield from (f"  {line}" for line in step.text.splitlines())


def _json(result: Shown) -> dict[str, Any]:
    template, credential = result.template, result.aim.credential
    return {
        "schemaVersion": SCHEMA_VERSION,
        "task": template.id,
        "provider": template.provider.id,
        "method": template.method,
        "path": template.openapi_path,
        "exists": result.exists,
        "written": result.written,
        "files": [{"file": str(file), "content": text} for file, text in result.files],
        "credential": credential and {"scheme": result.aim.scheme, **references(template.provider.id, credential)},
        "notes": [note.to_json() for note in result.notes],
        "next": [step.to_json() for step in result.steps],
    }
