"""`httptask worker conductor`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from httptask.cli import options
from httptask.cli.exits import SUCCEEDED

if TYPE_CHECKING:
    from httptask.model import Connection, Provider


@click.command("conductor", short_help="Work for Conductor.")
@click.option("--server", metavar="URL", help="Conductor's server. Default: CONDUCTOR_SERVER_URL, else http://localhost:8080.")
@click.option(
    "--connection",
    "names",
    multiple=True,
    metavar="NAME",
    help="The connection profile for tasks of its provider, where a workflow names none. Repeatable, one for each provider.",
)
@click.option("--threads", type=click.IntRange(1, 256), default=8, help="Tasks at a time.")
@options.templates
@options.debug
def command(server: str | None, names: tuple[str, ...], threads: int, folders: tuple[Path, ...]) -> int:
    """Do the tasks that Conductor hands out, until Ctrl-C. Those that were begun are brought to their end first.

    Prints one JSON line when it is ready. Conductor never learns a credential: it is this process that holds the connections.

    \b
    Example:
      httptask worker conductor --server http://localhost:8080 --connection production
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    connect = _connections(names)
    from httptask.engines.conductor import Options, Server, working
    from httptask.serving import until_signal
    from httptask.wiring import registry

    conductor, tasks = Server(server), registry(folders)
    conductor.check()
    with working(conductor, tasks, Options(connect, threads=threads)), until_signal() as wait:
        print(json.dumps({"server": conductor.url, "tasks": len(tasks), "pid": os.getpid()}), flush=True)
        print("ready; Ctrl-C ends it", file=sys.stderr, flush=True)
        wait()
    return SUCCEEDED


def _connections(names: Sequence[str]) -> Callable[[Provider, str | None], Connection]:
    from httptask.hosted.stores import from_surroundings
    from httptask.profiles import provider_of, read_profiles
    from httptask.settings import check_profile
    from httptask.surroundings import Surroundings

    around = Surroundings.current()
    for name in names:
        check_profile(name, around=around, where=f"--connection {name}")
    profiles = (read_profiles(around) or {}) if names else {}

    def connect(provider: Provider, name: str | None) -> Connection:
        default = next((each for each in names if provider_of(profiles.get(each)) in {provider.id, None}), None)
        return from_surroundings(provider, name or default)

    return connect
