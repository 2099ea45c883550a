"""One use of a task in a run: its condition, its inputs, asked once or until a condition holds, and what the journal keeps of it.

A use is a work for a lane: it may be given up from outside, and then nothing is sent or written for it any more.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from httptask import masking, recording
from httptask.errors import AnswerLost, ExpressionError, Interrupted, JournalError, RequestChanged, UsageError, WithheldValue
from httptask.events import ItemFinished, PollWaiting
from httptask.expressions import PartialMapping, barred, evaluate_condition, evaluate_text, evaluate_tree
from httptask.identity import idempotency_key
from httptask.model import Paginate, Step, TaskTemplate, Until
from httptask.outcome import Attempt, Failure, FailureKind, Outcome
from httptask.paged import first_page
from httptask.paging_use import PagedRead
from httptask.ports import NOTHING_DONE, Entry, Recovery
from httptask.recording import CallRecord, RunRecorder
from httptask.results import response_view
from httptask.runner import Options
from httptask.runs import Item, Paged, StepStatus
from httptask.secrets import CUT
from httptask.views import View, without_outputs
from httptask.withholding import without

if TYPE_CHECKING:
    from httptask.frames import Engine

#: Paths below a step's `response`; None is everything.
Reach = Collection[tuple[str, ...]] | None
_KINDS: Mapping[type[UsageError], FailureKind] = {
    WithheldValue: FailureKind.WITHHELD,
    RequestChanged: FailureKind.REQUEST_CHANGED,
    ExpressionError: FailureKind.EXPRESSION,
}
_PENDING_HINT = "it was sent before and may have been applied: look at the server's state before sending it again"
#: Characters of an answer that are kept for people.
EXCERPT = 300
_ANSWERED_HINT = "the request was sent and answered; look at the response"


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used where: one step, or one item of it, with what its expressions see.

    Attributes:
        path: names the use within the run, as in `rollout/create[3]`.
        index: of the item; None for a plain step.
        deadline: the running time of the run at which the use must have ended.
        reach: the paths below `response` that later expressions read; None when they may read all of it.

    """

    step: Step
    template: TaskTemplate
    path: str
    index: int | None
    context: Mapping[str, Any]
    deadline: float | None
    reach: Reach

    @property
    def safe(self) -> bool:
        """Whether asking changes nothing, so that a lost answer is no loss."""
        return self.template.only_asks(declared=self.step.idempotent)


