"""Tries one task: a run of one step, written into the journal as any other; what went over the wire is kept to be looked at.

The step's workflow stands in no file. Its inputs are not typed: the task's own check has the last word, with or without values
outside an enumeration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from httptask import masking, sensitive
from httptask.beginning import Beginning
from httptask.definitions import definition_of_made
from httptask.errors import Interrupted
from httptask.events import Event, StepFinished, StepStarted
from httptask.exchanges import Shown, Tap, shown
from httptask.executing import Bench, Company, Executed, Plan, execute, whole
from httptask.identity import idempotency_key, new_id
from httptask.made import step_name, taken_over, text_of, workflow_of
from httptask.masked_runs import masked_run
from httptask.onward import Standing, standing_of
from httptask.outcome import Failure, FailureKind, Outcome
from httptask.recording import RESULT, result_data
from httptask.runner import Options, Prepared, prepare
from httptask.runs import RunResult, RunStatus, StepResult
from httptask.secrets import Secret

if TYPE_CHECKING:
    from httptask.all_pages import AllPages
    from httptask.discretion import Discretion
    from httptask.journal import HeldRun, Journal
    from httptask.model import Connection, TaskTemplate, Workflow
    from httptask.ports import Observer
    from httptask.registry import Registry
    from httptask.wiring import Where

#: Stands in place of what the journal may not keep.
HIDDEN = Secret("")
#: The key of a run's connections that says which task is tried.
TASK = "task"


@dataclass(frozen=True, slots=True)
class Trial:
    """A task to be tried.

    Attributes:
        options: `once` sends one attempt at most; `deadline` is for all of it.
        pages: reads every page of a list in place of one.
        before: is shown the request as it will look, before anything is noted or sent.
        traced: somebody will look at what went over the wire.
        run_id: names the run.

    """

    template: TaskTemplate
    inputs: Mapping[str, Any]
    options: Options
    pages: AllPages | None = None
    before: Callable[[Prepared], None] | None = None
    traced: bool = True
    run_id: str = field(default_factory=new_id)

    @property
    def step(self) -> str:
        """The id of the one step: the operation's name."""
        return step_name(self.template)

    def workflow_text(self) -> str:
        """Return the workflow that the trial is, as its file would be."""
        step = taken_over(self.inputs, self.options.headers)
        step |= {"timeout": self.options.deadline} if self.options.deadline is not None and self.pages is None else {}
        step |= {"paginate": {}} if self.pages is not None else {}
        return text_of(f"test {self.template.id}", self.template, step)

    def prepared(self, connection: Connection) -> Prepared:
        """Return the request as it will look.

        Raises:
            UsageError: the inputs or headers are wrong.

        """
        options = replace(self.options, idempotency_key=idempotency_key(self.run_id, self.step))
        return prepare(self.template, self.inputs, connection, options)

    def workflow(self, registry: Registry) -> Workflow:
        """Return the workflow that the trial is."""
        return workflow_of(self.workflow_text(), self.template, registry, file=f"test {self.step}.json")


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it, fit to be shown: nothing in it holds a secret.

    Attributes:
        run_id: names it in the journal; empty where nothing is kept.
        status: of the run: `cancelled` when a stop was asked for and nothing may have been applied.
        outcome: of the task.
        exchanges: of a traced trial, each request that left, or was to leave, with its answer; of many the last ones.
        left_out: how many exchanges came before those.
        standing: where the run stands, for the ways to go on.

    """

    run_id: str
    status: str
    outcome: Outcome
    exchanges: tuple[Shown, ...] = ()
    left_out: int = 0
    standing: Standing = field(default_factory=lambda: Standing("", "succeeded"))


def attempt(trial: Trial, registry: Registry, where: Where, *, journal: Journal | None, company: Company) -> Tried:
    """Try a task, and write down what came of it.

    Raises:
        UsageError: the inputs are wrong, or there is no connection; nothing was sent.
        JournalError: the run cannot be noted; nothing was sent.

    """
    workflow = trial.workflow(registry)
    inputs = {"given": dict(trial.inputs), "headers": dict(trial.options.headers)}
    plan = Plan(workflow, registry, inputs, where, options=_starting(trial.options), run_id=trial.run_id)
    marked = sensitive.inputs(trial.template, trial.inputs)
    company.discretion.learn(marked.secrets)
    tap = Tap()

    def note(used: Mapping[str, Connection]) -> HeldRun | None:
        connection = used[trial.template.provider.id]
        tap.endpoints = frozenset(connection.endpoints)
        prepared = trial.prepared(connection)
        if trial.before is not None:
            trial.before(prepared)
        if journal is None:
            return None
        document = definition_of_made(workflow, trial.workflow_text(), registry)
        redactor = company.discretion.redactor
        headers = {name: redactor.header(name, value) for name, value in trial.options.headers.items()}
        given = _without(inputs, {"given": marked.value, "headers": headers})
        more, file = {TASK: trial.template.id}, trial.template.source.file
        beginning = Beginning(journal, document, more=more, file=file, given=given)
        return beginning.note(plan, used, redactor)

    done = execute(
        plan,
        note,
        replace(
            company,
            wrap=tap.around(company.wrap) if trial.traced else company.wrap,
            observers=tuple(map(_of_the_task, company.observers)),
        ),
        whole if trial.pages is None else _paged(trial, trial.pages),
    )
    return _tried(trial, registry, done, tap, company.discretion)


def _without(value: Any, shown: Any) -> Any:
    """Return a value in which `HIDDEN` stands wherever the schema calls something secret, however short it is."""
    if isinstance(value, Mapping) and isinstance(shown, Mapping):
        return {key: _without(item, shown[key]) for key, item in value.items()}
    if isinstance(value, list) and isinstance(shown, list):
        return [_without(*pair) for pair in zip(value, shown, strict=True)]
    return value if value == shown else HIDDEN


def _of_the_task(observer: Observer) -> Observer:
    """Return an observer that hears of the task alone: the one step around it is nobody's business."""

    def observe(event: Event) -> None:
        if not isinstance(event, StepStarted | StepFinished):
            observer(event)

    return observe


