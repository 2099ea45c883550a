"""A workflow as far as it has come, laid out for one of its units: what `httptask run` would have at hand at that step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from httptask import recording
from httptask.expressions import evaluate_tree
from httptask.frames import Engine, Frame
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.units import Unit
from httptask.lanes import InlineLanes
from httptask.memory_journal import MemoryJournal
from httptask.model import Provider, Step
from httptask.ports import Clock, Entry
from httptask.recording import RESULT, RunRecorder
from httptask.runner import Options
from httptask.workflow import read_later
from httptask.workflow_inputs import checked_inputs, secrets_of_inputs


class Later(BaseException):
    """A wait that belongs to the engine. No Exception: nothing between it and the turn may take it for a failure."""

    def __init__(self, seconds: float) -> None:
        """Keep the seconds."""
        self.seconds = seconds
        super().__init__(seconds)


@dataclass(frozen=True, slots=True)
class EnginesTime:
    """The clock of a workflow whose waits are the engine's: a sleep ends the turn. Waits within a call are not meant."""

    clock: Clock

    def now(self) -> float:
        """Return the wall clock in epoch seconds."""
        return self.clock.now()

    def monotonic(self) -> float:
        """Return seconds that only go forward."""
        return self.clock.monotonic()

    def random(self) -> float:
        """Return a number in [0, 1)."""
        return self.clock.random()

    def sleep(self, seconds: float) -> None:
        """End the turn.

        Raises:
            Later: there is something to wait for.

        """
        if seconds > 0:
            raise Later(seconds)


@dataclass(slots=True)
class Book(MemoryJournal):
    """A journal in memory that lets be stored what must outlive the worker before its request leaves.

    Attributes:
        entrust: stores what is written.
        requests: which request is about to leave is stored too, if it may change something.

    """

    entrust: Callable[[], None] | None = None
    requests: bool = False

    def commit(self, *entries: Entry) -> None:
        """Keep entries, and entrust what a verify rule will have to compare with, and what tells a request from another."""
        urgent = any(map(self._is_urgent, (*self.waiting, *entries)))
        MemoryJournal.commit(self, *entries)
        if urgent and self.entrust is not None:
            self.entrust()

    def _is_urgent(self, entry: Entry) -> bool:
        return entry.kind == recording.BEFORE or (self.requests and entry.kind == recording.INTENT and not entry.data["safe"])


@dataclass(slots=True)
class Desk:
    """What a unit is worked on with."""

    unit: Unit
    host: Host
    step: Step
    frame: Frame
    book: Book
    recorder: RunRecorder

    def written(self) -> list[Entry]:
        """Return everything written about the unit itself, in earlier turns and this one."""
        use = self.unit.use
        return [entry for entry in (*self.book.kept, *self.book.waiting) if entry.path == use or entry.path.startswith(f"{use}/")]


def laid_out(unit: Unit, host: Host, *, key: str, mark: Mark | None = None) -> Desk:
    """Lay a unit out.

    Raises:
        UnknownStep: the workflow has no such step.
        UsageError: there is no connection, or what the workflow around the step is given cannot be evaluated.

    """
    chain, left = unit.chain(), mark or Mark()
    step, providers = chain[-1], _providers(unit, chain[-1])
    name = unit.connection
    discretion = host.discretion([host.connection(provider, name) for provider in providers.values()])
    discretion.learn(secrets_of_inputs(unit.workflow, unit.inputs))
    observer = discretion.observer(*host.observers)
    book, now = Book(key, kept=[*_earlier(unit), *left.entries]), host.clock.now()
    since = unit.began if unit.began is not None else min((entry.at for entry in left.entries if entry.at), default=now)
    recorder = RunRecorder(book, host.clock, lambda: discretion.redactor, resumed=True, ran_before=max(0.0, now - since))
    options = Options(
        once=step.paginate is None,  # reading pages changes nothing, and begins anew with each turn: it waits in place
        tried=left.failures,
        spent=max(0.0, now - left.since) if left.failures else 0.0,
    )
    engine = Engine(
        host.runner(providers.values(), name, unit.registry, observer),
        unit.registry,
        lambda template: host.connection(template.provider, name),
        EnginesTime(host.clock),
        InlineLanes(),
        recorder,
        observer,
        read_later(),
        options,
    )
    return Desk(unit, host, step, _frame(engine, unit, chain), book, recorder)


def _providers(unit: Unit, step: Step) -> Mapping[str, Provider]:
    """Return the providers of a step's task and of the one that may be asked to verify it.

    What shows values to people, and sends nothing, has those of the whole workflow: it must know the secrets of each.
    """
    if step.task is None:
        shows = unit.action in {"ask", "leave", "outputs"}
        tasks = [unit.registry[task] for task in dict.fromkeys(unit.workflow.tasks())] if shows else []
        return {task.provider.id: task.provider for task in tasks}
    template = unit.registry[step.task]
    verifying = [] if template.verify is None else [unit.registry[template.verify.task]]
    return {task.provider.id: task.provider for task in (template, *verifying)}


def _earlier(unit: Unit) -> list[Entry]:
    return [Entry(path, RESULT, data) for path, data in unit.results.items()]


def _frame(engine: Engine, unit: Unit, chain: list[Step]) -> Frame:
    """Return the frame that the last step of a chain stands in, with the results of what is above it."""
    workflow = unit.workflow
    frame = Frame(engine, workflow, unit.inputs, deadline=workflow.timeout)
    frame.recall()
    if unit.undoes:
        frame.undo()
        for step in workflow.on_failure:
            frame.recall_step(step)
    for step in chain[:-1]:
        if step.workflow is not None:
            frame = inner_frame(frame, step)
    return frame


def inner_frame(frame: Frame, step: Step) -> Frame:
    """Return the frame of a workflow that a step uses.

    Raises:
        UsageError: its inputs cannot be evaluated, or do not fit.

    """
    workflow = step.workflow
    if workflow is None:
        raise AssertionError("a step without a workflow has no frame of its own")
    inputs = checked_inputs(workflow, evaluate_tree(step.inputs, frame.context()))
    frame.engine.recorder.learn(secrets_of_inputs(workflow, inputs))
    inner = Frame(frame.engine, workflow, inputs, f"{frame.prefix}{step.id}/", frame.deadline)
    inner.recall()
    return inner
