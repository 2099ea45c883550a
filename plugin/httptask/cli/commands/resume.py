"""`httptask resume`: go on with a run that waits, failed, was interrupted or lost its process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options, session
from httptask.errors import InputInvalid, Problem

if TYPE_CHECKING:
    from httptask.journal import HeldRun
    from httptask.resumption import Resumption


@click.command("resume", short_help="Go on with a run.")
@click.argument("run")
@click.option("--approve", metavar="STEP", help="Open the gate at which the run waits.")
@click.option("--reject", metavar="STEP", help="Reject what waits behind the gate; the run fails, and onFailure begins.")
@click.option(
    "--assume",
    "assumed",
    multiple=True,
    metavar="STEP=done|not-done",
    help="Settle an unknown outcome that you have looked up; STEP as the message names it, such as create[3]. Repeatable.",
)
@click.option("--outputs", metavar="JSON", help="The outputs of the step that --assume takes as done: JSON, @FILE or -.")
@click.option(
    "--output",
    "given",
    multiple=True,
    metavar="STEP.NAME=REF",
    help="A value that the journal did not keep because it is secret, as env:NAME or file:PATH. Repeatable.",
)
@options.journal
@options.as_json
@options.verbose
def command(run: str, **flags: Any) -> int:
    """Go on with a run: what was done is not done again, what failed is, and nothing that may have been applied is sent twice.

    The run goes on with the workflow and templates that it began with, over the connection that it began with.

    \b
    Examples:
      httptask resume 4be1c0ffee
      httptask resume 4be1c0ffee --approve canary_ok
      httptask resume 4be1c0ffee --assume 'create[3]=done' --outputs '{"updateId": "ajd1"}'
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.cli.running import Telling, carry_out
    from httptask.cli.running import journal as open_journal
    from httptask.definitions import Definition, loaded
    from httptask.resumption import Resumption, held
    from httptask.trying import TASK

    console = session.console(json=flags["as_json"], verbose=flags["verbose"])
    with open_journal(flags["journal"]) as journal, held(journal, run) as found:
        record = journal.record(found.run_id)
        definition = Definition.from_bytes(journal.definition(record.definition))
        for file in definition.changed():
            console.note(f"warning: {file} has changed since this run began; the run goes on with what it began with")
        with loaded(definition) as (workflow, registry):
            resumption = Resumption(record, found, workflow, registry, console.discretion)
            plan = resumption.plan(dict(map(_given, flags["given"])))
            telling = Telling(console, int(flags["verbose"]), flags["journal"], answers=TASK in record.connections)
            return carry_out(plan, lambda _: _ready(resumption, flags), telling)


def _ready(resumption: Resumption, flags: Mapping[str, Any]) -> HeldRun:
    """Take a person's words once the connections are known to be those that the run began with."""
    if flags["approve"] and flags["reject"]:
        raise click.UsageError("give --approve or --reject, not both")
    assumed = [_assumption(text) for text in flags["assumed"]]
    if flags["outputs"] is not None and [done for _, done in assumed].count(True) != 1:
        raise click.UsageError("--outputs are those of the one step that --assume takes as done")
    words = resumption.words()
    for path, done in assumed:
        if done:
            words.assume_done(path, _outputs(flags["outputs"]))
        else:
            words.assume_not_done(path)
    if flags["approve"]:
        words.approve(flags["approve"], approved=True)
    if flags["reject"]:
        words.approve(flags["reject"], approved=False)
    words.write()
    return resumption.held


def _given(text: str) -> tuple[str, str]:
    name, sign, reference = text.partition("=")
    if not (sign and "." in name):
        raise click.UsageError("--output is written STEP.NAME=REF, as in login.token=env:TOKEN")
    return name, reference


def _assumption(text: str) -> tuple[str, bool]:
    path, _, word = text.rpartition("=")
    if word not in {"done", "not-done"} or not path:
        raise click.UsageError("--assume is written STEP=done or STEP=not-done")
    return path, word == "done"


def _outputs(text: str | None) -> dict[str, Any] | None:
    from httptask.cli.arguments import read_text
    from httptask.resumption import object_in

    if text is None:
        return None
    value = object_in(read_text(text))
    if value is None:
        raise InputInvalid(Problem("--outputs", "this is no JSON object", """write '{"name": "value"}'"""))
    return value
