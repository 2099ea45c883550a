"""One logical call: its attempts, until the decision is to stop. The only module that imports tenacity.

tenacity's `retry` and `wait` read one and the same decision of `retrying.decide`; it adds no rule of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import tenacity

from httptask import redirects, results, retrying, waits
from httptask.budget import RetryBudget
from httptask.errors import CredentialError, Interrupted, TransportError
from httptask.events import AttemptFinished, CredentialUsed, Pacing, Verified
from httptask.message import Headers, Request, Response, Timeouts
from httptask.model import SAFE_METHODS, Connection, RetryPolicy, TaskTemplate
from httptask.origins import credential_allowed
from httptask.outcome import Answer, Attempt, Connected, Decision, Failure, FailureKind, Outcome, Phase, Status, Warn
from httptask.pacing import Pacer, bucket_of
from httptask.ports import NOTHING_DONE, AttemptRecord, Auth, Clock, Means, Observer, Recovery, Transport
from httptask.verifying import INCONCLUSIVE, Verdict, Verifier

UNKNOWN_HINT = "it may have been applied: look at the server's state before sending it again"


@dataclass(frozen=True, slots=True)
class World:
    """What all calls of a runner share."""

    transport: Transport
    clock: Clock
    tell: Observer
    pacer: Pacer
    budget: RetryBudget


@dataclass(frozen=True, slots=True)
class Job:
    """What one call is about: checked inputs, the request without its credential, and the rules it goes by.

    Attributes:
        once: send at most one attempt in this process; its record still says what the policy would do next.
        idempotent: sending twice equals sending once, by declaration, method or idempotency key.
        deadline: seconds from now after which the caller gives up, waits included.
        verify_before: take the verify task's answer before the first attempt.
        record: is asked before each attempt and told after it.
        recovery: what an earlier process left of this call.
        key_left: seconds for which an idempotency key is what makes a repetition safe.
        tried: failed attempts of earlier processes that count towards the bounds, and `spent` the seconds since they began.
        shown: method and URL, for observers.

    """

    template: TaskTemplate
    inputs: Mapping[str, Any]
    request: Request
    connection: Connection
    policy: RetryPolicy
    warnings: tuple[Warn, ...] = ()
    once: bool = False
    idempotent: bool = False
    deadline: float | None = None
    verify_before: bool = False
    record: AttemptRecord | None = None
    recovery: Recovery = NOTHING_DONE
    key_left: float | None = None
    tried: int = 0
    spent: float = 0.0
    shown: str = ""


@dataclass(frozen=True, slots=True)
class _Try:
    """One attempt with everything later stages read from it."""

    facts: retrying.Facts
    decision: retrying.Retry | retrying.Stop
    reading: results.Reading | None = None
    failure: Failure | None = None
    verdict: Verdict | None = None


@dataclass(slots=True)
class Call:
    """The state of one call: what was tried, and since when; `own`: the last answer came from the connection's own origin."""

    job: Job
    world: World
    verifier: Verifier | None = None
    attempts: list[Attempt] = field(default_factory=list)
    facts: list[retrying.Facts] = field(default_factory=list)
    began: float = 0.0
    in_flight: bool = False
    last: _Try | None = None
    refreshed: bool = field(init=False)
    own: bool = True
    before: Answer | None = None

    def __post_init__(self) -> None:
        """Go on from what an earlier process left."""
        self.refreshed = self.job.recovery.refreshed

    def run(self) -> Outcome:
        """Try until the decision is to stop.

        Raises:
            Interrupted: Ctrl-C; carries the outcome known so far.

        """
        loop = tenacity.Retrying(
            retry=tenacity.retry_if_result(self._goes_on),
            wait=self._wait,
            sleep=self.world.clock.sleep,
        )
        try:
            self.began = self.world.clock.monotonic() - self.job.spent
            self.facts += self._repeated()
            self._look_before()
            if self.job.recovery.wait:
                self.world.clock.sleep(self.job.recovery.wait)
            self.world.budget.earn(self.job.request.origin)
            return self._outcome(loop(self._try))
        except KeyboardInterrupt:
            raise Interrupted(self._interrupted()) from None

    def _goes_on(self, tried: _Try) -> bool:
        """Tell whether to send again; with `once`, judging what an earlier process lost is no attempt of this one."""
        only_judged = self.job.recovery.lost and len(self.attempts) == 1
        return isinstance(tried.decision, retrying.Retry) and (only_judged or not self.job.once)

    def _wait(self, state: tenacity.RetryCallState) -> float:
        """Return the seconds before the next attempt; with `once`, what was only judged has been waited for by who counts."""
        decision = state.outcome.result().decision if state.outcome else None
        return decision.delay if isinstance(decision, retrying.Retry) and not self.job.once else 0.0

    def _look_before(self) -> None:
        """Take the verify task's answer before the first attempt; after one, only the answer that was kept will do."""
        if self.job.recovery.is_open:
            self.before = self.job.recovery.before
            return
        if not self.job.verify_before or self.verifier is None:
            return
        self.before = self.verifier.before(self.job.template, self.job.inputs, self._left())
        if self.job.record is not None and self.before is not None:
            self.job.record.asked_before(self.before)

    def _repeated(self) -> list[retrying.Facts]:
        """Return what stands for attempts of earlier processes that may have been applied and are repeated all the same."""
        return [self._unanswered()] if self.job.recovery.repeating else []

    def _unanswered(self) -> retrying.Facts:
        error = FailureKind.INTERRUPTED.value
        return retrying.Facts(self.job.template.method, self.job.idempotent, "sentWithoutAnswer", error=error)

    def _recovered(self) -> _Try:
        """Judge the attempt that an earlier process did not see the end of, as one whose answer was lost."""
        facts = self._unanswered()
        failure = Failure(FailureKind.INTERRUPTED, "it was sent before, and its answer was never seen")
        tried = self._verified(_Try(facts, self._decide(facts), failure=failure))
        return self._record(tried, self.world.clock.now(), 0.0, {})

    def _try(self) -> _Try:
        if self.job.recovery.lost and not self.attempts:
            return self._recovered()
        clock = self.world.clock
        if self._left() <= 0:
            return self._record(self._too_late(), clock.now(), 0.0, {})
        waited, refused = self._pace()
        started_at, started = clock.now(), clock.monotonic()
        if refused is not None:
            return self._record(self._refused(refused), started_at, 0.0, {})
        try:
            request = self._authorized()
        except CredentialError as lacking:
            return self._record(self._without_credential(lacking), started_at, clock.monotonic() - started, {})
        self._announce()
        response, error = self._send(request)
        elapsed = clock.monotonic() - started
        template = self.job.template
        reading = results.read(template, self.job.inputs, response) if response else None
        failure = reading.failure if reading else results.transport_failure(error, self.job.request.url) if error else None
        facts = self._facts(response, reading, error)
        tried = self._verified(_Try(facts, self._decide(facts), reading, failure))
        auth = self.job.connection.auth
        if isinstance(tried.decision, retrying.Retry) and tried.decision.refresh and auth and response:
            auth.refresh(request, response)
            self.refreshed = True
        paced = {"pacing": round(waited * 1000, 3)} if waited else {}
        timings = {**paced, **(response.timings if response else {})}
        return self._record(tried, started_at, elapsed, timings, response.connection if response else None)

    def _record(
        self, tried: _Try, started_at: float, elapsed: float, timings: Mapping[str, float], connection: Connected | None = None
    ) -> _Try:
        attempt = Attempt(
            number=self._number(),
            phase=tried.facts.phase,
            started_at=started_at,
            elapsed=elapsed,
            status=tried.facts.status,
            error=tried.facts.error or (tried.failure.kind.value if tried.failure else None),
            timings=timings,
            decision=_recorded(tried.decision),
            connection=connection,
        )
        self.attempts.append(attempt)
        self.facts.append(tried.facts)
        self.last, self.in_flight = tried, False
        if self.job.record is not None:
            self.job.record.ended(attempt, is_open=retrying.may_be_applied(tried.facts))
        self.world.tell(AttemptFinished(self.job.template.id, attempt, self.job.shown))
        return tried

    def _pace(self) -> tuple[float, float | None]:
        """Wait for the rate limit; return how long that took, and the wait that does not fit, where nothing is sent."""
        bucket = self._bucket()
        pacer, clock = self.world.pacer, self.world.clock
        ticket, since = pacer.join(bucket), None
        try:
            while (seconds := pacer.wait(bucket, ticket, now := clock.monotonic())) > 0:
                if seconds > self.job.policy.server_wait_cap or seconds >= self._left():
                    return 0.0, seconds
                if since is None:
                    since = now
                    self.world.tell(Pacing(self.job.template.id, seconds))
                clock.sleep(seconds)
        finally:
            pacer.leave(bucket, ticket)
        # told of none where there was none: time that a busy machine takes is no wait for the server
        return (0.0 if since is None else now - since), None

    def _too_late(self) -> _Try:
        """Return the end of a call whose time was up before it sent anything more: finding out what was before took it."""
        facts = retrying.Facts(self.job.template.method, self.job.idempotent, "notSent", error=FailureKind.DEADLINE.value)
        stop = retrying.give_up(facts, self.facts, "no time is left", retryable=True, wait=None)
        return _Try(facts, stop, failure=Failure(FailureKind.DEADLINE, "no time was left to send it"))

    def _refused(self, seconds: float) -> _Try:
        facts = retrying.Facts(self.job.template.method, self.job.idempotent, "notSent", error=FailureKind.RATE_LIMITED.value)
        stop = retrying.refuse(self.job.policy, facts, self.facts, wait=seconds, left=self._left())
        message = f"the rate limit leaves no room: {stop.reason}"
        return _Try(
            facts, stop, failure=Failure(FailureKind.RATE_LIMITED, message, "nothing was sent; try again after that time")
        )

    def _authorized(self) -> Request:
        """Return the request with its credential, which may take a request of its own and has the time that is left."""
        auth = self.job.connection.auth
        if auth is None:
            return self.job.request
        try:
            request = auth.apply(self.job.request, self._means(auth))
            self.world.tell(CredentialUsed(self.job.template.id, auth.secrets))
        except BaseException:
            self.world.pacer.unsent(self._bucket())
            raise
        return request

    def _means(self, auth: Auth) -> Means:
        scopes = self.job.template.scopes_for(auth.scheme)
        return Means(scopes, self.world.transport, self.world.clock, self._timeouts())

    def _without_credential(self, lacking: CredentialError) -> _Try:
        facts = retrying.Facts(self.job.template.method, self.job.idempotent, "notSent", error=FailureKind.CREDENTIAL.value)
        reason = "credential: there is none, so nothing was sent"
        stop = retrying.give_up(facts, self.facts, reason, retryable=lacking.retryable, wait=lacking.retry_after)
        failure = Failure(FailureKind.CREDENTIAL, lacking.message, lacking.hint, code=lacking.code)
        return _Try(facts, stop, failure=failure)

    def _announce(self) -> None:
        """Have it written down that the request is about to leave; without that it stays here."""
        if self.job.record is None:
            return
        try:
            self.job.record.sending(self._number(), self.job.request)
        except BaseException:
            self.world.pacer.unsent(self._bucket())
            raise

    def _number(self) -> int:
        """Return the number of the attempt at hand over every process that worked on this call; a lost one is judged first."""
        recovery = self.job.recovery
        return recovery.attempts + len(self.attempts) + (not recovery.lost)

    def _timeouts(self) -> Timeouts:
        return _within(self.job.policy.timeouts, max(self._left(), 0.001))

    def _send(self, request: Request) -> tuple[Response | None, TransportError | None]:
        response, error = None, None
        sent = self.world.clock.monotonic()
        self.in_flight = True
        try:
            response = self._followed(self._exchanged(self.job.request, request))
        except TransportError as lost:
            error = lost
        finally:
            if error is not None and error.phase == "notSent":
                self.world.pacer.unsent(self._bucket())
            else:
                self._answered(response, sent)
        return response, error

    def _exchanged(self, plain: Request, sent: Request) -> Response:
        """Return the answer to a request with its credential; a demand for other terms alone is met at once, once."""
        response, auth = self.world.transport.send(sent, self._timeouts()), self.job.connection.auth
        if auth is None or not auth.challenged(sent, response):
            return response
        try:
            again = auth.apply(plain, self._means(auth))
        except CredentialError:
            return response
        self.world.tell(CredentialUsed(self.job.template.id, auth.secrets))
        response = self.world.transport.send(again, self._timeouts())
        auth.challenged(again, response)
        return response

    def _followed(self, response: Response) -> Response:
        """Return the answer at the end of the redirects that the template lets be followed, in the time of one attempt."""
        job, request = self.job, self.job.request
        self.own = True
        rules = redirects.Rules(job.connection, job.template.provider.origin_aliases, job.idempotent)
        for _ in range(redirects.MAX_HOPS if job.template.follow_redirects else 0):
            following = redirects.following(request, response, rules)
            if following is None:
                break
            request, auth = following, job.connection.auth
            self.own = credential_allowed(job.connection.base_url, request.url)
            if auth is None or not self.own:
                response = self.world.transport.send(request, self._timeouts())
                continue
            try:
                sent = auth.apply(request, self._means(auth))
            except CredentialError:
                break
            response = self._exchanged(request, sent)
        return response

    def _answered(self, response: Response | None, sent: float) -> None:
        limits = self.job.template.provider.rate_limit
        counters = None
        if response is not None and self.own and not waits.is_concurrency_limit(response.headers, response.status, limits):
            counters = waits.rate_counters(response.headers, limits)
        self.world.pacer.answered(self._bucket(), counters, sent=sent, now=self.world.clock.monotonic())

    def _bucket(self) -> str:
        return bucket_of(self.job.template, self.job.request.origin)

    def _deadline(self, *more: retrying.Facts) -> float | None:
        """Return the caller's deadline, counted as `began` is; once one may have been applied, none may outlive the key."""
        is_open = any(map(retrying.may_be_applied, (*self.facts, *more)))
        limits = (self.job.deadline, self.job.key_left if is_open else None)
        return min((self.job.spent + limit for limit in limits if limit is not None), default=None)

    def _limit(self) -> float:
        deadline = self._deadline()
        return self.job.policy.max_elapsed if deadline is None else min(deadline, self.job.policy.max_elapsed)

    def _left(self) -> float:
        return self._limit() - (self.world.clock.monotonic() - self.began)

    def _facts(self, response: Response | None, reading: results.Reading | None, error: TransportError | None) -> retrying.Facts:
        phase: Phase = error.phase if error else "answered"
        auth = self.job.connection.auth
        return retrying.Facts(
            method=self.job.template.method,
            idempotent=self.job.idempotent,
            phase=phase,
            status=response.status if response else None,
            error=error.code if error else None,
            headers=response.headers if response else Headers(),
            success=reading.success if reading else False,
            readable=reading.readable if reading else True,
            truncated=response is not None and response.incomplete in {"truncated", "timedOut"},
            rate_limit=self.job.template.provider.rate_limit,
            condition=reading is not None and results.retry_condition(self.job.policy.condition, self.job.inputs, reading),
            refreshable=auth is not None and auth.refreshable and self.own and not self.refreshed,
        )

    def _decide(self, facts: retrying.Facts, policy: RetryPolicy | None = None) -> retrying.Retry | retrying.Stop:
        with self.world.budget.opened(self.job.request.origin) as purse:
            decision = retrying.decide(
                policy or self.job.policy,
                facts,
                self.facts,
                elapsed=self.world.clock.monotonic() - self.began,
                deadline=self._deadline(facts),
                budget_left=purse.left,
                jitter=self.world.clock.random(),
                before=self.job.tried - self.job.recovery.repeating,  # which stands among the facts
            )
            if isinstance(decision, retrying.Retry) and decision.costs and not self.job.once:
                purse.spend()
        return decision

    def _verified(self, tried: _Try) -> _Try:
        """Ask whether it was applied, where that is unknown and the template says how; a `notApplied` must hold twice."""
        unknown = isinstance(tried.decision, retrying.Stop) and tried.decision.status == "unknown"
        if not unknown or self.verifier is None or self.job.template.verify is None:
            return tried
        verdict = self._ask()
        if verdict.finding == "notApplied":
            settle = self.job.policy.read_timeout
            if settle < self._left():
                self.world.clock.sleep(settle)
                verdict = self._ask()
            else:
                verdict = INCONCLUSIVE
        self.world.tell(Verified(self.job.template.id, verdict.finding))
        if verdict.finding == "inconclusive":
            return replace(tried, verdict=verdict)
        facts = replace(tried.facts, verified=verdict.finding)
        return replace(tried, facts=facts, decision=self._decide(facts), verdict=verdict)

    def _ask(self) -> Verdict:
        if self.verifier is None:
            return INCONCLUSIVE
        return self.verifier.ask(self.job.template, self.job.inputs, before=self.before, left=self._left())

    def _outcome(self, last: _Try) -> Outcome:
        stop = self._stop(last)
        succeeded = stop.status == "succeeded"
        applied = last.verdict is not None and last.verdict.finding == "applied"
        outputs = last.verdict.outputs if applied and last.verdict else last.reading.outputs if last.reading else {}
        return Outcome(
            task=self.job.template.id,
            status=stop.status,
            response=last.reading.answer if last.reading else None,
            outputs=outputs if succeeded else {},
            warnings=self.job.warnings + self._settled(last, stop) + (last.reading.warnings if last.reading else ()),
            attempts=tuple(self.attempts),
            failure=None if succeeded else self._failure(last, stop),
        )

    def _stop(self, last: _Try) -> retrying.Stop:
        """Return the verdict; with `once` the one that stands if nobody tries again, with the wait for whoever does."""
        if isinstance(last.decision, retrying.Stop):
            return last.decision
        self.facts.pop()
        stopped = self._decide(last.facts, replace(self.job.policy, max_attempts=1))
        self.facts.append(last.facts)
        status = stopped.status if isinstance(stopped, retrying.Stop) else "failed"
        return retrying.Stop(status, last.decision.reason, last.decision.delay, retryable=True)

    def _settled(self, last: _Try, stop: retrying.Stop) -> tuple[Warn, ...]:
        if stop.status != "succeeded" or last.facts.success:
            return ()
        if last.verdict is not None:
            return (Warn("verified", "outputs", "the answer was lost; the verify task found it applied"),)
        message = f"status {last.facts.status} after an unanswered attempt: it is gone, as asked"
        return (Warn("settledByAbsence", "response.status", message),)

    def _failure(self, last: _Try, stop: retrying.Stop) -> Failure:
        failure = last.failure or Failure(FailureKind.UNEXPECTED_STATUS, stop.reason)
        hint = failure.hint
        if stop.status == "unknown":
            hint = f"{self.job.template.method} was sent and {UNKNOWN_HINT}" + (f". {hint}" if hint else "")
        return replace(failure, hint=hint, retryable=stop.retryable and stop.status != "unknown", retry_after=stop.retry_after)

    def _interrupted(self) -> Outcome:
        """Judge a call cut off by Ctrl-C.

        What was decided stands. An unsafe request that left us and was not judged yet, or one that was never answered before,
        is unknown.
        """
        if self.last is not None and not self.in_flight and isinstance(self.last.decision, retrying.Stop):
            return self._outcome(self.last)
        method = self.job.template.method
        repeatable_read = method in SAFE_METHODS and self.job.idempotent
        unjudged = self.in_flight or (self.job.recovery.lost and not self.attempts)
        pending = (unjudged and not repeatable_read) or any(map(retrying.may_be_applied, self.facts))
        status: Status = "unknown" if pending else "failed"
        hint = f"{method} may have been sent and {UNKNOWN_HINT}" if pending else ""
        failure = Failure(FailureKind.INTERRUPTED, "interrupted", hint)
        return Outcome(self.job.template.id, status, attempts=tuple(self.attempts), failure=failure)


def _within(timeouts: Timeouts, total: float) -> Timeouts:
    return Timeouts(min(timeouts.connect, total), min(timeouts.read, total), total)


def _recorded(decision: retrying.Retry | retrying.Stop) -> Decision:
    if isinstance(decision, retrying.Retry):
        return Decision("retry", decision.delay, decision.reason)
    return Decision("stop", 0.0, decision.reason)
