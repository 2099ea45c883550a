"""Access tokens in memory: one per set of scopes, asked for once however many threads need it at the same time."""

from __future__ import annotations

import math
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    from httptask.secrets import Secret

#: A token is renewed so long before its end, in seconds and as a share of its lifetime: whichever is less.
EARLY_SECONDS = 60.0
EARLY_SHARE = 0.1
#: Tokens given up that are still masked where they are shown: answers to earlier requests may repeat them.
REMEMBERED = 8


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token as issued. `began` is on the monotonic clock; `lifetime` in seconds, None if the server named none."""

    token: Secret
    kind: str
    began: float
    lifetime: float | None = None

    @property
    def header(self) -> Secret:
        """The Authorization header."""
        return self.token.derive(lambda token: f"{self.kind} {token}")

    def usable(self, now: float) -> bool:
        """Tell whether the token is far enough from its end at `now`, on the monotonic clock."""
        lifetime = math.inf if self.lifetime is None else self.lifetime
        return now < self.began + lifetime - min(EARLY_SECONDS, EARLY_SHARE * lifetime)


class TokenCache:
    """Keeps grants. Threads that miss the same token wait for the one that asks, and share its failure, which is not kept."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._grants: dict[frozenset[str], Grant] = {}
        self._asked: dict[frozenset[str], Future[Grant]] = {}
        self._past: list[Grant] = []

    @property
    def grants(self) -> tuple[Grant, ...]:
        """The grants held, and the last ones given up."""
        with self._lock:
            return (*self._grants.values(), *self._past)

    def get(
        self, scopes: frozenset[str], ask: Callable[[float | None], Grant], *, clock: Callable[[], float], patience: float | None
    ) -> Grant:
        """Return the grant for these scopes, asking for it if none is usable, in `patience` seconds by this monotonic clock.

        `ask` is handed what is left of them. Whoever waited for a thread whose own time was up asks itself.

        Raises:
            CredentialError: it cannot be got, by this thread or the one it waited for.

        """
        began = clock()
        while True:
            now = clock()
            left = None if patience is None else max(patience - (now - began), 0.0)
            found = self._found(scopes, now)
            if isinstance(found, Grant):
                return found
            if found is None:
                return self._ask(scopes, ask, left)
            grant = _others(found, left)
            if grant is not None:
                return grant

    def _found(self, scopes: frozenset[str], now: float) -> Grant | Future[Grant] | None:
        """Return what is usable, or what another thread asks for already; None leaves the asking to this thread."""
        with self._lock:
            held = self._grants.get(scopes)
            if held is not None and held.usable(now):
                return held
            asked = self._asked.get(scopes)
            if asked is None:
                self._asked[scopes] = Future()
            return asked

    def drop(self, header: Secret) -> None:
        """Give up the grant behind this Authorization header, unless it was replaced meanwhile."""
        with self._lock:
            for scopes, grant in list(self._grants.items()):
                if grant.header == header:
                    self._retire(self._grants.pop(scopes))

    def _ask(self, scopes: frozenset[str], ask: Callable[[float | None], Grant], left: float | None) -> Grant:
        try:
            grant = ask(left)
        except BaseException as error:
            with self._lock:
                mine = self._asked.pop(scopes)
            mine.set_exception(error)
            raise
        with self._lock:
            mine = self._asked.pop(scopes)
            if scopes in self._grants:
                self._retire(self._grants[scopes])
            self._grants[scopes] = grant
        mine.set_result(grant)
        return grant

    def _retire(self, grant: Grant) -> None:
        self._past = [grant, *self._past][:REMEMBERED]


def _others(asked: Future[Grant], patience: float | None) -> Grant | None:
    """Return what another thread got; None if it was stopped, or had less time than it took: that is no failure of this one."""
    try:
        return asked.result(patience)
    except CredentialError as error:
        failed = error
    except TimeoutError:
        message = "the access token, asked for by another thread, did not come in time"
        raise CredentialError(message, retryable=True, out_of_time=True) from None
    except BaseException:  # noqa: BLE001 - an interrupt of that thread is not one of this
        return None
    if failed.out_of_time:
        return None
    hint, code, retryable, wait = failed.hint, failed.code, failed.retryable, failed.retry_after
    raise CredentialError(failed.message, hint=hint, code=code, retryable=retryable, retry_after=wait)
