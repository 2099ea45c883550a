"""Plays a cassette again: no network, no credential, no waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from httptask.auth import placeholder_auth
from httptask.auth.dpop import Prover
from httptask.auth.oauth2 import asks_for_nonce
from httptask.cassette.exchanges import Asked, Cassette, Exchange, Lost, Server, asked
from httptask.cassette.matching import Shelf, differences, shown
from httptask.cassette.redaction import PLACEHOLDER, redacted
from httptask.egress_policy import EgressPolicy
from httptask.errors import Problem, ReplayMiss
from httptask.events import Event, TaskStarted
from httptask.message import Request, Response, Timeouts
from httptask.model import Connection, Provider, TaskTemplate
from httptask.ports import Auth, Clock, Means, Transport
from httptask.secrets import MASK, Redactor, Secret

_AGAIN = "record it again if the flow has changed on purpose: --record FILE --overwrite"
_MOST_TOLD = 10
_LONGEST_TARGET = 200


@dataclass(slots=True)
class Replay:
    """One replay: gives the connections, takes the place of the transport, and is an observer of the tasks that are run.

    What was recorded is given once, in order; the clock moves by the time that it took.
    """

    cassette: Cassette
    tasks: Mapping[str, TaskTemplate]
    clock: Clock
    known: Callable[[], Redactor] = Redactor
    _servers: dict[str, Server] = field(init=False)
    _shelf: Shelf = field(init=False)
    _templates: dict[str, TaskTemplate] = field(default_factory=dict)
    _learned: dict[Secret, None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Begin at the beginning."""
        self._servers = dict(self.cassette.servers)
        self._shelf = Shelf(self.cassette.exchanges)

    def connect(self, template: TaskTemplate) -> Connection:
        """Return a connection to where the task's requests went while recording; nothing is sent there."""
        provider = template.provider
        server = self._servers.setdefault(provider.id, Server(provider.default_url.rstrip("/")))
        return Connection(
            "replay",
            server.base_url,
            self._auth(provider, server),
            retry=server.retry,
            source=f"the cassette {self.cassette.file}",
            egress=EgressPolicy(allowed_hosts=server.allowed_hosts),
        )

    def wrap(self, transport: Transport) -> Transport:  # noqa: ARG002 - nothing is sent
        """Return what answers from the cassette in place of a transport."""
        return self

    def __call__(self, event: Event) -> None:
        """Learn what a message about a request may not show."""
        if isinstance(event, TaskStarted):
            with self._lock:
                self._templates[event.task] = self.tasks[event.task]
                self._learned.update(dict.fromkeys(event.secrets))

    def send(self, request: Request, timeouts: Timeouts) -> Response:  # noqa: ARG002 - it took what it took
        """Answer as it was recorded.

        Raises:
            TransportError: as recorded.
            ReplayMiss: nothing recorded answers this request, or nothing any more.

        """
        wanted = asked(request, self._servers)
        with self._lock:
            found = self._shelf.take(wanted)
            if found is None:
                self._miss(wanted)
        self.clock.sleep(found.elapsed)
        if isinstance(found.came, Lost):
            raise found.came.error()
        return found.came.response()

    @property
    def unused(self) -> tuple[str, ...]:
        """The recorded requests that were not asked for, with their places."""
        with self._lock:
            return tuple(
                f"{self._place(index)}: {_headline(self.cassette.exchanges[index].asked)}" for index in self._shelf.unused
            )

    def _auth(self, provider: Provider, server: Server) -> Auth | None:
        if server.scheme is None and provider.id in self.cassette.servers:
            return None
        inner = placeholder_auth(provider, Secret("no-credential-at-replay", reference="replay"), server.scheme)
        if inner is None:
            return None
        withheld = tuple(Secret(text, reference="a withheld value", verbatim=True) for text in self.cassette.placeholders)
        return ReplayedCredential(inner, withheld, server.refreshable)

    def _place(self, index: int) -> str:
        return f"{self.cassette.file}:{self.cassette.lines[index]}" if self.cassette.lines else f"exchange {index + 1}"

    def _miss(self, wanted: Asked) -> NoReturn:
        told = self._masked(wanted)
        times, nearest = self._shelf.times(wanted), self._shelf.nearest(wanted)
        if times:
            often = "once" if times == 1 else f"{times} times"
            message = f"{_headline(told)} was recorded {often}, and is asked for once more"
            raise ReplayMiss(Problem(self.cassette.file, message, _AGAIN))
        if nearest is None:
            message = f"nothing recorded answers {_headline(told)}: no request to this server was recorded"
            raise ReplayMiss(Problem(self.cassette.file, message, _AGAIN))
        message = f"nothing recorded answers {_headline(told)}; the nearest request differs"
        problems = [Problem(self._place(nearest), message, _AGAIN), *self._told(self.cassette.exchanges[nearest].asked, told)]
        raise ReplayMiss(problems)

    def _told(self, recorded: Asked, told: Asked) -> Iterator[Problem]:
        found = [
            Problem(each.where, f"recorded {shown(each.recorded)}, sent {shown(each.sent)}")
            for each in differences(recorded, told)
        ]
        yield from found[:_MOST_TOLD]
        if len(found) > _MOST_TOLD:
            yield Problem("", f"and {len(found) - _MOST_TOLD} more differences")
        if not found:
            yield Problem("", "it differs in a value that may not be shown")

    def _masked(self, wanted: Asked) -> Asked:
        """Return a request fit to be shown: placeholders of the cassette stay, everything else that is secret is masked."""
        secrets = dict.fromkeys((*self._learned, *self.known().secrets))
        known = Redactor(secret for secret in secrets if not PLACEHOLDER.fullmatch(secret.reveal()))
        bare = Exchange(wanted, Lost("connectionLost", "connectionLost", "notSent", ""))
        return redacted([bare], self._templates.values(), known, lambda _: MASK)[0].asked


@dataclass(frozen=True, slots=True)
class ReplayedCredential:
    """An Auth without a credential: it looks like the recorded one, asks nobody, and is renewed where that one could be."""

    inner: Auth
    secrets: tuple[Secret, ...]
    refreshable: bool
    prover: Prover = field(default_factory=Prover)

    @property
    def scheme(self) -> str:
        """The recorded scheme."""
        return self.inner.scheme

    @property
    def headers(self) -> frozenset[str]:
        """The headers this scheme owns."""
        return self.inner.headers

    @property
    def endpoints(self) -> tuple[str, ...]:
        """None: nobody is asked."""
        return ()

    def challenged(self, sent: Request, answer: Response) -> bool:
        """Tell whether the recorded credential was sent again with a new nonce."""
        return self.refreshable and self.prover.learn(sent.url, answer.headers, resource=True) and asks_for_nonce(answer)

    def refresh(self, sent: Request, answer: Response) -> None:
        """Keep what is no credential."""

    def preview(self, request: Request) -> Request:
        """Return the request with a placeholder where the credential was."""
        return self.inner.preview(request)

    def apply(self, request: Request, means: Means) -> Request:  # noqa: ARG002 - what `ports.Auth` asks for
        """Return the same."""
        return self.inner.preview(request)


def _headline(told: Asked) -> str:
    target = told.target if len(told.target) <= _LONGEST_TARGET else f"{told.target[:_LONGEST_TARGET]}..."
    return f"{told.method} {target}"
