"""`httptask test`: see exactly what will be sent, try it, and keep what came of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from httptask.cli import copying, options


def _finite(_: click.Context, __: click.Parameter, seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):  # NaN is within every range
        raise click.BadParameter("write a number of seconds; without the option there is no limit")
    return seconds


@click.command("test", short_help="Try a task: send one request, or show it.")
@click.argument("task", shell_complete=options.complete_task)
@options.inputs
@click.option("--body", metavar="JSON", help="The request body: JSON, @FILE, or - for standard input.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME:VALUE", help="A request header. Repeatable.")
@click.option("--dry-run", is_flag=True, help="Show the request and send nothing.")
@click.option("--explain", is_flag=True, help="As --dry-run, and say of each value where it came from and how it was encoded.")
@copying.options
@click.option("--retry", is_flag=True, help="Let the retry policy go on; without it one attempt is sent.")
@click.option("--trace", is_flag=True, help="Show every request and answer as they went over the wire, secrets masked.")
@click.option("--fault", metavar="SCRIPT", help="Simulate: play a fault script, without network or waiting, as in '503x2, ok'.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="CONDITION",
    help="Succeed if and only if this holds, as in '{{ response.status == 404 }}'. Repeatable.",
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write a JUnit report for CI.")
@click.option("--all", "every", is_flag=True, help="Read all pages of a list and put them together.")
@click.option("--max-pages", type=click.IntRange(min=1), metavar="N", help="With --all: read so many pages at most.")
@click.option(
    "--max-items",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --all: stop at so many items. Without it, more than 10000 are an error.",
)
@click.option("--seed", default=1, help="What the jitter of a simulation is drawn from.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    callback=_finite,
    metavar="SECONDS",
    help="Give up after this time, waits included.",
)
@click.option("--allow-unknown-enum", is_flag=True, help="Let values outside an enumeration through, with a warning.")
@options.cassette
@options.journal
@click.option("--no-journal", is_flag=True, help="Keep no record of the test.")
@options.connection
@options.templates
@options.as_json
@options.verbose
def command(task: str, folders: tuple[Path, ...], **flags: Any) -> int:
    """Try a task: send one request and show the response and what the retry policy would do next.

    On a terminal, and with -v, the request is shown first; --dry-run shows it and sends nothing. Required inputs that are missing
    are asked for on a terminal. Each test is written into the journal: `httptask runs` lists it.

    \b
    Examples:
      httptask test okta.list_agent_pools -i poolType=AD --sandbox
      httptask test okta.list_agent_pools -i limitPerPoolType=2 --all --sandbox
      httptask test okta.create_agent_pools_update -i poolId=0oa... --body @update.json --dry-run
      httptask test okta.list_agent_pools -i poolType=AD --curl
      httptask test okta.list_agent_pools --sandbox --expect '{{ response.status == 200 }}' --junit report.xml
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.trying import Invocation

    return Invocation(task, folders, flags).run()
