"""Executes a run of a workflow for any front end: connections, journal, lanes, and how the run stands at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from httptask.discretion import Discretion
from httptask.errors import ConfigurationError, JournalError, Problem
from httptask.halting import Halt, HaltableClock
from httptask.identity import new_id
from httptask.runner import Options
from httptask.wiring import Where, connections, http_runner

if TYPE_CHECKING:
    from httptask.journal import HeldRun
    from httptask.lanes import Lanes
    from httptask.model import Connection, TaskTemplate, Workflow
    from httptask.ports import Clock, Observer, RunJournal, Transport
    from httptask.recording import RunRecorder
    from httptask.registry import Registry
    from httptask.runner import Runner
    from httptask.runs import RunResult
    from httptask.secrets import Secret

Connect = Callable[["TaskTemplate"], "Connection"]
#: Notes a new run, or takes a person's words, once its connections are known; None where nothing is kept.
Prepare = Callable[[Mapping[str, "Connection"]], "HeldRun | None"]


@dataclass(frozen=True, slots=True)
class Plan:
    """One execution of a run.

    Attributes:
        connection: what the workflow's `connection` names, evaluated.
        ran_before: seconds of running time of earlier executions; None at the first.
        expected: the origin of each provider as the run began; another one is refused.
        given: withheld values that a person gives again.
        options: what each use of a task starts from; what its step says wins.
        run_id: names a run of which nothing is kept.

    """

    workflow: Workflow
    registry: Registry
    inputs: Mapping[str, Any]
    where: Where
    connection: str | None = None
    ran_before: float | None = None
    expected: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    run_id: str = field(default_factory=new_id)


def named_connection(workflow: Workflow, inputs: Mapping[str, Any]) -> str | None:
    """Return what the workflow's `connection` says for these inputs.

    Raises:
        ExpressionError: it cannot be evaluated.

    """
    from httptask.expressions import evaluate_text

    return None if workflow.connection is None else evaluate_text(workflow.connection, {"inputs": inputs})


def _unstopped(_halt: Halt) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Company:
    """Who is there while a run executes.

    Attributes:
        discretion: learns every secret that is met.
        observers: are told what happens, masked.
        halt: asks the run to stop.
        stopping: what stands around the execution, to let signals ask.
        redact: learns the connections' credentials, and may warn of them.
        wrap: gives what sends in place of the transport, to look at what it sends.

    """

    discretion: Discretion
    observers: tuple[Observer, ...] = ()
    halt: Halt = field(default_factory=Halt)
    stopping: Callable[[Halt], AbstractContextManager[None]] = _unstopped
    redact: Callable[[Iterable[Connection]], None] | None = None
    wrap: Callable[[Transport], Transport] | None = None


@dataclass(frozen=True, slots=True)
class Executed:
    """What came of it; nothing in `result` is masked yet. `learned` is what answers and inputs called secret."""

    result: RunResult
    learned: tuple[Secret, ...]
    held: HeldRun | None


@dataclass(frozen=True, slots=True)
class Bench:
    """What a run is worked on with."""

    plan: Plan
    runner: Runner
    connect: Connect
    clock: Clock
    observer: Observer
    lanes: Lanes
    recorder: RunRecorder


def whole(bench: Bench) -> RunResult:
    """Run the plan's workflow."""
    from httptask.workflow import WorkflowRunner

    plan = bench.plan
    running = WorkflowRunner(
        bench.runner, plan.registry, bench.connect, bench.clock, bench.observer, bench.lanes, bench.recorder, plan.options
    )
    return running.run(plan.workflow, plan.inputs)


def execute(plan: Plan, prepare: Prepare, company: Company, work: Callable[[Bench], RunResult] = whole) -> Executed:
    """Execute a run by `work`, and note in its journal how it stands.

    Raises:
        ConfigurationError: no connection, or not the one that the run began with; nothing was sent.
        JournalError: the run cannot be noted; nothing was sent.

    """
    from httptask.clock import SystemClock

    clock = SystemClock()
    with connections(plan.where, plan.workflow.sandbox, plan.connection) as connect:
        used = {task: connect(plan.registry[task]) for task in dict.fromkeys(plan.workflow.tasks())}
        by_provider = {plan.registry[task].provider.id: connection for task, connection in used.items()}
        _same_origins(by_provider, plan.expected)
        _learn(by_provider.values(), company)
        held = prepare(by_provider)
        if held is not None:
            held.note_status("running", now=clock.now(), ran=plan.ran_before or 0.0)
        try:
            with company.stopping(company.halt):
                return _executed(_Setting(plan, held, connect, tuple(used.values())), company, work)
        finally:
            if held is not None:
                held.close()


def _learn(used: Iterable[Connection], company: Company) -> None:
    if company.redact is not None:
        company.redact(used)
        return
    company.discretion.learn(tuple(secret for each in used if each.auth for secret in each.auth.secrets))


@dataclass(frozen=True, slots=True)
class _Setting:
    plan: Plan
    held: HeldRun | None
    connect: Connect
    used: tuple[Connection, ...]


def _executed(setting: _Setting, company: Company, work: Callable[[Bench], RunResult]) -> Executed:
    from httptask.clock import SystemClock
    from httptask.lanes import ThreadLanes
    from httptask.workflow_inputs import secrets_of_inputs

    plan, held = setting.plan, setting.held
    company.discretion.learn(secrets_of_inputs(plan.workflow, plan.inputs))
    clock = HaltableClock(SystemClock(), company.halt)
    recorder = _recorder(plan, held, clock, company)
    observer = company.discretion.observer(*company.observers)
    with http_runner(setting.used, plan.registry, observer, clock=clock, wrap=company.wrap) as runner:
        lanes = ThreadLanes(company.halt, clock)
        result = work(Bench(plan, runner, setting.connect, clock, observer, lanes, recorder))
    if held is not None:
        _note(held, result, company, now=clock.now(), ran=recorder.ran())
    return Executed(result, recorder.learned, held)


def _recorder(plan: Plan, held: HeldRun | None, clock: Clock, company: Company) -> RunRecorder:
    from httptask.memory_journal import MemoryJournal
    from httptask.recording import RunRecorder

    kept: RunJournal = held or MemoryJournal(plan.run_id)
    return RunRecorder(
        kept,
        clock,
        lambda: company.discretion.redactor,
        company.halt,
        resumed=plan.ran_before is not None,
        ran_before=plan.ran_before or 0.0,
        given=plan.given,
    )


def _note(held: HeldRun, result: RunResult, company: Company, *, now: float, ran: float) -> None:
    """Write the run's status; what cannot be written any more is said in the report."""
    from httptask.onward import messages

    waiting = next(messages(result.steps), "")
    message = waiting or (result.failure.message if result.failure else "")
    with suppress(JournalError):
        held.note_status(result.status, now=now, ran=ran, message=company.discretion.redactor.free(message))


def _same_origins(used: Mapping[str, Connection], expected: Mapping[str, str]) -> None:
    from httptask.origins import origin_of

    for provider, connection in used.items():
        origin = origin_of(connection.base_url)
        if provider in expected and expected[provider] != origin:
            message = f"this run sent to {expected[provider]}, and the connection now leads to {origin}"
            hint = "a run goes on where it began; start a new one for another server"
            raise ConfigurationError(Problem(f"connection of {provider}", message, hint))
