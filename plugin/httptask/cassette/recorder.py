"""Records what tasks send and what comes back: a transport around the real one, and a file at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httptask.cassette.exchanges import Cassette, Exchange, Server, asked, came
from httptask.cassette.file import check_place, write
from httptask.cassette.redaction import redacted
from httptask.errors import TransportError
from httptask.events import CredentialUsed, Event, TaskFinished, TaskStarted
from httptask.message import Request, Response, Timeouts
from httptask.model import Connection, TaskTemplate
from httptask.ports import Clock, Transport
from httptask.secrets import Redactor, Secret


@dataclass(slots=True)
class Recorder:
    """One recording: `wrap` goes around the transport, and the recorder itself is an observer of the tasks that are run.

    Everything is kept in memory, as it is, until `finish` writes it without its secrets. Requests to token endpoints are not
    recorded. Safe between threads; what a lane that was given up does after `finish` does not count.
    """

    file: Path
    tasks: Mapping[str, TaskTemplate]
    clock: Clock
    overwrite: bool = False
    #: What `executing` takes the connections, time and lanes of a run from; None where it makes its own.
    stage: Any = None
    _began: float = field(init=False)
    _servers: dict[str, Server] = field(default_factory=dict)
    _connections: dict[str, Connection] = field(default_factory=dict)
    _templates: dict[str, TaskTemplate] = field(default_factory=dict)
    _learned: dict[Secret, None] = field(default_factory=dict)
    _known: list[Callable[[], Redactor]] = field(default_factory=list)
    _begun: int = 0
    _kept: dict[int, Exchange] | None = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Refuse a place that cannot be written, before anything is sent.

        Raises:
            CassetteInvalid: as said.

        """
        check_place(self.file, overwrite=self.overwrite)
        self._began = self.clock.now()

    def connected(self, used: Mapping[str, Connection]) -> None:
        """Take the connections of a run, by the ids of their providers."""
        for provider, connection in used.items():
            auth = connection.auth
            self._connections[provider] = connection
            self._servers[provider] = Server(
                connection.base_url,
                None if auth is None else auth.scheme,
                auth is not None and auth.refreshable,
                connection.retry,
                connection.egress.allowed_hosts,
            )

    def knowing(self, known: Callable[[], Redactor]) -> None:
        """Take what tells secrets beside those of connections and events."""
        self._known.append(known)

    def __call__(self, event: Event) -> None:
        """Learn which tasks are run, and what they and their answers call secret."""
        if isinstance(event, TaskStarted | CredentialUsed | TaskFinished):
            with self._lock:
                self._learned.update(dict.fromkeys(event.secrets))
                if isinstance(event, TaskStarted):
                    self._templates[event.task] = self.tasks[event.task]

    def wrap(self, transport: Transport) -> Transport:
        """Return a transport that sends over this one and keeps what passes."""
        return _Recording(self, transport)

    def exchange(self, transport: Transport, request: Request, timeouts: Timeouts) -> Response:
        """Send over a transport, and keep what came of it; what is cut off by an interrupt has no end to be kept."""
        if self._is_for_a_token(request):
            return transport.send(request, timeouts)
        number, began = self._begin(), self.clock.monotonic()
        try:
            response = transport.send(request, timeouts)
        except TransportError as error:
            self._end(number, request, error, began)
            raise
        self._end(number, request, response, began)
        return response

    def finish(self) -> int:
        """Write the cassette, secrets withheld, and return how many exchanges it holds; without any, nothing is written.

        Raises:
            CassetteInvalid: it cannot be written; what stood there stands.

        """
        with self._lock:
            kept, self._kept = self._kept or {}, None
        if kept:
            raw = [kept[number] for number in sorted(kept)]
            exchanges = redacted(raw, self._templates.values(), self._knowing())
            write(self.file, Cassette(self._began, self._servers, exchanges), overwrite=self.overwrite)
        return len(kept)

    def _knowing(self) -> Redactor:
        """Return every secret met, credentials first."""
        credentials = (secret for each in self._connections.values() for secret in each.secrets)
        others = (secret for known in self._known for secret in known().secrets)
        return Redactor(dict.fromkeys((*credentials, *self._learned, *others)))

    def _is_for_a_token(self, request: Request) -> bool:
        return any(request.url in each.endpoints for each in self._connections.values())

    def _begin(self) -> int:
        with self._lock:
            self._begun += 1
            return self._begun

    def _end(self, number: int, request: Request, answer: Response | TransportError, began: float) -> None:
        exchange = Exchange(asked(request, self._servers), came(answer), self.clock.monotonic() - began)
        with self._lock:
            if self._kept is not None:
                self._kept[number] = exchange


@dataclass(frozen=True, slots=True)
class _Recording:
    recorder: Recorder
    transport: Transport

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        return self.recorder.exchange(self.transport, request, timeouts)
