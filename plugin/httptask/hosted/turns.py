"""One turn of a unit: at most one attempt, or one poll; then it is over, or the engine is told when to come again, and why.

Every turn walks the same code as `httptask run`, on a journal in memory that holds what earlier steps left, what the turns before
left, and, where the worker of the turn before was lost, an attempt that was begun and of whose end nobody knows. So what that
means for this task, and whether its verify rule can settle it, is decided where a killed `httptask run` decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal

from httptask import masking
from httptask.errors import UsageError
from httptask.frames import may_be_open
from httptask.hosted import marks
from httptask.hosted.desk import Desk, Later, laid_out
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.passing import handed_on, shown, size, too_large, visible
from httptask.hosted.units import Unit
from httptask.model import RetryPolicy
from httptask.outcome import Failure, FailureKind
from httptask.paging_use import page_path
from httptask.recording import RESULT, result_data
from httptask.retrying import backoff
from httptask.runs import Item, StepStatus
from httptask.using import TaskUse, handled, unsent
from httptask.withholding import restored

#: Name of the error of an outcome that nobody knows, in every engine.
OUTCOME_UNKNOWN = "OutcomeUnknown"


@dataclass(frozen=True, slots=True)
class Turn:
    """What the engine says of the turn that it begins.

    Attributes:
        key: the engine's own id of the run, the same in each of its retries; idempotency keys are made from it and the path.
        mark: what the turn before left.
        lost: the worker of the turn before never came to its end: the engine begins again, and nobody left a mark for that.
        most: attempts that the engine allows; None leaves it to the retry policy.
        last: the engine will not come again, whatever is said.
        since: epoch seconds before which nothing can have been sent for the unit, by the engine's records; 0: it has none.
        keep: stores a mark at once, before anything is sent, where the engine can.
        varies: the engine may give a later turn other inputs, so that a mark with what is about to be sent is stored before.

    """

    key: str
    mark: Mark = field(default_factory=Mark)
    lost: bool = False
    most: int | None = None
    last: bool = False
    since: float = 0.0
    keep: Callable[[Mark], None] | None = None
    varies: bool = False

    @property
    def number(self) -> int:
        """Number of the turn, from 1, a lost one before it counted."""
        return self.mark.number + 1 + self.lost


@dataclass(frozen=True, slots=True)
class Ended:
    """The unit is over.

    Attributes:
        result: what later steps are handed, as a journal keeps it: no secret is in it.
        outputs: each named output for the engine's own passing mechanism.
        withheld: the names of those that are not among them: they hold a secret, or are too large.
        outcome: the whole outcome as JSON, masked, a large body left out; None where nothing was sent.
        failure: why it did not succeed, masked.

    """

    status: StepStatus
    result: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    withheld: tuple[str, ...] = ()
    outcome: Mapping[str, Any] | None = None
    failure: Failure | None = None

    @property
    def goes_on(self) -> bool:
        """Whether the workflow goes on: it did not fail, was skipped, or says `continueOnError`."""
        return self.status in {"succeeded", "skipped"} or bool(self.result.get("handled"))

    @property
    def is_final(self) -> bool:
        """Whether it stands whoever begins the run again: it went well, or failed after the server had acted."""
        return self.goes_on or bool(self.result.get("final"))

    @property
    def error(self) -> str:
        """The type of error in an engine's records: the kind of failure, or that nobody knows."""
        return OUTCOME_UNKNOWN if self.status == "unknown" else self.failure.kind.value if self.failure else self.status

    @property
    def message(self) -> str:
        """Why it did not succeed, in one line."""
        failure = self.failure
        if failure is None:
            return self.status
        return f"{failure.message} ({failure.hint})" if failure.hint else failure.message

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, for engines that pass on nothing else."""
        return {
            "status": self.status,
            "goesOn": self.goes_on,
            "result": dict(self.result),
            "outputs": dict(self.outputs),
            "withheld": list(self.withheld),
            "outcome": None if self.outcome is None else dict(self.outcome),
            "failure": None if self.failure is None else self.failure.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Ended:
        """Return the end that `to_json` wrote."""
        failure = None if data["failure"] is None else Failure.from_json(data["failure"])
        return cls(data["status"], data["result"], data["outputs"], tuple(data["withheld"]), data["outcome"], failure)


@dataclass(frozen=True, slots=True)
class Again:
    """The unit is to be taken again.

    Attributes:
        wait: seconds until then, at least.
        mark: to be kept before the engine is told; the next turn is handed it.
        why: `retry`: an attempt failed and may be repeated; `poll`: the condition does not hold yet.
        reason: in words.
        so_far: what the unit is if nobody comes again.

    """

    wait: float
    mark: Mark
    why: Literal["retry", "poll"]
    reason: str
    so_far: Ended | None = None


def take(unit: Unit, turn: Turn, host: Host) -> Ended | Again:
    """Take one turn of a unit that sends.

    Raises:
        UnknownStep: the workflow has no such step.

    """
    try:
        desk = laid_out(unit, host, key=turn.key, mark=turn.mark)
    except UsageError as error:
        return not_begun(unit, error, pending=turn.lost or marks.is_open(turn.mark.entries))
    if turn.most is not None:
        desk.step = replace(desk.step, retry={**desk.step.retry, "maxAttempts": turn.most})
    if turn.keep is not None:
        desk.book.entrust, desk.book.requests = partial(_entrust, desk, turn.mark, turn.keep), turn.varies
    if turn.lost and not marks.is_begun(turn.mark.entries):
        desk.book.commit(marks.lost_attempt(turn.mark.entries, _call_at_hand(desk, turn.mark), since=turn.since))
    if desk.frame.is_late() and not may_be_open(desk.frame.engine, unit.use):
        return decided(desk, "failed", desk.frame.late(desk.step))
    try:
        item = _use(desk).run()
    except Later as later:
        reason = f"the condition of step '{desk.step.id}' does not hold yet"
        return Again(later.seconds, Mark(turn.number, entries=marks.left(desk.written())), "poll", reason)
    return _judged(desk, turn, item)


def _call_at_hand(desk: Desk, mark: Mark) -> str:
    """Return the path of the call that a lost worker was at; of a list, which begins anew with each turn, the first page's."""
    use = desk.unit.use
    if desk.step.paginate is not None:
        return page_path(use, 0, 1)
    return use if desk.step.until is None else f"{use}/until:{marks.poll_at_hand(mark.entries)}"


