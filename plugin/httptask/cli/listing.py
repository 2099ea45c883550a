"""Lists connections: what can be listed is, whatever is wrong beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED, USAGE
from httptask.errors import DefinitionError, Problem
from httptask.version import SCHEMA_VERSION
from httptask.wiring import registry

if TYPE_CHECKING:
    from httptask.model import Provider
    from httptask.registry import Registry
    from httptask.sources import Source
    from httptask.surroundings import Surroundings


def list_connections(folders: tuple[Path, ...], console: Console) -> int:
    """List what can be listed; the code of a usage error says that something could not be."""
    from httptask.sources import listed
    from httptask.surroundings import Surroundings

    around = Surroundings.current()
    known, problems = _providers_for_list(folders)
    found = listed(known.values(), around)
    if console.json:
        console.data(
            {
                "schemaVersion": SCHEMA_VERSION,
                "profilesFile": str(around.profiles_file),
                "connections": [source.to_json() for source in found],
                "problems": [problem.to_json() for problem in problems],
            }
        )
    else:
        _print(found, problems, console)
        _note_file(found, around, console)
    return USAGE if problems or any(not source.provider and source.name is None for source in found) else SUCCEEDED


def _note_file(found: tuple[Source, ...], around: Surroundings, console: Console) -> None:
    from httptask.surroundings import CONFIG_VARIABLE

    file = around.profiles_file
    if around.env.get(CONFIG_VARIABLE) and not file.exists():
        console.note(f"{CONFIG_VARIABLE} names {file}, which is not there yet; `httptask connections add NAME` creates it")
    elif not found:
        console.note(f"no connection is configured; `httptask connections add NAME` writes one to {file}")


def _providers_for_list(folders: tuple[Path, ...]) -> tuple[Mapping[str, Provider], tuple[Problem, ...]]:
    """Return the providers that can be read; folders that hide all others count as not given."""
    from httptask.loader import open_registry

    try:
        tasks = registry(folders)
    except DefinitionError as error:
        found, unreadable = providers(open_registry())
        return found, (*error.problems, *unreadable)
    found, unreadable = providers(tasks)
    return found, (*tasks.problems, *unreadable)


def providers(tasks: Registry) -> tuple[Mapping[str, Provider], tuple[Problem, ...]]:
    """Return every provider that has a task that can be read, by id, and what is wrong with those that have none."""
    found: dict[str, Provider] = {}
    problems: dict[str, tuple[Problem, ...]] = {}
    for summary in tasks.summaries():
        if summary.provider not in found:
            try:
                found[summary.provider] = tasks[summary.id].provider
            except DefinitionError as error:
                problems.setdefault(summary.provider, error.problems)
    hidden = tuple(problem for provider, items in problems.items() if provider not in found for problem in items)
    return dict(sorted(found.items())), hidden


def _print(found: tuple[Source, ...], problems: tuple[Problem, ...], console: Console) -> None:
    if found:
        _print_table(found, console)
    for problem in dict.fromkeys((*problems, *(problem for source in found for problem in source.problems))):
        console.note(f"warning: {problem}")


def _print_table(found: tuple[Source, ...], console: Console) -> None:
    console.table(
        [
            ("", "name", "provider", "base URL", "scheme", "reference", "from"),
            *(
                (
                    "*" if source.default else " ",
                    source.name or "-",
                    source.provider or "-",
                    source.base_url or "(faulty)",
                    source.scheme or "-",
                    source.reference or "-",
                    source.place,
                )
                for source in found
            ),
        ]
    )
    console.note("* is used without an option")
