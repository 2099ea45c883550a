"""`httptask show`: a task's reference page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED
from httptask.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from httptask.model import TaskTemplate


@click.command("show", short_help="Show a task's reference page.")
@click.argument("task", shell_complete=options.complete_task)
@options.templates
@options.as_json
def command(task: str, folders: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """Show a task: servers, parameters, headers, body fields, responses, scopes, outputs.

    \b
    Example:
      httptask show okta.create_agent_pools_update
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.wiring import registry

    template = registry(folders)[task]
    console = Console(json=as_json)
    if as_json:
        console.data(_page(template))
    else:
        from httptask.cli.page import print_page

        print_page(template, console)
    return SUCCEEDED


def _page(template: TaskTemplate) -> dict[str, Any]:
    from httptask import reference
    from httptask.manifest import task_entry

    return {
        "schemaVersion": SCHEMA_VERSION,
        **task_entry(template),
        "servers": [template.provider.server_url],
        "pathParameters": [field.to_json() for field in reference.parameters(template, "path")],
        "queryParameters": [field.to_json() for field in reference.parameters(template, "query")],
        "requestHeaders": [field.to_json() for field in reference.headers(template)],
        "requestBodyFields": [field.to_json() for field in reference.body_fields(template)],
        "requestBodyExample": template.body.example if template.body else None,
        "responses": {
            status: {"description": spec.description, "example": spec.example} for status, spec in template.responses.items()
        },
    }
