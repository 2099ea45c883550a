"""One invocation of `httptask test`: its flags read once, then shown, simulated or sent."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from httptask import expecting, sensitive
from httptask.cli import copying, prompting, session, taping
from httptask.cli.arguments import task_inputs
from httptask.cli.console import is_terminal, refusal
from httptask.cli.exits import BY_STATUS, FAILED, INTERRUPTED, SUCCEEDED
from httptask.halting import Halt
from httptask.inputs import check
from httptask.runner import Options
from httptask.wiring import Where, dry_run_connection, registry

if TYPE_CHECKING:
    from httptask.all_pages import AllPages
    from httptask.executing import Company, Tape
    from httptask.expecting import Finding
    from httptask.explaining import Part
    from httptask.export import Exporter
    from httptask.journal import Journal
    from httptask.model import Connection
    from httptask.outcome import Outcome
    from httptask.runner import Prepared
    from httptask.secrets import Secret
    from httptask.trying import Trial, Tried

#: What references of secrets begin with, elsewhere.
_REFERENCE = re.compile(r"(?:env|file|keyring):")


class Invocation:
    """One use of the command."""

    def __init__(self, task: str, folders: tuple[Path, ...], flags: Mapping[str, Any]) -> None:
        """Read the flags and check the inputs; what is missing is asked for where a person is there.

        Raises:
            UsageError: what is wrong with them; nothing was sent.

        """
        self.flags = flags
        self.console = session.console(json=flags["as_json"], verbose=flags["verbose"])
        self.form = copying.chosen(flags)
        self._check_together()
        taping.check(flags, "--fault" if flags["fault"] is not None else self._unsent())
        expecting.check(flags["expected"])
        self.registry = registry(folders)
        self.template = self.registry[task]
        self.given = self.inputs = task_inputs(self.template, flags["given"], flags["file"], flags["body"])
        if prompting.can_ask() and not self.console.json:
            self.inputs = prompting.completed(self.template, self.inputs, self.console)
        self.options = self._options()
        check(self.template, self.inputs, allow_unknown_enum=self.options.allow_unknown_enum)
        self._learn(sensitive.inputs(self.template, self.inputs).secrets)
        self.pages = self._pages()

    def run(self) -> int:
        """Do what the flags say; return the exit code."""
        flags = self.flags
        if flags["fault"] is not None:
            return self._simulate(flags["fault"])
        where = Where(flags["sandbox"], flags["name"], flags["base_url"], flags["token"])
        if self.form is not None:
            return self._copy(self.form, dry_run_connection(where, self.template.provider))
        if flags["dry_run"] or flags["explain"]:
            return self._show(dry_run_connection(where, self.template.provider))
        where.check()
        with taping.taped(flags, self.registry, self.console) as tape, ExitStack() as stack:
            journal = None if flags["no_journal"] or flags["replay"] else stack.enter_context(self._journal())
            tape.code = self._send(where, journal, tape.inner)
        return tape.code

    def _learn(self, secrets: tuple[Secret, ...]) -> None:
        self.console.discretion.learn(secrets)
        if any(_REFERENCE.match(secret.reveal()) for secret in secrets):
            self.console.note("warning: a secret input looks like a reference; a single test sends its text as it is")

    def _check_together(self) -> None:
        """Refuse flags that contradict one another."""
        flags = self.flags
        unsent = self._unsent()
        if unsent and (flags["expected"] or flags["junit"] or flags["trace"]):
            raise click.UsageError(f"{unsent} sends nothing, so there is no answer for --expect, --junit or --trace")
        if flags["fault"] is not None and unsent not in {"", "--dry-run"}:
            raise click.UsageError(f"--fault plays attempts, {unsent} shows the request; give one of them")
        if flags["fault"] is not None and flags["trace"]:
            raise click.UsageError("--fault sends nothing, so there is nothing for --trace to show")
        if flags["no_journal"] and flags["journal"] is not None:
            raise click.UsageError("give --journal or --no-journal, not both")

    def _unsent(self) -> str:
        """Return the option that keeps anything from being sent, if there is one."""
        if self.form is not None:
            return f"--{self.form.name}"
        return next((f"--{name.replace('_', '-')}" for name in ("explain", "dry_run") if self.flags[name]), "")

    def _options(self) -> Options:
        from httptask.identity import new_idempotency_key

        flags = self.flags
        simulated = flags["fault"] is not None
        return Options(
            headers=dict(_header(text) for text in flags["headers"]),
            idempotency_key=new_idempotency_key(),
            once=not flags["retry"] and not simulated,
            verify=flags["retry"] or simulated,
            allow_unknown_enum=flags["allow_unknown_enum"],
            deadline=flags["timeout"],
        )

    def _pages(self) -> AllPages | None:
        """Return what reads all pages, where that is asked for."""
        from httptask.all_pages import AllPages
        from httptask.model import Paginate

        limits = Paginate(self.flags["max_pages"], self.flags["max_items"])
        if not self.flags["every"]:
            if limits != Paginate():
                raise click.UsageError("--max-pages and --max-items limit what --all reads")
            return None
        if self.flags["fault"] is not None:
            raise click.UsageError("--fault plays the attempts of one call, --all makes several; give one of them")
        return AllPages(self.template, self.inputs, self.options, limits)

    def _journal(self) -> Any:
        from httptask.cli.running import journal

        return journal(self.flags["journal"])

    def _simulate(self, script: str) -> int:
        from httptask.cli.outcomes import print_failure
        from httptask.simulate import simulate

        simulation = simulate(self.template, self.inputs, script, options=self.options, seed=self.flags["seed"])
        outcome = simulation.outcome
        findings = expecting.judge(self.flags["expected"], outcome, self.inputs)
        if self.console.json:
            self.console.data({**simulation.to_json(), **_expectations_json(findings)})
            self._say_if_lost(outcome)
        else:
            self.console.block(simulation.text().rstrip("\n"))
            if not self._say_if_lost(outcome) and outcome.failure is not None:
                print_failure(outcome.failure, self.console)
        return self._judged(outcome, findings)

    def _show(self, connection: Connection) -> int:
        from httptask import masking
        from httptask.cli.explained import print_explanation
        from httptask.cli.outcomes import request_json
        from httptask.egress import refused_as_written
        from httptask.runner import prepare

        session.redact(self.console, [connection])
        if refused := refused_as_written(connection):
            self.console.note(f"warning: this request would not be sent: {refused}")
        prepared = prepare(self.template, self.inputs, connection, self.options)
        parts = self._explained(prepared, connection)
        if self.console.json:
            shown = masking.request(self.template, prepared.request, self.console.redactor)
            explanation = {"explanation": [part.to_json() for part in parts]} if parts else {}
            whence = {"connection": connection.source}
            self.console.data({**request_json(self.template.id, shown, self.console.redactor), **whence, **explanation})
            return SUCCEEDED
        self._print_request(prepared)
        print_explanation(parts, self.console)
        for warning in prepared.warnings:
            self.console.note(f"warning: {warning.path}: {warning.message}")
        tokens = "".join(f"; access tokens from {url}" for url in connection.endpoints)
        where = f"dry run: nothing was sent to {prepared.request.origin}; connection: {connection.source}{tokens}"
        self.console.note(self.console.style(where, "dim"))
        return SUCCEEDED

    def _copy(self, form: Exporter, connection: Connection) -> int:
        from httptask.export.gathering import Call

        session.redact(self.console, [connection])
        call = Call(self.template, self.inputs, connection, self.options)
        copying.show(form, call, self.console, None if self.pages is None else self.pages.limits)
        return SUCCEEDED

    def _explained(self, prepared: Prepared, connection: Connection) -> tuple[Part, ...]:
        """Return where each value of the request came from, if that is asked for."""
        from httptask.cli.explained import inputs_from
        from httptask.explaining import Explainer

        if not self.flags["explain"]:
            return ()
        sources = inputs_from(self.given, self.flags["given"], self.flags["file"], self.flags["body"])
        asked = dict.fromkeys(self.inputs.keys() - self.given.keys(), "asked for")
        explainer = Explainer(self.template, connection, self.console.redactor, {**sources, **asked}, "-H")
        return explainer.parts(self.inputs, prepared)

    def _print_request(self, prepared: Prepared) -> None:
        from httptask import masking
        from httptask.cli.outcomes import print_request

        print_request(masking.request(self.template, prepared.request, self.console.redactor), self.console)

    def _send(self, where: Where, journal: Journal | None, tape: Tape | None) -> int:
        from httptask.trying import Trial, attempt

        before, traced = self._before_sending(), bool(self.flags["trace"])
        trial = Trial(self.template, self.inputs, self.options, self.pages, before, traced=traced)
        halt = Halt()
        with session.told(self.console, self._narrator(), verbosity=self.flags["verbose"]) as observers:
            tried = attempt(trial, self.registry, where, journal=journal, company=self._company(observers, halt, tape))
        findings = expecting.judge(self.flags["expected"], tried.outcome, self.inputs)
        self._print(tried, findings)
        self._say_ways_on(trial, tried, where)
        code = self._judged(tried.outcome, findings)
        return INTERRUPTED if halt.asked and tried.status != "succeeded" else code

    def _company(self, observers: Any, halt: Halt, tape: Tape | None) -> Company:
        from httptask.cli.running import stopping
        from httptask.executing import Company

        console = self.console
        return Company(console.discretion, observers, halt, stopping, lambda used: session.redact(console, used), tape=tape)

    def _narrator(self) -> Any:
        from httptask.cli.narrator import Narrator

        follows = self.pages is not None and not self.console.json and is_terminal(sys.stderr)
        return Narrator(self.console, requests=bool(self.flags["verbose"])) if self.flags["verbose"] or follows else None

    def _before_sending(self) -> Any:
        """Return what shows the request before it leaves, where somebody is looking."""
        looked_at = not self.console.json and not self.flags["trace"] and (self.flags["verbose"] or is_terminal(sys.stdout))
        if not looked_at:
            return None

        def show(prepared: Prepared) -> None:
            self._print_request(prepared)
            self.console.out()

        return show

    def _print(self, tried: Tried, findings: Sequence[Finding]) -> None:
        from httptask.cli.listed_pages import summary, worth_telling
        from httptask.cli.outcomes import outcome_json, print_outcome
        from httptask.cli.tracing import exchange_json, print_exchanges

        outcome, console = tried.outcome, self.console
        if console.json:
            trace = {"trace": [exchange_json(each, console) for each in tried.exchanges]} if self.flags["trace"] else {}
            shown = outcome_json(outcome.to_json(), console.redactor)
            console.data({**shown, "runId": tried.run_id or None, **trace, **_expectations_json(findings)})
            self._say_if_lost(outcome)
            return
        if self.flags["trace"]:
            print_exchanges(tried, console)
        told = outcome if self.pages is None else worth_telling(outcome)
        print_outcome(told, console, retries=not self.options.once, answer=not self.flags["trace"])
        if self.pages is not None:
            console.note(console.style(f"  {summary(self.pages)}", "dim", stream=sys.stderr))

    def _say_ways_on(self, trial: Trial, tried: Tried, where: Where) -> None:
        """Say how to go on where nobody knows what happened; whoever tried a task that failed tries again."""
        from httptask.cli.running import journal_option
        from httptask.onward import ways_on

        if tried.outcome.status != "unknown" or not tried.run_id or where.sandbox or self.console.json:
            return
        for line in ways_on(tried.standing, trial.workflow(self.registry), journal_option(self.flags["journal"])):
            self.console.note(line)

    def _judged(self, outcome: Outcome, findings: Sequence[Finding]) -> int:
        """Say which expectations hold, write the report, and return the exit code."""
        from httptask.atomic import replace_file
        from httptask.junit import report

        for finding in findings if not self.console.json else ():
            mark = self.console.style("✓", "green") if finding.holds else self.console.style("✗", "red")
            self.console.out(f"{mark} {finding.expression}{f'  ({finding.message})' if finding.message else ''}")
        if self.flags["junit"] is not None:
            replace_file(self.flags["junit"], report(outcome, findings))
        if not findings or outcome.status == "unknown":
            return BY_STATUS[outcome.status]
        return SUCCEEDED if all(finding.holds for finding in findings) else FAILED

    def _say_if_lost(self, outcome: Outcome) -> bool:
        """Say the verdict on stderr if standard output did not take it: a request may have been sent."""
        from httptask.cli.outcomes import say_verdict

        if refusal() is None:
            return False
        say_verdict(outcome.status, outcome.task, outcome.failure, self.console)
        return True


def _expectations_json(findings: Sequence[Finding]) -> dict[str, Any]:
    return {"expectations": [finding.to_json() for finding in findings]} if findings else {}


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError("a header is written NAME:VALUE")
    return name, value.strip(" ")
