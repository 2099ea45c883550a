"""The world behind the units that one process of an engine works on: connections, transports, and what must not be shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from httptask.clock import SystemClock
from httptask.discretion import Discretion
from httptask.model import Connection, Provider
from httptask.ports import Clock, Observer, Transport
from httptask.registry import Registry
from httptask.runner import Limits, Runner
from httptask.wiring import http_transport

#: Bytes of JSON that one step may hand on, where an engine does not say otherwise.
MOST_PASSED = 1024 * 1024
#: Bytes of a response's body that an engine is shown in an outcome.
MOST_SHOWN = 64 * 1024


@dataclass(slots=True)
class Host:
    """What units need of the world. One for a process; safe in several threads; a context manager that closes its connections.

    Attributes:
        connect: gives the connection for a provider, by the name that the workflow says or by none; asked once for each.
        engine: its name, for messages.
        mask: is given each secret, so that the engine's own logs mask it too.
        observers: are told what happens, masked.
        most_passed: bytes of JSON that one step may hand on to later ones.
        most_shown: bytes of a response's body that the engine keeps in an outcome.

    """

    connect: Callable[[Provider, str | None], Connection]
    engine: str
    mask: Callable[[str], None] | None = None
    observers: Sequence[Observer] = ()
    clock: Clock = field(default_factory=SystemClock)
    most_passed: int = MOST_PASSED
    most_shown: int = MOST_SHOWN
    wrap: Callable[[Transport], Transport] | None = None
    _limits: Limits = field(default_factory=Limits)
    _connections: dict[tuple[str, str | None], Connection] = field(default_factory=dict)
    _transports: dict[tuple[tuple[str, str | None], ...], Transport] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        """Return the host."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close every connection."""
        self._open.close()

    def connection(self, provider: Provider, name: str | None = None) -> Connection:
        """Return the connection for a provider.

        Raises:
            ConfigurationError: there is none, or it cannot be used.

        """
        with self._lock:
            if (provider.id, name) not in self._connections:
                self._connections[provider.id, name] = self.connect(provider, name)
            return self._connections[provider.id, name]

    def runner(self, providers: Iterable[Provider], name: str | None, tasks: Registry, observer: Observer) -> Runner:
        """Return a runner for tasks of these providers; sockets, rate limits and retry budgets outlive it."""
        used = {(provider.id, name): self.connection(provider, name) for provider in providers}
        key = tuple(used)
        with self._lock:
            if key not in self._transports:
                transport = self._open.enter_context(http_transport(tuple(used.values())))
                self._transports[key] = self.wrap(transport) if self.wrap else transport
            transport = self._transports[key]
        return Runner(transport, self.clock, observer, tasks=tasks, limits=self._limits)

    def discretion(self, used: Iterable[Connection]) -> Discretion:
        """Return what learns the secrets of one unit, those of its connections first."""
        discretion = Discretion(mask=self.mask)
        discretion.learn(tuple(secret for each in used for secret in each.secrets))
        return discretion
