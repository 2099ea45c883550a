"""What a cassette holds: requests and what came of each, as values that a file can hold.

A body is its JSON where it has one, else text, else bytes as base64: the bytes that are made of it again are read as the same
body, not always the same bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from httptask import errors, results
from httptask.errors import TransportError
from httptask.message import Headers, HeaderValue, Incomplete, Request, Response
from httptask.outcome import Phase

ContentKind = Literal["json", "text", "base64"]


@dataclass(frozen=True, slots=True)
class Content:
    """A body: JSON data, text, or bytes written as base64."""

    kind: ContentKind
    value: Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `target` lies below the base URL of the provider `server`; None: it is a whole URL elsewhere."""

    server: str | None
    method: str
    target: str
    headers: tuple[tuple[str, HeaderValue], ...] = ()
    content: Content | None = None

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """A response."""

    status: int
    headers: tuple[tuple[str, HeaderValue], ...] = ()
    content: Content | None = None
    incomplete: Incomplete | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    proxied: bool = False

    def response(self) -> Response:
        """Return the response again."""
        headers = Headers(self.headers)
        return Response(self.status, headers, body_of(headers, self.content), self.incomplete, self.timings, self.proxied)


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: the kind of TransportError and its facts."""

    kind: str
    code: str
    phase: Phase
    detail: str

    def error(self) -> TransportError:
        """Return the error again."""
        made: TransportError = KINDS[self.kind](self.detail, phase=self.phase, code=self.code)
        return made


#: Errors of transports by their kind in JSON.
KINDS: Mapping[str, type[TransportError]] = {
    kind[0].lower() + kind[1:]: getattr(errors, kind)
    for kind in ("ConnectFailed", "TimedOut", "ConnectionLost", "TlsFailed", "EgressRefused")
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it, after so many seconds."""

    asked: Asked
    came: Answered | Lost
    elapsed: float = 0.0


@dataclass(frozen=True, slots=True)
class Server:
    """What of a connection decides how a run goes.

    Attributes:
        scheme: the security scheme that its credential belongs to; None without a credential.
        refreshable: the credential could be renewed after a 401.
        retry: the profile's retry fields.
        allowed_hosts: the profile's further hosts.

    """

    base_url: str
    scheme: str | None = None
    refreshable: bool = False
    retry: Mapping[str, Any] = field(default_factory=dict)
    allowed_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cassette:
    """Exchanges in the order in which they began.

    Attributes:
        recorded_at: epoch seconds.
        servers: by the id of their provider.
        file: where it stands, for messages, and `lines` where each exchange does.
        placeholders: what stands in it for secrets.

    """

    recorded_at: float
    servers: Mapping[str, Server]
    exchanges: tuple[Exchange, ...]
    file: str = ""
    lines: tuple[int, ...] = ()
    placeholders: tuple[str, ...] = ()


def asked(request: Request, servers: Mapping[str, Server]) -> Asked:
    """Return a request as a cassette holds it: without a key in the query and the length of the body, which may be a secret's."""
    server, target = located(request.url, servers)
    headers = request.headers.without("Content-Length")
    return Asked(server, request.method, target, headers.fields, content_of(headers, request.body or b""))


def came(answer: Response | TransportError) -> Answered | Lost:
    """Return what came of a request as a cassette holds it."""
    if isinstance(answer, TransportError):
        kind = next((kind for kind, error in KINDS.items() if isinstance(answer, error)), "connectionLost")
        return Lost(kind, answer.code, answer.phase, str(answer))
    # what cannot be decompressed cannot be searched for secrets either
    body = b"" if answer.incomplete == "undecodable" else answer.body
    content = content_of(answer.headers, body)
    return Answered(answer.status, answer.headers.fields, content, answer.incomplete, dict(answer.timings), answer.proxied)


def located(url: str, servers: Mapping[str, Server]) -> tuple[str | None, str]:
    """Return the provider whose base URL a URL lies below, the longest if there are several, and the target below it."""
    fitting = [(len(server.base_url), name) for name, server in servers.items() if _is_below(url, server.base_url)]
    if not fitting:
        return None, url
    length = max(fitting)[0]
    target = url[length:]
    return min(name for size, name in fitting if size == length), target if target.startswith("/") else f"/{target}"


def content_of(headers: Headers, body: bytes) -> Content | None:
    """Return a body as data, None for an empty one."""
    answer = results.parse(Response(200, headers, body))
    if answer.body_kind == "empty":
        return None
    return Content(answer.body_kind, answer.body)


def body_of(headers: Headers, content: Content | None) -> bytes:
    """Return bytes that are read as this body under these headers."""
    if content is None:
        return b""
    if content.kind == "base64":
        return base64.b64decode(content.value)
    text: str = json_text(content.value) if content.kind == "json" else content.value
    charset = results.content_type(Response(200, headers))[1]
    if charset.lower() == "utf-8":
        return text.encode()
    try:
        encoded = text.encode(charset)
    except (LookupError, ValueError):  # no charset, or one that cannot write this
        return text.encode()
    return encoded if content_of(headers, encoded) == content else text.encode()


def json_text(value: Any) -> str:
    """Return JSON data as text in ASCII, which most charsets write alike."""
    return json.dumps(value, separators=(",", ":"))


def _is_below(url: str, base_url: str) -> bool:
    return url.startswith(base_url) and url[len(base_url) :][:1] in {"", "/", "?"}
