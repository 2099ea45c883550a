"""`httptask graph`: the structure of a workflow file."""

from __future__ import annotations

from pathlib import Path

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED


@click.command("graph", short_help="Show the structure of a workflow file.")
@click.argument("workflow", type=click.Path(path_type=Path))
@click.option("--mermaid", is_flag=True, help="Write a Mermaid flowchart, as Markdown pages show it.")
@options.templates
@options.as_json
def command(workflow: Path, folders: tuple[Path, ...], mermaid: bool, as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """Show the structure of a workflow file: its steps, what they use, and after an arrow the steps that each reads.

    \b
    Example:
      httptask graph examples/roll_out_agent_update.yaml
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.graph import graph_of, json_of, text_of
    from httptask.loader import load_workflow
    from httptask.mermaid import mermaid_of
    from httptask.wiring import registry

    if mermaid and as_json:
        raise click.UsageError("--mermaid and --json are two forms of the same; give one of them")
    graph = graph_of(load_workflow(workflow, registry(folders)))
    console = Console(json=as_json)
    if as_json:
        console.data(json_of(graph))
    elif mermaid:
        console.block(mermaid_of(graph))
    else:
        for line in text_of(graph):
            console.out(line)
    return SUCCEEDED
