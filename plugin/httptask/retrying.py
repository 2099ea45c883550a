"""May this request be sent again, and when? One pure function decides; the runner, tests and engines obey it.

Sources: RFC 9110 section 9.2.2 (idempotent methods) and 10.2.3 (Retry-After); Okta's rate-limit pages for `X-Rate-Limit-*`; the
exponential backoff with full jitter of the AWS architecture blog.

A request is repeated only where repeating cannot do twice what was asked once: nothing was sent, the server refused it before
acting, or the task is idempotent. Where it may have been applied and cannot be repeated, the verdict is `unknown`: neither
success nor failure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from httptask.message import Headers
from httptask.model import SAFE_METHODS, RateLimitSpec, RetryPolicy
from httptask.outcome import Phase, Status

#: Transport errors that the same request would meet again.
NEVER_REPEATED = frozenset({"tlsCertificate", "egressRefused", "invalidUrl"})
#: Answers after which a repetition may succeed (RFC 9110 section 15, RFC 6585 section 4, RFC 8470 section 5.2).
REPEATABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
#: Answers that say the request was refused before it was acted on.
NOT_APPLIED_STATUSES = frozenset({425, 429})
#: Okta's own SDKs wait one second past the reset: its clock has whole seconds.
RESET_MARGIN = 1.0
#: Seconds that stand for every larger number a header may hold.
LONGEST = 10**12
_GONE = frozenset({404, 410})
_ANSWERED_2XX = range(200, 300)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of one attempt. `error` is a transport code; `readable` is False when a body came that cannot be used."""

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

    @property
    def safe(self) -> bool:
        """Whether asking changes nothing, so that the outcome can never be unknown."""
        return self.method in SAFE_METHODS


@dataclass(frozen=True, slots=True)
class Retry:
    """Send it again after `delay` seconds."""

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Do not send it again. `status` is the verdict over all attempts, `retry_after` a wait in seconds that the server named."""

    status: Status
    reason: str
    retry_after: float | None = None
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait in seconds and who asked for it; `by_server` waits may not be shortened."""

    seconds: float
    reason: str
    by_server: bool


