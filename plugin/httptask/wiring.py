"""Puts the world behind the runner for one command: registry, connection, transport, clock, and the sandbox if asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from httptask.errors import ConfigurationError, Problem
from httptask.surroundings import Surroundings, template_path

if TYPE_CHECKING:
    from httptask.egress_policy import EgressPolicy
    from httptask.loader import Library
    from httptask.message import Request, Response, Timeouts
    from httptask.model import Connection, Provider, TaskTemplate
    from httptask.ports import Clock, Observer, Transport
    from httptask.registry import Registry
    from httptask.runner import Runner
    from httptask.settings import ConnectionRequest
    from httptask.transport import RequestsTransport


@dataclass(frozen=True, slots=True)
class Lent:
    """A sandbox that somebody else runs, and ends."""

    base_url: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Where:
    """What the caller said about where requests go. A `lent` sandbox takes the place of one that is started for it."""

    sandbox: bool = False
    name: str | None = None
    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    by_options: bool = True
    lent: Lent | None = None

    def check(self) -> None:
        """Refuse the sandbox together with a real server.

        Raises:
            ConfigurationError: both are named.

        """
        if self.sandbox and self.names_a_server:
            raise ConfigurationError(
                Problem("--sandbox", "the sandbox and another connection are both asked for", "give one of them")
            )

    @property
    def names_a_server(self) -> bool:
        """Tell whether an option names one; an empty text is a mistake to be refused and not an option left out."""
        return any(option is not None for option in (self.name, self.base_url, self.token))

    def request(self, workflow_connection: str | None = None) -> ConnectionRequest:
        """Return what settings resolve."""
        from httptask.settings import ConnectionRequest

        return ConnectionRequest(self.base_url, self.token, None, self.name, workflow_connection, self.by_options)


#: Folders of templates as people give them in Python; one alone need not stand in a list.
Folders = Sequence[str | Path] | str | Path


def listed(folders: Folders) -> Sequence[str | Path]:
    """Return folders one by one; a text is one of them, and not its letters."""
    return (folders,) if isinstance(folders, str | Path) else folders


def library(folders: Folders) -> Library:
    """Return the shipped templates with those of HTTPTASK_PATH and of these folders, which `--templates` or an engine names."""
    from httptask.loader import Library

    return Library((*template_path(Surroundings.current()), *map(Path, listed(folders))))


def registry(folders: Folders) -> Registry:
    """Return the registry of all those templates."""
    return library(folders).registry()


@contextmanager
def connections(
    where: Where, sandbox: Mapping[str, Any] | None = None, workflow_connection: str | None = None
) -> Iterator[Callable[[TaskTemplate], Connection]]:
    """Yield what gives the connection for a task; with `--sandbox` a server runs for as long as the context lasts.

    Raises:
        ConfigurationError: no connection, or one that cannot be used.

    """
    from httptask.settings import resolve

    where.check()
    with ExitStack() as stack:
        if where.sandbox and where.lent is not None:
            lent = where.lent
            yield _kept(lambda provider: sandbox_connection(provider, lent.base_url, lent.token))
        elif where.sandbox:
            from httptask.sandbox.options import SandboxOptions
            from httptask.sandbox.server import running

            server = stack.enter_context(running(SandboxOptions.from_json(sandbox or {})))
            yield _kept(lambda provider: sandbox_connection(provider, server.base_url, server.token))
        else:
            around = Surroundings.current()
            yield _kept(lambda provider: resolve(provider, where.request(workflow_connection), around))


def dry_run_connection(where: Where, provider: Provider) -> Connection:
    """Return the connection that a dry run shows: the one that would be used, else the documented server without a credential."""
    from httptask.errors import NoConnection
    from httptask.settings import dry_connection, names_there_are, resolve

    where.check()
    if where.sandbox:
        return sandbox_connection(provider, "http://127.0.0.1:0", "sandbox-token")
    around = Surroundings.current()
    try:
        return resolve(provider, where.request(), around)
    except NoConnection:
        return dry_connection(provider, names_there_are(provider, around))


@contextmanager
def http_runner(
    used: Sequence[Connection],
    tasks: Registry,
    observer: Observer | None = None,
    *,
    clock: Clock | None = None,
    wrap: Callable[[Transport], Transport] | None = None,
) -> Iterator[Runner]:
    """Yield a runner over real HTTP for the connections that will be used; `tasks` are those that may be asked to verify.

    `wrap` gives what sends in place of the transport.
    """
    from httptask.clock import SystemClock
    from httptask.runner import Runner

    with http_transport(used) as transport:
        yield Runner(wrap(transport) if wrap else transport, clock or SystemClock(), observer, tasks=tasks)


@contextmanager
def http_transport(used: Sequence[Connection]) -> Iterator[Transport]:
    """Yield what sends to the servers of these connections, each with its own certificates and allowed addresses."""
    from httptask.egress import policy_of
    from httptask.origins import origin_of

    with ExitStack() as stack:
        by_origin: dict[tuple[str, str], Transport] = {}
        own = {urlsplit(item.base_url)[:2]: item for item in used}
        for origin, item in own.items():
            by_origin[origin] = stack.enter_context(_transport(item, policy_of(item)))
        for origin, item in own.items():
            for further in item.egress.further_origins:
                by_origin.setdefault(urlsplit(further)[:2], by_origin[origin])
        # a token endpoint never changes whom a base URL trusts
        for item in used:
            for url in item.endpoints:
                if urlsplit(url)[:2] not in by_origin:
                    policy = replace(item.egress, origin=origin_of(url))
                    by_origin[urlsplit(url)[:2]] = stack.enter_context(_transport(item, policy))
        yield _ByOrigin(by_origin, {origin: item.source for origin, item in own.items()})


def _transport(connection: Connection, egress: EgressPolicy) -> RequestsTransport:
    from httptask.transport import RequestsTransport

    return RequestsTransport(verify=connection.verify, client_certificate=connection.client_certificate, egress=egress)


@dataclass(frozen=True, slots=True)
class _ByOrigin:
    """A transport that sends to each origin with the certificates that its connection trusts and the hosts that it may reach."""

    transports: Mapping[tuple[str, str], Transport]
    sources: Mapping[tuple[str, str], str]

    def send(self, request: Request, timeouts: Timeouts) -> Response:
        """Send over the origin's transport; what is wrong with its certificates is told with the connection's source."""
        origin = urlsplit(request.url)[:2]
        try:
            return self.transports[origin].send(request, timeouts)
        except ConfigurationError as error:
            source = self.sources.get(origin, "connection")
            raise ConfigurationError(replace(item, where=f"{source}: {item.where}") for item in error.problems) from None


def _kept(connect: Callable[[Provider], Connection]) -> Callable[[TaskTemplate], Connection]:
    """Return a lookup that asks once per provider."""
    known: dict[str, Connection] = {}

    def lookup(template: TaskTemplate) -> Connection:
        provider = template.provider
        if provider.id not in known:
            known[provider.id] = connect(provider)
        return known[provider.id]

    return lookup


def sandbox_connection(provider: Provider, base_url: str, token: str) -> Connection:
    """Return the connection to a sandbox.

    Raises:
        ConfigurationError: the sandbox does not play this API.

    """
    from httptask.auth import auth_for
    from httptask.model import Connection
    from httptask.secrets import Secret
    from httptask.settings import SANDBOX_PROVIDER

    if provider.id != SANDBOX_PROVIDER:
        message = f"the sandbox is an Okta Agent Pools server and does not speak '{provider.id}'"
        raise ConfigurationError(Problem("--sandbox", message, "use --base-url with --token, or a connection"))
    return Connection(
        "sandbox", base_url, auth_for(provider, None, secret=Secret(token, reference="sandbox")), source="--sandbox"
    )
