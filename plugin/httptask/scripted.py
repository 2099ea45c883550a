"""A transport without a network that plays a fault script: what a policy does with it can be seen at once, without waiting."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from typing import Any

from httptask.errors import ConnectFailed, ConnectionLost, TimedOut, TlsFailed, TransportError
from httptask.faults import Fault
from httptask.message import Headers, Request, Response, Timeouts
from httptask.model import TaskTemplate
from httptask.ports import Clock

OK = Fault("ok")


class ScriptedTransport:
    """Answers a task's requests with the script's entries in order; the last one repeats."""

    def __init__(self, template: TaskTemplate, script: Sequence[Fault], clock: Clock) -> None:
        """Start at the script's first entry; an empty script is all well."""
        self._template = template
        self._script = list(script) or [OK]
        self._clock = clock

    def send(self, request: Request, timeouts: Timeouts) -> Response:  # noqa: ARG002 - the script does not look at the request
        """Play the next entry, taking the time on the clock that it would take.

        Raises:
            TransportError: the entry leaves no answer.

        """
        fault = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        self._pass_time(fault, timeouts)
        if fault.kind in _LOST:
            raise _lost(fault.kind)
        if fault.kind == "html":
            return self._response(200, "text/html", b"<!doctype html><title>Sign in</title>")
        status = fault.status or _documented_success(self._template)
        response = self._response(status, "application/json", _example(self._template, status), fault.headers)
        if fault.kind == "truncated":
            return Response(response.status, response.headers, response.body[: len(response.body) // 2], "truncated")
        return response

    def example(self) -> Response:
        """Return the documented answer of a success."""
        status = _documented_success(self._template)
        return self._response(status, "application/json", _example(self._template, status))

    def _pass_time(self, fault: Fault, timeouts: Timeouts) -> None:
        total = float("inf") if timeouts.total is None else timeouts.total
        takes = {"connect-timeout": timeouts.connect, "read-timeout": timeouts.read, "slow": fault.seconds}.get(fault.kind, 0.0)
        self._clock.sleep(min(takes, timeouts.read if fault.kind == "slow" else takes, total))
        if fault.kind == "slow" and takes > min(timeouts.read, total):
            raise _lost("read-timeout")

    def _response(self, status: int, content_type: str, body: bytes, more: Sequence[tuple[str, str]] = ()) -> Response:
        fields = [("Date", formatdate(self._clock.now(), usegmt=True)), *more]
        if body:
            fields.append(("Content-Type", content_type))
        return Response(status, Headers(tuple(fields)), body)


_LOST: Mapping[str, Any] = {
    "dns": lambda: ConnectFailed("the host name does not resolve", phase="notSent", code="dns"),
    "refused": lambda: ConnectFailed("the connection was refused", phase="notSent", code="refused"),
    "tls": lambda: TlsFailed("the TLS handshake was cut off", phase="notSent", code="tlsHandshake"),
    "connect-timeout": lambda: TimedOut("no connection in time", phase="notSent", code="connectTimeout"),
    "reset-before": lambda: ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost"),
    "reset-after": lambda: ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost"),
    "read-timeout": lambda: TimedOut("no answer in time", phase="sentWithoutAnswer", code="readTimeout"),
}


def _lost(kind: str) -> TransportError:
    error: TransportError = _LOST[kind]()
    return error


def _documented_success(template: TaskTemplate) -> int:
    return next((int(status) for status in template.responses if status.isdigit() and status.startswith("2")), 200)


def _example(template: TaskTemplate, status: int) -> bytes:
    """Return the documented example of a status as bytes; none is documented, nothing is sent."""
    spec = template.responses.get(str(status))
    if spec is None or spec.example is None:
        return b""
    return json.dumps(spec.example, ensure_ascii=False).encode("utf-8")
