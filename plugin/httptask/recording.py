"""What a run writes into its journal, and what a resumed run reads from it.

Everything is said about a path, such as `create[3]/until:2/attempt:1`. Before an attempt leaves, its intention is durable; what
came of it is written with the result of its step, or at once where a wait follows: two commits for an attempt.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from httptask import masking, withholding
from httptask.errors import JournalError, Problem, RequestChanged
from httptask.halting import GRACE, Halt
from httptask.message import Request
from httptask.model import IdempotencyKey
from httptask.outcome import Answer, Attempt, Failure, FailureKind, Outcome, Status
from httptask.ports import NOTHING_DONE, Clock, Entry, Recovery, RunJournal
from httptask.retrying import UNAUTHORIZED
from httptask.runs import StepStatus
from httptask.secrets import Redactor, Secret

#: Kinds of entries. `list`: the items of a forEach; `if`: a condition's value; `begin`: when a step with a timeout began.
LIST, IF, BEGIN = "list", "if", "begin"
#: `intent` and `conclusion` of an attempt, `before`: the verify task's answer from before the first one.
INTENT, CONCLUSION, BEFORE = "intent", "conclusion", "before"
#: `result` of a step or item, `page` of a list and how often it was begun `again`, `wait`: when it is over, `state` of the run.
RESULT, PAGE, AGAIN, WAIT, STATE = "result", "page", "again", "wait", "state"
#: The run's `inputs`, with the references of secret ones.
INPUTS = "inputs"
#: What a person said: `approval` of a gate, what was `assumed` of an unknown outcome.
#: `reached`: the run waits at this gate.
APPROVAL, ASSUMED, REACHED = "approval", "assumed", "reached"
#: Failures that come again when a run goes on.
LASTING = frozenset({FailureKind.EXPRESSION, FailureKind.CONDITION, FailureKind.INPUT, FailureKind.REJECTED})
#: Seconds by which two readings of the wall clock may differ without a key counting as forgotten.
_SKEW = 60.0
#: Seconds for a thread that is only waiting to notice that a stop was asked for.
_NOTICE = 0.5


@dataclass(slots=True)
class RunRecorder:
    """The journal as one run uses it.

    Attributes:
        shown: the redactor of what is shown, which learns as it goes; what answers call secret is added to it.
        resumed: an earlier execution may have left something.
        ran_before: seconds of running time of earlier executions.
        given: what a person gives again for withheld values, by name, as in `steps.login.outputs.token`.
        lost: set when an outcome could not be written: the run cannot say that it succeeded.

    """

    journal: RunJournal
    clock: Clock
    shown: Callable[[], Redactor] = Redactor
    halt: Halt = field(default_factory=Halt)
    resumed: bool = False
    ran_before: float = 0.0
    given: Mapping[str, Any] = field(default_factory=dict)
    lost: JournalError | None = None
    _began: float = field(init=False)
    _learned: dict[Secret, None] = field(default_factory=dict)
    _knowing: tuple[Redactor, int, Redactor] | None = None

    def __post_init__(self) -> None:
        """Begin to count running time."""
        self._began = self.clock.monotonic()

    def ran(self) -> float:
        """Return the run's seconds of running time so far; while no process works on it, none pass."""
        return self.ran_before + self.clock.monotonic() - self._began

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Take what an answer calls secret: copies of it are withheld too."""
        self._learned.update(dict.fromkeys(secrets))

    @property
    def learned(self) -> tuple[Secret, ...]:
        """What answers and inputs called secret so far."""
        return tuple(self._learned)

    def redactor(self) -> Redactor:
        """Return what knows every secret met so far."""
        shown, count = self.shown(), len(self._learned)
        if self._knowing is None or self._knowing[0] is not shown or self._knowing[1] != count:
            self._knowing = (shown, count, shown.extended(tuple(self._learned)))
        return self._knowing[2]

    def note(self, path: str, kind: str, data: Mapping[str, Any]) -> None:
        """Write an entry with the next commit.

        Raises:
            JournalError: the journal cannot be written any more.

        """
        self.journal.append(self.entry(path, kind, data))

    def keep(self, path: str, kind: str, data: Mapping[str, Any], call: CallRecord | None = None) -> None:
        """Write an entry and return once it is durable, in one transaction with how the last attempt of a call ended.

        Raises:
            JournalError: as above.

        """
        self.journal.commit(*(call.conclusions if call else ()), self.entry(path, kind, data))
        if call is not None:
            call.conclusions.clear()

    def keep_result(self, path: str, kind: str, data: Mapping[str, Any], call: CallRecord | None = None) -> None:
        """Keep what has happened already: a failure to do so is remembered and stops the run, not the telling of it."""
        try:
            self.keep(path, kind, data, call)
        except JournalError as error:
            self.lost = self.lost or error

    def known(self, path: str, kind: str) -> Entry | None:
        """Return what an earlier execution, or a person since, said of a path."""
        return self.journal.last(path, kind) if self.resumed else None

    def kept(self, value: Any) -> dict[str, Any]:
        """Return a value as the journal may keep it."""
        return withholding.kept(value, self.redactor())

    def restored(self, data: Mapping[str, Any], name: str) -> Any:
        """Return a kept value again; reading what was withheld and not given again raises WithheldValue."""
        return withholding.restored(data, name, self.given)

    def begun(self, path: str) -> float:
        """Return the running time at which a path with a timeout was begun, and note it; after a failure it is begun anew."""
        known, ended = self.known(path, BEGIN), self.known(path, RESULT)
        failed = ended is not None and ended.data["status"] == "failed"
        if known is not None and not (failed and ended is not None and ended.ran >= known.ran):
            return known.ran
        entry = self.entry(path, BEGIN, {})
        self.journal.append(entry)
        return entry.ran

    def remaining_wait(self, path: str, seconds: float) -> float:
        """Return what is left of a wait, and note when it is over; downtime counts, and no clock can prolong it."""
        known = self.known(path, WAIT)
        if known is not None:
            return min(max(0.0, float(known.data["due"]) - self.clock.now()), seconds)
        self.note_wait(path, seconds)
        return seconds

    def note_wait(self, path: str, seconds: float, call: CallRecord | None = None) -> None:
        """Keep the moment at which a wait that begins now is over."""
        self.keep(path, WAIT, {"due": self.clock.now() + seconds, "seconds": seconds}, call)

    def is_open(self, path: str) -> bool:
        """Tell whether a request of a step, or of what is below it, may have been applied though nobody knows."""
        return any(True for below in (f"{path}/", f"{path}[") for _ in self._open_calls(below))

    def open_uses(self, prefix: str) -> list[str]:
        """Return the steps and items below a prefix of which something may have been applied though nobody knows."""
        if not self.resumed:
            return []
        return list(dict.fromkeys(call.partition("/until:")[0] for call in self._open_calls(prefix)))

    def _open_calls(self, prefix: str) -> Iterator[str]:
        """Return the calls below a prefix that were lost on the way and whose step has no end that was found later."""
        intents = (entry for entry in self.journal.below(prefix, INTENT) if not entry.data["safe"])
        calls = dict.fromkeys(entry.path.rpartition("/")[0] for entry in intents)
        return (call for call in calls if self.call(call, safe=False).is_lost() and not self._is_settled(call))

    def _is_settled(self, call: str) -> bool:
        """Tell whether the step of a call has an end that was found later."""
        result = self.journal.last(call.partition("/until:")[0], RESULT)
        return result is not None and result.data["status"] == "succeeded"

    def call(self, path: str, *, safe: bool) -> CallRecord:
        """Return the record of one logical call."""
        return CallRecord(self, path, safe)

    def entry(self, path: str, kind: str, data: Mapping[str, Any]) -> Entry:
        """Return an entry of this moment."""
        return Entry(path, kind, data, self.clock.now(), self.ran())


@dataclass(slots=True)
class CallRecord:
    """The attempts of one logical call: the port `AttemptRecord`. Once given up, nothing more is written or sent for it.

    `conclusions` is how the last attempt ended, for whoever writes the result: without the result it must not be found, or a
    resumed run would take what succeeded for something that is to be done again.
    """

    run: RunRecorder
    path: str
    safe: bool
    attempts: list[Attempt] = field(default_factory=list)
    conclusions: list[Entry] = field(default_factory=list)
    in_flight: bool = False
    is_open: bool = False
    _given_up: bool = False
    _key_header: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def recovery(self, key: IdempotencyKey | None) -> Recovery:
        """Return what an earlier execution left of this call."""
        self._key_header = key.header if key is not None else ""
        if not self.run.resumed:
            return NOTHING_DONE
        intents, ends = self._entries(INTENT), self._entries(CONCLUSION)
        if not intents and not ends:
            return NOTHING_DONE
        self.is_open = self.is_lost()
        last, now = max((*intents, *ends)), self.run.clock.now()
        age = now - min((entry.at for entry in intents.values()), default=now)
        expired = key is not None and not -_SKEW <= age < key.valid_for
        lost = self.is_open and (expired or not _is_repeated(ends, last))
        return Recovery(
            attempts=last,
            lost=lost,
            repeating=self.is_open and not lost,
            wait=0.0 if lost else _wait_left(ends, last, now),
            before=self._before(),
            key_expired=expired,
            key_age=max(0.0, age),
            refreshed=any(_is_repeated(ends, number) and end.data["status"] == UNAUTHORIZED for number, end in ends.items()),
        )

    def is_lost(self) -> bool:
        """Tell whether an attempt that was written down may have been applied, and nobody knows or has said."""
        assumed = self.run.journal.last(self.path, ASSUMED)
        settled = assumed.data["attempts"] if assumed and not assumed.data.get("done", False) else 0
        ends = self._entries(CONCLUSION)
        unsettled = [number for number in self._entries(INTENT) if number > settled]
        return not self.safe and any(number not in ends or ends[number].data["open"] for number in unsettled)

    @property
    def is_pending(self) -> bool:
        """Whether something may have been applied that is not written down as a result."""
        return not self.safe and (self.in_flight or self.is_open or bool(self.conclusions))

    def prepared(self, request: Request) -> None:
        """Compare the request with the one that may have been applied.

        Raises:
            RequestChanged: it is another one.

        """
        if not self.is_open:
            return
        last = max(self.run.journal.below(f"{self.path}/attempt:", INTENT), key=lambda entry: entry.data["number"])
        if last.data["digest"] not in {None, digest(request)}:  # None: nobody could write it down
            message = "its request would not be the one that was sent before and may have been applied"
            raise RequestChanged(Problem(self.path, message, "an input, or a value behind a reference, has changed since"))

    def sending(self, number: int, request: Request) -> None:
        """Write down that an attempt is about to leave.

        Raises:
            JournalError: it cannot be written.
            KeyboardInterrupt: a stop was asked for.

        """
        with self._lock:
            if self._given_up or self.run.halt.asked:
                raise KeyboardInterrupt
            self.run.keep(f"{self.path}/attempt:{number}", INTENT, self._intent(number, request))
            self.in_flight = True

    def asked_before(self, answer: Answer) -> None:
        """Keep the verify task's answer from before the first attempt."""
        self.run.note(self.path, BEFORE, self.run.kept(answer.to_json()))

    def ended(self, attempt: Attempt, *, is_open: bool) -> None:
        """Write down what came of an attempt: at once where another one follows, else with the result."""
        with self._lock:
            if self._given_up:
                return
            self.in_flight, self.is_open = False, self.is_open or is_open
            self.attempts.append(attempt)
            data = {"number": attempt.number, "phase": attempt.phase, "status": attempt.status, "error": attempt.error}
            decision = attempt.decision.to_json() if attempt.decision else None
            entry = self.run.entry(
                f"{self.path}/attempt:{attempt.number}", CONCLUSION, {**data, "open": is_open, "decision": decision}
            )
            if attempt.decision is None or attempt.decision.action != "retry":
                self.conclusions.append(entry)
                return
            try:
                self.run.journal.commit(entry)
            except JournalError as error:
                self.run.lost = self.run.lost or error

    def patience(self) -> float:
        """Return the seconds that the call deserves once a stop was asked for: a request that changes something gets some."""
        return GRACE if self.in_flight and not self.safe else _NOTICE

    def given_up(self, task: str) -> Outcome:
        """Return what is known of the call; from now on it is not written and nothing is sent for it."""
        with self._lock:
            self._given_up = True
            pending = self.is_pending
            self.conclusions.clear()
        status: Status = "unknown" if pending else "failed"
        hint = "it may have been applied: look at the server's state before sending it again" if pending else ""
        return Outcome(task, status, attempts=tuple(self.attempts), failure=Failure(FailureKind.INTERRUPTED, "interrupted", hint))

    def _intent(self, number: int, request: Request) -> dict[str, Any]:
        key = request.headers.get(self._key_header) if self._key_header else None
        return {"number": number, "digest": digest(request), "safe": self.safe, **({"key": key} if key else {})}

    def _entries(self, kind: str) -> dict[int, Entry]:
        return {entry.data["number"]: entry for entry in self.run.journal.below(f"{self.path}/attempt:", kind)}

    def _before(self) -> Answer | None:
        known = self.run.known(self.path, BEFORE)
        if known is None or known.data.get("withheld"):
            return None
        value = known.data["value"]
        headers = tuple((name, text) for name, text in value["headers"])
        return Answer(value["status"], headers, value["body"], value["bodyKind"], value["truncated"])


