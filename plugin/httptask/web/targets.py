"""Where a request may go from the page: the connections that are configured, and the sandbox. Never a URL that somebody typed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING

from httptask.errors import ConfigurationError, Problem
from httptask.settings import SANDBOX_PROVIDER, dry_connection
from httptask.sources import Source, listed
from httptask.surroundings import Surroundings
from httptask.wiring import Where, dry_run_connection, sandbox_connection

if TYPE_CHECKING:
    from httptask.model import Connection, Provider
    from httptask.sandbox.server import Running

SANDBOX = "sandbox"
DEFAULT = "default"
#: Shows the documented server and a placeholder; nothing can be sent there.
NOWHERE = "nowhere"
_PROFILE = "profile:"
#: Requests per second: a person who tries things out should meet a rate limit only when asking for one.
_UNLIMITED = "1000/1"


@dataclass(frozen=True, slots=True)
class Target:
    """One choice of the connection picker. `key` is what a form says; what has `problems` cannot be chosen."""

    key: str
    title: str
    base_url: str
    detail: str
    problems: tuple[Problem, ...] = ()

    @property
    def is_real(self) -> bool:
        """Whether requests reach a server that somebody works with."""
        return self.key not in {SANDBOX, NOWHERE}


@dataclass
class PageSandbox:
    """The sandbox of the page: started when it is first asked for, and running until the page ends."""

    start: Callable[[ExitStack], Running] = field(default_factory=lambda: _start)
    _stack: ExitStack = field(default_factory=ExitStack)
    _lock: Lock = field(default_factory=Lock)
    _server: Running | None = None

    @property
    def base_url(self) -> str | None:
        """Where it listens; None before it is needed."""
        return self._server.base_url if self._server else None

    def server(self) -> Running:
        """Return the running sandbox.

        Raises:
            ConfigurationError: it cannot be started.

        """
        with self._lock:
            if self._server is None:
                self._server = self.start(self._stack)
            return self._server

    def close(self) -> None:
        """End it."""
        with self._lock:
            self._stack.close()
            self._server = None


def _start(stack: ExitStack) -> Running:
    from httptask.sandbox.options import SandboxOptions
    from httptask.sandbox.server import running

    return stack.enter_context(running(SandboxOptions.from_json({"rateLimit": _UNLIMITED})))


def targets_of(provider: Provider, around: Surroundings, sandbox: PageSandbox) -> tuple[Target, ...]:
    """Return what can be chosen for a task of this provider, the sandbox first; credentials are not read for this."""
    found = [_of_source(source) for source in listed((provider,), around) if source.provider == provider.id]
    if provider.id == SANDBOX_PROVIDER:
        detail = "an Okta Agent Pools server on this machine; nothing leaves it"
        found.insert(0, Target(SANDBOX, "Sandbox (built in)", sandbox.base_url or "starts when it is needed", detail))
    if not any(not target.problems for target in found):
        detail = "no connection is configured; `httptask connections add NAME` writes one"
        found.insert(0, Target(NOWHERE, "None, preview only", provider.default_url, detail))
    return tuple(found)


def _of_source(source: Source) -> Target:
    key = DEFAULT if source.default and source.name is None else f"{_PROFILE}{source.name}"
    detail = ", ".join(filter(None, (source.scheme, source.reference, f"from {source.place}")))
    problems = source.problems
    if source.name is None and not source.default:
        problems = (*problems, Problem(source.place, "another source comes first", "`httptask connections` shows the order"))
        key = f"shadowed:{source.place}"
    return Target(key, source.name or "Environment", source.base_url or "(faulty)", detail, problems)


def chosen(targets: tuple[Target, ...], key: str | None) -> Target:
    """Return the target of this key; the first that can be used when a form says nothing yet.

    Raises:
        ConfigurationError: there is none of this key, or it is faulty.

    """
    usable = next(target for target in targets if not target.problems)
    if key is None:
        return usable
    found = next((target for target in targets if target.key == key), None)
    if found is None:
        names = ", ".join(target.title for target in targets if not target.problems)
        raise ConfigurationError(Problem("connection", "there is no such connection", f"choose one of: {names}"))
    if found.problems:
        raise ConfigurationError(found.problems)
    return found


def where_of(target: Target) -> Where:
    """Return what the settings resolve for a target that is configured."""
    name = target.key.removeprefix(_PROFILE) if target.key.startswith(_PROFILE) else None
    return Where(name=name)


def connection_of(target: Target, provider: Provider, sandbox: PageSandbox) -> Connection:
    """Return the connection of a target, its credential read.

    Raises:
        ConfigurationError: it cannot be used.

    """
    if target.key == SANDBOX:
        server = sandbox.server()
        return sandbox_connection(provider, server.base_url, server.token)
    if target.key == NOWHERE:
        return dry_connection(provider)
    return dry_run_connection(where_of(target), provider)
