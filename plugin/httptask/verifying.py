"""Finds out whether a request whose answer was lost was applied, by asking with the task that the template names.

Only `notApplied` allows another try, and only when it is still so after a settle time: the lost request may land late.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from httptask.errors import UsageError
from httptask.expressions import compile_text, evaluate_condition, evaluate_tree
from httptask.faults import Finding
from httptask.model import TaskTemplate, Verify
from httptask.outcome import Answer, Outcome
from httptask.results import response_view


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out; `outputs` stand in for those of the lost answer."""

    finding: Finding
    outputs: Mapping[str, Any] = field(default_factory=dict)


class Verifier(Protocol):
    """Asks about one logical call."""

    def before(self, template: TaskTemplate, inputs: Mapping[str, Any], left: float) -> Answer | None:
        """Return the verify task's answer before the first attempt, or None when it gave none in the seconds left."""
        ...

    def ask(self, template: TaskTemplate, inputs: Mapping[str, Any], *, before: Answer | None, left: float) -> Verdict:
        """Return what is known now; there are `left` seconds to find out."""
        ...


INCONCLUSIVE = Verdict("inconclusive")


@dataclass(frozen=True, slots=True)
class TaskVerifier:
    """Asks with the template's verify task; `run` sends it as a task of its own."""

    tasks: Mapping[str, TaskTemplate]
    run: Callable[[TaskTemplate, Mapping[str, Any], float], Outcome]

    def before(self, template: TaskTemplate, inputs: Mapping[str, Any], left: float) -> Answer | None:
        """Return the verify task's answer before the first attempt, or None when it gave none in the seconds left."""
        return self._answer(template.verify, inputs, left) if template.verify else None

    def ask(self, template: TaskTemplate, inputs: Mapping[str, Any], *, before: Answer | None, left: float) -> Verdict:
        """Return what is known now; without the answer from before, a verify that compares with it is inconclusive unasked."""
        verify = template.verify
        if verify is None or (verify.uses_before and before is None):
            return INCONCLUSIVE
        answer = self._answer(verify, inputs, left)
        return INCONCLUSIVE if answer is None else found(verify, inputs, answer, before)

    def _answer(self, verify: Verify, inputs: Mapping[str, Any], left: float) -> Answer | None:
        if left <= 0:
            return None
        try:
            asked = evaluate_tree(verify.inputs, {"inputs": inputs})
            return self.run(self.tasks[verify.task], asked, left).response
        except UsageError:
            return None


def found(verify: Verify, inputs: Mapping[str, Any], answer: Answer, before: Answer | None) -> Verdict:
    """Return what an answer means; a condition that cannot be evaluated, or both holding, is inconclusive."""
    context: dict[str, Any] = {"inputs": inputs, "response": response_view(answer)}
    if before is not None:
        context["before"] = response_view(before)
    try:
        if verify.candidates is not None:
            context["candidates"] = compile_text(verify.candidates).evaluate(context)
        applied = evaluate_condition(verify.applied, context)
        not_applied = verify.not_applied is not None and evaluate_condition(verify.not_applied, context)
        if applied == not_applied:
            return INCONCLUSIVE
        return Verdict("applied", evaluate_tree(verify.outputs, context)) if applied else Verdict("notApplied")
    except UsageError:
        return INCONCLUSIVE
