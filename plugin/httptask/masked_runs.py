"""A run fit to be shown: what one step's answer calls secret is masked in every other step too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from httptask import masking
from httptask.model import TaskTemplate
from httptask.outcome import Outcome
from httptask.runs import Item, RunResult, StepResult
from httptask.secrets import Redactor, Secret

Tasks = Mapping[str, TaskTemplate]


def masked_run(result: RunResult, tasks: Tasks, redactor: Redactor, learned: Iterable[Secret] = ()) -> RunResult:
    """Return a run with every secret masked that is known, was `learned`, or that any of its outcomes holds by name or schema."""
    every = (*result.steps, *result.on_failure)
    held = (
        secret for step in every for outcome in step.outcomes() for secret in masking.secrets_of(tasks[outcome.task], outcome)
    )
    knowing = redactor.extended(dict.fromkeys((*learned, *held)))
    return replace(
        result,
        outputs=masking.outputs(result.outputs, knowing),
        steps=_steps(result.steps, tasks, knowing),
        failure=masking.failure(result.failure, knowing),
        on_failure=_steps(result.on_failure, tasks, knowing),
    )


def _steps(steps: tuple[StepResult, ...], tasks: Tasks, redactor: Redactor) -> tuple[StepResult, ...]:
    return tuple(_step(step, tasks, redactor) for step in steps)


def _step(step: StepResult, tasks: Tasks, redactor: Redactor) -> StepResult:
    return replace(
        step,
        outcome=_outcome(step.outcome, tasks, redactor),
        items=None if step.items is None else tuple(_item(item, tasks, redactor) for item in step.items),
        outputs=redactor.body(step.outputs),
        failure=masking.failure(step.failure, redactor),
        steps=None if step.steps is None else _steps(step.steps, tasks, redactor),
        message=redactor.free(step.message),
    )


def _item(item: Item, tasks: Tasks, redactor: Redactor) -> Item:
    outputs = None if item.outputs is None else masking.outputs(item.outputs, redactor)
    outcome = _outcome(item.outcome, tasks, redactor)
    steps = None if item.steps is None else _steps(item.steps, tasks, redactor)
    return replace(item, outcome=outcome, outputs=outputs, failure=masking.failure(item.failure, redactor), steps=steps)


def _outcome(outcome: Outcome | None, tasks: Tasks, redactor: Redactor) -> Outcome | None:
    return None if outcome is None else masking.outcome(tasks[outcome.task], outcome, redactor)