def _starting(options: Options) -> Options:
    """Return what the one step starts from; what the workflow's text says comes on top."""
    return Options(once=options.once, verify=options.verify, allow_unknown_enum=options.allow_unknown_enum)


def _tried(trial: Trial, registry: Registry, done: Executed, tap: Tap, discretion: Discretion) -> Tried:
    """Return what came of it, masked: what its answer calls secret too."""
    result = masked_run(done.result, registry, discretion.redactor, done.learned)
    knowing = discretion.redactor.extended(done.learned)
    return Tried(
        result.run_id if done.held is not None else "",
        result.status,
        _outcome(trial.template, result),
        tuple(shown(exchange, trial.template, knowing) for exchange in tap.kept),
        tap.passed - len(tap.kept),
        standing_of(result),
    )


def _outcome(template: TaskTemplate, result: RunResult) -> Outcome:
    """Return the outcome of the one step; what failed before there could be one is told as one."""
    step = next(iter(result.steps), None)
    if step is not None and step.outcome is not None:
        return step.outcome
    failure = (step.failure if step else None) or result.failure or Failure(FailureKind.INTERRUPTED, "interrupted")
    return Outcome(template.id, "unknown" if result.status == "unknown" else "failed", failure=failure)


def _paged(trial: Trial, pages: AllPages) -> Callable[[Bench], RunResult]:
    """Return what reads every page in place of the step, and writes down what it came to."""

    def work(bench: Bench) -> RunResult:
        reading = _Reading(pages, bench)
        outcome = next(bench.lanes.run([reading], 1, lambda _: False), None) or reading.given_up()
        interrupted = outcome.failure is not None and outcome.failure.kind == FailureKind.INTERRUPTED
        status: RunStatus = "cancelled" if interrupted else outcome.status
        result = StepResult(trial.step, status, outcome, None, outcome.outputs if outcome.ok else None, outcome.failure)
        bench.recorder.learn(masking.secrets_of(trial.template, outcome))
        data = result_data(bench.recorder, status, outcome.failure, outputs=result.outputs)
        bench.recorder.keep_result(trial.step, RESULT, data)
        return RunResult(bench.recorder.journal.run_id, bench.plan.workflow.name, status, {}, (result,), outcome.failure)

    return work


@dataclass(frozen=True, slots=True)
class _Reading:
    """The work of a lane: asking changes nothing, so it may be given up at any moment."""

    pages: AllPages
    bench: Bench

    def run(self) -> Outcome:
        bench = self.bench
        try:
            return self.pages.read(bench.runner, bench.connect(self.pages.template), bench.observer, bench.clock)
        except Interrupted as stopped:
            return stopped.outcome

    def given_up(self) -> Outcome:
        return Outcome(self.pages.template.id, "failed", failure=Failure(FailureKind.INTERRUPTED, "interrupted"))

    def patience(self) -> float:
        return 0.0
