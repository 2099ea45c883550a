"""Who may talk to the page: an ASGI layer that every request and answer passes.

The page can send requests with a person's credentials, so another site that the same browser shows must not be able to use it.
The `Host` header must be one of ours (against DNS rebinding), a request that changes something must come from the page itself
(`Origin`, `Sec-Fetch-Site`), and every page needs a session, which the one-time link that `httptask serve` prints begins.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from httptask.identity import new_token

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
#: Draws a page that says why there is nothing else to see: status, title, text.
Refuse = Callable[[int, str, str], bytes]

#: The query parameter of the link that is printed.
TOKEN = "token"  # noqa: S105 - a name
LARGEST_BODY = 8 * 1024 * 1024
#: Seconds in which a request's body has to arrive.
BODY_SECONDS = 20.0
_ASKING = frozenset({"GET", "HEAD"})
_METHODS = _ASKING | {"POST"}
_PUBLIC = "/static/"

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types httptask"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # with `no-referrer` a form would be sent with `Origin: null` (Fetch, "append a request Origin header")
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is not answered."""

    status: int
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the decisions look at. Header names are in lower case; of a header that came twice both values are kept."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str | None:
        """Return a header's value; two of one name are none that can be trusted, and become a text that nothing equals."""
        values = [value for key, value in self.headers if key == name]
        return values[0] if len(values) == 1 else "\x00" if values else None

    @property
    def token(self) -> str | None:
        """The token of the link, if there is one."""
        try:
            values = parse_qs(self.query, keep_blank_values=True, max_num_fields=100).get(TOKEN)
        except ValueError:  # more fields than any page of ours has
            return None
        return values[0] if values else None

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value."""
        pairs = (part.strip().partition("=") for key, value in self.headers if key == "cookie" for part in value.split(";"))
        return next((value for key, _, value in pairs if key == name), None)


def wrong_host(asked: Asked, hosts: Iterable[str]) -> Refusal | None:
    """Refuse a request for another name than ours: a name of somebody else that leads here is an attack."""
    host = (asked.header("host") or "").lower()
    if host in hosts:
        return None
    return Refusal(421, "This is not the page's address", "Open the address that `httptask serve` printed.")


def foreign(asked: Asked, hosts: Iterable[str]) -> Refusal | None:
    """Refuse what another page asked the browser to send (fetch metadata, and `Origin` for what may change something)."""
    refusal = Refusal(403, "Another page sent this", "Requests are taken from this page alone. Nothing was done.")
    site = asked.header("sec-fetch-site")
    if asked.method not in _ASKING:
        origin = asked.header("origin")
        if origin is not None:
            return None if origin in {f"http://{host}" for host in hosts} and site in {None, "same-origin"} else refusal
        return None if site == "same-origin" else refusal
    if site in {None, "same-origin", "none"}:
        return None
    opens = asked.header("sec-fetch-mode") == "navigate" and asked.header("sec-fetch-dest") == "document"
    return None if opens else refusal


@dataclass
class Sessions:
    """The one-time token, and the session that it begins. Both are compared in constant time.

    Cookies do not know ports, so `cookie` names one of our own: two pages on one machine would take each other's.
    """

    cookie: str = "httptask"
    token: str = field(default_factory=new_token)
    _open: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, token: str) -> str | None:
        """Return a new session for the token, which is thereby used up; None when it is another, or was used."""
        with self._lock:
            if not self.token or not hmac.compare_digest(token.encode(), self.token.encode()):
                return None
            self.token = ""
            session = new_token()
            self._open.add(session)
            return session

    def is_open(self, session: str | None) -> bool:
        """Tell whether this is a session of ours."""
        return session is not None and any(hmac.compare_digest(session.encode(), known.encode()) for known in self._open)


class Guard:
    """Stands in front of the page's application."""

    def __init__(
        self, app: App, hosts: Iterable[str], sessions: Sessions, refuse: Refuse, failed: Callable[[Exception], None]
    ) -> None:
        """Guard an application.

        Args:
            app: what answers the requests that pass.
            hosts: the values that `Host` may have.
            sessions: who is let in.
            refuse: draws the page of a refusal.
            failed: is told of an error that nobody expected, which the browser learns nothing of.

        """
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._sessions = sessions
        self._refuse = refuse
        self._failed = failed

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        asked = _asked(scope)
        refusal = self._refused(asked)
        if refusal is not None:
            await self._answer(refusal, asked, send)
        elif asked.token is not None and asked.method == "GET":
            await self._enter(asked, send)
        elif not asked.path.startswith(_PUBLIC) and not self._sessions.is_open(asked.cookie(self._sessions.cookie)):
            await self._answer(_NO_SESSION, asked, send)
        else:
            await self._pass_on(scope, asked, receive, send)

    def _refused(self, asked: Asked) -> Refusal | None:
        if asked.method not in _METHODS:
            return Refusal(405, "Not a request of this page", "It takes GET, HEAD and POST.")
        length = asked.header("content-length") or "0"
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return _TOO_LARGE
        return wrong_host(asked, self._hosts) or foreign(asked, self._hosts)

    async def _enter(self, asked: Asked, send: Send) -> None:
        """Begin a session and lead to the same page without the token, which thereby stays in no history."""
        purpose = asked.header("sec-purpose") or asked.header("purpose") or ""
        if "prefetch" in purpose or "prerender" in purpose:  # a guess of the browser would use the token up
            await self._answer(_NO_SESSION, asked, send)
            return
        rest = {key: values for key, values in parse_qs(asked.query, keep_blank_values=True).items() if key != TOKEN}
        # with two slashes, or a backslash, it would name another host
        path = "/" + quote(asked.path.lstrip("/\\"), safe="/")
        headers = [("Location", path + (f"?{urlencode(rest, doseq=True)}" if rest else ""))]
        if not self._sessions.is_open(asked.cookie(self._sessions.cookie)):
            session = self._sessions.begin(asked.token or "")
            if session is None:
                await self._answer(_USED, asked, send)
                return
            headers.append(("Set-Cookie", f"{self._sessions.cookie}={session}; Path=/; HttpOnly; SameSite=Strict"))
        await _send(send, 303, headers, b"")

    async def _answer(self, refusal: Refusal, asked: Asked, send: Send) -> None:
        body = self._refuse(refusal.status, refusal.title, refusal.text)
        close = [("Connection", "close")] if asked.method not in _ASKING else []  # the rest of a body is not read
        await _send(
            send, refusal.status, [("Content-Type", "text/html; charset=utf-8"), *close], body, head=asked.method == "HEAD"
        )

    async def _pass_on(self, scope: Message, asked: Asked, receive: Receive, send: Send) -> None:
        began = False

        async def guarded(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                message = {**message, "headers": _with_headers(message.get("headers", ()))}
            await send(message)

        refusal: Refusal | None = None
        try:
            await self._app(scope, _Bounded(receive), guarded)
        except _Stopped as stopped:
            refusal = stopped.refusal
        except Exception as error:  # noqa: BLE001 - a bug's own words could hold a credential
            self._failed(error)
            refusal = _BUG
        if refusal is not None and not began:
            await self._answer(refusal, asked, send)


_NO_SESSION = Refusal(
    403,
    "Open the link that was printed",
    "`httptask serve` prints a link that works once and lets this browser in. Start it again for another.",
)
_USED = Refusal(
    403,
    "This link was used already",
    "It lets one browser in, once. If this is the browser, open the page without the token; else start `httptask serve` again.",
)
_TOO_LARGE = Refusal(413, "This is too large", f"The page takes {LARGEST_BODY // 1024 // 1024} MiB at most.")
_TOO_SLOW = Refusal(408, "The request did not arrive", "Send it again.")
_BUG = Refusal(500, "httptask failed", "HTTPTASK_DEBUG=1 shows where, on the terminal; please report it.")


class _Stopped(Exception):
    """A body that is not read to its end."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


class _Bounded:
    """Receives a request's body, no more than is allowed and no longer than is allowed."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = LARGEST_BODY
        self._end = asyncio.get_running_loop().time() + BODY_SECONDS
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is only that the browser has gone
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._end):
                message = await self._receive()
        except TimeoutError:
            raise _Stopped(_TOO_SLOW) from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _Stopped(_TOO_LARGE)
        self._is_whole = not message.get("more_body", False)
        return message


def _asked(scope: Message) -> Asked:
    headers = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"])
    return Asked(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers)


def _with_headers(given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return an answer's headers with ours; what the application says of caching stands."""
    kept = list(given)
    present = {name.lower() for name, _ in kept}
    ours = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    return kept + [(name, value) for name, value in ours if name.lower() not in present]


async def _send(send: Send, status: int, headers: list[tuple[str, str]], body: bytes, *, head: bool = False) -> None:
    every = [*headers, ("Content-Length", str(len(body)))]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every]
    await send({"type": "http.response.start", "status": status, "headers": _with_headers(encoded)})
    await send({"type": "http.response.body", "body": b"" if head else body})
