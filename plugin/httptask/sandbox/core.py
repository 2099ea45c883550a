"""The sandbox itself: a request goes in, a reply comes out. No sockets, no threads of its own, time only through a port."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import re
import threading
from dataclasses import replace
from email.utils import formatdate
from typing import TYPE_CHECKING

from httptask.faults import Fault
from httptask.sandbox import control, routes, tokens
from httptask.sandbox.operations import Call
from httptask.sandbox.options import SandboxOptions
from httptask.sandbox.session import LONGEST_PATH_LOGGED, Received, Session
from httptask.sandbox.wire import CODES_BY_STATUS, ApiError, SandboxReply, to_bytes

if TYPE_CHECKING:
    from httptask.ports import Clock
    from httptask.sandbox.wire import Fields, SandboxRequest

MAX_BODY = 1024 * 1024
#: What real answers carry besides the body's own headers.
COMMON_HEADERS: Fields = (
    ("cache-control", "no-cache, no-store"),
    ("pragma", "no-cache"),
    ("expires", "0"),
    ("x-content-type-options", "nosniff"),
    ("set-cookie", 'sid="";Version=1;Path=/;Max-Age=0'),
    ("set-cookie", "JSESSIONID=00000000000000000000000000000000; Path=/; HttpOnly"),
)
BODILESS_STATUSES = frozenset({204, 205, 304})
HTML_BODY = b"<!DOCTYPE html><html><body><h1>This is not the API</h1></body></html>"
#: Okta's own Python client (3.4.4) writes no space after `SSWS`, and real servers let it in.
_CREDENTIAL = re.compile(r"(?:(?P<ssws>SSWS) *|(?P<scheme>Bearer|DPoP) +)(?P<token>.+)", re.IGNORECASE)
#: Faults in place of an answer: the operation is not carried out.
_INSTEAD = frozenset({"status", "html", "reset-before"})


class Sandbox:
    """A local Okta Agent Pools server without the network part; safe to call from several threads."""

    def __init__(self, options: SandboxOptions | None = None, *, clock: Clock) -> None:
        """Seed the data. The clock is shared with the caller in tests and is the system's on a port."""
        self.options = options or SandboxOptions()
        self.clock = clock
        self._session = Session(self.options, clock)
        self._lock = threading.Lock()

    def handle(self, request: SandboxRequest) -> SandboxReply:
        """Answer one request. A fault in the reply is for the caller to play on its kind of connection."""
        with self._lock:
            if control.is_control(request.path):
                return control.answer(self._session, request)
            now = self._session.now()
            reply, applied = self._play(request, now)
            status = reply.status or None
            self._session.record(Received(request.method, request.path[:LONGEST_PATH_LOGGED], status, applied, now))
            return reply

    def _play(self, request: SandboxRequest, now: float) -> tuple[SandboxReply, str | None]:
        fault = self._session.faults.take(request.method, request.path)
        if fault is not None and fault.kind in _INSTEAD:
            return self._instead(fault, now), None
        reply, applied = self._answer(request, now)
        if fault is None or fault.kind == "ok":
            return reply, applied
        if fault.kind == "truncated" and not reply.body:
            fault = Fault("reset-after")
        return replace(reply, fault=fault), applied

    def _instead(self, fault: Fault, now: float) -> SandboxReply:
        if fault.kind == "reset-before":
            return SandboxReply(0, fault=fault)
        if fault.kind == "html":
            return SandboxReply(200, self._headers(now, "text/html; charset=utf-8"), HTML_BODY)
        status = fault.status or 0
        body = b"" if status in BODILESS_STATUSES else self._error_body(ApiError(status, CODES_BY_STATUS.get(status, "E0000009")))
        named = {name.lower() for name, _ in fault.headers}
        usual = self._headers(now, "application/json" if body else "")
        kept = tuple((name, value) for name, value in usual if name not in named)
        return SandboxReply(status, (*kept, *fault.headers), body)

    def _answer(self, request: SandboxRequest, now: float) -> tuple[SandboxReply, str | None]:
        if request.path == tokens.PATH and request.method == "POST":
            return self._token(request, now)
        limits: Fields = ()
        if request.segments[:3] == ("api", "v1", "agentPools"):
            window = self._session.count(now)
            limits = window.headers(self.options.rate_limit)
            if window.exceeded(self.options.rate_limit):
                return self._refusal(ApiError(429, "E0000047"), now, limits), None
        try:
            self._admit(request, now)
            return self._carry_out(request, now, limits)
        except ApiError as error:
            return self._refusal(error, now, limits), None

    def _token(self, request: SandboxRequest, now: float) -> tuple[SandboxReply, str | None]:
        try:
            value = self._session.desk.issue(request, now)
        except tokens.OAuthError as error:
            headers = (*self._headers(now, "application/json"), *error.headers)
            return SandboxReply(error.status, headers, to_bytes(error.body)), None
        return SandboxReply(200, self._headers(now, "application/json"), to_bytes(value)), f"POST {tokens.PATH}"

    def _admit(self, request: SandboxRequest, now: float) -> None:
        credential = _CREDENTIAL.fullmatch(request.header("authorization") or "")
        if credential is None:
            raise ApiError(401, "E0000011")
        scheme = (credential["scheme"] or credential["ssws"]).lower()
        if scheme != "ssws":
            self._session.desk.admit(request, scheme, credential["token"], now)
        elif not hmac.compare_digest(credential["token"].encode(), self.options.token.encode()):
            raise ApiError(401, "E0000011")
        if len(request.body) > MAX_BODY:
            raise ApiError(413, "E0000003")

    def _carry_out(self, request: SandboxRequest, now: float, limits: Fields) -> tuple[SandboxReply, str]:
        route, parameters = routes.find(request.method, request.segments)
        self._session.state.settle(now)
        result = route.operation(Call(self._session.state, request, parameters, now))
        status = route.status(self.options.statuses)
        if result.value is None:
            return SandboxReply(status, (*self._headers(now), *limits)), route.key
        headers = (*self._headers(now, "application/json"), *limits, *result.headers)
        return _compressed(SandboxReply(status, headers, to_bytes(result.value)), request), route.key

    def _refusal(self, error: ApiError, now: float, limits: Fields) -> SandboxReply:
        headers = (*self._headers(now, "application/json"), *limits, *error.headers)
        return SandboxReply(error.status, headers, self._error_body(error))

    def _headers(self, now: float, content_type: str = "") -> Fields:
        self._session.answered += 1
        content: Fields = (("content-type", content_type),) if content_type else ()
        date = ("date", formatdate(now, usegmt=True))
        return (date, *content, ("x-okta-request-id", self._identifier("request")[:32]), *COMMON_HEADERS)

    def _error_body(self, error: ApiError) -> bytes:
        return to_bytes(error.to_json("oae" + self._identifier("error")[:22]))

    def _identifier(self, kind: str) -> str:
        return hashlib.sha256(f"{kind}:{self.options.seed}:{self._session.answered}".encode()).hexdigest()


def _compressed(reply: SandboxReply, request: SandboxRequest) -> SandboxReply:
    codings = (request.header("accept-encoding") or "").lower().replace(" ", "").split(",")
    if not any(coding == "gzip" or (coding.startswith("gzip;") and not coding.endswith(";q=0")) for coding in codings):
        return reply
    headers = (*reply.headers, ("content-encoding", "gzip"), ("vary", "Accept-Encoding"))
    return replace(reply, headers=headers, body=gzip.compress(reply.body, mtime=0))
