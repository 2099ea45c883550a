"""`httptask serve`: the web page."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED

PORT = 8321


@click.command("serve", short_help="Serve the web page.")
@click.option("--host", default="127.0.0.1", help="Address to listen on. Another than loopback lets other machines in.")
@click.option("--port", default=PORT, help="Port to listen on; 0 takes a free one.")
@click.option(
    "--allow-host",
    "names",
    multiple=True,
    metavar="NAME",
    help="A further name under which the page is opened. Repeatable.",
)
@click.option(
    "--workflows",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="DIR",
    help="A folder of workflow files, in place of the current one and its `workflows`. Repeatable.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@options.journal
@options.templates
@options.debug
def command(folders: tuple[Path, ...], workflows: tuple[Path, ...], host: str, **flags: Any) -> int:
    """Serve the page until Ctrl-C: find a task, read what it takes, test its request; run workflows and look at runs.

    Prints one JSON line with a link that lets one browser in, once.

    \b
    Example:
      httptask serve --open
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.session import current
    from httptask.serving import is_loopback
    from httptask.surroundings import Surroundings, template_path
    from httptask.web.catalogue import Catalogue
    from httptask.web.journals import PageJournal
    from httptask.web.server import Address, serve_forever
    from httptask.web.site import Site
    from httptask.web.workflow_files import WorkflowFiles

    console, session = Console(), current()
    catalogue = Catalogue((*template_path(Surroundings.current()), *folders))
    if not is_loopback(host):
        console.note("warning: other machines can reach this address, and what they send is not encrypted")

    def failed(error: Exception) -> None:
        console.note(f"error: httptask failed with {type(error).__name__}; please report it")
        if session.wants_tracebacks():
            console.lines(session.traceback(error))

    site = Site(catalogue, WorkflowFiles(workflows), PageJournal(flags["journal"]), failed=failed, discretion=session.discretion)

    def ready(link: str) -> None:
        print(json.dumps({"url": link, "pid": os.getpid()}), flush=True)
        print("ready; Ctrl-C ends it", file=sys.stderr, flush=True)
        if flags["opens"]:
            click.launch(link)

    serve_forever(site, Address(host, flags["port"], flags["names"]), ready=ready)
    return SUCCEEDED
