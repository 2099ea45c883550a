"""Executes a workflow: steps in order, outputs passed on, everything done so far kept in the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from httptask.errors import ExpressionError, InputInvalid, Interrupted, Problem, UsageError
from httptask.events import Event, ItemFinished, PollWaiting, StepFinished, StepStarted
from httptask.expression_env import MAX_ITEMS
from httptask.expressions import compile_text, evaluate_condition, evaluate_text, evaluate_tree, texts, type_name
from httptask.identity import idempotency_key, new_id
from httptask.inputs import input_problem
from httptask.model import Connection, Step, TaskTemplate, Until, Workflow
from httptask.outcome import Attempt, Failure, FailureKind, Outcome
from httptask.ports import Clock, Observer
from httptask.registry import Registry
from httptask.results import response_view
from httptask.runner import Options, Runner
from httptask.runs import Item, RunResult, RunStatus, StepResult, StepStatus
from httptask.schemas import MAX_DEPTH, Validator, too_deep


def workflow_inputs(workflow: Workflow, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs with the workflow's defaults filled in.

    Raises:
        InputInvalid: a missing, unknown or wrong input; every problem at once.

    """
    properties = workflow.inputs.get("properties", {})
    defaults = {
        name: schema["default"] for name, schema in properties.items() if isinstance(schema, dict) and "default" in schema
    }
    inputs = {**defaults, **given}
    if too_deep(inputs):
        raise InputInvalid(Problem("inputs", "nested too deeply", f"at most {MAX_DEPTH} levels"))
    violations = Validator({"additionalProperties": False, **workflow.inputs}).violations(inputs)
    if violations:
        raise InputInvalid([input_problem(violation, workflow.name, properties) for violation in violations])
    return inputs


@dataclass(frozen=True, slots=True)
class WorkflowRunner:
    """Runs workflows. `connect` gives the connection for a task's provider."""

    runner: Runner
    registry: Registry
    connect: Callable[[TaskTemplate], Connection]
    clock: Clock
    observer: Observer | None = None

    def run(self, workflow: Workflow, given: Mapping[str, Any], run_id: str | None = None) -> RunResult:
        """Run a workflow to its end. A failing or unknown step stops it; what was done stays in the result.

        Raises:
            InputInvalid: the workflow's inputs are wrong; nothing was sent.

        """
        inputs = workflow_inputs(workflow, given)
        return _Execution(self, workflow, inputs, run_id or new_id()).run()

    def tell(self, event: Event) -> None:
        """Pass an event on to the observer."""
        if self.observer:
            self.observer(event)


