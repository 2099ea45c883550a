"""What the core asks of the world, as Protocols. The world implements them; the shell is handed them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from httptask.events import Event
    from httptask.message import Request, Response, Timeouts
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
