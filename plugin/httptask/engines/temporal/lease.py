"""An attempt is a lease: who was cut off from the server for long sends nothing, because another worker may do so instead."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from httptask.errors import ConnectFailed
from httptask.message import Request, Response, Timeouts
from httptask.model import SAFE_METHODS
from httptask.ports import Transport

#: Whether the attempt that runs here is still this worker's; each turn's thread has its own.
IS_HELD: ContextVar[Callable[[], bool]] = ContextVar("is_held", default=lambda: True)


@dataclass(frozen=True, slots=True)
class Leased:
    """A transport that looks at the lease before a request that may change something leaves."""

    inner: Transport

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        """Send.

        Raises:
            ConnectFailed: the lease may have ended; nothing was sent.
            TransportError: there is no complete answer.

        """
        if request.method not in SAFE_METHODS and not IS_HELD.get()():
            message = "not sent: the Temporal server has taken no heartbeat of this attempt for too long"
            raise ConnectFailed(message, phase="notSent", code="unreachable")
        return self.inner.send(request, timeouts)
