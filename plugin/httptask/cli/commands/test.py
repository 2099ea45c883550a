"""`httptask test`: see exactly what will be sent, and try it once."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from httptask.cli import options, session
from httptask.cli.console import is_terminal, refusal
from httptask.cli.exits import BY_STATUS, SUCCEEDED
from httptask.cli.session import observed, redact
from httptask.wiring import Where, connections, dry_run_connection, http_runner, registry

if TYPE_CHECKING:
    from httptask.cli.paging import AllPages
    from httptask.model import Connection
    from httptask.outcome import Outcome
    from httptask.runner import Options


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
@click.option("--retry", is_flag=True, help="Let the retry policy go on; without it one attempt is sent.")
@click.option("--fault", metavar="SCRIPT", help="Simulate: play a fault script, without network or waiting, as in '503x2, ok'.")
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
@options.connection
@options.templates
@options.as_json
@options.verbose
def command(task: str, folders: tuple[Path, ...], **flags: object) -> int:
    """Try a task: send one request and show the response and what the retry policy would do next.

    On a terminal, and with -v, the request is shown first; --dry-run shows it and sends nothing.

    \b
    Examples:
      httptask test okta.list_agent_pools -i poolType=AD --sandbox
      httptask test okta.list_agent_pools -i limitPerPoolType=2 --all --sandbox
      httptask test okta.create_agent_pools_update -i poolId=0oa... --body @update.json --dry-run
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    return _Test(task, folders, flags).run()


