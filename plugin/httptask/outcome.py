"""The one return value of a task: what happened, over all attempts. JSON-safe; the shape is a contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

from httptask.errors import TaskFailed
from httptask.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping


#: How far an attempt came; measured by the transport.
Phase = Literal["notSent", "sentWithoutAnswer", "answered"]
Status = Literal["succeeded", "failed", "unknown"]
Connected = Literal["new", "reused", "proxied"]
BodyKind = Literal["json", "text", "base64", "empty"]


class FailureKind(StrEnum):
    """Why a task did not succeed. A closed set: engines and scripts branch on it."""

    DNS = "dns"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    PROXY = "proxy"
    CONNECT_TIMEOUT = "connectTimeout"
    READ_TIMEOUT = "readTimeout"
    DEADLINE = "deadline"
    CONNECTION_LOST = "connectionLost"
    PROTOCOL_ERROR = "protocolError"
    TLS_CERTIFICATE = "tlsCertificate"
    TLS_HANDSHAKE = "tlsHandshake"
    EGRESS_REFUSED = "egressRefused"
    INVALID_URL = "invalidUrl"
    CREDENTIAL = "credential"
    BAD_REQUEST = "badRequest"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "notFound"
    CONFLICT = "conflict"
    RATE_LIMITED = "rateLimited"
    CLIENT_ERROR = "clientError"
    SERVER_ERROR = "serverError"
    REDIRECTED = "redirected"
    UNEXPECTED_STATUS = "unexpectedStatus"
    UNREADABLE_BODY = "unreadableBody"
    CONDITION = "condition"
    POLL_TIMEOUT = "pollTimeout"
    PAGING = "paging"
    PAGE_LOOP = "pageLoop"
    CURSOR_EXPIRED = "cursorExpired"
    EXPRESSION = "expression"
    INPUT = "input"
    INTERRUPTED = "interrupted"
    REJECTED = "rejected"
    WITHHELD = "withheld"
    REQUEST_CHANGED = "requestChanged"
    JOURNAL = "journal"


#: Failures after which a person can still help; to undo things then would leave no way back.
UNDO_NOTHING = frozenset({FailureKind.WITHHELD, FailureKind.JOURNAL})


@dataclass(frozen=True, slots=True)
class Decision:
    """What the retry policy said after an attempt: `retry` after `wait` seconds, or `stop`; and why."""

    action: Literal["retry", "stop"]
    wait: float
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form; the wait in whole milliseconds."""
        return {"action": self.action, "waitMs": round(self.wait * 1000), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request on the wire, or the try at one. `started_at` is epoch seconds, `elapsed` seconds, `timings` milliseconds.

    `connection` says how the connection of an answered one came about: a reused one has no timings for coming up.
    """

    number: int
    phase: Phase
    started_at: float
    elapsed: float
    status: int | None = None
    error: str | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    decision: Decision | None = None
    connection: Connected | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "number": self.number,
            "phase": self.phase,
            "status": self.status,
            "error": self.error,
            "startedAt": iso8601(self.started_at),
            "elapsedMs": round(self.elapsed * 1000, 3),
            "timings": dict(self.timings),
            "connection": self.connection,
            "decision": self.decision.to_json() if self.decision else None,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """Why it did not work and what to do. `retry_after` is seconds, when the server or the policy named a wait."""

    kind: FailureKind
    message: str
    hint: str = ""
    status: int | None = None
    retryable: bool = False
    retry_after: float | None = None
    code: str | None = None
    request_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "hint": self.hint,
            "status": self.status,
            "retryable": self.retryable,
            "retryAfter": self.retry_after,
            "code": self.code,
            "requestId": self.request_id,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Failure:
        """Return the failure that `to_json` wrote."""
        return cls(
            kind=FailureKind(data["kind"]),
            message=data["message"],
            hint=data["hint"],
            status=data["status"],
            retryable=data["retryable"],
            retry_after=data["retryAfter"],
            code=data["code"],
            request_id=data["requestId"],
        )


@dataclass(frozen=True, slots=True)
class Warn:
    """Drift or doubt that did not stop the task: a stable code, the JSON path it concerns, and a message."""

    code: str
    path: str
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON form of contracts."""
        return {"code": self.code, "path": self.path, "message": self.message}


@dataclass(frozen=True, slots=True)
class Answer:
    """The parsed response as later steps see it. `body` is JSON, text, base64 text or None, as `body_kind` says."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Any
    body_kind: BodyKind
    truncated: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "status": self.status,
            "headers": [list(pair) for pair in self.headers],
            "body": self.body,
            "bodyKind": self.body_kind,
            "truncated": self.truncated,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a task did. `unknown` means: it may have been applied and nobody can tell; it is neither success nor failure."""

    task: str
    status: Status
    response: Answer | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Warn, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    failure: Failure | None = None

    @property
    def ok(self) -> bool:
        """Tell whether the task succeeded."""
        return self.status == "succeeded"

    def unwrap(self) -> Mapping[str, Any]:
        """Return the outputs, or raise `TaskFailed` when the task did not succeed."""
        if not self.ok:
            raise TaskFailed(self)
        return self.outputs

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "task": self.task,
            "status": self.status,
            "response": self.response.to_json() if self.response else None,
            "outputs": dict(self.outputs),
            "warnings": [warning.to_json() for warning in self.warnings],
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "failure": self.failure.to_json() if self.failure else None,
        }


def iso8601(epoch: float) -> str:
    """Return epoch seconds as RFC 3339 text in UTC with milliseconds."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
