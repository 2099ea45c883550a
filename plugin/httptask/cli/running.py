"""Carries out a run for the command line: connections, journal, orderly stopping, and the report."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask.cli.console import Console, is_terminal, refusal
from httptask.cli.exits import BY_STATUS, INTERRUPTED
from httptask.cli.session import learn, observed, redact
from httptask.errors import ConfigurationError, JournalError, Problem
from httptask.halting import Halt, HaltableClock
from httptask.outcome import FailureKind
from httptask.surroundings import Surroundings
from httptask.wiring import Where, connections, http_runner

if TYPE_CHECKING:
    from httptask.journal import HeldRun, Journal, RunRecord
    from httptask.model import Connection, TaskTemplate, Workflow
    from httptask.ports import RunJournal
    from httptask.registry import Registry
    from httptask.runs import RunResult
    from httptask.secrets import Secret

_STOPPING = b"\nstopping: requests on their way get up to 5 s; press Ctrl-C again to stop at once\n"
Connect = Callable[["TaskTemplate"], "Connection"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One execution of a run.

    Attributes:
        connection: what the workflow's `connection` names, evaluated.
        references: where each secret input comes from.
        held: the run in the journal; None when nothing is kept.
        ran_before: seconds of running time of earlier executions; None at the first.
        expected: the origin of each provider as the run began; another one is refused.
        given: withheld values that a person gives again.
        journal: the one that an option named.

    """

    workflow: Workflow
    registry: Registry
    inputs: Mapping[str, Any]
    where: Where
    connection: str | None
    console: Console
    verbosity: int
    held: HeldRun | None = None
    ran_before: float | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    journal: Path | None = None


def journal_file(named: Path | None) -> Path:
    """Return the journal: the one that an option names, else the environment's, else the user's own."""
    return named or Surroundings.current().journal_file


@contextmanager
def journal(named: Path | None) -> Iterator[Journal]:
    """Yield the open journal.

    Raises:
        JournalError: it cannot be used.

    """
    from httptask.journal import Journal

    with Journal(journal_file(named)) as opened:
        yield opened


def carry_out(plan: Plan, prepare: Callable[[Mapping[str, Connection]], HeldRun | None]) -> int:
    """Execute a run and report it; return the exit code. `prepare` notes a new run once its connections are known."""
    from httptask.clock import SystemClock

    halt, console = Halt(), plan.console
    clock = SystemClock()
    began = clock.monotonic()
    with connections(plan.where, plan.workflow.sandbox, plan.connection) as connect:
        used = {task: connect(plan.registry[task]) for task in dict.fromkeys(plan.workflow.tasks())}
        by_provider = {plan.registry[task].provider.id: connection for task, connection in used.items()}
        _same_origins(by_provider, plan.expected)
        redact(console, by_provider.values())
        held = prepare(by_provider)
        plan = replace(plan, held=held)
        if held is not None:
            held.note_status("running", now=clock.now(), ran=plan.ran_before or 0.0)
        with stopping(halt):
            result, learned = _execute(plan, connect, list(used.values()), halt)
    if plan.held is not None:
        plan.held.close()
    seconds = clock.monotonic() - began
    shown = report(result, plan.workflow, plan.registry, console=console, seconds=seconds, learned=learned)
    _say_what_is_not_written(shown, console)
    _say_ways_on(plan, shown)
    return INTERRUPTED if halt.asked and result.status != "succeeded" else BY_STATUS[result.status]


