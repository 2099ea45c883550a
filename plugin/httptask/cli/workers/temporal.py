"""`httptask worker temporal`: a Temporal worker with every task and the workflow `httptask.run`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from httptask.cli import options
from httptask.cli.exits import SUCCEEDED


@click.command("temporal", short_help="Work for a Temporal server.")
@click.option(
    "--address", metavar="HOST:PORT", help="Of the server, in place of TEMPORAL_ADDRESS or Temporal's configuration file."
)
@click.option("--namespace", metavar="NAME", help="In place of TEMPORAL_NAMESPACE or Temporal's configuration file.")
@click.option("--queue", metavar="NAME", default="httptask", help="The task queue that is worked on.")
@click.option("--connection", metavar="NAME", help="A connection profile of connections.toml, where a workflow names none.")
@options.templates
@options.debug
def command(folders: tuple[Path, ...], **choices: Any) -> int:
    """Work for a Temporal server until Ctrl-C, which ends what is under way first. Prints one JSON line when it is ready.

    Every task is an activity of its own name; a workflow file runs as the workflow `httptask.run`. Credentials come from this
    process's own environment and profiles.

    \b
    Example:
      httptask worker temporal --address localhost:7233
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.settings import check_profile
    from httptask.surroundings import Surroundings

    if (name := choices["connection"]) is not None:
        check_profile(name, around=Surroundings.current(), where=f"--connection {name}")
    from httptask.engines.temporal.serving import Choices, serve_forever

    serve_forever(Choices(templates=folders, **choices), _announce)
    return SUCCEEDED


def _announce(line: dict[str, Any]) -> None:
    print(json.dumps(line), flush=True)
    print("ready; Ctrl-C ends it", file=sys.stderr, flush=True)
