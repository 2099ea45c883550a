"""Connections below the transport: they write a request byte for byte and measure how far it came.

Exception types cannot tell whether a request left: a hanging TLS handshake and a hanging server raise the same read
timeout. So the connection itself notes each stage in a `Call`, which the transport puts into a context variable.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import zlib
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, ReadTimeoutError
from urllib3.util.connection import allowed_gai_family, create_connection

from httptask.egress import Guard
from httptask.egress_policy import OPERATORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from urllib3 import BaseHTTPResponse

    from httptask.message import Incomplete, Request, Timeouts
    from httptask.outcome import Phase

Stage = Literal["start", "proxy", "dns", "connect", "tls", "exchange"]

#: One TLS record. A peer cannot read a part of one, so a failed first write of at most this size sent nothing.
RECORD = 16 * 1024
#: Bytes of a body read at a time.
PIECE = 64 * 1024
#: Interim answers (1xx) skipped before one exchange is given up: http.client would skip for ever.
MAX_INTERIM = 16
#: Bytes of status line and headers, interim answers included, before an answer is given up; http.client alone takes 6 MB.
MAX_HEAD = 256 * 1024
#: Decoded bytes of a body that are kept unless told otherwise.
MAX_BODY = 10 * 1024 * 1024
#: Bytes on the wire per byte of body allowed: a server that sends single bytes as chunks needs 6, an honest one little over 1.
WIRE_FACTOR = 8
#: Bytes on the wire that any body may take beside that, for chunk extensions and trailers.
WIRE_SPARE = 1024 * 1024
#: Bytes of a line with a chunk's size and extensions.
MAX_CHUNK_LINE = 64 * 1024
#: Blanks after the size are against the grammar and sent all the same.
_CHUNK_SIZE = re.compile(rb"(?P<size>[0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")
#: gzip members in one body; each costs the decoder a start, however little it holds.
MAX_MEMBERS = 1000
#: Headers that urllib3 and http.client add on their own when a request has none.
UNASKED = frozenset({"user-agent", "accept-encoding", "content-length"})


def look_up(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host in the system's order.

    Raises:
        socket.gaierror: there is none.

    """
    found = socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM)
    return tuple(str(address[0]) for *_, address in found)


#: For an exchange that no connection's policy binds.
_UNBOUND = Guard(OPERATORS, look_up)


