"""`--curl`, `--python`, `--har`, `--step`, and engines: a call in the words of another tool, printed in place of being sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from httptask.errors import Problem, UsageError
from httptask.export import EXPORTERS, Exporter
from httptask.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from httptask.cli.console import Console
    from httptask.export.gathering import Call
    from httptask.export.subject import Exported
    from httptask.model import Paginate

F = TypeVar("F", bound=Callable[..., Any])


def options(command: F) -> F:
    """Add an option for each form."""
    for exporter in reversed(tuple(EXPORTERS.values())):
        words = f"Print {exporter.title} and send nothing; secrets are references."
        command = click.option(f"--{exporter.name}", _flag(exporter), is_flag=True, help=words)(command)
    return command


def chosen(flags: Mapping[str, Any]) -> Exporter | None:
    """Return the form that is asked for, if one is.

    Raises:
        click.UsageError: several are.

    """
    asked = [exporter for exporter in EXPORTERS.values() if flags[_flag(exporter)]]
    if len(asked) > 1:
        raise click.UsageError(
            f"{' and '.join(f'--{exporter.name}' for exporter in asked)} both print the call; give one of them"
        )
    return asked[0] if asked else None


def show(exporter: Exporter, call: Call, console: Console, paginate: Paginate | None = None) -> None:
    """Print a call in one form, and on stderr what its reader must know.

    Raises:
        UsageError: the call is wrong, or standard output cannot hold it.

    """
    from httptask.clock import SystemClock
    from httptask.export.gathering import subject_of

    exported = exporter.export(subject_of(call, at=SystemClock().now(), paginate=paginate))
    if console.json:
        console.data({"schemaVersion": SCHEMA_VERSION, "task": call.template.id, "copyAs": _json(exporter, exported)})
        return
    _check_output(exported.text)
    console.block(exported.text.rstrip("\n"))
    for note in exported.notes:
        console.note(f"{note.kind}: {note.message}")
    if console.redactor.text(exported.text) != exported.text:
        console.note("warning: *** stands where the text held a known credential; it cannot be used as it is")


def _json(exporter: Exporter, exported: Exported) -> dict[str, Any]:
    return {
        "name": exporter.name,
        "mediaType": exporter.media_type,
        "suffix": exporter.suffix,
        "text": exported.text,
        "notes": [note.to_json() for note in exported.notes],
    }


def _check_output(text: str) -> None:
    """Refuse to print what the terminal or file would get as another text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        hint = "let it be UTF-8 (PYTHONIOENCODING=utf-8), or take --json"
        raise UsageError(Problem("standard output", "it cannot hold letters of this request", hint)) from None


def _flag(exporter: Exporter) -> str:
    return f"copy_{exporter.name}"
