"""Carries out a run for the command line: the journal, orderly stopping, and the report."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask.cli.console import Console, is_terminal, refusal
from httptask.cli.exits import BY_STATUS, INTERRUPTED
from httptask.cli.session import redact, told
from httptask.halting import Halt
from httptask.outcome import FailureKind
from httptask.surroundings import Surroundings

if TYPE_CHECKING:
    from httptask.executing import Plan, Prepare, Tape
    from httptask.journal import Journal
    from httptask.model import Workflow
    from httptask.registry import Registry
    from httptask.runs import RunResult
    from httptask.secrets import Secret

_STOPPING = b"\nstopping: requests on their way get up to 5 s; press Ctrl-C again to stop at once\n"


@dataclass(frozen=True, slots=True)
class Telling:
    """How a run is told: where, how much, the journal that an option named, and the tape that goes with it.

    `answers`: whoever looks at the run wants to see what was answered, as in a test of one task.
    """

    console: Console
    verbosity: int = 0
    journal: Path | None = None
    tape: Tape | None = None
    answers: bool = False


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


def carry_out(plan: Plan, prepare: Prepare, telling: Telling) -> int:
    """Execute a run and report it; return the exit code. `prepare` notes a new run once its connections are known."""
    from httptask.clock import SystemClock
    from httptask.executing import Company, execute

    halt, console = Halt(), telling.console
    clock = SystemClock()
    began = clock.monotonic()
    with told(console, _narrator(telling), verbosity=telling.verbosity) as observers:
        company = Company(console.discretion, observers, halt, stopping, lambda used: redact(console, used), tape=telling.tape)
        done = execute(plan, prepare, company)
    seconds = clock.monotonic() - began
    shown = report(done.result, plan.workflow, plan.registry, console=console, seconds=seconds, learned=done.learned)
    if telling.answers and not console.json:
        _print_answers(shown, console)
    _say_what_is_not_written(shown, console)
    if done.held is not None:
        _say_ways_on(plan, shown, telling)
    return INTERRUPTED if halt.asked and shown.status != "succeeded" else BY_STATUS[shown.status]


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


def _narrator(telling: Telling) -> Any:
    from httptask.cli.narrator import Narrator

    wanted = telling.verbosity or is_terminal(sys.stderr)
    return Narrator(telling.console, requests=True) if wanted else None


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


def _print_answers(result: RunResult, console: Console) -> None:
    from httptask.cli.outcomes import print_answer

    for outcome in (outcome for step in result.steps for outcome in step.outcomes()):
        if outcome.response is not None:
            console.out()
            print_answer(outcome.response, console)


def _say_what_is_not_written(result: RunResult, console: Console) -> None:
    """Say on stderr what came of the requests of a step that the journal does not hold: nothing else will tell of them."""
    if result.failure is None or result.failure.kind != FailureKind.JOURNAL or not result.steps:
        return
    for outcome in result.steps[-1].outcomes():
        console.note(f"not in the journal: {json.dumps(outcome.to_json(), ensure_ascii=False)}")


def _say_ways_on(plan: Plan, result: RunResult, telling: Telling) -> None:
    from httptask.onward import standing_of, ways_on

    if result.status == "succeeded":
        return
    if plan.where.sandbox:
        note = "the sandbox of this run has ended with it; to go on with a run, start one with `httptask sandbox`"
        telling.console.note(note)
        return
    for line in ways_on(standing_of(result), plan.workflow, journal_option(telling.journal)):
        telling.console.note(line)


def journal_option(named: Path | None) -> str:
    """Return the option that names a journal again, to be copied; empty when none was named."""
    return f" --journal {shlex.quote(str(named))}" if named is not None else ""
