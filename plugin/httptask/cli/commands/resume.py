"""`httptask resume`: go on with a run that waits, failed, was interrupted or lost its process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.session import learn
from httptask.errors import InputInvalid, JournalError, Problem
from httptask.wiring import Where

if TYPE_CHECKING:
    from httptask.journal import HeldRun, Journal, RunRecord
    from httptask.model import Workflow
    from httptask.ports import Entry
    from httptask.registry import Registry


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
    from httptask.cli.running import journal as open_journal
    from httptask.definitions import Definition, loaded

    console = Console(json=bool(flags["as_json"]), verbose=bool(flags["verbose"]))
    with open_journal(flags["journal"]) as journal, _held(journal, run) as held:
        record = journal.record(held.run_id)
        definition = Definition.from_bytes(journal.definition(record.definition))
        for file in definition.changed():
            console.note(f"warning: {file} has changed since this run began; the run goes on with what it began with")
        with loaded(definition) as (workflow, registry):
            return _Resumption(record, held, workflow, registry, console).carry_out(flags)


@contextmanager
def _held(journal: Journal, run: str) -> Iterator[HeldRun]:
    record = journal.record(run)
    held = journal.hold(record.id)
    try:
        if record.status == "succeeded":
            raise JournalError(Problem(record.id, "this run has succeeded", "there is nothing left to do"))
        if record.connections["where"]["sandbox"]:
            message = "this run used the sandbox of its own command, which ended with it"
            raise JournalError(Problem(record.id, message, "start a sandbox with `httptask sandbox` to try resuming"))
        yield held
    finally:
        held.close()


class _Resumption:
    def __init__(self, record: RunRecord, held: HeldRun, workflow: Workflow, registry: Registry, console: Console) -> None:
        self.record = record
        self.held = held
        self.workflow = workflow
        self.registry = registry
        self.console = console

    def carry_out(self, flags: Mapping[str, Any]) -> int:
        from httptask.cli.running import Plan, carry_out

        where = self.record.connections["where"]
        inputs = self._inputs()
        given = self._given(flags["given"])
        plan = Plan(
            self.workflow,
            self.registry,
            inputs,
            Where(name=where["name"], base_url=where["baseUrl"], token=where["token"]),
            self.record.connections["workflow"],
            self.console,
            int(flags["verbose"]),
            ran_before=self.held.ran(),
            expected=self.record.connections["origins"],
            given=given,
            journal=flags["journal"],
        )
        return carry_out(plan, lambda _: self._ready(flags))

    def _ready(self, flags: Mapping[str, Any]) -> HeldRun:
        """Take a person's words once the connections are known to be those that the run began with."""
        self._take_words(flags)
        return self.held

    def _inputs(self) -> dict[str, Any]:
        from httptask.recording import INPUTS
        from httptask.withholding import names_withheld, restored

        entry = self.held.last("", INPUTS)
        if entry is None:
            raise JournalError(Problem(self.held.run_id, "this run ended before it began", "start a new one"))
        lost = names_withheld(entry.data["given"], "inputs")
        if lost:
            hint = "give such an input `format: password`, and its value as a reference; start a new run"
            raise JournalError(Problem(name, "this input was withheld, because it may not be stored", hint) for name in lost)
        secrets = {name: self._secret(reference, name) for name, reference in entry.data["references"].items()}
        return {**restored(entry.data["given"], "inputs"), **secrets}

    def _secret(self, reference: str, where: str) -> str:
        from httptask.surroundings import Surroundings

        around = Surroundings.current()
        secret = around.secret(reference, around.cwd, where)
        learn(self.console, [secret])
        return secret.reveal()

    def _given(self, given: Sequence[str]) -> dict[str, Any]:
        """Return withheld values by their full names: `login.token=env:T` is `steps.login.outputs.token`."""
        from httptask.recording import RESULT

        values = {}
        for text in given:
            name, sign, reference = text.partition("=")
            step, dot, rest = name.partition(".")
            if not (sign and dot):
                raise click.UsageError("--output is written STEP.NAME=REF, as in login.token=env:TOKEN")
            values[f"steps.{step}.outputs.{rest}"] = self._secret(reference, f"--output {name}")
        gaps = {gap for entry in self.held.below("", RESULT) for gap in _gaps(entry)}
        unknown = [name for name in values if name not in gaps]
        if unknown:
            hint = f"withheld in this run: {', '.join(sorted(gaps)) or 'nothing'}"
            raise InputInvalid(Problem("--output", "no value of this name was withheld", hint))
        return values

    def _take_words(self, flags: Mapping[str, Any]) -> None:
        from httptask.clock import SystemClock
        from httptask.resuming import Words

        if flags["approve"] and flags["reject"]:
            raise click.UsageError("give --approve or --reject, not both")
        assumed = [_assumption(text) for text in flags["assumed"]]
        if flags["outputs"] is not None and [done for _, done in assumed].count(True) != 1:
            raise click.UsageError("--outputs are those of the one step that --assume takes as done")
        words = Words(self.workflow, self.held, SystemClock(), self.console.redactor)
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


def _gaps(entry: Entry) -> list[str]:
    from httptask.withholding import names_withheld

    return names_withheld(entry.data["outputs"], f"steps.{entry.path}.outputs") if "outputs" in entry.data else []


def _assumption(text: str) -> tuple[str, bool]:
    path, _, word = text.rpartition("=")
    if word not in {"done", "not-done"} or not path:
        raise click.UsageError("--assume is written STEP=done or STEP=not-done")
    return path, word == "done"


def _outputs(text: str | None) -> dict[str, Any] | None:
    from httptask.cli.arguments import read_text

    if text is None:
        return None
    try:
        value = json.loads(read_text(text))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise InputInvalid(Problem("--outputs", "this is no JSON object", """write '{"name": "value"}'"""))
    return value