@contextmanager
def stopping(halt: Halt) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closing terminal ask for an orderly stop; the second time nobody is waited for."""

    def ask(_number: int, _frame: object) -> None:
        if not halt.asked:
            with suppress(OSError):  # not through the console, which may be in the middle of a line
                os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _STOPPING)
        halt.ask()

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before: dict[int, Any] = {}
    try:
        for number in (getattr(signal, name) for name in names):
            handler = signal.getsignal(number)
            if handler is not signal.SIG_IGN or number == signal.SIGINT:  # nohup ignores SIGHUP on purpose
                with suppress(ValueError):  # outside the main thread signals are somebody else's business
                    before[number] = signal.signal(number, ask)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _execute(plan: Plan, connect: Connect, used: list[Connection], halt: Halt) -> tuple[RunResult, tuple[Secret, ...]]:
    from httptask.clock import SystemClock
    from httptask.identity import new_id
    from httptask.lanes import ThreadLanes
    from httptask.memory_journal import MemoryJournal
    from httptask.recording import RunRecorder
    from httptask.workflow import WorkflowRunner
    from httptask.workflow_inputs import secrets_of_inputs

    console = plan.console
    learn(console, secrets_of_inputs(plan.workflow, plan.inputs))
    clock = HaltableClock(SystemClock(), halt)
    kept: RunJournal = plan.held or MemoryJournal(new_id())
    recorder = RunRecorder(
        kept,
        clock,
        lambda: console.redactor,
        halt,
        resumed=plan.ran_before is not None,
        ran_before=plan.ran_before or 0.0,
        given=plan.given,
    )
    with ExitStack() as stack:
        observer = stack.enter_context(observed(console, _narrator(plan), verbosity=plan.verbosity))
        runner = stack.enter_context(http_runner(used, plan.registry, observer, clock=clock))
        lanes = ThreadLanes(halt, clock)
        running = WorkflowRunner(runner, plan.registry, connect, clock, observer, lanes, recorder)
        result = running.run(plan.workflow, plan.inputs)
        if plan.held is not None:
            _note(plan, result, clock.now(), recorder.ran())
        return result, recorder.learned


def _narrator(plan: Plan) -> Any:
    from httptask.cli.narrator import Narrator

    told = plan.verbosity or is_terminal(sys.stderr)
    return Narrator(plan.console, requests=True) if told else None


def _note(plan: Plan, result: RunResult, now: float, ran: float) -> None:
    """Write the run's status; what cannot be written any more is said in the report."""
    from httptask.onward import messages

    waiting = next(messages(result.steps), "")
    message = waiting or (result.failure.message if result.failure else "")
    with suppress(JournalError):
        if plan.held is not None:
            plan.held.note_status(result.status, now=now, ran=ran, message=plan.console.redactor.free(message))


def _same_origins(used: Mapping[str, Connection], expected: Mapping[str, str]) -> None:
    from httptask.origins import origin_of

    for provider, connection in used.items():
        origin = origin_of(connection.base_url)
        if provider in expected and expected[provider] != origin:
            message = f"this run sent to {expected[provider]}, and the connection now leads to {origin}"
            hint = "a run goes on where it began; start a new one for another server"
            raise ConfigurationError(Problem(f"connection of {provider}", message, hint))


def report(  # noqa: PLR0913 - what happened, what it was, and how to show it
    result: RunResult,
    workflow: Workflow,
    registry: Registry,
    *,
    console: Console,
    seconds: float | None,
    learned: Iterable[Secret] = (),
) -> RunResult:
    """Print a run, or write it as JSON, with secrets masked; return what was shown. A simulated run took no seconds."""
    from httptask.cli.outcomes import outcome_json, print_run, say_verdict
    from httptask.masked_runs import masked_run

    result = masked_run(result, registry, console.redactor, learned)
    if console.json:
        console.data(outcome_json(result.to_json(), console.redactor))
    else:
        print_run(result, console, seconds=seconds, steps=[step.id for step in workflow.steps])
    if refusal() is not None:  # requests may have been sent
        say_verdict(result.status, result.workflow, result.failure if console.json else None, console)
    return result


def _say_what_is_not_written(result: RunResult, console: Console) -> None:
    """Say on stderr what came of the requests of a step that the journal does not hold: nothing else will tell of them."""
    if result.failure is None or result.failure.kind != FailureKind.JOURNAL or not result.steps:
        return
    for outcome in result.steps[-1].outcomes():
        console.note(f"not in the journal: {json.dumps(outcome.to_json(), ensure_ascii=False)}")


def _say_ways_on(plan: Plan, result: RunResult) -> None:
    from httptask.onward import standing_of, ways_on

    if plan.held is None or result.status == "succeeded":
        return
    if plan.where.sandbox:
        note = "the sandbox of this run has ended with it; to go on with a run, start one with `httptask sandbox`"
        plan.console.note(note)
        return
    for line in ways_on(standing_of(result), plan.workflow, journal_option(plan.journal)):
        plan.console.note(line)


def journal_option(named: Path | None) -> str:
    """Return the option that names a journal again, to be copied; empty when none was named."""
    return f" --journal {shlex.quote(str(named))}" if named is not None else ""


def record_of(plan: Plan, used: Mapping[str, Connection], *, digest: str, run_id: str, now: float) -> RunRecord:
    """Return what the journal says of a new run; of the credential no more than its reference."""
    from httptask.journal import RunRecord
    from httptask.origins import origin_of

    where = plan.where
    said = {"sandbox": where.sandbox, "name": where.name, "baseUrl": where.base_url, "token": where.token}
    origins = {provider: origin_of(connection.base_url) for provider, connection in used.items()}
    sources = {provider: connection.source for provider, connection in used.items()}
    file = os.path.realpath(plan.workflow.source.file)
    kept = {"where": said, "workflow": plan.connection, "origins": origins, "sources": sources}
    return RunRecord(run_id, plan.workflow.name, file, "running", now, now, 0.0, digest, kept)
