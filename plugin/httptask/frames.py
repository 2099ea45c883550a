"""Executes the steps of one workflow: in order, in groups, over lists, as a workflow within a workflow.

A frame is one workflow being executed. What a step has done is written down before the next begins, and what was written down is
not done again: a resumed run walks the same steps and takes from the journal what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from httptask import recording
from httptask.errors import ExpressionError, JournalError, Problem, UsageError
from httptask.events import Event, ItemFinished, StepFinished, StepStarted
from httptask.expression_env import MAX_ITEMS
from httptask.expressions import compile_text, evaluate_text, evaluate_tree, type_name
from httptask.halting import GRACE
from httptask.lanes import Lanes
from httptask.model import Connection, ForEach, Step, TaskTemplate, Workflow
from httptask.outcome import UNDO_NOTHING, Failure, FailureKind
from httptask.paging_use import StreamedItems
from httptask.ports import Clock, Entry
from httptask.recording import RunRecorder, result_data
from httptask.registry import Registry
from httptask.runner import Options, Runner
from httptask.runs import Item, RunStatus, StepResult, StepStatus, worst
from httptask.using import Reach, TaskUse, Usage, condition, handled, is_over, not_written, paged_of, reused_item, unsent
from httptask.views import View, reused_view, view_of, without_outputs
from httptask.workflow_inputs import checked_inputs, secrets_of_inputs

#: The path of a list that a step read page by page.
_ITEMS_OF_A_STEP = ("steps", "<id>", "outputs", "items")
INTERRUPTED = Failure(FailureKind.INTERRUPTED, "interrupted")


@dataclass(frozen=True, slots=True)
class Engine:
    """What executions work with.

    Attributes:
        reach: tells what later expressions read of each step of a workflow.
        options: what each use of a task starts from.

    """

    runner: Runner
    registry: Registry
    connect: Callable[[TaskTemplate], Connection]
    clock: Clock
    lanes: Lanes
    recorder: RunRecorder
    tell: Callable[[Event], None]
    reach: Callable[[Workflow], Mapping[str, Reach]]
    options: Options = field(default_factory=Options)


@dataclass(slots=True)
class Frame:
    """One workflow being executed: the steps done, as later expressions see them.

    Attributes:
        prefix: what stands before the paths of its steps: empty, or `rollout/` below the step `rollout`.
        deadline: the running time of the run at which the workflow must have ended.
        bound: what has that deadline, for messages, where it is a group and not the workflow.

    """

    engine: Engine
    workflow: Workflow
    inputs: Mapping[str, Any]
    prefix: str = ""
    deadline: float | None = None
    done: list[StepResult] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    bound: str = ""

    def run(self, steps: Sequence[Step]) -> tuple[RunStatus, Failure | None]:
        """Execute steps in order until one ends the workflow; return how that is, and why."""
        for step in steps:
            before = len(self.done)
            result = self.step(step)
            self.add(result)
            if step.parallel:  # a group stands above its members
                self.done.insert(before, self.done.pop())
            self.engine.tell(_finished(step, result, self.prefix))
            if self.engine.recorder.lost is not None:
                return "unknown", _lost(self.engine.recorder.lost)
            if _ends(result, step):
                return _run_status(result), result.failure
            if self.engine.recorder.halt.asked:
                return "cancelled", Failure(FailureKind.INTERRUPTED, f"interrupted after step '{step.id}'")
        return "succeeded", None

    def outputs(self) -> tuple[dict[str, Any], Failure | None]:
        """Return the workflow's outputs, or why they cannot be made."""
        outputs: dict[str, Any] = {}
        for name, tree in self.workflow.outputs.items():
            try:
                outputs[name] = evaluate_tree(tree, self.context())
            except ExpressionError as error:
                message = f"output '{name}' of the workflow: {error}"
                return {}, Failure(FailureKind.EXPRESSION, message, without_outputs([tree], self.views))
        return outputs, None

    def context(self, **more: Any) -> dict[str, Any]:
        """Return what expressions see."""
        return {"inputs": self.inputs, "steps": self.views, **more}

    def add(self, result: StepResult) -> None:
        """Note what a step did, and let later expressions see it."""
        self.done.append(result)
        if result.id not in self.views or not result.reused:
            self.views[result.id] = view_of(result)

    def recall(self) -> None:
        """Let expressions see what an earlier execution did, without doing anything."""
        for step in self.workflow.steps:
            for each in (*step.parallel, step):
                self.recall_step(each)

    def undo(self) -> None:
        """Go over to the steps of `onFailure`, which have no deadline and see which of the others never ran."""
        for step in self.workflow.steps:
            for each in (step, *step.parallel):
                self.views.setdefault(each.id, {"status": "notRun"})
        self.prefix, self.deadline = f"{self.prefix}onFailure/", None

    def recall_step(self, step: Step) -> None:
        """Let expressions see what an earlier execution did for one step, if it did anything."""
        path = self.prefix + step.id
        known = self.engine.recorder.known(path, recording.RESULT)
        if known is not None:
            self.add(self._reused(replace(step, parallel=()), path, known))

    def step(self, step: Step) -> StepResult:
        """Execute one step, or take from the journal what it did."""
        path = self.prefix + step.id
        known = self.engine.recorder.known(path, recording.RESULT)
        try:
            if known is not None and is_over(known, step):
                return self._reused(step, path, known)
            if self.is_late() and not self._may_be_open(step):
                return self.kept(step, path, StepResult(step.id, "failed", failure=self.late(step)))
            return self._execute(step, path)
        except UsageError as error:
            pending = self._may_be_open(step)
            failure = unsent(step, error, self.views, pending=pending)
            return self.kept(step, path, StepResult(step.id, "unknown" if pending else "failed", failure=failure))
        except JournalError as error:
            pending = self._may_be_open(step)
            return StepResult(step.id, "unknown" if pending else "failed", failure=not_written(error, pending=pending))
        except KeyboardInterrupt:
            return StepResult(step.id, "cancelled", failure=INTERRUPTED)

    def _may_be_open(self, step: Step) -> bool:
        return any(may_be_open(self.engine, self.prefix + each.id) for each in (step, *step.parallel))

    def _execute(self, step: Step, path: str) -> StepResult:
        if step.task is not None and step.for_each is None:
            return self._task(step, path)
        return self.kept(step, path, self._composed(step, path))

    def _composed(self, step: Step, path: str) -> StepResult:
        """Execute what is no plain task: its parts write down what they do, the whole what they come to."""
        if step.for_each is not None:
            return self._each(step, path, step.for_each)
        if step.condition is not None and not condition(self.engine.recorder, path, step.condition, self.context()):
            return StepResult(step.id, "skipped")
        if step.workflow is not None:
            return self._workflow(step, path)
        if step.parallel:
            return self._group(step, path)
        return self._approval(step, path) if step.wait is None else self._wait(step, path, step.wait)

    def _task(self, step: Step, path: str) -> StepResult:
        self.engine.tell(StepStarted(step.id, step.task or "", None, step.summary, path))
        item = next(self.engine.lanes.run([self.use(step, path, None, {})], 1, _never), None)
        if item is None:
            raise KeyboardInterrupt  # a stop was asked for before it began
        return StepResult(
            step.id, item.status, item.outcome, None, item.outputs, item.failure, reused=item.reused, paged=item.paged
        )

    def use(self, step: Step, path: str, index: int | None, more: Mapping[str, Any]) -> TaskUse:
        """Return the use of a task by a step, or by one item of it with `more` that its expressions see."""
        template = self.engine.registry[step.task or ""]
        reach = self.engine.reach(self.workflow).get(step.id, ())
        deadline = self.deadline_of(step, path)
        return TaskUse(self.engine, Usage(step, template, path, index, self.context(**more), deadline, reach))

    def deadline_of(self, step: Step, path: str) -> float | None:
        """Return the running time at which the step must have ended: its own timeout's, or the workflow's."""
        if step.timeout is None:
            return self.deadline
        own = self.engine.recorder.begun(path) + step.timeout
        return own if self.deadline is None else min(own, self.deadline)

    def is_late(self) -> bool:
        """Tell whether the workflow's time is up."""
        return self.deadline is not None and self.engine.recorder.ran() >= self.deadline

    def late(self, step: Step) -> Failure:
        """Return why a step is not begun any more."""
        message = f"the timeout of {self._bound()} passed before step '{step.id}'"
        return Failure(FailureKind.DEADLINE, message, "nothing was sent for it")

    def too_long(self, step: Step, seconds: float) -> Failure | None:
        """Return why a step cannot wait so long; None where it can."""
        if self.deadline is None or seconds < self.deadline - self.engine.recorder.ran():
            return None
        message = f"step '{step.id}' waits {seconds:g} s, which is longer than the timeout of {self._bound()} leaves"
        return Failure(FailureKind.DEADLINE, message)

    def _bound(self) -> str:
        return self.bound or f"workflow '{self.workflow.name}'"

    def _each(self, step: Step, path: str, for_each: ForEach) -> StepResult:
        values = self.listed(path, for_each.items)
        self.engine.tell(StepStarted(step.id, step.task or _file(step), len(values), step.summary, path))
        works = (self._item_work(step, f"{path}[{index}]", index, value) for index, value in enumerate(values))
        width = max(1, min(for_each.max_parallel, len(values)))

        def ends(item: Item) -> bool:
            return item.status in {"unknown", "cancelled"} or (item.status == "failed" and for_each.on_error == "stop")

        results = self.engine.lanes.run(works, width, ends) if values else iter(())
        return gathered(step, results, len(values), kept=isinstance(values, list))

    def _item_work(self, step: Step, path: str, index: int, value: Any) -> TaskUse | WorkflowUse:
        more = {"item": value, "index": index}
        return WorkflowUse(self, step, path, index, more) if step.workflow is not None else self.use(step, path, index, more)

    def listed(self, path: str, text: str) -> list[Any] | StreamedItems:
        """Return the items of a `forEach`; once they were read they stay so for the run."""
        stream = self._streamed(text)
        if stream is not None:
            return stream
        recorder = self.engine.recorder
        known = recorder.known(path, recording.LIST)
        if known is not None:
            values: list[Any] = recorder.restored(known.data["items"], f"{path}.forEach")
            return values
        found = compile_text(text).evaluate(self.context())
        if not isinstance(found, list):
            raise ExpressionError(_problem(f"forEach needs a list, this is {type_name(found)}"))
        if len(found) > MAX_ITEMS:
            raise ExpressionError(_problem(f"forEach has more than {MAX_ITEMS} items"))
        recorder.note(path, recording.LIST, {"items": recorder.kept(found)})
        return found

    def _streamed(self, text: str) -> StreamedItems | None:
        """Return the items of a list that is too long to be held, where the expression names just that."""
        path = compile_text(text).path
        if path is None or len(path) != len(_ITEMS_OF_A_STEP) or (path[0], *path[2:]) != ("steps", *_ITEMS_OF_A_STEP[2:]):
            return None
        step = next((done for done in self.done if done.id == path[1]), None)
        if step is None or step.paged is None or not step.paged.streamed:
            return None
        return StreamedItems(self.engine.recorder, self.prefix + step.id, step.paged.items)

    def _workflow(self, step: Step, path: str) -> StepResult:
        self.engine.tell(StepStarted(step.id, _file(step), None, step.summary, path))
        item = WorkflowUse(self, step, path, None, {}).run()
        return StepResult(step.id, item.status, None, None, item.outputs, item.failure, item.steps)

    def _group(self, step: Step, path: str) -> StepResult:
        frame = self
        if step.timeout is not None and (deadline := self.deadline_of(step, path)) != self.deadline:
            frame = replace(self, deadline=deadline, bound=f"step '{step.id}'")
        works = [_Member(frame, member) for member in step.parallel]
        results = list(self.engine.lanes.run(works, len(works), lambda _: False))
        for result in results:
            self.add(result)
        return grouped(step, results)

    def _wait(self, step: Step, path: str, seconds: float) -> StepResult:
        left = self.engine.recorder.remaining_wait(path, seconds)
        self.engine.tell(StepStarted(step.id, f"wait {seconds:g} s", None, step.summary, path))
        failure = self.too_long(step, left)
        if failure is not None:
            return StepResult(step.id, "failed", failure=failure)
        self.engine.clock.sleep(left)
        return StepResult(step.id, "succeeded")

    def _approval(self, step: Step, path: str) -> StepResult:
        said = self.engine.recorder.known(path, recording.APPROVAL)
        message = evaluate_text(step.approve or "", self.context())
        if said is None:
            self.engine.recorder.keep(path, recording.REACHED, {})
            return StepResult(step.id, "waiting", message=message)
        if said.data["approved"]:
            return StepResult(step.id, "succeeded", message=message)
        failure = Failure(FailureKind.REJECTED, f"step '{step.id}' was rejected: {message}")
        return StepResult(step.id, "failed", failure=failure, message=message)

    def kept(self, step: Step, path: str, result: StepResult) -> StepResult:
        """Write down how a step ended; its items and the steps below it have written down what they did themselves."""
        if result.status == "waiting":
            return result
        outputs = result.outputs if result.items is None else None
        data = result_data(self.engine.recorder, result.status, result.failure, outputs=outputs)
        counts = {} if result.counts is None else {"counts": dict(result.counts)}
        self.engine.recorder.keep_result(path, recording.RESULT, {**data, **counts, **handled(result.status, step)})
        return result

    def _reused(self, step: Step, path: str, known: Entry) -> StepResult:
        """Return what an earlier execution did, from what it wrote down."""
        data, name = known.data, f"steps.{path}.outputs"
        for member in step.parallel:
            self.recall_step(member)
        failure = Failure.from_json(data["failure"]) if "failure" in data else None
        if "counts" in data:
            self.views[step.id] = view_of(result := StepResult(step.id, data["status"], counts=data["counts"], reused=True))
            return result
        if step.for_each is not None and data["status"] != "skipped":
            items = tuple(self._reused_items(path))
            return StepResult(step.id, data["status"], None, items, [item.outputs for item in items], failure, reused=True)
        outputs = self.engine.recorder.restored(data["outputs"], name) if "outputs" in data else None
        self.views[step.id] = reused_view(data, path, self.engine.recorder.restored)
        return StepResult(step.id, data["status"], outputs=outputs, failure=failure, reused=True, paged=paged_of(data))

    def _reused_items(self, path: str) -> Iterator[Item]:
        newest: dict[int, Entry] = {}
        for entry in self.engine.recorder.journal.below(f"{path}[", recording.RESULT):
            number, bracket, rest = entry.path.removeprefix(f"{path}[").partition("]")
            if bracket and not rest and number.isdigit():
                newest[int(number)] = entry
        for index, entry in sorted(newest.items()):
            yield reused_item(entry, index, self.engine.recorder)


