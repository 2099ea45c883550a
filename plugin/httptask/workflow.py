"""Runs a workflow to its end, or to where it must wait: the public face of `frames`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from httptask.events import Event
from httptask.frames import Engine, Frame, execute, open_uses
from httptask.identity import new_id
from httptask.lanes import InlineLanes, Lanes
from httptask.memory_journal import MemoryJournal
from httptask.model import Connection, TaskTemplate, Workflow
from httptask.outcome import Outcome
from httptask.ports import Clock, Observer
from httptask.reach import Reach as StepReach
from httptask.reach import reachable
from httptask.recording import RunRecorder
from httptask.registry import Registry
from httptask.runner import Options, Runner
from httptask.runs import Item, RunResult, StepResult
from httptask.using import Reach
from httptask.withholding import told
from httptask.workflow_inputs import checked_inputs


@dataclass(frozen=True, slots=True)
class WorkflowRunner:
    """Runs workflows.

    Attributes:
        runner: sends the requests.
        registry: the tasks that workflows use.
        connect: gives the connection for a task's provider.
        clock: time and chance.
        observer: is told what happens, by one thread at a time.
        lanes: what runs side by side; without any, one thing happens after the other.
        recorder: writes the run into a journal, and reads from it what an earlier execution did; without one, nothing is kept.
        options: what each use of a task starts from; what its step says wins.

    """

    runner: Runner
    registry: Registry
    connect: Callable[[TaskTemplate], Connection]
    clock: Clock
    observer: Observer | None = None
    lanes: Lanes = field(default_factory=InlineLanes)
    recorder: RunRecorder | None = None
    options: Options = field(default_factory=Options)

    def run(self, workflow: Workflow, given: Mapping[str, Any], run_id: str | None = None) -> RunResult:
        """Run a workflow. A failing or unknown step stops it; what was done stays in the result.

        Raises:
            InputInvalid: the workflow's inputs are wrong; nothing was sent.

        """
        inputs = checked_inputs(workflow, given)
        recorder = self.recorder or RunRecorder(MemoryJournal(run_id or new_id()), self.clock)
        engine = Engine(
            self.runner,
            self.registry,
            self.connect,
            self.clock,
            self.lanes,
            recorder,
            _one_at_a_time(self.observer),
            read_later(),
            self.options,
        )
        frame = Frame(engine, workflow, inputs, deadline=workflow.timeout)
        status, failure, outputs, steps = execute(frame)
        undoing = {step.id for step in workflow.on_failure}
        return RunResult(
            recorder.journal.run_id,
            workflow.name,
            status,
            outputs,
            tuple(_told(step) for step in steps if step.id not in undoing),
            failure,
            tuple(_told(step) for step in steps if step.id in undoing),
            tuple(open_uses(recorder, "")) if status == "unknown" else (),
        )


def _told(step: StepResult) -> StepResult:
    """Return what a step did as JSON can hold it: what the journal withheld is masked."""
    items = None if step.items is None else tuple(map(_told_item, step.items))
    outputs = told(step.outputs) if items is None else [item.outputs for item in items]
    steps = None if step.steps is None else tuple(map(_told, step.steps))
    return replace(step, items=items, outputs=outputs, steps=steps, outcome=_told_outcome(step.outcome))


def _told_item(item: Item) -> Item:
    steps = None if item.steps is None else tuple(map(_told, item.steps))
    return replace(item, outputs=told(item.outputs), steps=steps, outcome=_told_outcome(item.outcome))


def _told_outcome(outcome: Outcome | None) -> Outcome | None:
    return None if outcome is None else replace(outcome, outputs=told(outcome.outputs))


def _one_at_a_time(observer: Observer | None) -> Callable[[Event], None]:
    lock = threading.Lock()

    def tell(event: Event) -> None:
        if observer is not None:
            with lock:
                observer(event)

    return tell


def read_later() -> Callable[[Workflow], Mapping[str, Reach]]:
    """Return what tells, for each step of a workflow, the parts of its response that other expressions read."""
    known: dict[int, Mapping[str, Reach]] = {}

    def reach(workflow: Workflow) -> Mapping[str, Reach]:
        if id(workflow) not in known:
            known[id(workflow)] = {step: _of_response(read) for step, read in reachable(workflow).items()}
        return known[id(workflow)]

    return reach


def _of_response(read: StepReach) -> Reach:
    paths = [path[1:] for path in read.paths if path[0] == "response"]
    return None if read.whole or () in paths else paths