@dataclass(slots=True)
class _Execution:
    """The state of one run: the steps done, as later expressions see them."""

    env: WorkflowRunner
    workflow: Workflow
    inputs: Mapping[str, Any]
    run_id: str
    done: list[StepResult] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False

    def run(self) -> RunResult:
        failure: Failure | None = None
        status: RunStatus = "succeeded"
        for step in self.workflow.steps:
            result = self._interruptible(step)
            self.done.append(result)
            self.views[step.id] = _view(result)
            self.env.tell(StepFinished(step.id, result.status, result.failure.message if result.failure else ""))
            if result.status in {"unknown", "cancelled"} or (result.status == "failed" and not step.continue_on_error):
                status, failure = _run_status(result.status), result.failure
                break
            if self.interrupted:
                status, failure = "cancelled", Failure(FailureKind.INTERRUPTED, f"interrupted after step '{step.id}'")
                break
        outputs, problem = self._outputs() if status == "succeeded" else ({}, None)
        if problem:
            status, failure = "failed", problem
        return RunResult(self.run_id, self.workflow.name, status, outputs, tuple(self.done), failure)

    def _outputs(self) -> tuple[dict[str, Any], Failure | None]:
        outputs: dict[str, Any] = {}
        for name, tree in self.workflow.outputs.items():
            try:
                outputs[name] = evaluate_tree(tree, self._context())
            except ExpressionError as error:
                message = f"output '{name}' of the workflow: {error}"
                return {}, Failure(FailureKind.EXPRESSION, message, self._without_outputs([tree]))
        return outputs, None

    def _context(self, **more: Any) -> dict[str, Any]:
        return {"inputs": self.inputs, "steps": self.views, **more}

    def _interruptible(self, step: Step) -> StepResult:
        """Run a step; Ctrl-C between two requests cancels it and keeps what was done before it."""
        try:
            return self._step(step)
        except KeyboardInterrupt:
            return StepResult(step.id, "cancelled", failure=Failure(FailureKind.INTERRUPTED, "interrupted"))

    def _step(self, step: Step) -> StepResult:
        try:
            if step.for_each is not None:
                return self._each(step)
            self.env.tell(StepStarted(step.id, step.task or "", None, step.summary))
            item = self._item(step, 0, {})
            return StepResult(step.id, item.status, item.outcome, None, item.outputs, item.failure)
        except UsageError as error:
            return StepResult(step.id, "failed", failure=self._unsent(step, error))

    def _unsent(self, step: Step, error: UsageError) -> Failure:
        """Return the failure of a step whose inputs could not be made: nothing was sent for it."""
        kind = FailureKind.EXPRESSION if isinstance(error, ExpressionError) else FailureKind.INPUT
        read = [step.inputs, step.headers, step.condition, step.for_each.items if step.for_each else None]
        hints = ["nothing was sent for it", self._without_outputs(read)]
        return Failure(kind, f"{_named(step)}: {'; '.join(map(str, error.problems))}", "; ".join(filter(None, hints)))

    def _without_outputs(self, trees: list[Any]) -> str:
        """Say which of the steps that these expressions read have no outputs, and why."""
        read = [ref[1] for text in texts(trees) for ref in compile_text(text).references if ref[0] == "steps" and ref[1:]]
        views = {name: self.views[name] for name in read if name in self.views}
        empty = {name: view["status"] for name, view in views.items() if "outputs" not in view}
        return "; ".join(f"step '{name}' has no outputs, its status is {status}" for name, status in empty.items())

    def _each(self, step: Step) -> StepResult:
        values = compile_text(step.for_each.items if step.for_each else "").evaluate(self._context())
        if not isinstance(values, list):
            message = f"forEach of step '{step.id}' ({step.source}) needs a list, this is {type_name(values)}"
            return StepResult(step.id, "failed", failure=Failure(FailureKind.EXPRESSION, message))
        if len(values) > MAX_ITEMS:
            message = f"forEach of step '{step.id}' has more than {MAX_ITEMS} items"
            return StepResult(step.id, "failed", failure=Failure(FailureKind.EXPRESSION, message, "nothing was sent for it"))
        self.env.tell(StepStarted(step.id, step.task or "", len(values), step.summary))
        items = tuple(self._items(step, values))
        status = _worst([item.status for item in items])
        failure = next((_of_item(item) for item in items if item.status == status and item.failure), None)
        return StepResult(step.id, status, None, items, [item.outputs for item in items], failure)

    def _items(self, step: Step, values: list[Any]) -> Iterator[Item]:
        for index, value in enumerate(values):
            try:
                item = self._item(step, index, {"item": value, "index": index})
            except UsageError as error:
                item = Item(index, "failed", failure=self._unsent(step, error))
            except KeyboardInterrupt:
                item = Item(index, "cancelled", failure=Failure(FailureKind.INTERRUPTED, "interrupted"))
            self.env.tell(ItemFinished(step.id, item.index, item.status))
            yield item
            stops = item.status in {"unknown", "cancelled"} or (item.status == "failed" and not step.continue_on_error)
            if stops or self.interrupted:
                return

    def _item(self, step: Step, index: int, more: Mapping[str, Any]) -> Item:
        context = self._context(**more)
        if step.condition is not None and not evaluate_condition(step.condition, context):
            return Item(index, "skipped")
        template = self.env.registry[step.task or ""]
        use = _Use(self.env, step, template, context, self.run_id)
        path = f"{step.id}[{index}]" if step.for_each else step.id
        try:
            outcome = use.poll(step.until, path) if step.until else use.once(path)
        except Interrupted as stopped:
            self.interrupted = True
            outcome = stopped.outcome
            status: StepStatus = outcome.status if outcome.status != "failed" else "cancelled"
            return Item(index, status, outcome, outcome.outputs if outcome.ok else None, outcome.failure)
        return Item(index, outcome.status, outcome, outcome.outputs if outcome.ok else None, outcome.failure)


