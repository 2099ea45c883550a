"""May this request be sent again, and when? One pure function decides; the runner, tests and engines obey it.

Sources: RFC 9110 section 9.2.2 (idempotent methods); the exponential backoff with full jitter of the AWS architecture blog; the
retry budget of the SRE book, chapter 21. `docs/retries.md` shows the rules as tables that a test derives from this module.

A request is repeated only where repeating cannot do twice what was asked once: nothing was sent, the server refused it before
acting, or the task is idempotent. Where it may have been applied and cannot be repeated, the verdict is `unknown`: neither
success nor failure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from httptask.message import Headers
from httptask.model import SAFE_METHODS, RateLimitSpec, RetryPolicy
from httptask.outcome import Phase, Status
from httptask.waits import Wait, server_wait, shown

#: Transport errors that the same request would meet again.
NEVER_REPEATED = frozenset({"tlsCertificate", "egressRefused", "invalidUrl"})
#: Answers below 500 after which a repetition may succeed (RFC 9110 section 15, RFC 6585 section 4, RFC 8470 section 5.2).
REPEATABLE_STATUSES = frozenset({408, 425, 429})
#: Server errors that would come again. Every other one, registered or not, counts as 500 (RFC 9110 section 15).
LASTING_SERVER_ERRORS = frozenset({501, 505, 506, 508, 510, 511})
#: Answers that say the request was refused before it was acted on.
NOT_APPLIED_STATUSES = frozenset({425, 429})
UNAUTHORIZED = 401
SERVICE_UNAVAILABLE = 503
_GONE = frozenset({404, 410})
_ANSWERED_2XX = range(200, 300)
_SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one attempt.

    Attributes:
        idempotent: declared by the template or step, given by an idempotency key, or by method.
        error: a transport code, when there was no answer.
        success: the answer is what the template calls success.
        readable: False when a body came that cannot be used; `truncated` when it was cut off.
        condition: the policy's own condition on the answer holds: its author vouches that a repetition is right.
        refreshable: the credential can be renewed and was not renewed in this call.
        verified: what a verify task found out after this attempt.

    """

    method: str
    idempotent: bool
    phase: Phase
    status: int | None = None
    error: str | None = None
    headers: Headers = field(default_factory=Headers)
    success: bool = False
    readable: bool = True
    truncated: bool = False
    rate_limit: RateLimitSpec | None = None
    condition: bool = False
    refreshable: bool = False
    verified: Literal["applied", "notApplied"] | None = None

    @property
    def safe(self) -> bool:
        """Whether asking changes nothing, so that the outcome can never be unknown; a declared exception counts."""
        return self.method in SAFE_METHODS and self.idempotent


@dataclass(frozen=True, slots=True)
class Retry:
    """Send it again after `delay` seconds; with `refresh` after renewing the credential. `costs` is taken from the budget."""

    delay: float
    reason: str
    refresh: bool = False
    costs: bool = True


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not send it again. `status` is the verdict over all attempts, `retry_after` a wait in seconds that the server named."""

    status: Status
    reason: str
    retry_after: float | None = None
    retryable: bool = False


def decide(  # noqa: PLR0913 - the contract names these arguments; each is one fact of the decision
    policy: RetryPolicy,
    facts: Facts,
    earlier: Sequence[Facts],
    *,
    elapsed: float,
    deadline: float | None,
    budget_left: float,
    jitter: float,
    before: int = 0,
) -> Retry | Stop:
    """Return what to do after an attempt.

    Args:
        policy: bounds and backoff.
        facts: the attempt that just ended.
        earlier: the attempts before it, oldest first.
        elapsed: seconds since the first attempt began.
        deadline: seconds since the first attempt at which the caller gives up, or None.
        budget_left: retries the host's budget still allows; a wait that the server named costs none.
        jitter: a number in [0, 1).
        before: failed attempts of other processes, where an engine counts; each was found to be repeatable.

    """
    verdict = _verdict(facts, earlier)
    allowed, reason = _may_repeat(policy, facts)
    if not allowed:
        return Stop(verdict, reason)
    wait = _wait(policy, facts, before + len(earlier), jitter)
    named = wait.seconds if wait.by_server else None
    left = min(policy.max_elapsed, math.inf if deadline is None else deadline) - elapsed
    bound = _bound(policy, before + len(earlier) + 1, wait, left, budget_left)
    if bound:
        return Stop(verdict, bound, named, retryable=True)
    refresh = facts.status == UNAUTHORIZED and facts.refreshable
    return Retry(wait.seconds, f"{reason}; {wait.reason}" if wait.reason else reason, refresh, costs=not wait.by_server)


def refuse(policy: RetryPolicy, facts: Facts, earlier: Sequence[Facts], *, wait: float, left: float) -> Stop:
    """Return the stop for a wait that the rate limit asks for before anything is sent and that does not fit."""
    reason = _bound(policy, 0, Wait(wait, "", by_server=True), left, math.inf) or "no request is left in this window"
    return Stop(_verdict(facts, earlier), reason, wait, retryable=True)


def give_up(facts: Facts, earlier: Sequence[Facts], reason: str, *, retryable: bool, wait: float | None = None) -> Stop:
    """Return the stop for a request that cannot be sent at all, judged over the attempts before it."""
    return Stop(_verdict(facts, earlier), reason, wait, retryable=retryable)


def may_be_applied(facts: Facts) -> bool:
    """Tell whether an attempt that did not succeed may have done its work on the server all the same."""
    return facts.verified != "notApplied" and _is_open(facts)


def _is_open(facts: Facts) -> bool:
    """Tell whether the attempt itself leaves open what the server did, whatever a verify task found."""
    if facts.safe or facts.phase == "notSent":
        return False
    if facts.phase == "sentWithoutAnswer" or facts.status is None:
        return True
    if facts.status in _ANSWERED_2XX:
        return not facts.readable
    return _is_passing(facts.status) and facts.status not in NOT_APPLIED_STATUSES and not _refused_with_wait(facts)


def backoff(policy: RetryPolicy, retries: int, jitter: float) -> float:
    """Return the full-jitter backoff before retry number `retries` + 1: uniform in [0, min(cap, base * factor ** retries))."""
    return jitter * min(policy.cap, _grown(policy, min(retries, 64)))


def _grown(policy: RetryPolicy, retries: int) -> float:
    """Return the uncapped backoff; what is beyond a number's range is beyond every cap."""
    try:
        return policy.base * policy.factor**retries
    except OverflowError:
        return math.inf if policy.base else 0.0


