"""The sandboxes of the page: one that all trials share, and one for each run of a workflow, which says how it behaves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

from httptask.wiring import Lent

if TYPE_CHECKING:
    from httptask.sandbox.server import Running

#: Requests per second: a person who tries things out should meet a rate limit only when asking for one.
_UNLIMITED: Mapping[str, Any] = {"rateLimit": "1000/1"}
#: Sandboxes of runs that are kept, so that a run that waits can go on; an older one ends.
MOST = 8

Start = Callable[[ExitStack, Mapping[str, Any]], "Running"]


@dataclass
class PageSandbox:
    """Starts sandboxes when they are first needed, and ends them with the page. Safe to share between threads."""

    start: Start = field(default_factory=lambda: _start)
    _shared: tuple[Running, ExitStack] | None = None
    _own: OrderedDict[str, tuple[Running, ExitStack]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def base_url(self) -> str | None:
        """Where the shared one listens; None before it is needed."""
        return self._shared[0].base_url if self._shared else None

    def shared(self) -> Lent:
        """Return the one that trials share.

        Raises:
            ConfigurationError: it cannot be started.

        """
        with self._lock:
            if self._shared is None:
                self._shared = self._started(_UNLIMITED)
            return _lent(self._shared[0])

    def for_run(self, options: Mapping[str, Any]) -> Lent:
        """Return a fresh one that behaves as a workflow says.

        Raises:
            ConfigurationError: it cannot be started.

        """
        with self._lock:
            server, stack = self._started(options)
            self._own[server.base_url] = (server, stack)
            if len(self._own) > MOST:
                self._own.popitem(last=False)[1][1].close()
            return _lent(server)

    def at(self, base_url: str) -> Lent | None:
        """Return the one that listens there; None when none of ours does."""
        with self._lock:
            every = [*([self._shared] if self._shared else []), *self._own.values()]
        return next((_lent(server) for server, _ in every if server.base_url == base_url), None)

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for _, stack in [*([self._shared] if self._shared else []), *self._own.values()]:
                stack.close()
            self._shared = None
            self._own.clear()

    def _started(self, options: Mapping[str, Any]) -> tuple[Running, ExitStack]:
        stack = ExitStack()
        return self.start(stack, options), stack


def _lent(server: Running) -> Lent:
    return Lent(server.base_url, server.token)


def _start(stack: ExitStack, options: Mapping[str, Any]) -> Running:
    from httptask.sandbox.options import SandboxOptions
    from httptask.sandbox.server import running

    return stack.enter_context(running(SandboxOptions.from_json(options)))