@dataclass(slots=True)
class WorkflowUse:
    """Runs a workflow as a step, or as one item of a step: a work for a lane."""

    frame: Frame
    use: Step
    path: str
    index: int | None
    more: Mapping[str, Any]
    inner: Frame | None = None

    def run(self) -> Item:
        """Execute the workflow, or take from the journal what it did."""
        engine, index = self.frame.engine, self.index or 0
        known = engine.recorder.known(self.path, recording.RESULT) if self.index is not None else None
        if known is not None and is_over(known, self.use):
            return self._told(reused_item(known, index, engine.recorder))
        try:
            item = self._executed()
        except UsageError as error:
            pending = may_be_open(engine, self.path)
            failure = unsent(self.use, error, self.frame.views, pending=pending)
            item = Item(index, "unknown" if pending else "failed", failure=failure)
        except JournalError as error:
            pending = may_be_open(engine, self.path)
            failure = not_written(error, pending=pending)
            return self._told(Item(index, "unknown" if pending else "failed", failure=failure))
        except KeyboardInterrupt:
            item = self.given_up()
        if self.index is not None and item.status != "waiting":
            data = result_data(engine.recorder, item.status, item.failure, outputs=item.outputs)
            engine.recorder.keep_result(self.path, recording.RESULT, {**data, **handled(item.status, self.use)})
        return self._told(item)

    def given_up(self) -> Item:
        """Return what is known of it."""
        steps = tuple(self.inner.done) if self.inner else ()
        return Item(self.index or 0, _cut_off(self.frame.engine, self.path), failure=INTERRUPTED, steps=steps)

    def patience(self) -> float:
        """Return more than what its own lanes give."""
        return GRACE + 0.5

    def _executed(self) -> Item:
        frame, step, index = self.frame, self.use, self.index or 0
        workflow = step.workflow
        if workflow is None:
            raise AssertionError("a step without a workflow is no use of one")
        context = frame.context(**self.more)
        repeated = self.index is not None
        if repeated and step.condition is not None and not condition(frame.engine.recorder, self.path, step.condition, context):
            return Item(index, "skipped")
        inputs = checked_inputs(workflow, evaluate_tree(step.inputs, context))
        frame.engine.recorder.learn(secrets_of_inputs(workflow, inputs))
        self.inner = Frame(frame.engine, workflow, inputs, f"{self.path}/", self._deadline(workflow))
        status, failure, outputs, steps = execute(self.inner)
        return Item(index, status, None, outputs if status == "succeeded" else None, failure, steps)

    def _deadline(self, workflow: Workflow) -> float | None:
        recorder = self.frame.engine.recorder
        limits = [limit for limit in (self.use.timeout, workflow.timeout) if limit is not None]
        own = recorder.begun(self.path) + min(limits) if limits else None
        outer = self.frame.deadline
        return min((limit for limit in (own, outer) if limit is not None), default=None)

    def _told(self, item: Item) -> Item:
        if self.index is not None:
            self.frame.engine.tell(ItemFinished(self.use.id, self.index, item.status, self.path))
        return item


