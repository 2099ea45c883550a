"""The messages that go in and out of the sandbox's core, and the error bodies in Okta's shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httptask.faults import Fault

Fields = tuple[tuple[str, str], ...]

#: Okta's error codes that the sandbox gives, with their texts.
SUMMARIES: Mapping[str, str] = {
    "E0000001": "Api validation failed: {0}",
    "E0000003": "The request body was not well-formed.",
    "E0000006": "You do not have permission to perform the requested action",
    "E0000007": "Not found: {0}",
    "E0000008": "The requested path was not found",
    "E0000009": "Internal Server Error",
    "E0000010": "Service is in read only mode",
    "E0000011": "Invalid token provided",
    "E0000021": "Bad request.  Accept and/or Content-Type headers likely do not match supported values.",
    "E0000022": "The endpoint does not support the provided HTTP method",
    "E0000029": "Invalid paging request.",
    "E0000031": "Invalid search criteria.",
    "E0000037": "Type mismatch exception. {0}",
    "E0000047": "API call exceeded rate limit due to too many requests.",
}
#: Code of an error that a fault script asked for by its status.
CODES_BY_STATUS: Mapping[int, str] = {
    400: "E0000001",
    401: "E0000011",
    403: "E0000006",
    404: "E0000007",
    405: "E0000022",
    429: "E0000047",
    503: "E0000010",
}


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """A request as received: `target` is the raw path and query, `origin` what the caller calls this server."""

    method: str
    target: str
    headers: Fields = ()
    body: bytes = b""
    origin: str = "http://localhost"

    @property
    def path(self) -> str:
        """The path, still percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def segments(self) -> tuple[str, ...]:
        """The path's segments, each decoded by itself, so that an encoded slash separates nothing."""
        return tuple(unquote(segment) for segment in self.path.split("/")[1:])

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; of a repeated name the first counts."""
        first: dict[str, str] = {}
        for name, value in parse_qsl(self.target.partition("?")[2], keep_blank_values=True):
            first.setdefault(name, value)
        return first

    def header(self, name: str) -> str | None:
        """Return the first value of a header, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass(frozen=True, slots=True)
class SandboxReply:
    """An answer, and the fault to play with it. Status 0: the fault lets no answer out (`reset-before`)."""

    status: int
    headers: Fields = ()
    body: bytes = b""
    fault: Fault | None = None


class ApiError(Exception):
    """A refusal in Okta's words; raised anywhere in the core and turned into a reply in one place."""

    def __init__(self, status: int, code: str, *, detail: str = "", causes: tuple[str, ...] = (), headers: Fields = ()) -> None:
        """Keep the facts; `detail` fills the code's text."""
        self.status = status
        self.code = code
        self.detail = detail
        self.causes = causes
        self.headers = headers
        super().__init__(status, code)

    @property
    def summary(self) -> str:
        """The error's one-line text."""
        return SUMMARIES[self.code].replace("{0}", self.detail)

    def to_json(self, error_id: str) -> dict[str, Any]:
        """Return the body; `errorLink` repeats the code, as Okta's does."""
        return {
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": error_id,
            "errorCauses": [{"errorSummary": cause} for cause in self.causes],
        }


def invalid(field_name: str, *more: str, detail: str = "") -> ApiError:
    """Return the error for fields that do not validate: 400 E0000001 with one cause per field."""
    causes = tuple(f"errors in the field: {name}" for name in (field_name, *more))
    return ApiError(400, "E0000001", detail=detail or field_name, causes=causes)


def not_found(resource_id: str, kind: str) -> ApiError:
    """Return the error for a resource that does not exist: 404 E0000007."""
    return ApiError(404, "E0000007", detail=f"Resource not found: {resource_id} ({kind})")


def to_bytes(value: Any) -> bytes:
    """Return compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
