"""An attempt is a lease: who was cut off from the server for long sends nothing, because another worker may do so instead."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from httptask.errors import ConnectFailed
from httptask.hosted.units import Unit
from httptask.message import Request, Response, Timeouts
from httptask.model import SAFE_METHODS
from httptask.ports import Transport


@dataclass(frozen=True, slots=True)
class Lease:
    """What a turn may still send.

    Attributes:
        is_held: tells whether the attempt is still this worker's.
        reads_too: even what a safe method asks needs the lease: the task is declared to change something all the same.

    """

    is_held: Callable[[], bool] = lambda: True
    reads_too: bool = False

    @classmethod
    def of(cls, unit: Unit, is_held: Callable[[], bool]) -> Lease:
        """Return the lease of a unit; what a verify rule asks for a task that posts needs none.

        Raises:
            UnknownStep: the workflow has no such step.

        """
        task = unit.chain()[-1].task
        return cls(is_held, unit.may_change and task is not None and unit.registry[task].method in SAFE_METHODS)


#: Of the attempt that runs here; each turn's thread has its own.
LEASE: ContextVar[Lease] = ContextVar("lease", default=Lease())  # noqa: B039 - it is frozen


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
        lease = LEASE.get()
        if (lease.reads_too or request.method not in SAFE_METHODS) and not lease.is_held():
            message = "not sent: the Temporal server has taken no heartbeat of this attempt for too long"
            raise ConnectFailed(message, phase="notSent", code="unreachable")
        return self.inner.send(request, timeouts)