def _finished(step: Step, result: StepResult, prefix: str) -> StepFinished:
    message = result.failure.message if result.failure else ""
    return StepFinished(step.id, result.status, message, prefix + step.id)


@dataclass(slots=True)
class _Member:
    """One step of a group: a work for a lane."""

    frame: Frame
    member: Step

    def run(self) -> StepResult:
        result = self.frame.step(self.member)
        self.frame.engine.tell(_finished(self.member, result, self.frame.prefix))
        return result

    def given_up(self) -> StepResult:
        return StepResult(self.member.id, _cut_off(self.frame.engine, self.frame.prefix + self.member.id), failure=INTERRUPTED)

    def patience(self) -> float:
        return GRACE + 0.5


def may_be_open(engine: Engine, path: str) -> bool:
    """Tell whether a request of a step, or below it, may have been applied and nobody knows; so it is if nobody can read it."""
    try:
        return engine.recorder.is_open(path)
    except JournalError:
        return True


def open_uses(recorder: RunRecorder, prefix: str) -> list[str]:
    """Return the steps and items below a prefix of which something may have been applied though nobody knows."""
    try:
        return recorder.open_uses(prefix)
    except JournalError:
        return ["a step that the journal cannot name any more"]


def execute(frame: Frame) -> tuple[RunStatus, Failure | None, dict[str, Any], tuple[StepResult, ...]]:
    """Execute a workflow, its `onFailure` steps included; return status, why, outputs, and all steps that were looked at.

    A run whose outcome is unknown never starts to undo things. Once `onFailure` has begun, nothing else of the workflow is done
    any more, in this process or a later one.
    """
    recorder, state = frame.engine.recorder, f"{frame.prefix}state"
    known = recorder.known(state, recording.STATE)
    if known is not None:
        return _undone(frame, Failure.from_json(known.data["failure"]))
    status, failure = frame.run(frame.workflow.steps)
    if status in {"failed", "cancelled"} and (uses := open_uses(recorder, frame.prefix)):
        status, failure = "unknown", _still_open(uses, failure)
    outputs: dict[str, Any] = {}
    if status == "succeeded":
        outputs, problem = frame.outputs()
        status, failure = ("failed", problem) if problem else (status, failure)
    undoes = failure is not None and failure.kind not in UNDO_NOTHING and recorder.lost is None
    if status != "failed" or failure is None or not frame.workflow.on_failure or not undoes:
        return status, failure, outputs, tuple(frame.done)
    shown = result_data(recorder, "failed", failure)["failure"]
    try:
        recorder.note(state, recording.STATE, {"failure": shown, "steps": {step.id: step.status for step in frame.done}})
    except JournalError:
        return status, failure, outputs, tuple(frame.done)
    return _undone(frame, failure)


