"""What the core asks of the world, as Protocols. The world implements them; the shell is handed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from httptask.events import Event
    from httptask.message import Request, Response, Timeouts
    from httptask.outcome import Answer, Attempt
    from httptask.secrets import Secret


class Transport(Protocol):
    """Sends one request once."""

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        """Send and read the whole answer.

        Raises:
            TransportError: no status line and headers were received; its `phase` says whether a byte was sent.

        """
        ...


class Clock(Protocol):
    """Time and chance, so that tests need neither."""

    def now(self) -> float:
        """Return the wall clock in epoch seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only go forward, for measuring."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...

    def random(self) -> float:
        """Return a number in [0, 1), for jitter."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a credential is wanted for, and the world to get it with.

    Attributes:
        scopes: the least that the task needs, as its template says.
        transport: the one the task's own request will take.
        clock: time and chance.
        timeouts: of one exchange; `total` is what is left for all of them.

    """

    scopes: tuple[str, ...]
    transport: Transport
    clock: Clock
    timeouts: Timeouts


class Auth(Protocol):
    """Adds a credential to a request."""

    @property
    def scheme(self) -> str:
        """Name of the security scheme in the provider file, for example `apiToken`."""
        ...

    @property
    def headers(self) -> frozenset[str]:
        """Lower-case names of the headers this scheme owns; nobody else may set them."""
        ...

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret held by now, for the Redactor; a scheme that asks for tokens holds more later."""
        ...

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Absolute URLs that the scheme itself sends requests to; none for a credential that was given whole."""
        ...

    @property
    def refreshable(self) -> bool:
        """Whether `refresh` can get another credential, so that a 401 is worth one more try."""
        ...

    def challenged(self, sent: Request, answer: Response) -> bool:
        """Learn what an answer says for later requests; tell whether it asks for this one again at once, under other terms.

        So a server asks for a nonce in the proof (RFC 9449 section 9); the credential itself was not refused.
        """
        ...

    def refresh(self, sent: Request, answer: Response) -> None:
        """Give up what a 401 refused; the next `apply` brings another. Others may have renewed it since `sent`."""
        ...

    def preview(self, request: Request) -> Request:
        """Return the request as it will look, asking nobody: a placeholder stands where a credential has yet to be got."""
        ...

    def apply(self, request: Request, means: Means) -> Request:
        """Return the request with the credential added.

        Raises:
            CredentialError: it cannot be got.

        """
        ...


class Observer(Protocol):
    """Is told what happens, as it happens."""

    def __call__(self, event: Event) -> None:
        """Take one event; must not raise and must not block."""
        ...


class AttemptRecord(Protocol):
    """Is asked before each attempt of one logical call and told after it."""

    def prepared(self, request: Request) -> None:
        """Take the request as it was rendered, without its credential.

        Raises:
            RequestChanged: an earlier process sent another one for this call, whose end is not known.

        """
        ...

    def sending(self, number: int, request: Request) -> None:
        """Write down that attempt `number` is about to be sent; the first byte leaves after this returned.

        Raises:
            JournalError: it cannot be written, so nothing may be sent.
            KeyboardInterrupt: nothing new may be sent.

        """
        ...

    def asked_before(self, answer: Answer) -> None:
        """Keep the verify task's answer from before the first attempt."""
        ...

    def ended(self, attempt: Attempt, *, is_open: bool) -> None:
        """Take what came of an attempt; `is_open`: it may have been applied though it did not succeed. Must not raise."""
        ...


@dataclass(frozen=True, slots=True)
class Recovery:
    """What an earlier process left of a call that it did not finish.

    Attributes:
        attempts: how many were begun.
        lost: one of them may have been applied, and nobody has judged what that means for the next.
        repeating: one of them may have been applied, and it was decided that it may be sent again all the same.
        wait: seconds until the next may be sent, as was decided.
        before: the verify task's answer from before the first attempt.
        key_expired: the provider may have forgotten the idempotency key of the first attempt.
        key_age: seconds since that attempt.
        refreshed: the credential was renewed for one of them, which is done once for a call.

    """

    attempts: int = 0
    lost: bool = False
    repeating: bool = False
    wait: float = 0.0
    before: Answer | None = None
    key_expired: bool = False
    key_age: float = 0.0
    refreshed: bool = False

    @property
    def is_open(self) -> bool:
        """Whether something may have been applied."""
        return self.lost or self.repeating


NOTHING_DONE = Recovery()


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact of a run, as a journal keeps it.

    Attributes:
        path: what it is about: `create[3]/until:2/page:7/attempt:1`, below the step of a sub-workflow or `onFailure`.
        kind: what is said about it, see `recording`.
        data: JSON.
        at: wall clock in epoch seconds.
        ran: seconds of running time of the run so far, over all its executions.

    """

    path: str
    kind: str
    data: Mapping[str, Any]
    at: float = 0.0
    ran: float = 0.0


class RunJournal(Protocol):
    """The journal of one run, which its holder alone may write. Safe to call from several threads.

    Every method raises JournalError when what was written so far cannot be kept, or what was kept cannot be read.
    """

    @property
    def run_id(self) -> str:
        """The run's id."""
        ...

    @property
    def durable(self) -> bool:
        """Whether what is committed outlives this process."""
        ...

    def append(self, *entries: Entry) -> None:
        """Write entries; they are durable with the next commit, in this order."""
        ...

    def commit(self, *entries: Entry) -> None:
        """Write entries in one transaction and return once they, and all that was appended before, are durable."""
        ...

    def last(self, path: str, kind: str) -> Entry | None:
        """Return the newest entry of a kind about a path."""
        ...

    def below(self, path: str, kind: str) -> Iterator[Entry]:
        """Yield the entries of a kind whose path starts with `path`, oldest first, a few at a time."""
        ...
