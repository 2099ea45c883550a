"""`httptask manifest`: write or check the plugin's machine-readable face."""

from __future__ import annotations

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import FAILED, SUCCEEDED
from httptask.version import SCHEMA_VERSION


@click.command("manifest", short_help="Print or check the plugin's manifest.")
@click.option("--check", is_flag=True, help="Compare with the shipped manifest.json; exit 1 when it is out of date.")
@click.option("--write", is_flag=True, help="Write manifest.json (in a checkout).")
@options.as_json
def command(check: bool, write: bool, as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """Print the manifest generated from the shipped templates.

    \b
    Example:
      httptask manifest --check
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask import manifest
    from httptask.errors import ConfigurationError, Problem
    from httptask.loader import shipped, shown

    console = Console(json=as_json)
    fresh = manifest.build()
    file = shipped("task_templates").parent / "manifest.json"
    if write:
        try:
            file.write_bytes(manifest.dumps(fresh))
        except OSError as error:
            raise ConfigurationError(Problem(shown(file), f"cannot be written: {error.strerror}")) from None
        console.note(f"wrote {shown(file)}: {len(fresh['tasks'])} tasks")
        return SUCCEEDED
    if not check:
        console.data(fresh)
        return SUCCEEDED
    current = file.exists() and file.read_bytes() == manifest.dumps(fresh)
    if as_json:
        console.data({"schemaVersion": SCHEMA_VERSION, "current": current})
    else:
        console.out("manifest.json is current" if current else "manifest.json is out of date; run `httptask manifest --write`")
    return SUCCEEDED if current else FAILED