@dataclass(slots=True)
class TaskUse:
    """Runs one use; the port `lanes.Work`."""

    engine: Engine
    usage: Usage
    call: CallRecord | None = None
    _item: Item | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> Item:
        """Do what is left to do, and write down how it ended."""
        known = self.engine.recorder.known(self.usage.path, recording.RESULT)
        if known is not None and is_over(known, self.usage.step):
            return self._told(reused_item(known, self._index, self.engine.recorder))
        try:
            item = self._done()
        except UsageError as error:
            failure = unsent(self.usage.step, error, self.usage.context["steps"], pending=self._is_pending())
            item = Item(self._index, self._failed(), failure=failure)
        except JournalError as error:
            return self._told(Item(self._index, self._failed(), failure=not_written(error, pending=self._is_pending())))
        except KeyboardInterrupt:
            return self.given_up()
        return self._ended(item)

    def given_up(self) -> Item:
        """Return what is known: a request that may change something and is on its way ends unknown."""
        if self.call is None:
            return self._ended(Item(self._index, "cancelled", failure=Failure(FailureKind.INTERRUPTED, "interrupted")))
        return self._ended(self._interrupted(self.call.given_up(self.usage.template.id)))

    def patience(self) -> float:
        """Return the seconds that the use deserves once a stop was asked for."""
        return self.call.patience() if self.call else 0.0

    def _is_pending(self) -> bool:
        return self.call is not None and self.call.is_pending

    def _failed(self) -> StepStatus:
        return "unknown" if self._is_pending() else "failed"

    @property
    def _index(self) -> int:
        return self.usage.index or 0

    def _done(self) -> Item:
        step, recorder = self.usage.step, self.engine.recorder
        if step.condition is not None and not condition(recorder, self.usage.path, step.condition, self.usage.context):
            return Item(self._index, "skipped")
        try:
            if step.paginate is not None:
                return self._paged(step.paginate)
            outcome = self._polled(step.until) if step.until else self._once()
        except Interrupted as stopped:
            return self._interrupted(stopped.outcome)
        return Item(self._index, outcome.status, outcome, outcome.outputs if outcome.ok else None, outcome.failure)

    def _paged(self, limits: Paginate) -> Item:
        """Read a list to its end; a list too long to be held gives no outputs but its items, to a `forEach`."""
        engine, template, path = self.engine, self.usage.template, self.usage.path
        reading = PagedRead(engine.recorder, template, path, limits, lambda: self.call)
        inputs = evaluate_tree(self.usage.step.inputs, self.usage.context)
        connection = engine.connect(template)
        first = first_page(template, inputs, connection, self._options(path, None, NOTHING_DONE))
        outcome = reading.read(self._ask_page, connection, first.url)
        outcome = reading.whole(outcome, inputs) if outcome.ok else outcome
        if not reading.is_streamed:
            outcome = self._judged(outcome, self._with_outputs) or outcome
        outputs = outcome.outputs if outcome.ok and not reading.is_streamed else None
        return Item(self._index, outcome.status, outcome, outputs, outcome.failure, paged=reading.paged)

    def _ask_page(self, path: str, url: str | None) -> Outcome:
        return self._ask(path, self._left(), url)

    def _interrupted(self, outcome: Outcome) -> Item:
        status: StepStatus = "cancelled" if outcome.status == "failed" else outcome.status
        return Item(self._index, status, outcome, outcome.outputs if outcome.ok else None, outcome.failure)

    def _ended(self, item: Item) -> Item:
        """Write down the result, once: of a lane that was given up, what it comes to later does not count."""
        with self._lock:
            if self._item is None:
                self._item = item
                if item.outcome is not None:
                    self.engine.recorder.learn(masking.secrets_of(self.usage.template, item.outcome))
                self.engine.recorder.keep_result(self.usage.path, recording.RESULT, self._kept(item), self.call)
                self._told(item)
            return self._item

    def _told(self, item: Item) -> Item:
        if self.usage.index is not None:
            self.engine.tell(ItemFinished(self.usage.step.id, self.usage.index, item.status, self.usage.path))
        return item

    def _kept(self, item: Item) -> dict[str, Any]:
        answered = item.outcome is not None and item.outcome.response is not None and item.outcome.response.status
        data = recording.result_data(
            self.engine.recorder,
            item.status,
            item.failure,
            outputs=item.outputs,
            response=self._reached(item.outcome),
        )
        if self._is_telling(item.outcome) and "body" in data["response"]["value"]:
            data["response"] = without(data["response"], ["body"])
        final = (
            item.failure is not None and item.failure.kind == FailureKind.EXPRESSION and bool(answered) and not self.usage.safe
        )
        paged = {"paged": item.paged.to_json()} if item.paged else {}
        return {
            **data,
            **paged,
            **self._excerpt(item.outcome),
            **({"final": True} if final else {}),
            **handled(item.status, self.usage.step),
        }

    def _excerpt(self, outcome: Outcome | None) -> dict[str, str]:
        """Return the beginning of an answer, for people; of one that holds what may not be shown, nothing."""
        answer = outcome.response if outcome else None
        if answer is None or answer.body_kind == "empty":
            return {}
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, ensure_ascii=False, separators=(",", ":"))
        mask = self.engine.recorder.redactor().free if len(text) <= EXCERPT else self.engine.recorder.redactor().cut_off
        beginning = text[:EXCERPT]
        if mask(beginning) != beginning:
            return {}
        return {"excerpt": beginning + CUT if len(text) > EXCERPT else beginning}

    def _is_telling(self, outcome: Outcome | None) -> bool:
        """Tell whether a body that is no JSON names a secret, as a form does."""
        answer = outcome.response if outcome else None
        redactor = self.engine.recorder.redactor()
        return answer is not None and answer.body_kind == "text" and redactor.free(answer.body) != answer.body

    def _reached(self, outcome: Outcome | None) -> dict[str, Any] | None:
        """Return of a response what later expressions can reach, and its status for people."""
        if outcome is None or outcome.response is None:
            return None
        answer, reach = outcome.response, self.usage.reach
        redactor = self.engine.recorder.redactor()
        headers = [[name, value] for name, value in answer.headers if redactor.header(name, value) == value]
        view = {"status": answer.status, "headers": headers, "body": answer.body}
        return {"status": answer.status, **(view if reach is None else _parts(view, reach))}

    def _once(self) -> Outcome:
        outcome = self._ask(self.usage.path, self._left())
        return self._judged(outcome, self._with_outputs) or outcome

    def _ask(self, path: str, deadline: float | None, page_url: str | None = None) -> Outcome:
        engine, step, template = self.engine, self.usage.step, self.usage.template
        spec = template.provider.idempotency_key
        record = engine.recorder.call(path, safe=self.usage.safe)
        recovery = record.recovery(spec if spec is not None and template.method in spec.methods else None)
        self.call = record
        options = replace(self._options(path, deadline, recovery), record=record, page_url=page_url)
        inputs = evaluate_tree(step.inputs, self.usage.context)
        return engine.runner.run(template, inputs, engine.connect(template), options)

    def _options(self, path: str, deadline: float | None, recovery: Recovery) -> Options:
        step = self.usage.step
        return replace(
            self.engine.options,
            headers={name: evaluate_text(value, self.usage.context) for name, value in step.headers.items()},
            retry=step.retry,
            deadline=deadline,
            idempotent=step.idempotent,
            idempotency_key=idempotency_key(self.engine.recorder.journal.run_id, path),
            verify_before=step.verify_before,
            recovery=recovery,
        )

    def _left(self) -> float | None:
        return None if self.usage.deadline is None else self.usage.deadline - self.engine.recorder.ran()

    def _polled(self, until: Until) -> Outcome:
        """Ask until it holds. The outcome is the last poll's; its attempts keep the retried and delayed ones of earlier polls."""
        recorder, path = self.engine.recorder, self.usage.path
        ends = recorder.begun(path) + until.timeout
        ends = ends if self.usage.deadline is None else min(ends, self.usage.deadline)
        polls = self._first_poll(until)
        retried: tuple[Attempt, ...] = ()
        while True:
            outcome = self._ask(f"{path}/until:{polls}", ends - recorder.ran())
            outcome = replace(outcome, attempts=retried + outcome.attempts)
            retried = tuple(attempt for attempt in outcome.attempts if _is_notable(attempt))
            settled = self._judged(outcome, lambda answered: self._settled(until, answered))
            if settled is not None:
                return settled
            if until.every >= ends - recorder.ran():
                message = f"after {polls} polls in {until.timeout:g} s the condition does not hold: {until.condition}"
                hint = "raise the step's timeout, or look at the last response"
                return failed(outcome, Failure(FailureKind.POLL_TIMEOUT, message, hint))
            self.engine.tell(PollWaiting(self.usage.step.id, polls, until.every))
            self._wait(f"{path}/until:{polls}", until.every, outcome)
            polls += 1

    def _first_poll(self, until: Until) -> int:
        """Return the number of the first poll to send now: one that may have been applied is looked at again."""
        recorder, path = self.engine.recorder, self.usage.path
        if not recorder.resumed:
            return 1
        begun = [_poll_of(entry.path, path) for entry in recorder.journal.below(f"{path}/until:", recording.INTENT)]
        last = max(begun, default=0)
        if not last:
            return 1
        if recorder.known(f"{path}/until:{last}", recording.WAIT) is not None:  # it was settled, whatever its attempts left open
            self.engine.clock.sleep(recorder.remaining_wait(f"{path}/until:{last}", until.every))
            return last + 1
        is_open = recorder.call(f"{path}/until:{last}", safe=self.usage.safe).recovery(None).is_open
        return last if is_open else last + 1

    def _wait(self, path: str, seconds: float, outcome: Outcome) -> None:
        try:
            self.engine.recorder.note_wait(path, seconds, self.call)
            self.engine.clock.sleep(seconds)
        except KeyboardInterrupt:
            failure = Failure(FailureKind.INTERRUPTED, "interrupted while waiting for the next poll")
            raise Interrupted(failed(outcome, failure)) from None

    def _settled(self, until: Until, outcome: Outcome) -> Outcome | None:
        """Return what a poll ends with, or None when it is to be asked again."""
        if not outcome.ok:
            return outcome
        if self._holds(until.condition, outcome):
            return self._with_outputs(outcome)
        if until.fail_if is not None and self._holds(until.fail_if, outcome):
            message = f"failIf of step '{self.usage.step.id}' holds: {until.fail_if}"
            return failed(outcome, Failure(FailureKind.CONDITION, message, status=_status(outcome)))
        return None

    def _judged(self, outcome: Outcome, judge: Callable[[Outcome], Outcome | None]) -> Outcome | None:
        """Judge an answer; an expression that it does not fit is a failure that keeps the answer: the request was sent."""
        try:
            return judge(outcome)
        except ExpressionError as error:
            message = f"{named(self.usage.step)}: {error}"
            return failed(outcome, Failure(FailureKind.EXPRESSION, message, _ANSWERED_HINT, status=_status(outcome)))

    def _holds(self, text: str, outcome: Outcome) -> bool:
        return evaluate_condition(text, self._answered(outcome))

    def _answered(self, outcome: Outcome) -> dict[str, Any]:
        return {**self.usage.context, "response": response_view(outcome.response) if outcome.response else {}}

    def _with_outputs(self, outcome: Outcome) -> Outcome:
        if not outcome.ok:
            return outcome
        if outcome.response is None:
            return replace(outcome, outputs=PartialMapping({**outcome.outputs, **self._without_answer(outcome)}))
        return replace(outcome, outputs={**outcome.outputs, **evaluate_tree(self.usage.step.outputs, self._answered(outcome))})

    def _without_answer(self, outcome: Outcome) -> Mapping[str, Any]:
        """Return the step's outputs where the answer was lost though the request was applied: who reads the others is told."""
        outputs = PartialMapping()
        for name, tree in self.usage.step.outputs.items():
            try:
                outputs[name] = evaluate_tree(tree, self._answered(outcome))
            except ExpressionError:
                outputs[name] = barred(f"steps.{self.usage.step.id}.outputs.{name}", AnswerLost)
        return outputs


