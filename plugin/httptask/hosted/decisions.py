"""Units that send nothing: what stands between the requests of a workflow, evaluated where its other expressions are.

Each takes a unit and says what came of it; a failure of an expression is an end, never an exception of the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from httptask import recording
from httptask.errors import UsageError
from httptask.expressions import evaluate_condition, evaluate_text
from httptask.frames import gathered, grouped
from httptask.hosted.desk import Desk, inner_frame, laid_out
from httptask.hosted.host import Host
from httptask.hosted.turns import Ended, decided, not_begun
from httptask.hosted.units import Item, Unit
from httptask.outcome import Failure, FailureKind
from httptask.ports import Entry
from httptask.runs import Item as ItemResult
from httptask.runs import StepResult
from httptask.using import reused_item
from httptask.withholding import kept

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed:
    """The items of a forEach."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What an approval asks, in words, masked."""

    message: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wait that the engine is to keep."""

    seconds: float


def items_of(unit: Unit, host: Host, *, key: str) -> Listed | Ended:
    """Return the items that a step is repeated over."""

    def work(desk: Desk) -> Listed:
        for_each = desk.step.for_each
        values = [] if for_each is None else desk.frame.listed(unit.path, for_each.items)
        redactor = desk.recorder.redactor()
        return Listed(tuple(Item(index, kept(value, redactor)) for index, value in enumerate(values)))

    return _begun(unit, host, key, work)


def gather(unit: Unit, host: Host, *, key: str, expected: int) -> Ended:
    """Return what the items of a step, or the members of a group, come to; `expected` is how many items there are."""

    def work(desk: Desk) -> Ended:
        step = desk.step
        if step.for_each is None:
            results = [_member(desk, each.id) for each in step.parallel]
            whole = grouped(step, [result for result in results if result is not None])
        else:
            whole = gathered(step, _items(desk, expected), expected, kept=True)
        return decided(desk, whole.status, whole.failure)

    return _worked(unit, host, key, work)


def enter(unit: Unit, host: Host, *, key: str) -> Ended:
    """Return whether a group or a workflow within the workflow is begun: its `if`, and whether its inputs fit."""

    def work(desk: Desk) -> Ended:
        if not _holds(desk):
            return decided(desk, "skipped")
        if desk.step.workflow is not None:
            inner_frame(desk.frame, desk.step)
        return decided(desk, "succeeded")

    return _begun(unit, host, key, work)


def leave(unit: Unit, host: Host, *, key: str, failed: Ended | None = None) -> Ended:
    """Return what a workflow within the workflow came to: its outputs, or the failure that ended it."""

    def work(desk: Desk) -> Ended:
        if failed is not None:
            return decided(desk, failed.status, failed.failure)
        outputs, problem = inner_frame(desk.frame, desk.step).outputs()
        return decided(desk, "failed", problem) if problem else decided(desk, "succeeded", outputs=outputs)

    return _worked(unit, host, key, work)


def outputs_of(unit: Unit, host: Host, *, key: str) -> Ended:
    """Return the outputs of the workflow."""

    def work(desk: Desk) -> Ended:
        outputs, problem = desk.frame.outputs()
        return decided(desk, "failed", problem) if problem else decided(desk, "succeeded", outputs=outputs)

    return _worked(unit, host, key, work)


def ask(unit: Unit, host: Host, *, key: str) -> Asked | Ended:
    """Return what a person is to be asked."""

    def work(desk: Desk) -> Asked | Ended:
        if not _holds(desk):
            return decided(desk, "skipped")
        return Asked(desk.recorder.redactor().free(evaluate_text(desk.step.approve or "", desk.frame.context())))

    return _begun(unit, host, key, work)


def answered(unit: Unit, host: Host, *, key: str, approved: bool) -> Ended:
    """Return what a person's answer comes to."""

    def work(desk: Desk) -> Ended:
        if approved:
            return decided(desk, "succeeded")
        return decided(desk, "failed", Failure(FailureKind.REJECTED, f"step '{desk.step.id}' was rejected"))

    return _worked(unit, host, key, work)


def wait(unit: Unit, host: Host, *, key: str) -> Waiting | Ended:
    """Return how long the engine is to wait."""

    def work(desk: Desk) -> Waiting | Ended:
        if not _holds(desk):
            return decided(desk, "skipped")
        seconds = desk.step.wait or 0.0
        failure = desk.frame.too_long(desk.step, seconds)
        return Waiting(seconds) if failure is None else decided(desk, "failed", failure)

    return _begun(unit, host, key, work)


def _begun(unit: Unit, host: Host, key: str, work: Callable[[Desk], T]) -> T | Ended:
    """Do what begins a step, unless the workflow's time is up."""

    def begin(desk: Desk) -> T | Ended:
        return decided(desk, "failed", desk.frame.late(desk.step)) if desk.frame.is_late() else work(desk)

    return _worked(unit, host, key, begin)


def _worked(unit: Unit, host: Host, key: str, work: Callable[[Desk], T]) -> T | Ended:
    try:
        return work(laid_out(unit, host, key=key))
    except UsageError as error:
        return not_begun(unit, error)


def _holds(desk: Desk) -> bool:
    condition = desk.step.condition
    return condition is None or evaluate_condition(condition, desk.frame.context())


def _member(desk: Desk, member: str) -> StepResult | None:
    path = desk.frame.prefix + member
    known = desk.recorder.known(path, recording.RESULT)
    return None if known is None else StepResult(member, known.data["status"], failure=_failure(known))


def _items(desk: Desk, expected: int) -> Iterator[ItemResult]:
    for index in range(expected):
        known = desk.recorder.known(f"{desk.unit.path}[{index}]", recording.RESULT)
        if known is not None:
            yield reused_item(known, index, desk.recorder)


def _failure(known: Entry) -> Failure | None:
    return Failure.from_json(known.data["failure"]) if "failure" in known.data else None