class _Test:
    """One invocation, its flags read once."""

    def __init__(self, task: str, folders: tuple[Path, ...], flags: dict[str, object]) -> None:
        from httptask.cli.arguments import task_inputs
        from httptask.inputs import check

        self.flags = flags
        self.console = session.console(json=flags["as_json"], verbose=flags["verbose"])
        self.tasks = registry(folders)
        self.template = self.tasks[task]
        body = flags["body"]
        self.inputs = task_inputs(
            self.template,
            flags["given"],  # type: ignore[arg-type] # click gives a tuple of texts
            flags["file"],  # type: ignore[arg-type] # click gives a Path or None
            body if isinstance(body, str) else None,
        )
        self.options = self._options()
        check(self.template, self.inputs, allow_unknown_enum=self.options.allow_unknown_enum)
        self.pages = self._pages()

    def run(self) -> int:
        where = Where(bool(self.flags["sandbox"]), self.flags["name"], self.flags["base_url"], self.flags["token"])  # type: ignore[arg-type]
        if self.flags["fault"] is not None:
            return self._simulate(str(self.flags["fault"]))
        if self.flags["dry_run"]:
            return self._show(dry_run_connection(where, self.template.provider))
        with connections(where) as connect:
            return self._send(connect(self.template))

    def _options(self) -> Options:
        from httptask.identity import new_idempotency_key
        from httptask.runner import Options

        timeout = self.flags["timeout"]
        return Options(
            headers=dict(_header(text) for text in self.flags["headers"]),  # type: ignore[attr-defined] # a tuple of texts
            idempotency_key=new_idempotency_key(),
            once=not self.flags["retry"] and self.flags["fault"] is None,
            verify=bool(self.flags["retry"]) or self.flags["fault"] is not None,
            allow_unknown_enum=bool(self.flags["allow_unknown_enum"]),
            deadline=timeout if isinstance(timeout, float) else None,
        )

    def _pages(self) -> AllPages | None:
        """Return what reads all pages, where that is asked for."""
        from httptask.cli.paging import AllPages
        from httptask.model import Paginate

        limits = Paginate(self.flags["max_pages"], self.flags["max_items"])  # type: ignore[arg-type] # click gives integers or None
        if not self.flags["every"]:
            if limits != Paginate():
                raise click.UsageError("--max-pages and --max-items limit what --all reads")
            return None
        if self.flags["fault"] is not None:
            raise click.UsageError("--fault plays the attempts of one call, --all makes several; give one of them")
        return AllPages(self.template, self.inputs, self.options, limits)

    def _simulate(self, script: str) -> int:
        from httptask.cli.outcomes import print_failure
        from httptask.simulate import simulate

        seed = self.flags["seed"]
        simulation = simulate(self.template, self.inputs, script, options=self.options, seed=seed if isinstance(seed, int) else 1)
        if self.console.json:
            self.console.data(simulation.to_json())
            self._say_if_lost(simulation.outcome)
        else:
            self.console.block(simulation.text().rstrip("\n"))
            if not self._say_if_lost(simulation.outcome) and simulation.outcome.failure is not None:
                print_failure(simulation.outcome.failure, self.console)
        return BY_STATUS[simulation.outcome.status]

    def _show(self, connection: Connection) -> int:
        from httptask import masking
        from httptask.cli.outcomes import print_request, request_json
        from httptask.egress import refused_as_written
        from httptask.runner import prepare

        self._redact(connection)
        if refused := refused_as_written(connection):
            self.console.note(f"warning: this request would not be sent: {refused}")
        prepared = prepare(self.template, self.inputs, connection, self.options)
        shown = masking.request(self.template, prepared.request, self.console.redactor)
        if self.console.json:
            self.console.data(request_json(self.template.id, shown, self.console.redactor))
            return SUCCEEDED
        print_request(shown, self.console)
        for warning in prepared.warnings:
            self.console.note(f"warning: {warning.path}: {warning.message}")
        tokens = "".join(f"; access tokens from {url}" for url in (connection.auth.endpoints if connection.auth else ()))
        where = f"dry run: nothing was sent to {prepared.request.origin}; connection: {connection.source}{tokens}"
        self.console.note(self.console.style(where, "dim"))
        return SUCCEEDED

    def _send(self, connection: Connection) -> int:
        from httptask import masking
        from httptask.cli.narrator import Narrator
        from httptask.cli.outcomes import print_request
        from httptask.runner import prepare

        self._redact(connection)
        verbosity = int(self.flags["verbose"])  # type: ignore[call-overload] # click counts
        follows = self.pages is not None and not self.console.json and is_terminal(sys.stderr)
        narrator = Narrator(self.console, requests=bool(verbosity)) if verbosity or follows else None
        with (
            observed(self.console, narrator, verbosity=verbosity) as observer,
            http_runner([connection], self.tasks, observer) as runner,
        ):
            if not self.console.json and (verbosity or is_terminal(sys.stdout)):
                prepared = prepare(self.template, self.inputs, connection, self.options)
                print_request(masking.request(self.template, prepared.request, self.console.redactor), self.console)
                self.console.out()
            read = None if self.pages is None else self.pages.read(runner, connection, observer)
            outcome = read or runner.run(self.template, self.inputs, connection, self.options)
        self._print(outcome)
        return BY_STATUS[outcome.status]

    def _print(self, outcome: Outcome) -> None:
        from httptask import masking
        from httptask.cli.outcomes import outcome_json, print_outcome
        from httptask.cli.paging import worth_telling

        outcome = masking.outcome(self.template, outcome, self.console.redactor)
        if self.console.json:
            self.console.data(outcome_json(outcome.to_json(), self.console.redactor))
            self._say_if_lost(outcome)
        elif self.pages is not None:
            print_outcome(worth_telling(outcome), self.console, retries=not self.options.once)
            self.console.note(self.console.style(f"  {self.pages.summary}", "dim", stream=sys.stderr))
        else:
            print_outcome(outcome, self.console, retries=not self.options.once)

    def _say_if_lost(self, outcome: Outcome) -> bool:
        """Say the verdict on stderr if standard output did not take it: a request may have been sent."""
        from httptask.cli.outcomes import say_verdict

        if refusal() is None:
            return False
        say_verdict(outcome.status, outcome.task, outcome.failure, self.console)
        return True

    def _redact(self, connection: Connection) -> None:
        from httptask import sensitive

        redact(self.console, [connection])
        self.console.discretion.learn(sensitive.inputs(self.template, self.inputs).secrets)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError("a header is written NAME:VALUE")
    return name, value.strip(" ")