@dataclass(frozen=True, slots=True)
class _Use:
    """One use of a task: its rendered inputs, asked once or until a condition holds."""

    env: WorkflowRunner
    step: Step
    template: TaskTemplate
    context: Mapping[str, Any]
    run_id: str

    def once(self, path: str) -> Outcome:
        """Ask once; `path` names the logical call within the run."""
        outcome = self._ask(path, None)
        return self._judged(outcome, self._with_outputs) or outcome

    def _ask(self, path: str, deadline: float | None) -> Outcome:
        inputs = evaluate_tree(self.step.inputs, self.context)
        headers = {name: evaluate_text(value, self.context) for name, value in self.step.headers.items()}
        options = Options(
            headers=headers,
            retry=self.step.retry,
            deadline=deadline,
            idempotent=self.step.idempotent,
            idempotency_key=idempotency_key(self.run_id, path),
            verify_before=self.step.verify_before,
        )
        return self.env.runner.run(self.template, inputs, self.env.connect(self.template), options)

    def poll(self, until: Until, path: str) -> Outcome:
        """Ask until it holds. The outcome is the last poll's; its attempts keep the retried and delayed ones of earlier polls."""
        began, polls = self.env.clock.monotonic(), 0
        retried: tuple[Attempt, ...] = ()
        while True:
            polls += 1
            outcome = self._ask(f"{path}/until:{polls}", until.timeout - (self.env.clock.monotonic() - began))
            outcome = replace(outcome, attempts=retried + outcome.attempts)
            retried = tuple(attempt for attempt in outcome.attempts if _is_notable(attempt))
            settled = self._judged(outcome, lambda answered: self._settled(until, answered))
            if settled is not None:
                return settled
            left = until.timeout - (self.env.clock.monotonic() - began)
            if until.every >= left:
                message = f"after {polls} polls in {until.timeout:g} s the condition does not hold: {until.condition}"
                return _failed(
                    outcome, Failure(FailureKind.POLL_TIMEOUT, message, "raise the step's timeout, or look at the last response")
                )
            self.env.tell(PollWaiting(self.step.id, polls, until.every))
            self._wait(until.every, outcome)

    def _settled(self, until: Until, outcome: Outcome) -> Outcome | None:
        """Return what a poll ends with, or None when it is to be asked again."""
        if not outcome.ok:
            return outcome
        if self._holds(until.condition, outcome):
            return self._with_outputs(outcome)
        if until.fail_if is not None and self._holds(until.fail_if, outcome):
            message = f"failIf of step '{self.step.id}' holds: {until.fail_if}"
            return _failed(outcome, Failure(FailureKind.CONDITION, message, status=_status(outcome)))
        return None

    def _judged(self, outcome: Outcome, judge: Callable[[Outcome], Outcome | None]) -> Outcome | None:
        """Judge an answer; an expression that it does not fit is a failure that keeps the answer: the request was sent."""
        try:
            return judge(outcome)
        except ExpressionError as error:
            hint = "the request was sent and answered; look at the response"
            return _failed(
                outcome, Failure(FailureKind.EXPRESSION, f"{_named(self.step)}: {error}", hint, status=_status(outcome))
            )

    def _wait(self, seconds: float, outcome: Outcome) -> None:
        try:
            self.env.clock.sleep(seconds)
        except KeyboardInterrupt:
            raise Interrupted(
                _failed(outcome, Failure(FailureKind.INTERRUPTED, "interrupted while waiting for the next poll"))
            ) from None

    def _holds(self, condition: str, outcome: Outcome) -> bool:
        return evaluate_condition(condition, self._answered(outcome))

    def _answered(self, outcome: Outcome) -> dict[str, Any]:
        return {**self.context, "response": response_view(outcome.response) if outcome.response else {}}

    def _with_outputs(self, outcome: Outcome) -> Outcome:
        if not outcome.ok:
            return outcome
        return replace(outcome, outputs={**outcome.outputs, **evaluate_tree(self.step.outputs, self._answered(outcome))})


def _of_item(item: Item) -> Failure | None:
    """Return an item's failure with its index in the message."""
    return replace(item.failure, message=f"item {item.index}: {item.failure.message}") if item.failure else None


def _is_notable(attempt: Attempt) -> bool:
    return "pacing" in attempt.timings or (attempt.decision is not None and attempt.decision.action == "retry")


def _view(result: StepResult) -> dict[str, Any]:
    """Return what later expressions see of a step. A skipped step has no outputs, so that reading them is an error."""
    view: dict[str, Any] = {"status": result.status}
    if result.status != "skipped" and result.outputs is not None:
        view["outputs"] = result.outputs
    if result.outcome is not None and result.outcome.response is not None:
        view["response"] = response_view(result.outcome.response)
    return view


def _worst(statuses: list[StepStatus]) -> StepStatus:
    """Return a repeated step's status; it has succeeded when every item has, or was skipped, or there were none."""
    ranked: tuple[StepStatus, ...] = ("unknown", "cancelled", "failed")
    return next((status for status in ranked if status in statuses), "succeeded")


def _run_status(status: StepStatus) -> RunStatus:
    return status if status in {"unknown", "cancelled"} else "failed"


def _failed(outcome: Outcome, failure: Failure) -> Outcome:
    return replace(outcome, status="failed", outputs={}, failure=failure)


def _status(outcome: Outcome) -> int | None:
    return outcome.response.status if outcome.response else None


def _named(step: Step) -> str:
    return f"step '{step.id}' ({step.source})"