def _verdict(facts: Facts, earlier: Sequence[Facts]) -> Status:
    """Judge over all attempts: a success settles everything; a DELETE that finds nothing after a lost one has done its work."""
    if facts.success or facts.verified == "applied":
        return "succeeded"
    pending = facts.verified is None and any(may_be_applied(attempt) for attempt in earlier)
    if pending and facts.method == "DELETE" and facts.status in _GONE:
        return "succeeded"
    return "unknown" if pending or may_be_applied(facts) else "failed"


def _may_repeat(policy: RetryPolicy, facts: Facts) -> tuple[bool, str]:
    found = _found(policy, facts)
    if found:
        return found
    if facts.success:
        return False, f"status {facts.status}"
    if facts.error in NEVER_REPEATED:
        return False, f"{facts.error}: the same request would meet it again"
    if facts.phase == "notSent":
        return True, f"{facts.error}: nothing was sent"
    if facts.phase == "sentWithoutAnswer":
        return _if_idempotent(facts, f"{facts.error} after sending")
    return _declared(policy, facts) or _by_status(facts)


def _found(policy: RetryPolicy, facts: Facts) -> tuple[bool, str] | None:
    """Return what the finding of a verify task says of this attempt, or None when it says nothing."""
    if facts.verified == "applied":
        return False, "verify: it was applied"
    if facts.verified == "notApplied" and facts.status not in policy.never_statuses and _is_open(facts):
        return True, "verify: it was not applied"
    return None


def _declared(policy: RetryPolicy, facts: Facts) -> tuple[bool, str] | None:
    """Return what the template or step says of this answer in its retry rules, or None when it says nothing."""
    if facts.status in policy.never_statuses:
        return False, f"status {facts.status}: the retry rules say never"
    if facts.status in policy.statuses:
        return True, f"status {facts.status}: the retry rules name it"
    return (True, f"status {facts.status}: the retry condition holds") if facts.condition else None


def _by_status(facts: Facts) -> tuple[bool, str]:
    status = facts.status or 0
    if status in _ANSWERED_2XX:
        return _by_body(facts)
    if status == UNAUTHORIZED and facts.refreshable:
        return True, "status 401: the credential is renewed"
    if status in NOT_APPLIED_STATUSES or _refused_with_wait(facts):
        return True, f"status {status}: the request was not acted on"
    if _is_passing(status):
        return _if_idempotent(facts, f"status {status}")
    return False, f"status {status} would come again"


def _is_passing(status: int) -> bool:
    """Tell whether the same request may be answered otherwise later."""
    return status in REPEATABLE_STATUSES or (status in _SERVER_ERRORS and status not in LASTING_SERVER_ERRORS)


def _by_body(facts: Facts) -> tuple[bool, str]:
    if facts.readable:
        return False, f"status {facts.status}, but the answer does not count as success"
    if facts.truncated:
        return _if_idempotent(facts, f"status {facts.status} with a cut-off body")
    return False, f"status {facts.status} with an unreadable body"


def _if_idempotent(facts: Facts, what: str) -> tuple[bool, str]:
    if facts.idempotent:
        return True, f"{what}: {facts.method} may be repeated"
    return False, f"{what}: {facts.method} may have been applied and is not sent again"


def _refused_with_wait(facts: Facts) -> bool:
    named = facts.status == SERVICE_UNAVAILABLE and server_wait(facts.headers, facts.status, facts.rate_limit)
    return bool(named)


def _wait(policy: RetryPolicy, facts: Facts, retries: int, jitter: float) -> Wait:
    if facts.status == UNAUTHORIZED and facts.refreshable:
        return Wait(0.0, "", by_server=True)
    named = server_wait(facts.headers, facts.status, facts.rate_limit)
    if named is not None:
        return named
    delay = backoff(policy, retries, jitter)
    return Wait(delay, f"backoff {shown(delay)}", by_server=False)


def _bound(policy: RetryPolicy, attempts: int, wait: Wait, left: float, budget_left: float) -> str:
    """Return the bound that forbids another attempt, or an empty text."""
    if attempts >= policy.max_attempts:
        return f"{attempts} of {policy.max_attempts} attempts used"
    if wait.by_server and wait.seconds > policy.server_wait_cap:
        return f"server asks for {shown(wait.seconds)}, more than the cap of {shown(policy.server_wait_cap)}"
    if wait.seconds >= left:
        asker = "server asks for" if wait.by_server else "backoff needs"
        return f"{asker} {shown(wait.seconds)}, {shown(max(left, 0.0))} left"
    if not wait.by_server and budget_left < 1:
        return "the retry budget of this host is used up"
    return ""