def not_begun(unit: Unit, error: UsageError, *, pending: bool = False) -> Ended:
    """Return the end of a unit for which nothing could be sent; `pending`: something may have been sent for it before."""
    step, unknown = unit.chain()[-1], pending and unit.may_change
    failure = unsent(step, error, {}, pending=unknown)
    status: StepStatus = "unknown" if unknown else "failed"
    result = {"status": status, "failure": failure.to_json(), **handled(status, step)}
    return Ended(status, result, failure=failure)


def decided(desk: Desk, status: StepStatus, failure: Failure | None = None, *, outputs: Any = None) -> Ended:
    """Return the end of a unit that sends nothing."""
    result = result_data(desk.recorder, status, failure, outputs=outputs)
    most, engine = desk.host.most_passed, desk.host.engine
    if outputs is not None and (failure := too_large(desk.frame.workflow, desk.step, result, most=most, engine=engine)):
        status, result = "failed", result_data(desk.recorder, "failed", failure)
    result |= handled(status, desk.step)
    told, withheld = visible(result, desk.host.most_passed)
    return Ended(status, result, told, withheld, None, masking.failure(failure, desk.recorder.redactor()))


def _use(desk: Desk) -> TaskUse:
    item = desk.unit.item
    if item is None:
        return desk.frame.use(desk.step, desk.unit.use, None, {})
    more = {"item": restored(item.kept, f"steps.{desk.unit.path}.forEach[{item.index}]"), "index": item.index}
    return desk.frame.use(desk.step, desk.unit.use, item.index, more)


def _entrust(desk: Desk, mark: Mark, keep: Callable[[Mark], None]) -> None:
    """Store what must be known if this turn is lost; it has not ended, so the mark keeps its number."""
    keep(replace(mark, entries=marks.left(desk.written())))