def condition(recorder: RunRecorder, path: str, text: str, context: Mapping[str, Any]) -> bool:
    """Return what an `if` yields; once it was decided it stays so for the run."""
    known = recorder.known(path, recording.IF)
    if known is not None:
        return bool(known.data["value"])
    value = evaluate_condition(text, context)
    recorder.note(path, recording.IF, {"value": value})
    return value


def is_over(known: Entry, step: Step) -> bool:
    """Tell whether an earlier execution ended a step or item for good; what failed or was cancelled is done again."""
    status = known.data["status"]
    return status in {"succeeded", "skipped"} or (
        status == "failed" and (step.continue_on_error or known.data.get("final", False))
    )


def handled(status: str, step: Step) -> dict[str, bool]:
    """Return the mark of a failure that the workflow goes on after."""
    return {"handled": True} if status == "failed" and step.continue_on_error else {}


def reused_item(known: Entry, index: int, recorder: RunRecorder) -> Item:
    """Return an item as an earlier execution left it."""
    data = known.data
    failure = Failure.from_json(data["failure"]) if "failure" in data else None
    outputs = recorder.restored(data["outputs"], f"steps.{known.path}.outputs") if "outputs" in data else None
    return Item(index, data["status"], None, outputs, failure, reused=True, paged=paged_of(data))