@dataclass(slots=True)
class Call:
    """What is known about one exchange while it runs: its limits, the stage reached, whether a byte left, and timings.

    `room` is how many bytes may still be read from the wire, and `flooded` whether more came.
    """

    request: Request
    timeouts: Timeouts
    clock: Callable[[], float]
    guard: Guard = _UNBOUND
    max_body: int = MAX_BODY
    room: int = MAX_HEAD
    flooded: bool = False
    proxied: bool = False
    stage: Stage = "start"
    sent: bool = False
    total_rules: bool = False
    timings: dict[str, float] = field(default_factory=dict)
    names: frozenset[str] = field(init=False)
    _started: float = field(init=False)
    _mark: float = field(init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        self.names = frozenset(name.lower() for name, _ in self.request.headers)
        self._started = self._mark = self.clock()

    @property
    def phase(self) -> Phase:
        """How far the request came; when no connection of ours watched, the answer that forbids a blind repeat."""
        return "notSent" if self.stage != "start" and not self.sent else "sentWithoutAnswer"

    def patience(self) -> float:
        """Return the seconds that the next socket operation may take.

        Raises:
            TimeoutError: no time is left.

        """
        passed = self.clock() - self._started
        limit = self.timeouts.read if self.stage == "exchange" else self.timeouts.connect - passed
        left = limit if self.timeouts.total is None else self.timeouts.total - passed
        self.total_rules = left < limit
        limit = min(limit, left)
        if limit <= 0:
            raise TimeoutError("no time is left")
        return limit

    def take(self, count: int) -> None:
        """Note bytes read.

        Raises:
            http.client.HTTPException: more than an honest answer needs.

        """
        self.room -= count
        if self.room < 0:
            self.flooded = True
            raise http.client.HTTPException("the answer takes more bytes than it may")

    def mark(self) -> None:
        """Begin to measure a part of the exchange."""
        self._mark = self.clock()

    def lap(self, name: str) -> None:
        """Note the milliseconds since the last mark or lap under a name."""
        now = self.clock()
        self.timings[name] = (now - self._mark) * 1000
        self._mark = now


CALL: ContextVar[Call] = ContextVar("httptask_call")


class _Reader(io.RawIOBase):
    """Reads from a socket, with the time still allowed set anew before each read: a slow drip cannot outlast the total."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, call: Call) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._call = call

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._call.patience())
        count = self._raw.readinto(buffer)
        self._call.take(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Answer(http.client.HTTPResponse):
    """An answer read within the call's limits, past any interim answers."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        """Put the timed reader below the buffer."""
        super().__init__(sock, debuglevel, method, url)
        call = CALL.get()
        call.room = MAX_HEAD
        self.fp: Any = io.BufferedReader(_Reader(self.fp.detach(), sock, call))

    def _read_status(self) -> tuple[str, int, str]:
        for _ in range(MAX_INTERIM):
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if status >= http.HTTPStatus.OK:
                return version, status, reason
            if status == http.HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.HTTPException("the protocol was switched without being asked")
            http.client.parse_headers(self.fp)
        raise http.client.HTTPException("too many interim answers")

    def _read_next_chunk_size(self) -> int:
        """Read a size (RFC 9112 section 7.1) and nothing else that `int` takes: with a sign it would leave the body without end.

        Raises:
            ValueError: it is none, so that nobody knows where the body ends.

        """
        match = _CHUNK_SIZE.fullmatch(self.fp.readline(MAX_CHUNK_LINE))
        if match is None:
            self._close_conn()  # type: ignore[attr-defined]  # typeshed leaves it out
            raise ValueError("no chunk size")
        return int(match["size"], 16)

    def begin(self) -> None:
        """Read status line and headers; an answer that has no content is not chunked, whatever it says."""
        super().begin()
        if self.length == 0:
            self.chunked = False
        call = CALL.get()
        call.room = WIRE_FACTOR * call.max_body + WIRE_SPARE
        call.lap("wait")


class WatchedConnection(HTTPConnection):
    """An HTTP connection that adds nothing but `Host`, keeps the target as given and notes each stage in the `Call`."""

    response_class = Answer

    def _new_conn(self) -> socket.socket:
        call = CALL.get()
        call.stage = "proxy" if self.proxy else "dns"
        call.mark()
        host = self._dns_host.strip("[]")
        try:
            # the proxy is the environment's own word, and it looks up the request's host itself
            found = look_up(host, self.port) if self.proxy else call.guard.addresses(call.request.url, host, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        call.lap("dns")
        if not self.proxy:
            call.stage = "connect"
        try:
            sock = self._reach(found, call)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no connection in time") from error
        except OSError as error:
            raise NewConnectionError(self, "no connection") from error
        call.lap("connect")
        if not self.proxy:
            call.stage = "tls"
        return sock

    def _reach(self, addresses: tuple[str, ...], call: Call) -> socket.socket:
        """Connect to the first address that answers; each gets half of the time left, so that the next has a chance."""
        for address in addresses[:-1]:
            try:
                return create_connection((address, self.port), call.patience() / 2, None, self.socket_options)
            except OSError:
                continue
        sock = create_connection((addresses[-1], self.port), call.patience(), None, self.socket_options)
        sock.settimeout(call.patience())
        return sock

    def _tunnel(self) -> None:
        super()._tunnel()
        call = CALL.get()
        call.lap("proxy")
        call.stage = "tls"
        self.sock.settimeout(call.patience())

    def connect(self) -> None:
        """Come up: name lookup, connect, tunnel and TLS, each noted."""
        super().connect()
        call = CALL.get()
        if isinstance(self, HTTPSConnection):
            call.lap("tls")
        call.stage = "exchange"

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # http.client's signature
        """Write the request line with the target exactly as rendered: urllib3 normalises the one it is given."""
        request = CALL.get().request
        exact = f"{request.origin}{request.target}" if self.proxy_is_forwarding else request.target
        super().putrequest(method, exact, skip_host, skip_accept_encoding)

    def putheader(self, header: Any, *values: Any) -> None:
        """Write a header, unless a library below added it unasked."""
        name = str(header).lower()
        if name not in UNASKED or name in CALL.get().names:
            super().putheader(header, *values)

    def send(self, data: Any) -> None:
        """Write bytes, noting the first that left; a request to the proxy itself does not count."""
        if self.sock is None:
            self.connect()
        call = CALL.get()
        if call.stage == "proxy":
            super().send(data)
            return
        call.stage = "exchange"
        view = memoryview(data)
        while view:
            self.sock.settimeout(call.patience())
            written = self.sock.send(view[:RECORD])
            call.sent = True
            view = view[written:]
        call.mark()


class WatchedTLSConnection(WatchedConnection, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = WatchedConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = WatchedTLSConnection


#: For a PoolManager's `pool_classes_by_scheme`.
POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _Pool, "https": _TLSPool}


_GZIP = b"\x1f"


class _Identity:
    """Content that needs no decoding."""

    whole = True

    def feed(self, data: bytes, room: int) -> bytes:
        """Return the data, at most `room` bytes of it."""
        return data[:room]


class _Unknown(_Identity):
    """Content in a coding that was not asked for: kept as it came."""

    whole = False


class _Inflate:
    """Decodes gzip and deflate, never more than there is room for, whatever the ratio."""

    def __init__(self, coding: str) -> None:
        self._coding = coding
        self._inflater: Any = None
        self._members = 0

    @property
    def whole(self) -> bool:
        """Whether the data ended where the coding says it ends."""
        return self._inflater is None or self._inflater.eof

    def feed(self, data: bytes, room: int) -> bytes:
        """Return what the data decodes to, at most `room` bytes.

        Raises:
            zlib.error: the data is not in this coding.

        """
        decoded = b""
        while data and len(decoded) < room:
            if self._inflater is None:
                self._inflater = zlib.decompressobj(self._window(data[0]))
            elif self._inflater.eof and not self._next_member(data):
                break
            decoded += self._inflater.decompress(data, room - len(decoded))
            data = self._inflater.unused_data
        return decoded

    def _window(self, first: int) -> int:
        """Return zlib's window bits; deflate comes with or without a zlib header, told apart by its first byte."""
        if self._coding != "deflate":
            return 16 + zlib.MAX_WBITS
        return zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS

    def _next_member(self, data: bytes) -> bool:
        """Start another gzip member; anything else after the end is padding, which other clients ignore too."""
        if self._coding == "deflate" or not data.startswith(_GZIP):
            return False
        self._members += 1
        if self._members >= MAX_MEMBERS:
            raise zlib.error("too many gzip members")
        self._inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
        return True


def _decoder(headers: Mapping[str, str]) -> _Identity | _Inflate:
    codings = f"{headers.get('content-encoding', '')},{headers.get('transfer-encoding', '')}".lower().split(",")
    applied = [coding for coding in map(str.strip, codings) if coding not in {"", "identity", "chunked"}]
    if not applied:
        return _Identity()
    return _Inflate(applied[0]) if applied in (["gzip"], ["x-gzip"], ["deflate"]) else _Unknown()


def read_body(raw: BaseHTTPResponse, limit: int) -> tuple[bytes, Incomplete | None]:
    """Return the decoded body, at most `limit` bytes, and why it is not whole, if it is not. What came is always kept."""
    body = bytearray()
    decoder = _decoder(raw.headers)
    try:
        while piece := raw.read1(min(PIECE, raw.length_remaining or PIECE), decode_content=False):
            body += decoder.feed(piece, limit + 1 - len(body))
            if len(body) > limit:
                return bytes(body[:limit]), "tooLarge"
    except zlib.error:
        return bytes(body), "undecodable"
    except ReadTimeoutError:
        return bytes(body), "timedOut"
    except (HTTPError, OSError):
        return bytes(body), "tooLarge" if CALL.get().flooded else "truncated"
    return bytes(body), None if decoder.whole or not raw.tell() else "undecodable"
