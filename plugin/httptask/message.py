"""Immutable HTTP messages: what we send and what we received. Not requests' classes."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, urlsplit

from httptask.secrets import MASK, Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HeaderValue = str | Secret

#: Why a received body is not whole. The status line and headers did arrive.
Incomplete = Literal["truncated", "timedOut", "tooLarge", "undecodable"]


@dataclass(frozen=True, slots=True)
class Headers:
    """A header multimap that keeps order and spelling and compares names without case (RFC 9110 section 5.1)."""

    fields: tuple[tuple[str, HeaderValue], ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, HeaderValue]) -> Headers:
        """Build from a mapping, one field per name."""
        return cls(tuple(values.items()))

    def __iter__(self) -> Iterator[tuple[str, HeaderValue]]:
        """Iterate over the fields in order."""
        return iter(self.fields)

    def __len__(self) -> int:
        """Return the number of fields, repeated names included."""
        return len(self.fields)

    def __contains__(self, name: object) -> bool:
        """Tell whether a field of this name is present."""
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self.fields)

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a name; a secret value is not text and is passed over."""
        return next(iter(self.all(name)), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every text value of a name, in order."""
        return tuple(value for key, value in self.fields if key.lower() == name.lower() and isinstance(value, str))

    def replace(self, name: str, value: HeaderValue) -> Headers:
        """Return headers in which `name` has this one value; a new name goes last."""
        fields = list(self.fields)
        places = [index for index, (key, _) in enumerate(fields) if key.lower() == name.lower()]
        if not places:
            return Headers((*self.fields, (name, value)))
        fields[places[0]] = (name, value)
        return Headers(tuple(pair for index, pair in enumerate(fields) if index not in places[1:]))

    def without(self, name: str) -> Headers:
        """Return headers without any field of this name."""
        return Headers(tuple(pair for pair in self.fields if pair[0].lower() != name.lower()))


@dataclass(frozen=True, slots=True)
class Request:
    """A rendered request: absolute URL already encoded, every header we set, the body's bytes (None is no body).

    `secret_query` holds keys that travel in the query; only the transport puts them into the URL, by `revealed`.
    """

    method: str
    url: str
    headers: Headers
    body: bytes | None = field(default=None, repr=False)
    secret_query: tuple[tuple[str, Secret], ...] = ()

    @property
    def origin(self) -> str:
        """Scheme, host and port, as in `https://example.okta.com`."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def target(self) -> str:
        """Origin-form of the request target (RFC 9112 section 3.2.1): path and query."""
        parts = urlsplit(self.url)
        return f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"

    @property
    def shown_url(self) -> str:
        """The URL fit to be shown: keys in the query are masked."""
        return self._with_query(f"{quote(name, safe='')}={MASK}" for name, _ in self.secret_query)

    @property
    def content(self) -> tuple[Any, Literal["json", "text", "empty"]]:
        """The body as data, and what that is; a caller's header may say JSON of what is none."""
        if self.body is None:
            return None, "empty"
        text = self.body.decode("utf-8")
        if self.says_json:
            with suppress(ValueError, RecursionError):
                return json.loads(text), "json"
        return text, "text"

    @property
    def says_json(self) -> bool:
        """Whether a header calls the body JSON."""
        return "json" in (self.headers.get("Content-Type") or "")

    def revealed(self) -> Request:
        """Return the request with its secret query in the URL, in clear: for the wire only."""
        if not self.secret_query:
            return self
        pairs = (f"{quote(name, safe='')}={quote(value.reveal(), safe='')}" for name, value in self.secret_query)
        return replace(self, url=self._with_query(pairs), secret_query=())

    def _with_query(self, pairs: Iterable[str]) -> str:
        added = "&".join(pairs)
        return f"{self.url}{'&' if '?' in self.url else '?'}{added}" if added else self.url

    def with_header(self, name: str, value: HeaderValue) -> Request:
        """Return the request with one header set."""
        return replace(self, headers=self.headers.replace(name, value))


@dataclass(frozen=True, slots=True)
class Response:
    """A received response. `body` is decoded (gzip) and capped; `incomplete` says why it is not whole, if it is not.

    `timings` holds milliseconds per phase that was measured: `dns`, `connect`, `tls`, `wait`, `body`; a reused
    connection has none of the first three. `proxied` says that a proxy looked up the host, so that its addresses are unchecked.
    `reason` is the server's own word beside the status.
    """

    status: int
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    incomplete: Incomplete | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    proxied: bool = False
    reason: str = ""

    @property
    def connection(self) -> Literal["new", "reused", "proxied"] | None:
        """How the connection came about; None where nothing was measured."""
        if self.proxied:
            return "proxied"
        return ("new" if "connect" in self.timings else "reused") if self.timings else None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for the connection to come up, between two reads, and for the whole exchange (None: no total)."""

    connect: float = 5.0
    read: float = 30.0
    total: float | None = None

    def within(self, total: float) -> Timeouts:
        """Return these with no more than `total` seconds for anything; one that is over has a moment left, to fail in."""
        total = max(total, 0.001)
        return Timeouts(min(self.connect, total), min(self.read, total), total)