def decide(  # noqa: PLR0913 - the contract names these arguments; each is one fact of the decision
    policy: RetryPolicy,
    facts: Facts,
    earlier: Sequence[Facts],
    *,
    elapsed: float,
    deadline: float | None,
    budget_left: float,
    jitter: float,
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

    """
    verdict = _verdict(facts, earlier)
    allowed, reason = _may_repeat(facts)
    if facts.success or not allowed:
        return Stop(verdict, reason)
    wait = _wait(policy, facts, len(earlier), jitter)
    named = wait.seconds if wait.by_server else None
    bound = _bound(
        policy, len(earlier) + 1, wait, min(policy.max_elapsed, math.inf if deadline is None else deadline) - elapsed, budget_left
    )
    if bound:
        return Stop(verdict, bound, named, retryable=True)
    return Retry(wait.seconds, f"{reason}; {wait.reason}")


def may_be_applied(facts: Facts) -> bool:
    """Tell whether an attempt that did not succeed may have done its work on the server all the same."""
    if facts.safe or facts.phase == "notSent":
        return False
    if facts.phase == "sentWithoutAnswer" or facts.status is None:
        return True
    if facts.status in _ANSWERED_2XX:
        return not facts.readable
    return facts.status in REPEATABLE_STATUSES - NOT_APPLIED_STATUSES and not _refused_with_wait(facts)


def server_wait(headers: Headers, status: int | None, rate_limit: RateLimitSpec | None) -> Wait | None:
    """Return the wait that the server named, or None. Malformed or negative headers name none; of several the longest counts.

    `Retry-After` comes first; then, on a 429, the provider's reset counter against the response's own `Date`, so that no local
    clock is asked. A 429 whose limit and remaining are both 0 is a concurrency limit: its reset is only an estimate and names
    no wait.
    """
    date = _http_date(headers.get("Date"))
    waits = [seconds for value in headers.all("Retry-After") if (seconds := _retry_after(value, date)) is not None]
    if waits:
        return Wait(max(waits), f"the server asked for {_seconds(max(waits))}", by_server=True)
    if status != 429 or rate_limit is None or date is None:  # noqa: PLR2004 - RFC 6585
        return None
    resets = _counters(headers, rate_limit.reset_header)
    limits, remaining = _counters(headers, rate_limit.limit_header), _counters(headers, rate_limit.remaining_header)
    concurrency = bool(limits and remaining) and not any(limits + remaining)
    if not resets or concurrency:
        return None
    wait = max(max(resets) - date.timestamp(), 0.0) + RESET_MARGIN
    return Wait(wait, f"the rate limit resets in {_seconds(wait)}", by_server=True)


def backoff(policy: RetryPolicy, retries: int, jitter: float) -> float:
    """Return the full-jitter backoff before retry number `retries` + 1: uniform in [0, min(cap, base * factor ** retries))."""
    return jitter * min(policy.cap, policy.base * policy.factor ** min(retries, 64))


def _verdict(facts: Facts, earlier: Sequence[Facts]) -> Status:
    """Judge over all attempts: a success settles everything; a DELETE that finds nothing after a lost one has done its work."""
    if facts.success:
        return "succeeded"
    pending = any(may_be_applied(attempt) for attempt in earlier)
    if pending and facts.method == "DELETE" and facts.status in _GONE:
        return "succeeded"
    return "unknown" if pending or may_be_applied(facts) else "failed"


def _may_repeat(facts: Facts) -> tuple[bool, str]:
    if facts.success:
        return False, f"status {facts.status}"
    if facts.error in NEVER_REPEATED:
        return False, f"{facts.error}: the same request would meet it again"
    if facts.phase == "notSent":
        return True, f"{facts.error}: nothing was sent"
    if facts.phase == "sentWithoutAnswer":
        return _if_idempotent(facts, f"{facts.error} after sending")
    return _may_repeat_answered(facts)


def _may_repeat_answered(facts: Facts) -> tuple[bool, str]:
    status = facts.status or 0
    if status in _ANSWERED_2XX:
        if facts.readable:
            return False, f"status {status}, but the answer does not count as success"
        return (
            _if_idempotent(facts, f"status {status} with a cut-off body")
            if facts.truncated
            else (False, f"status {status} with an unreadable body")
        )
    if status in NOT_APPLIED_STATUSES or _refused_with_wait(facts):
        return True, f"status {status}: the request was not acted on"
    if status in REPEATABLE_STATUSES:
        return _if_idempotent(facts, f"status {status}")
    return False, f"status {status} would come again"


def _if_idempotent(facts: Facts, what: str) -> tuple[bool, str]:
    if facts.idempotent:
        return True, f"{what}: {facts.method} may be repeated"
    return False, f"{what}: {facts.method} may have been applied and is not sent again"


def _refused_with_wait(facts: Facts) -> bool:
    return facts.status == 503 and server_wait(facts.headers, facts.status, facts.rate_limit) is not None  # noqa: PLR2004 - RFC 9110


def _wait(policy: RetryPolicy, facts: Facts, retries: int, jitter: float) -> Wait:
    named = server_wait(facts.headers, facts.status, facts.rate_limit)
    if named is not None:
        return named
    delay = backoff(policy, retries, jitter)
    return Wait(delay, f"backoff {_seconds(delay)}", by_server=False)


def _bound(policy: RetryPolicy, attempts: int, wait: Wait, left: float, budget_left: float) -> str:
    """Return the bound that forbids another attempt, or an empty text."""
    if attempts >= policy.max_attempts:
        return f"{attempts} of {policy.max_attempts} attempts used"
    if wait.by_server and wait.seconds > policy.server_wait_cap:
        return f"server asks for {_seconds(wait.seconds)}, more than the cap of {_seconds(policy.server_wait_cap)}"
    if wait.seconds >= left:
        asker = "server asks for" if wait.by_server else "backoff needs"
        return f"{asker} {_seconds(wait.seconds)}, {_seconds(max(left, 0.0))} left"
    if not wait.by_server and budget_left < 1:
        return "the retry budget of this host is used up"
    return ""


def _retry_after(value: str, date: datetime | None) -> float | None:
    """Parse both forms (RFC 9110 section 10.2.3): delay seconds, or an HTTP-date against the response's Date."""
    seconds = _whole(value)
    if seconds is not None:
        return float(seconds)
    moment = _http_date(value.strip())
    return None if moment is None or date is None else max((moment - date).total_seconds(), 0.0)


def _http_date(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value) if value else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _counters(headers: Headers, name: str) -> list[int]:
    """Return every well-formed counter of a name; a comma list counts as several."""
    numbers = (_whole(part) for value in headers.all(name) for part in value.split(","))
    return [number for number in numbers if number is not None]


def _whole(text: str) -> int | None:
    """Return a number of plain digits, or None; one beyond any epoch counts as `LONGEST`, so that a wait stays long."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) < len(str(LONGEST)) else LONGEST


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value < 10 else f"{value:.0f} s"  # noqa: PLR2004 - two figures are enough to read