def _judged(desk: Desk, turn: Turn, item: Item) -> Ended | Again:
    ended = _ended(desk, item)
    again = _repeatable(desk, turn.mark, item)
    if again is None or turn.last:
        return ended
    wait, reason = again
    began = item.outcome.attempts[0].started_at if item.outcome and item.outcome.attempts else desk.host.clock.now()
    mark = Mark(turn.number, turn.mark.failures + 1, turn.mark.since or began, marks.left(desk.written()))
    return Again(wait, mark, "retry", reason, ended)


def _repeatable(desk: Desk, mark: Mark, item: Item) -> tuple[float, str] | None:
    """Return after how many seconds another attempt may be made, and why; None when there may be none."""
    outcome = item.outcome
    if outcome is None or outcome.ok or not outcome.attempts or item.status not in {"failed", "unknown"}:
        return None
    last, failure = outcome.attempts[-1], outcome.failure
    if last.decision is not None and last.decision.action == "retry":
        return last.decision.wait, last.decision.reason
    if failure is None or not failure.retryable or failure.kind != FailureKind.CREDENTIAL or last.phase != "notSent":
        return None
    policy = _policy(desk)
    wait = failure.retry_after
    wait = backoff(policy, mark.failures, desk.host.clock.random()) if wait is None else wait
    if mark.failures + 1 >= policy.max_attempts or wait > policy.server_wait_cap or wait >= _left(desk, mark, policy):
        return None
    return wait, f"{failure.kind.value}: nothing was sent"


def _left(desk: Desk, mark: Mark, policy: RetryPolicy) -> float:
    """Return the seconds in which another attempt may begin: what the policy and the unit's own time limit leave."""
    spent = desk.host.clock.now() - mark.since if mark.failures else 0.0
    limit = desk.frame.deadline_of(desk.step, desk.unit.use)
    left = policy.max_elapsed - spent
    return left if limit is None else min(left, limit - desk.recorder.ran())


def _policy(desk: Desk) -> RetryPolicy:
    template = desk.unit.registry[desk.step.task or ""]
    connection = desk.host.connection(template.provider, desk.unit.connection)
    return template.retry_policy(connection.retry, desk.step.retry)


def _ended(desk: Desk, item: Item) -> Ended:
    """Return the end of a use, if what it leaves is not too much to be handed on."""
    entry = desk.book.last(desk.unit.use, RESULT)
    if entry is None:
        raise AssertionError("a use that has run left its result")
    result, status, failure = handed_on(desk.frame.workflow, desk.step, entry.data), item.status, item.failure
    template = desk.unit.registry[desk.step.task or ""]
    redactor = desk.recorder.redactor()
    outcome = None if item.outcome is None else shown(template, item.outcome, redactor, desk.host.most_shown)
    if status == "succeeded" and (not_passed := _not_passed(desk, item, result)) is not None:
        status, failure = "failed", not_passed
        final = {"final": True} if desk.unit.may_change else {}  # it was answered: it is not to be sent again
        result = {**result_data(desk.recorder, status, failure), **final, **handled(status, desk.step)}
    elif size(result) > desk.host.most_passed:
        result = {name: value for name, value in result.items() if name not in {"outputs", "response"}}
    told, withheld = visible(entry.data, desk.host.most_passed)
    return Ended(status, result, told, withheld, outcome, masking.failure(failure, redactor))


def _not_passed(desk: Desk, item: Item, result: Mapping[str, Any]) -> Failure | None:
    """Return why a result cannot be handed on to later steps; None when it can."""
    if item.paged is None or not item.paged.streamed:
        return too_large(desk.frame.workflow, desk.step, result, most=desk.host.most_passed, engine=desk.host.engine)
    message = f"the list of step '{desk.step.id}' has {item.paged.items} items, more than an engine can pass from step to step"
    hint = "ask for less with the task's own filters, raise paginate.maxItems, or use `httptask run`, whose journal keeps it"
    return Failure(FailureKind.EXPRESSION, message, hint)
