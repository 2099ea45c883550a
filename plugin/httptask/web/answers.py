"""What came of a trial, as a template draws it: the answer whole or cut, its attempts in time, and what it means. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from httptask.exchanges import Shown
from httptask.message import Request
from httptask.outcome import Answer, Attempt, Outcome
from httptask.trying import Tried

#: Characters of a body that a page shows; the rest is downloaded.
MOST_SHOWN = 256 * 1024
#: Width of the timeline in its own units.
WIDTH = 1000
_THINNEST = 12
#: Halves of surrogate pairs: JSON can name them, and no encoding can write them.
_HALVES = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Body:
    """A body for a page. `size` counts the characters of the whole; `is_cut` when not all of it is in `text`."""

    text: str
    size: int
    is_cut: bool
    suffix: str

    @property
    def is_empty(self) -> bool:
        """Whether there is none."""
        return not self.size


@dataclass(frozen=True, slots=True)
class Bar:
    """One attempt of the timeline: its place and length, and what is said about it."""

    number: int
    start: int
    length: int
    at: str
    answer: str
    took: str
    decision: str
    is_good: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A request that was sent, as lines."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What the page says of a trial."""

    tried: Tried
    line: str
    body: Body
    raw: Body
    bars: tuple[Bar, ...]
    sent: tuple[Message, ...]
    outputs: str

    @property
    def outcome(self) -> Outcome:
        """What the task came to."""
        return self.tried.outcome


def result_of(tried: Tried, *, retries: bool) -> Result:
    """Return what the page says; with `retries` off, decisions are told as what would be done."""
    outcome, answer = tried.outcome, tried.outcome.response
    reason = next((each.reason for each in reversed(tried.exchanges) if each.purpose == "task"), "")
    return Result(
        tried,
        "" if answer is None else f"{answer.status} {reason}".strip(),
        cut(whole_body(outcome), _suffix(answer)),
        cut(_raw(answer, reason), ".txt"),
        bars_of(outcome.attempts, retries=retries),
        tuple(_sent(each) for each in tried.exchanges),
        json.dumps(dict(outcome.outputs), indent=2, ensure_ascii=False) if outcome.outputs else "",
    )


def whole_body(outcome: Outcome) -> str:
    """Return the body of the answer as people read it."""
    answer = outcome.response
    if answer is None or answer.body_kind == "empty":
        return ""
    return _pretty(answer.body) if answer.body_kind == "json" else str(answer.body)


def cut(text: str, suffix: str) -> Body:
    """Return as much of a text as a page shows."""
    return Body(text[:MOST_SHOWN], len(text), len(text) > MOST_SHOWN, suffix)


def bars_of(attempts: Sequence[Attempt], *, retries: bool) -> tuple[Bar, ...]:
    """Return attempts as bars of a timeline that begins with the first one."""
    if not attempts:
        return ()
    began = attempts[0].started_at
    whole = max((one.started_at - began + one.elapsed for one in attempts), default=0.0) or 1.0
    return tuple(_bar(one, began, whole, retries=retries) for one in attempts)


def _bar(attempt: Attempt, began: float, whole: float, *, retries: bool) -> Bar:
    offset = attempt.started_at - began
    length = max(round(attempt.elapsed / whole * WIDTH), _THINNEST)
    start = min(max(round(offset / whole * WIDTH), 0), WIDTH - length)
    return Bar(
        attempt.number,
        max(start, 0),
        min(length, WIDTH),
        f"+{offset:.2f} s",
        str(attempt.status) if attempt.status is not None else f"{attempt.error} ({attempt.phase})",
        f"{attempt.elapsed * 1000:.0f} ms",
        _decision(attempt, retries=retries),
        attempt.status is not None and attempt.status < 400,  # noqa: PLR2004 - RFC 9110 section 15
    )


def _decision(attempt: Attempt, *, retries: bool) -> str:
    decision = attempt.decision
    if decision is None or (decision.action == "stop" and attempt.error is None):
        return ""
    if decision.action == "stop":
        return f"not retried: {decision.reason}"
    return f"{'retried' if retries else 'would be retried'} in {decision.wait:.1f} s: {decision.reason}"


def _suffix(answer: Answer | None) -> str:
    return ".json" if answer is not None and answer.body_kind == "json" else ".txt"


def _raw(answer: Answer | None, reason: str) -> str:
    """Return the answer as a message, its JSON on one line."""
    if answer is None:
        return ""
    lines = [f"HTTP/1.1 {answer.status} {reason}".rstrip(), *(f"{name}: {value}" for name, value in answer.headers)]
    body = answer.body if answer.body_kind != "json" else json.dumps(answer.body, ensure_ascii=False)
    return "\n".join([*lines, "", "" if body is None else str(body)])


def _sent(exchange: Shown) -> Message:
    request = exchange.request
    answered = "no answer" if exchange.answer is None else str(exchange.answer.status)
    headers = tuple((name, str(value)) for name, value in request.headers if isinstance(value, str))
    line = f"{request.method} {request.url}"
    return Message(f"{line} → {exchange.error or answered}", headers, _text(request))


def _text(request: Request) -> str | None:
    body, kind = request.content
    return _pretty(body) if kind == "json" else body


def _pretty(value: Any) -> str:
    return _HALVES.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, indent=2, ensure_ascii=False))