def _still_open(uses: Sequence[str], failure: Failure | None) -> Failure:
    """Return why a run is unknown that has come to an end elsewhere: nothing may be undone while that is open."""
    message = f"what was sent for {', '.join(uses)} in an earlier execution may have been applied"
    return Failure(FailureKind.INTERRUPTED, message, f"this execution ended with: {failure.message}" if failure else "")


def _undone(frame: Frame, failure: Failure) -> tuple[RunStatus, Failure | None, dict[str, Any], tuple[StepResult, ...]]:
    """Run the steps of `onFailure`. The workflow has failed all the same; it is unknown if one of them is."""
    if not frame.done:
        frame.recall()
    prefix = frame.prefix
    frame.undo()
    status, undoing = frame.run(frame.workflow.on_failure)
    frame.prefix = prefix
    if status == "failed" and undoing is not None:
        hint = f"onFailure failed too: {undoing.message}"
        failure = replace(failure, hint="; ".join(filter(None, (failure.hint, hint))))
    if status in {"succeeded", "failed"}:
        return "failed", failure, {}, tuple(frame.done)
    return status, undoing, {}, tuple(frame.done)


def grouped(step: Step, results: Sequence[StepResult]) -> StepResult:
    """Return what the members of a group come to; one that has none was never begun."""
    judged = [
        result.status if result.status != "failed" or not member.continue_on_error else "succeeded"
        for result, member in zip(results, step.parallel, strict=False)
    ]
    status = worst(judged)
    if len(results) < len(step.parallel) and status == "succeeded":
        status = "cancelled"
    failure = next((result.failure for result in results if result.status == status and result.failure), None)
    return StepResult(step.id, status, failure=failure)


