"""Runs one task: check, render, authenticate, send, decide, read. The only module that imports tenacity.

tenacity's `retry` and `wait` read one and the same decision of `retrying.decide`; it adds no rule of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tenacity

from httptask import inputs as task_inputs
from httptask import render, results, retrying
from httptask.errors import Interrupted, TransportError
from httptask.events import AttemptFinished, Event, TaskFinished, TaskStarted
from httptask.message import Headers, Request, Response, Timeouts
from httptask.model import SAFE_METHODS, Connection, RetryPolicy, TaskTemplate
from httptask.outcome import Attempt, Decision, Failure, FailureKind, Outcome, Phase, Status, Warn
from httptask.ports import Clock, Observer, Transport

UNKNOWN_HINT = "it may have been applied: look at the server's state before sending it again"


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may say beside inputs and connection.

    Attributes:
        headers: extra headers of this call or workflow step.
        retry: retry fields that win over the template's and provider's (the files' camelCase names).
        once: send at most one attempt; its record still says what the policy would do next.
        allow_unknown_enum: a value outside an enumeration is a warning, not an error.
        deadline: seconds after which the caller gives up, waits included; None leaves it to the policy.

    """

    headers: Mapping[str, str] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    allow_unknown_enum: bool = False
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request ready to be sent, credential included, and the warnings met on the way."""

    request: Request
    warnings: tuple[Warn, ...]


class Runner:
    """Runs tasks over one transport. Holds no state between calls; safe to share between threads."""

    def __init__(self, transport: Transport, clock: Clock, observer: Observer | None = None) -> None:
        """Wire the runner to the world."""
        self._transport = transport
        self._clock = clock
        self._observer = observer

    def prepare(
        self, template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, options: Options | None = None
    ) -> Prepared:
        """Check the inputs and render the request without sending it.

        Raises:
            UsageError: inputs or header values are wrong; every problem at once.

        """
        options = options or Options()
        warnings = task_inputs.check(template, inputs, allow_unknown_enum=options.allow_unknown_enum)
        request = render.build(template, inputs, connection, options.headers)
        return Prepared(connection.auth.apply(request) if connection.auth else request, warnings)

    def run(
        self, template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, options: Options | None = None
    ) -> Outcome:
        """Run a task to its outcome.

        Raises:
            UsageError: nothing was sent.
            Interrupted: Ctrl-C; carries the outcome known so far.

        """
        options = options or Options()
        prepared = self.prepare(template, inputs, connection, options)
        self._tell(TaskStarted(template.id, prepared.request.method, prepared.request.url))
        policy = RetryPolicy().override(template.provider.retry, template.retry, connection.retry, options.retry)
        call = _Call(template, inputs, prepared, policy, options, self._transport, self._clock, self._tell)
        outcome = call.run()
        self._tell(TaskFinished(outcome))
        return outcome

    def _tell(self, event: Event) -> None:
        if self._observer:
            self._observer(event)


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt with everything later stages read from it."""

    facts: retrying.Facts
    decision: retrying.Retry | retrying.Stop
    reading: results.Reading | None
    failure: Failure | None


