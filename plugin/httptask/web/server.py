"""The page on a port, until a signal ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from httptask.errors import ConfigurationError, Problem
from httptask.serving import LOOPBACK, is_loopback, listening, serving, until_signal, url_of
from httptask.web.guard import TOKEN, App, Guard, Sessions
from httptask.web.site import Site

#: Seconds that answers on their way get when the page ends.
GRACE = 2
#: Connections at a time; a browser opens six.
MOST_CONNECTIONS = 100
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
_HTTP = 80


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page listens, and the further names under which browsers may reach it."""

    host: str = LOOPBACK
    port: int = 0
    names: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse an address under which no request could be let in.

        Raises:
            ConfigurationError: it listens on every address of the machine, and no name says which are meant.

        """
        if self.host in _EVERYWHERE and not self.names:
            hint = "say under which name the page is opened: --allow-host NAME"
            raise ConfigurationError(Problem("--host", "this is every address of the machine and no name of the page", hint))

    def hosts(self, port: int) -> frozenset[str]:
        """Return the values that the `Host` header may have."""
        own = {"127.0.0.1", "localhost", "::1"} if is_loopback(self.host) else {self.host} - _EVERYWHERE
        named = {f"[{name}]" if ":" in name else name for name in (*own, *self.names)}
        return frozenset(f"{name}:{port}" for name in named) | (named if port == _HTTP else frozenset())


@contextmanager
def running(site: Site, address: Address) -> Iterator[str]:
    """Serve the page for as long as the context lasts; yields the link that lets one browser in.

    Raises:
        ConfigurationError: a package is missing, or the address cannot be listened on.

    """
    address.check()
    with listening(address.host, address.port) as listener:
        port = listener.getsockname()[1]
        sessions = Sessions(f"httptask-{port}")
        guard = Guard(_application(site), address.hosts(port), sessions, site.pages.refusal, site.failed)
        with serving(
            guard, listener, what="serve", timeout_graceful_shutdown=GRACE, limit_concurrency=MOST_CONNECTIONS, close=site.close
        ):
            yield f"{_url(address, url_of(listener), port)}/?{TOKEN}={sessions.token}"


def serve_forever(site: Site, address: Address, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; call `ready` with the link once requests are answered. For the main thread of a process.

    Raises:
        ConfigurationError: as `running` does.

    """
    with until_signal() as wait, running(site, address) as link:
        ready(link)
        wait()


def _url(address: Address, listened: str, port: int) -> str:
    return f"http://{address.names[0]}:{port}" if address.host in _EVERYWHERE else listened


def _application(site: Site) -> App:
    try:
        from httptask.web.app import application
    except ImportError as error:
        hint = "pip install 'httptask[serve]'"
        raise ConfigurationError(Problem("serve", f"the package {error.name} is not installed", hint)) from None
    return application(site)
