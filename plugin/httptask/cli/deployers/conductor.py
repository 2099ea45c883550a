"""`httptask deploy conductor`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED
from httptask.version import SCHEMA_VERSION


@click.command("conductor", short_help="Register with Conductor.")
@click.argument("workflows", type=click.Path(path_type=Path), nargs=-1, metavar="[WORKFLOW]...")
@click.option("--server", metavar="URL", help="Conductor's server. Default: CONDUCTOR_SERVER_URL, else http://localhost:8080.")
@click.option("--version", type=click.IntRange(1), default=1, help="Version of the workflows; one that is there is replaced.")
@click.option("--owner", metavar="EMAIL", help="The owner's address, which some servers demand.")
@click.option(
    "--lost-after",
    type=click.IntRange(2),
    default=60,
    metavar="SECONDS",
    help="Time without a word after which a worker counts as lost, and its task is begun again.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be registered, and register nothing.")
@options.templates
@options.as_json
@options.debug
def command(workflows: tuple[Path, ...], folders: tuple[Path, ...], **flags: Any) -> int:
    """Register the definitions of all known tasks, and workflow files as workflows of Conductor.

    \b
    Example:
      httptask deploy conductor examples/roll_out_agent_update.yaml --server http://localhost:8080
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.engines.conductor import Server, task_definitions, workflow_definition
    from httptask.loader import load_workflow
    from httptask.wiring import registry

    tasks = registry(folders)
    owner = {"ownerEmail": flags["owner"]} if flags["owner"] else {}
    loaded = [load_workflow(file, tasks) for file in workflows]
    made = [{**workflow_definition(each, tasks, version=flags["version"]), **owner} for each in loaded]
    known = [{**each, **owner} for each in task_definitions(tasks.values(), lost_after=flags["lost_after"])]
    if flags["dry_run"]:
        Console(json=True).data({"schemaVersion": SCHEMA_VERSION, "tasks": known, "workflows": made})
        return SUCCEEDED
    server = Server(flags["server"])
    server.register(known, made)
    return _told(Console(json=flags["as_json"]), server.url, len(known), [each["name"] for each in made])


def _told(console: Console, url: str, tasks: int, workflows: list[str]) -> int:
    if console.json:
        console.data({"schemaVersion": SCHEMA_VERSION, "server": url, "tasks": tasks, "workflows": workflows})
    else:
        console.out(f"registered {tasks} tasks{''.join(f', workflow {name}' for name in workflows)} with {url}")
    return SUCCEEDED
