"""`httptask list`: the tasks, quickly. It imports nothing heavy and parses no YAML while the shipped templates are unchanged."""

from __future__ import annotations

from pathlib import Path

import click

from httptask.cli import options
from httptask.cli.console import Console, on_one_line
from httptask.cli.exits import SUCCEEDED


@click.command("list", short_help="List the tasks.")
@click.option("--search", default="", metavar="WORDS", help="Only tasks that hold every word, in any case.")
@options.templates
@options.as_json
def command(search: str, folders: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """List the tasks.

    \b
    Example:
      httptask list --search "pool update"
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.wiring import registry

    catalogue = registry(folders)
    console = Console(json=as_json)
    found = catalogue.summaries(search)
    for problem in catalogue.problems:
        console.note(f"warning: {problem}")
    if as_json:
        console.data([summary.to_json() for summary in found])
    elif found:
        console.table(
            [
                (item.id, item.method, item.path, on_one_line(item.summary) + (" (deprecated)" if item.deprecated else ""))
                for item in found
            ]
        )
    else:
        console.note("no task matches" if search else "no tasks")
    return SUCCEEDED
