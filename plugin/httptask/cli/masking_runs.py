"""A run fit to be shown: what one step's answer calls secret is masked in every other step too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from httptask import masking
from httptask.model import TaskTemplate
from httptask.outcome import Outcome
from httptask.runs import Item, RunResult, StepResult
from httptask.secrets import Redactor, Secret

Tasks = Mapping[str, TaskTemplate]


def masked_run(result: RunResult, tasks: Tasks, redactor: Redactor) -> RunResult:
    """Return a run with every secret masked that is known, or that any of its outcomes holds by name or schema."""
    knowing = redactor.extended(dict.fromkeys(_learned(result, tasks)))
    return replace(
        result,
        outputs=masking.outputs(result.outputs, knowing),
        steps=tuple(_step(step, tasks, knowing) for step in result.steps),
        failure=masking.failure(result.failure, knowing),
    )


def _learned(result: RunResult, tasks: Tasks) -> Iterator[Secret]:
    for step in result.steps:
        for outcome in (step.outcome, *(item.outcome for item in step.items or ())):
            if outcome is not None:
                yield from masking.secrets_of(tasks[outcome.task], outcome)


def _step(step: StepResult, tasks: Tasks, redactor: Redactor) -> StepResult:
    return replace(
        step,
        outcome=_outcome(step.outcome, tasks, redactor),
        items=None if step.items is None else tuple(_item(item, tasks, redactor) for item in step.items),
        outputs=redactor.body(step.outputs),
        failure=masking.failure(step.failure, redactor),
    )


def _item(item: Item, tasks: Tasks, redactor: Redactor) -> Item:
    outputs = None if item.outputs is None else masking.outputs(item.outputs, redactor)
    outcome = _outcome(item.outcome, tasks, redactor)
    return replace(item, outcome=outcome, outputs=outputs, failure=masking.failure(item.failure, redactor))


def _outcome(outcome: Outcome | None, tasks: Tasks, redactor: Redactor) -> Outcome | None:
    return None if outcome is None else masking.outcome(tasks[outcome.task], outcome, redactor)