def gathered(step: Step, results: Iterator[Item], expected: int, *, kept: bool) -> StepResult:
    """Return what the items of a step come to; those of a list that is too long to be held are counted only."""
    items: list[Item] = []
    counts: dict[StepStatus, int] = {}
    failures: dict[StepStatus, Failure] = {}
    for item in results:
        counts[item.status] = counts.get(item.status, 0) + 1
        if item.failure is not None:
            failures.setdefault(item.status, replace(item.failure, message=f"item {item.index}: {item.failure.message}"))
        if kept:
            items.append(item)
    begun = sum(counts.values())
    status = worst(list(counts))
    if begun < expected and status == "succeeded":
        status = "cancelled"  # a stop was asked for before the next item began
        failures.setdefault(status, Failure(FailureKind.INTERRUPTED, f"interrupted after {begun} of {expected} items"))
    if not kept:
        return StepResult(step.id, status, failure=failures.get(status), counts=counts)
    return StepResult(step.id, status, None, tuple(items), [item.outputs for item in items], failures.get(status))


def _cut_off(engine: Engine, path: str) -> StepStatus:
    """Return what a step is that was given up: unknown while a request of it may be on its way."""
    return "unknown" if may_be_open(engine, path) else "cancelled"


def _ends(result: StepResult, step: Step) -> bool:
    unwritable = result.failure is not None and result.failure.kind == FailureKind.JOURNAL
    goes_on = step.continue_on_error and not unwritable
    return result.status in {"unknown", "cancelled", "waiting"} or (result.status == "failed" and not goes_on)


def _run_status(result: StepResult) -> RunStatus:
    return "failed" if result.status in {"failed", "skipped"} else result.status  # type: ignore[return-value] # a skipped step ends nothing


def _lost(error: JournalError) -> Failure:
    hint = "what happened stands above and is not in the journal; look at the server's state before going on"
    return Failure(FailureKind.JOURNAL, str(error), hint)


def _never(_: Any) -> bool:
    return False


def _file(step: Step) -> str:
    return step.workflow.source.file if step.workflow else ""


def _problem(message: str) -> Problem:
    return Problem("", message)