@dataclass(slots=True)
class _Call:
    """The state of one run: what was tried, and since when."""

    template: TaskTemplate
    inputs: Mapping[str, Any]
    prepared: Prepared
    policy: RetryPolicy
    options: Options
    transport: Transport
    clock: Clock
    tell: Observer
    attempts: list[Attempt] = field(default_factory=list)
    facts: list[retrying.Facts] = field(default_factory=list)
    began: float = 0.0
    in_flight: bool = False

    def run(self) -> Outcome:
        """Try until the decision is to stop."""
        self.began = self.clock.monotonic()
        loop = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda tried: isinstance(tried.decision, retrying.Retry) and not self.options.once),
            wait=lambda state: state.outcome.result().decision.delay if state.outcome else 0,
            sleep=self.clock.sleep,
        )
        try:
            return self._outcome(loop(self._try))
        except KeyboardInterrupt:
            raise Interrupted(self._interrupted()) from None

    def _try(self) -> _Try:
        started, since = self.clock.now(), self.clock.monotonic()
        response, error = self._send(since - self.began)
        elapsed = self.clock.monotonic() - since
        reading = results.read(self.template, self.inputs, response) if response else None
        failure = reading.failure if reading else results.transport_failure(error) if error else None
        facts = self._facts(response, reading, error)
        decision = self._decide(facts, self.policy)
        attempt = Attempt(
            number=len(self.attempts) + 1,
            phase=facts.phase,
            started_at=started,
            elapsed=elapsed,
            status=facts.status,
            error=facts.error or (failure.kind.value if failure else None),
            timings=response.timings if response else {},
            decision=_record(decision),
        )
        self.attempts.append(attempt)
        self.facts.append(facts)
        self.tell(AttemptFinished(self.template.id, attempt))
        return _Try(facts, decision, reading, failure)

    def _send(self, elapsed: float) -> tuple[Response | None, TransportError | None]:
        timeouts = replace(self.policy.timeouts, total=max(self._limit() - elapsed, 0.001))
        self.in_flight = True
        try:
            response, error = self.transport.send(self.prepared.request, _within(timeouts)), None
        except TransportError as lost:
            response, error = None, lost
        self.in_flight = False
        return response, error

    def _limit(self) -> float:
        deadline = self.options.deadline
        return self.policy.max_elapsed if deadline is None else min(deadline, self.policy.max_elapsed)

    def _facts(self, response: Response | None, reading: results.Reading | None, error: TransportError | None) -> retrying.Facts:
        phase: Phase = error.phase if error else "answered"
        return retrying.Facts(
            method=self.template.method,
            idempotent=self.template.is_idempotent,
            phase=phase,
            status=response.status if response else None,
            error=error.code if error else None,
            headers=response.headers if response else Headers(),
            success=reading.success if reading else False,
            readable=reading.readable if reading else True,
            truncated=response is not None and response.incomplete in {"truncated", "timedOut"},
            rate_limit=self.template.provider.rate_limit,
        )

    def _decide(self, facts: retrying.Facts, policy: RetryPolicy) -> retrying.Retry | retrying.Stop:
        return retrying.decide(
            policy,
            facts,
            self.facts,
            elapsed=self.clock.monotonic() - self.began,
            deadline=self.options.deadline,
            budget_left=float("inf"),
            jitter=self.clock.random(),
        )

    def _outcome(self, last: _Try) -> Outcome:
        stop = self._stop(last)
        succeeded = stop.status == "succeeded"
        return Outcome(
            task=self.template.id,
            status=stop.status,
            response=last.reading.answer if last.reading else None,
            outputs=last.reading.outputs if last.reading and succeeded else {},
            warnings=self.prepared.warnings + self._settled(last, stop) + (last.reading.warnings if last.reading else ()),
            attempts=tuple(self.attempts),
            failure=None if succeeded else self._failure(last, stop),
        )

    def _stop(self, last: _Try) -> retrying.Stop:
        if isinstance(last.decision, retrying.Stop):
            return last.decision
        self.facts.pop()
        stopped = self._decide(last.facts, replace(self.policy, max_attempts=1))
        self.facts.append(last.facts)
        return stopped if isinstance(stopped, retrying.Stop) else retrying.Stop("failed", last.decision.reason)

    def _settled(self, last: _Try, stop: retrying.Stop) -> tuple[Warn, ...]:
        if stop.status != "succeeded" or last.facts.success:
            return ()
        return (
            Warn(
                "settledByAbsence",
                "response.status",
                f"status {last.facts.status} after an unanswered attempt: it is gone, as asked",
            ),
        )

    def _failure(self, last: _Try, stop: retrying.Stop) -> Failure:
        failure = last.failure or Failure(FailureKind.UNEXPECTED_STATUS, stop.reason)
        hint = failure.hint
        if stop.status == "unknown":
            hint = f"{self.template.method} was sent and {UNKNOWN_HINT}" + (f". {hint}" if hint else "")
        return replace(failure, hint=hint, retryable=stop.retryable and stop.status != "unknown", retry_after=stop.retry_after)

    def _interrupted(self) -> Outcome:
        """Judge a run cut off by Ctrl-C: an unsafe request in flight, or one that was never answered before, is unknown."""
        in_flight = self.in_flight and self.template.method not in SAFE_METHODS
        pending = in_flight or any(map(retrying.may_be_applied, self.facts))
        status: Status = "unknown" if pending else "failed"
        hint = f"{self.template.method} may have been sent and {UNKNOWN_HINT}" if pending else ""
        failure = Failure(FailureKind.INTERRUPTED, "interrupted", hint)
        return Outcome(self.template.id, status, attempts=tuple(self.attempts), failure=failure)


def _within(timeouts: Timeouts) -> Timeouts:
    total = timeouts.total if timeouts.total is not None else float("inf")
    return replace(timeouts, connect=min(timeouts.connect, total), read=min(timeouts.read, total))


def _record(decision: retrying.Retry | retrying.Stop) -> Decision:
    if isinstance(decision, retrying.Retry):
        return Decision("retry", decision.delay, decision.reason)
    return Decision("stop", 0.0, decision.reason)
