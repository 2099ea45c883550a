"""Executes a run of a workflow for any front end: connections, journal, lanes, and how the run stands at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from httptask.discretion import Discretion
from httptask.errors import ConfigurationError, JournalError, Problem
from httptask.halting import Halt, HaltableClock
from httptask.identity import new_id
from httptask.ports import Entry
from httptask.runner import Options
from httptask.wiring import Where, connections, http_runner

if TYPE_CHECKING:
    from httptask.events import Event
    from httptask.journal import HeldRun
    from httptask.lanes import Lanes
    from httptask.model import Connection, TaskTemplate, Workflow
    from httptask.ports import Clock, Observer, RunJournal, Transport
    from httptask.recording import RunRecorder
    from httptask.registry import Registry
    from httptask.runner import Runner
    from httptask.runs import RunResult
    from httptask.secrets import Redactor, Secret

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
        run_id: names a new run; one that goes on has its own.
        approved: gates that are open in a run of which nothing is kept.

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
    approved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a run plays in place of the world: who it is connected to, whose time passes, and how works go side by side."""

    connect: Connect
    clock: Clock
    lanes: Lanes


class Tape(Protocol):
    """Records a run, or plays a recorded one. It is an observer too, and learns from events what is secret."""

    @property
    def stage(self) -> Stage | None:
        """What takes the place of the world; None where the world answers."""
        ...

    def connected(self, used: Mapping[str, Connection]) -> None:
        """Take the connections of the run, by the ids of their providers."""
        ...

    def knowing(self, known: Callable[[], Redactor]) -> None:
        """Take what tells every secret that the run has met."""
        ...

    def wrap(self, transport: Transport) -> Transport:
        """Return what sends in place of a transport."""
        ...

    def __call__(self, event: Event) -> None:
        """Take one event."""
        ...


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
        tape: records what passes, or plays what was recorded.

    """

    discretion: Discretion
    observers: tuple[Observer, ...] = ()
    halt: Halt = field(default_factory=Halt)
    stopping: Callable[[Halt], AbstractContextManager[None]] = _unstopped
    redact: Callable[[Iterable[Connection]], None] | None = None
    wrap: Callable[[Transport], Transport] | None = None
    tape: Tape | None = None

    @property
    def stage(self) -> Stage | None:
        """What takes the place of the world."""
        return self.tape.stage if self.tape is not None else None

    def wrapped(self, transport: Transport) -> Transport:
        """Return what sends: the tape nearest to the wire, what looks on before it."""
        inner = transport if self.tape is None else self.tape.wrap(transport)
        return inner if self.wrap is None else self.wrap(inner)


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
    with _connections(plan, company.stage) as connect:
        used = {task: connect(plan.registry[task]) for task in dict.fromkeys(plan.workflow.tasks())}
        by_provider = {plan.registry[task].provider.id: connection for task, connection in used.items()}
        _same_origins(by_provider, plan.expected)
        _learn(by_provider.values(), company)
        if company.tape is not None:
            company.tape.connected(by_provider)
        held = prepare(by_provider)
        if held is not None:
            held.note_status("running", now=clock.now(), ran=plan.ran_before or 0.0)
        try:
            with company.stopping(company.halt):
                return _executed(_Setting(plan, held, connect, tuple(used.values())), company, work)
        finally:
            if held is not None:
                held.close()


def _connections(plan: Plan, stage: Stage | None) -> AbstractContextManager[Connect]:
    if stage is not None:
        return nullcontext(stage.connect)
    return connections(plan.where, plan.workflow.sandbox, plan.connection)


def _learn(used: Iterable[Connection], company: Company) -> None:
    if company.redact is not None:
        company.redact(used)
        return
    company.discretion.learn(tuple(secret for each in used for secret in each.secrets))


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
    stage = company.stage
    clock: Clock = HaltableClock(SystemClock(), company.halt) if stage is None else stage.clock
    recorder = _recorder(plan, held, clock, company)
    observer = company.discretion.observer(*company.observers, *([] if company.tape is None else [company.tape]))
    if company.tape is not None:
        company.tape.knowing(recorder.redactor)
    with http_runner(setting.used, plan.registry, observer, clock=clock, wrap=company.wrapped) as runner:
        lanes = ThreadLanes(company.halt, clock) if stage is None else stage.lanes
        result = work(Bench(plan, runner, setting.connect, clock, observer, lanes, recorder))
    if held is not None:
        _note(held, result, company, now=clock.now(), ran=recorder.ran())
    return Executed(result, recorder.learned, held)


def _recorder(plan: Plan, held: HeldRun | None, clock: Clock, company: Company) -> RunRecorder:
    from httptask.memory_journal import MemoryJournal
    from httptask.recording import APPROVAL, RunRecorder

    kept: RunJournal = held or MemoryJournal(plan.run_id)
    if held is None:
        kept.append(*(Entry(gate, APPROVAL, {"approved": True}) for gate in sorted(plan.approved)))
    return RunRecorder(
        kept,
        clock,
        lambda: company.discretion.redactor,
        company.halt,
        resumed=plan.ran_before is not None or bool(plan.approved),
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
