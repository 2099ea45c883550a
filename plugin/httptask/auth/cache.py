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

    def get(self, scopes: frozenset[str], ask: Callable[[], Grant], *, now: float, patience: float | None) -> Grant:
        """Return the grant for these scopes, asking for it if none is usable at `now`; wait `patience` seconds for others.

        Raises:
            CredentialError: it cannot be got, by this thread or the one it waited for.

        """
        with self._lock:
            held = self._grants.get(scopes)
            if held is not None and held.usable(now):
                return held
            asked = self._asked.get(scopes)
            if asked is None:
                mine: Future[Grant] = Future()
                self._asked[scopes] = mine
        return self._ask(scopes, mine, ask) if asked is None else _others(asked, patience)

    def drop(self, header: Secret) -> None:
        """Give up the grant behind this Authorization header, unless it was replaced meanwhile."""
        with self._lock:
            for scopes, grant in list(self._grants.items()):
                if grant.header == header:
                    self._retire(self._grants.pop(scopes))

    def _ask(self, scopes: frozenset[str], mine: Future[Grant], ask: Callable[[], Grant]) -> Grant:
        try:
            grant = ask()
        except BaseException as error:
            with self._lock:
                del self._asked[scopes]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._asked[scopes]
            if scopes in self._grants:
                self._retire(self._grants[scopes])
            self._grants[scopes] = grant
        mine.set_result(grant)
        return grant

    def _retire(self, grant: Grant) -> None:
        self._past = [grant, *self._past][:REMEMBERED]


def _others(asked: Future[Grant], patience: float | None) -> Grant:
    try:
        return asked.result(patience)
    except CredentialError as error:
        failed = error
    except TimeoutError:
        raise CredentialError("the access token, asked for by another thread, did not come in time", retryable=True) from None
    except BaseException:  # noqa: BLE001 - an interrupt of that thread is not one of this
        raise CredentialError("another thread was stopped while it asked for the access token", retryable=True) from None
    hint, code, retryable, wait = failed.hint, failed.code, failed.retryable, failed.retry_after
    raise CredentialError(failed.message, hint=hint, code=code, retryable=retryable, retry_after=wait)