def digest(request: Request) -> str:
    """Return what tells two requests apart: method, target, headers and body, without credential and version of this program."""
    headers = [
        [name.lower(), value] for name, value in request.headers if isinstance(value, str) and name.lower() != "user-agent"
    ]
    head = json.dumps([request.method, request.url, headers], ensure_ascii=False).encode()
    return hashlib.sha256(head + b"\n" + (request.body or b"")).hexdigest()


def result_data(recorder: RunRecorder, status: StepStatus, failure: Failure | None, **values: Any) -> dict[str, Any]:
    """Return the data of a `result`: what is None is left out, values are kept as they may be, the failure masked."""
    shown = masking.failure(failure, recorder.redactor())
    kept = {name: recorder.kept(value) for name, value in values.items() if value is not None}
    return {"status": status, **({"failure": shown.to_json()} if shown else {}), **kept}


def is_lasting(result: Entry) -> bool:
    """Tell whether a result is a failure that would come again: a run goes on with the files and answers that it has."""
    failure = result.data.get("failure")
    return failure is not None and FailureKind(failure["kind"]) in LASTING


def _is_repeated(ends: Mapping[int, Entry], number: int) -> bool:
    """Tell whether an attempt was seen to end, and it was decided to send again."""
    decision = ends[number].data["decision"] if number in ends else None
    return decision is not None and decision["action"] == "retry"


def _wait_left(ends: Mapping[int, Entry], last: int, now: float) -> float:
    """Return the rest of the wait that was decided after the last attempt: never longer than it was, whatever the clock did."""
    if not _is_repeated(ends, last):
        return 0.0
    seconds: float = ends[last].data["decision"]["waitMs"] / 1000
    return min(max(0.0, ends[last].at + seconds - now), seconds)
