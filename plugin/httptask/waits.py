"""What a server says about time: how long to wait, and how many requests are left. Pure parsers that never raise.

Sources: RFC 9110 section 10.2.3 (Retry-After), Okta's rate-limit pages (`X-Rate-Limit-*`), draft-ietf-httpapi-ratelimit-headers
(`RateLimit`), and the `X-RateLimit-*` family that many APIs copied from each other. Malformed, negative or absurd values say
nothing; of several values the one that waits longest, or leaves least, counts: a doubt never makes a client ask early.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from httptask.message import Headers
from httptask.model import RateLimitSpec

#: Okta's own SDKs wait one second past the reset: its clock has whole seconds.
RESET_MARGIN = 1.0
#: A number above this is a moment in epoch seconds, below it a duration: no window lasts 31 years.
EPOCH_FROM = 1_000_000_000
#: From here on a moment is in milliseconds.
MILLISECONDS_FROM = 100_000_000_000
#: Seconds that stand for every larger number a header may hold: a wait that long is never begun, and never cut short.
LONGEST = 1e12
TOO_MANY_REQUESTS = 429

_LEGACY = (
    RateLimitSpec("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
    RateLimitSpec("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"),
)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?\Z")
_ITEM = re.compile(r'(?:"[^"]*"|[^",])+')
_PARAMETER = re.compile(r";\s*(?P<name>[a-z]+)\s*=\s*(?P<value>[0-9]{1,15})(?![0-9.])")


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait in seconds and who asked for it; a wait by the server may not be shortened and costs no retry budget."""

    seconds: float
    reason: str
    by_server: bool


@dataclass(frozen=True, slots=True)
class Counters:
    """A rate limit as a response tells it: requests per window and left now (None: not told), seconds to the reset."""

    limit: int | None
    remaining: int | None
    reset_in: float


def server_wait(headers: Headers, status: int | None, rate_limit: RateLimitSpec | None) -> Wait | None:
    """Return the wait that the server named, or None.

    `Retry-After` comes first, in both forms; then, on a 429, the counters. A 429 whose limit and remaining are both 0 is a
    concurrency limit: its reset is only an estimate, so it names no wait.
    """
    date = http_date(headers.get("Date"))
    named = [seconds for value in headers.all("Retry-After") if (seconds := _retry_after(value, date)) is not None]
    if named:
        return Wait(max(named), f"the server asked for {shown(max(named))}", by_server=True)
    if status != TOO_MANY_REQUESTS or is_concurrency_limit(headers, status, rate_limit):
        return None
    counters = rate_counters(headers, rate_limit)
    if counters is None:
        return None
    return Wait(counters.reset_in, f"the rate limit resets in {shown(counters.reset_in)}", by_server=True)


def is_concurrency_limit(headers: Headers, status: int | None, rate_limit: RateLimitSpec | None) -> bool:
    """Tell whether a 429 is about requests at the same time, not per window: Okta then sends limit 0 and remaining 0."""
    if status != TOO_MANY_REQUESTS or rate_limit is None:
        return False
    limits, left = _numbers(headers, rate_limit.limit_header), _numbers(headers, rate_limit.remaining_header)
    return bool(limits and left) and not any(limits) and not any(left)


def rate_counters(headers: Headers, rate_limit: RateLimitSpec | None) -> Counters | None:
    """Return the counters of a response: the provider's own headers, else the IETF's, else the common older ones."""
    date = http_date(headers.get("Date"))
    specs = (rate_limit, *_LEGACY) if rate_limit else _LEGACY
    own = _by_headers(headers, specs[:1], date) if rate_limit else None
    return own or _structured(headers) or _by_headers(headers, specs, date)


def http_date(value: str | None) -> datetime | None:
    """Return an HTTP-date (RFC 9110 section 5.6.7) with its zone, or None for anything else."""
    try:
        moment = parsedate_to_datetime(value) if value else None
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def shown(seconds: float) -> str:
    """Return seconds as people read them: `0.41 s`, `7 s`, `41 s`."""
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two figures are enough


def _retry_after(value: str, date: datetime | None) -> float | None:
    """Parse both forms: delay seconds, or an HTTP-date against the response's Date, so that no local clock is asked."""
    text = value.strip()
    if _NUMBER.match(text):
        return _number(text)
    moment = http_date(text)
    return None if moment is None or date is None else max((moment - date).total_seconds(), 0.0)


def _by_headers(headers: Headers, specs: Sequence[RateLimitSpec], date: datetime | None) -> Counters | None:
    for spec in specs:
        left = _numbers(headers, spec.remaining_header)
        resets = [wait for number in _numbers(headers, spec.reset_header) if (wait := _until(number, date)) is not None]
        if resets:
            limits = _numbers(headers, spec.limit_header)
            return Counters(_least(limits), _least(left), max(resets) + RESET_MARGIN)
    return None


def _least(numbers: Sequence[float]) -> int | None:
    return int(min(numbers)) if numbers else None


def _until(number: float, date: datetime | None) -> float | None:
    """Return seconds until a reset that is written as a moment (seconds or milliseconds) or as a duration."""
    if number < EPOCH_FROM or number >= LONGEST * 10:
        return number
    if date is None:
        return None
    moment = number / 1000 if number >= MILLISECONDS_FROM else number
    return max(moment - date.timestamp(), 0.0)


def _structured(headers: Headers) -> Counters | None:
    """Parse `RateLimit: "default";r=50;t=30`, with the quota from `RateLimit-Policy: "default";q=100;w=60`."""
    found = [parameters for value in headers.all("RateLimit") for parameters in _items(value) if {"r", "t"} <= parameters.keys()]
    if not found:
        return None
    tightest = min(found, key=lambda parameters: (parameters["r"], -parameters["t"]))
    quotas = [parameters["q"] for value in headers.all("RateLimit-Policy") for parameters in _items(value) if "q" in parameters]
    return Counters(min(quotas) if len(found) == 1 and quotas else None, tightest["r"], tightest["t"] + RESET_MARGIN)


def _items(value: str) -> Iterable[dict[str, int]]:
    for item in _ITEM.findall(value):
        yield {match["name"]: int(match["value"]) for match in _PARAMETER.finditer(item)}


def _numbers(headers: Headers, name: str) -> list[float]:
    """Return every well-formed number of a header; a comma list, as proxies make of repeated headers, counts as several."""
    texts = [part.strip() for value in headers.all(name) for part in value.split(",")]
    return [_number(text) for text in texts if _NUMBER.match(text)]


def _number(text: str) -> float:
    return min(float(text), LONGEST * 10)
