"""The sandbox as a transport: requests go to the core without a socket, so that tests need neither a port nor time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from httptask.errors import ConnectionLost, TimedOut
from httptask.message import Headers, Response
from httptask.sandbox.wire import SandboxReply, SandboxRequest
from httptask.secrets import Secret

if TYPE_CHECKING:
    from httptask.message import Request, Timeouts
    from httptask.sandbox.core import Sandbox


class SandboxTransport:
    """A `Transport` on the core. Faults come out as a real connection would show them; waits use the sandbox's clock."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Send everything to this sandbox, whatever the URL's host."""
        self._sandbox = sandbox

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        """Answer from the core, never compressed.

        Raises:
            TransportError: the sandbox played a fault that leaves no answer.

        """
        reply = self._sandbox.handle(_received(request))
        kind = reply.fault.kind if reply.fault else "ok"
        if kind in ("reset-before", "reset-after"):
            raise ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")
        if kind == "read-timeout":
            self._wait(float("inf"), timeouts)
        if kind == "slow" and reply.fault:
            self._wait(reply.fault.seconds, timeouts)
        response = _response(reply)
        if kind == "truncated":
            return replace(response, body=response.body[: len(response.body) // 2], incomplete="truncated")
        return replace(response, body=b"") if request.method == "HEAD" else response

    def _wait(self, seconds: float, timeouts: Timeouts) -> None:
        total = float("inf") if timeouts.total is None else timeouts.total
        patience = min(timeouts.read, total)
        self._sandbox.clock.sleep(min(seconds, patience))
        if seconds > patience:
            code = "deadline" if total < timeouts.read else "readTimeout"
            raise TimedOut("no answer in time", phase="sentWithoutAnswer", code=code)


def _received(request: Request) -> SandboxRequest:
    fields = tuple((name, value.reveal() if isinstance(value, Secret) else value) for name, value in request.headers)
    plain = tuple(field for field in fields if field[0].lower() != "accept-encoding")
    return SandboxRequest(request.method, request.target, plain, request.body or b"", request.origin)


def _response(reply: SandboxReply) -> Response:
    length = ("content-length", str(len(reply.body)))
    return Response(reply.status, Headers((*reply.headers, length)), reply.body)