def paged_of(data: Mapping[str, Any]) -> Paged | None:
    """Return what a result says of a list that was read page by page."""
    return Paged(**data["paged"]) if "paged" in data else None


def unsent(step: Step, error: UsageError, views: Mapping[str, View], *, pending: bool = False) -> Failure:
    """Return the failure of a step whose request could not be made; `pending`: an earlier one may have been applied."""
    kind = next((kind for cause, kind in _KINDS.items() if isinstance(error, cause)), FailureKind.INPUT)
    read = [step.inputs, step.headers, step.condition, step.for_each.items if step.for_each else None]
    hints = [_PENDING_HINT if pending else "nothing was sent for it", without_outputs(read, views)]
    return Failure(kind, f"{named(step)}: {'; '.join(map(str, error.problems))}", "; ".join(filter(None, hints)))


def not_written(error: JournalError, *, pending: bool = False) -> Failure:
    """Return the failure of a request that was not sent because it could not be written down; `pending` as above."""
    hint = "nothing was sent: without a record it could be sent twice"
    return Failure(FailureKind.JOURNAL, str(error), _PENDING_HINT if pending else hint)


def failed(outcome: Outcome, failure: Failure) -> Outcome:
    """Return an outcome as a failure that keeps its answer and attempts."""
    return replace(outcome, status="failed", outputs={}, failure=failure)


def named(step: Step) -> str:
    """Return a step's name with its place, for messages."""
    return f"step '{step.id}' ({step.source})"


def _parts(value: Any, paths: Iterable[tuple[str, ...]]) -> Any:
    """Return of a value what these paths lead to; a list is kept whole."""
    wanted = tuple(paths)
    if () in wanted or not isinstance(value, Mapping):
        return value
    heads = dict.fromkeys(path[0] for path in wanted)
    return {key: _parts(value[key], (path[1:] for path in wanted if path[0] == key)) for key in heads if key in value}


def _is_notable(attempt: Attempt) -> bool:
    return "pacing" in attempt.timings or (attempt.decision is not None and attempt.decision.action == "retry")


def _status(outcome: Outcome) -> int | None:
    return outcome.response.status if outcome.response else None


def _poll_of(path: str, use: str) -> int:
    return int(path.removeprefix(f"{use}/until:").partition("/")[0])
