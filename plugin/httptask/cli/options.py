"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from httptask.cli.session import Session
from httptask.errors import HttpTaskError

F = TypeVar("F", bound=Callable[..., Any])


def templates(command: F) -> F:
    """Add `--templates DIR`."""
    return click.option(
        "--templates",
        "folders",
        type=click.Path(path_type=Path),
        multiple=True,
        metavar="DIR",
        help="A folder with templates of your own, beside the shipped ones and those of HTTPTASK_PATH. Repeatable.",
    )(command)


def as_json(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Write the result as JSON.")(command)


def journal(command: F) -> F:
    """Add `--journal FILE`."""
    return click.option(
        "--journal",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The journal of runs, in place of HTTPTASK_JOURNAL or the one in your state folder.",
    )(command)


def cassette(command: F) -> F:
    """Add `--record FILE`, `--overwrite` and `--replay FILE`."""
    file = click.Path(path_type=Path)
    for decorate in reversed(
        (
            click.option(
                "--record", type=file, metavar="FILE", help="Write what is sent and answered to a cassette, without secrets."
            ),
            click.option("--overwrite", is_flag=True, help="With --record: replace a cassette that is there already."),
            click.option(
                "--replay", type=file, metavar="FILE", help="Answer from a cassette: no network, no waiting, no journal."
            ),
        )
    ):
        command = decorate(command)
    return command


def verbose(command: F) -> F:
    """Add `-v` and `--debug`."""
    verbosity = click.option(
        "-v", "--verbose", count=True, help="Say on stderr what happens as it happens; -vv adds the log, secrets masked."
    )
    return verbosity(debug(command))


def debug(command: F) -> F:
    """Add `--debug`, which reaches the session and not the command."""
    return click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_set_debug,
        help="Show the traceback of an error, secrets masked; HTTPTASK_DEBUG=1 does so for every command.",
    )(command)


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001, FBT001 - click's signature
    session = ctx.find_object(Session)
    if value and session is not None:
        session.debug = True


def connection(command: F) -> F:
    """Add the options that say where requests go."""
    for decorate in reversed(
        (
            click.option("--sandbox", is_flag=True, help="Use a local Okta Agent Pools server, started for this command."),
            click.option("--connection", "name", metavar="NAME", help="A connection profile of connections.toml."),
            click.option("--base-url", metavar="URL", help="Base URL of the server; needs --token."),
            click.option(
                "--token",
                metavar="REF",
                help="Reference to the credential, as env:NAME or file:PATH (from the working directory); needs --base-url.",
            ),
        )
    ):
        command = decorate(command)
    return command


def inputs(command: F) -> F:
    """Add the options that give inputs."""
    for decorate in reversed(
        (
            click.option(
                "-i",
                "--input",
                "given",
                multiple=True,
                metavar="NAME=VALUE",
                help="An input; @FILE reads the value from a file, @@ stands for a literal @. Repeatable.",
            ),
            click.option(
                "--inputs", "file", type=click.Path(path_type=Path), metavar="FILE", help="Inputs as a YAML or JSON mapping."
            ),
        )
    ):
        command = decorate(command)
    return command


def complete_task(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001 - click's signature
    """Complete a task id on the shell."""
    from httptask.wiring import registry

    try:
        return [task for task in registry(()) if task.startswith(incomplete)]
    except HttpTaskError:
        return []
