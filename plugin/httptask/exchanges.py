"""What went over the wire while a task ran, kept to be looked at: requests with their answers, in their order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from httptask import masking, results
from httptask.errors import TransportError
from httptask.message import Headers, Request, Response, Timeouts
from httptask.model import TaskTemplate
from httptask.outcome import Answer
from httptask.ports import Transport
from httptask.secrets import Redactor

#: Exchanges that are kept; of a list of a thousand pages nobody reads the first ones.
MOST = 32


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with what came back: an answer, or an error in words. Of a token's no more than the lines are ever shown."""

    purpose: Literal["task", "token"]
    request: Request
    response: Response | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """An exchange without secrets; `reason` is the server's own word beside the status."""

    purpose: Literal["task", "token"]
    request: Request
    answer: Answer | None = None
    reason: str = ""
    error: str = ""


def shown(exchange: Exchange, template: TaskTemplate, redactor: Redactor) -> Shown:
    """Return an exchange fit to be shown."""
    request, response = exchange.request, exchange.response
    if exchange.purpose == "token":
        bare = Request(request.method, redactor.url(request.url), Headers())
        answer = Answer(response.status, (), None, "empty") if response is not None else None
    else:
        bare = masking.request(template, replace(request, url=request.shown_url, secret_query=()), redactor)
        answer = masking.answer(template, results.parse(response), redactor) if response is not None else None
    reason = redactor.free(response.reason) if response is not None else ""
    return Shown(exchange.purpose, bare, answer, reason, redactor.free(exchange.error))


@dataclass(slots=True)
class Tap:
    """Keeps what passes; `endpoints` are URLs of tokens."""

    endpoints: frozenset[str] = frozenset()
    kept: deque[Exchange] = field(default_factory=lambda: deque(maxlen=MOST))
    passed: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def around(self, inner: Callable[[Transport], Transport] | None = None) -> Callable[[Transport], Transport]:
        """Return what puts the tap in front of a transport."""
        return lambda transport: _Tapped(inner(transport) if inner else transport, self)

    def take(self, request: Request, response: Response | None, error: str = "") -> None:
        """Keep an exchange."""
        purpose: Literal["task", "token"] = "token" if request.url in self.endpoints else "task"
        with self._lock:
            self.passed += 1
            self.kept.append(Exchange(purpose, request, response, error))


@dataclass(frozen=True, slots=True)
class _Tapped:
    transport: Transport
    tap: Tap

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        try:
            response = self.transport.send(request, timeouts)
        except TransportError as error:
            self.tap.take(request, None, str(error))
            raise
        self.tap.take(request, response)
        return response
