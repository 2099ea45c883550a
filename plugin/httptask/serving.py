"""Serves an ASGI application on a port of this machine: in a background thread, for as long as a context lasts. Owns uvicorn."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from httptask.clock import SystemClock
from httptask.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import uvicorn

LOOPBACK = "127.0.0.1"
START_SECONDS = 10.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.002


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Yield a socket that listens; port 0 takes a free one.

    Raises:
        ConfigurationError: the address cannot be listened on.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError):
        raise ConfigurationError(
            Problem("port", "cannot listen on this address", "choose another port, or 0 for a free one")
        ) from None
    with listener:
        # Connections inherit this; asyncio does not see that they are TCP, and each answer would wait 40 ms for an ACK.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


def url_of(listener: socket.socket) -> str:
    """Return the base URL of what listens there."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def serving(
    app: Any, listener: socket.socket, *, what: str, close: Callable[[], None] | None = None, **choices: Any
) -> Iterator[None]:
    """Answer requests for as long as the context lasts. `what` names the server; `choices` are uvicorn's own.

    `close` is called first at the end, from this thread, to let go of what the application holds open.

    Raises:
        ConfigurationError: the server's package is missing, or it did not start.

    """
    server = _server(app, what, choices)
    thread = threading.Thread(target=server.run, args=([listener],), name=f"httptask-{what}", daemon=True)
    thread.start()
    try:
        _wait_until_started(server, thread, what)
        yield
    finally:
        if close is not None:
            close()
        server.should_exit = True
        thread.join(STOP_SECONDS)


@contextmanager
def until_signal() -> Iterator[Callable[[], None]]:
    """Yield what waits for SIGINT or SIGTERM, which mean nothing else meanwhile. For the main thread of a process."""
    stop = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in numbers}

    def wait() -> None:
        while not stop.wait(1.0):  # a wait without end cannot be interrupted everywhere
            pass

    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _server(app: Any, what: str, choices: dict[str, Any]) -> uvicorn.Server:
    try:
        import uvicorn
    except ImportError:
        hint = "pip install 'httptask[serve]'"
        raise ConfigurationError(Problem(what, "the package uvicorn is not installed", hint)) from None
    fixed: dict[str, Any] = {
        "http": "h11",
        "loop": "asyncio",
        "ws": "none",
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "date_header": False,
        "server_header": False,
    }
    return uvicorn.Server(uvicorn.Config(app, **fixed, **choices))


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread, what: str) -> None:
    clock = SystemClock()
    end = clock.monotonic() + START_SECONDS
    while not server.started and thread.is_alive() and clock.monotonic() < end:
        clock.sleep(POLL_SECONDS)
    if not server.started:
        raise ConfigurationError(Problem(what, "the server did not start", "see the messages above"))
