"""What a caller expects of an outcome: conditions over what a task answered, each told on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from httptask.errors import ExpectationInvalid, ExpressionError, Problem
from httptask.expressions import compile_text, evaluate_condition
from httptask.outcome import Outcome
from httptask.results import response_view

#: What an expectation can read.
ROOTS = ("response", "outputs", "inputs", "outcome")


@dataclass(frozen=True, slots=True)
class Finding:
    """One expectation, judged; `message` says why it does not hold, without any value."""

    expression: str
    holds: bool
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"expression": self.expression, "holds": self.holds, "message": self.message}


def check(expressions: Sequence[str]) -> None:
    """Refuse what is no condition, before anything is sent.

    Raises:
        ExpectationInvalid: every fault at once.

    """
    found = [(number, problem) for number, text in enumerate(expressions, 1) for problem in _problems(text)]
    if found:
        # the text is not repeated: it could be a secret in the wrong place
        raise ExpectationInvalid(replace(problem, where=f"--expect {number}") for number, problem in found)


def judge(expressions: Sequence[str], outcome: Outcome, inputs: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Return what holds. A condition that cannot be evaluated, as one over the answer where there is none, does not hold."""
    context: dict[str, Any] = {"inputs": inputs, "outputs": outcome.outputs, "outcome": _view(outcome)}
    if outcome.response is not None:
        context["response"] = response_view(outcome.response)
    return tuple(_finding(text, context) for text in expressions)


def _view(outcome: Outcome) -> dict[str, Any]:
    failure = outcome.failure.to_json() if outcome.failure else None
    return {"status": outcome.status, "failure": failure, "attempts": len(outcome.attempts)}


def _finding(text: str, context: Mapping[str, Any]) -> Finding:
    try:
        holds = evaluate_condition(text, context)
    except ExpressionError as error:
        absent = "response" not in context and any(ref[0] == "response" for ref in compile_text(text).references)
        return Finding(text, holds=False, message="there is no response" if absent else _words(error))
    return Finding(text, holds, "" if holds else "it does not hold")


def _words(error: ExpressionError) -> str:
    return "; ".join(problem.message for problem in error.problems)


def _problems(text: str) -> list[Problem]:
    hint = "write one condition, as in --expect '{{ response.status == 404 }}'"
    try:
        compiled = compile_text(text)
    except ExpressionError as error:
        return list(error.problems)
    if not compiled.whole:
        return [Problem("", "an expectation is one expression", hint)]
    unknown = dict.fromkeys(ref[0] for ref in compiled.references if ref[0] not in ROOTS)
    return [Problem("", f"'{name}' is unknown here", f"an expectation reads {', '.join(ROOTS)}") for name in unknown]
