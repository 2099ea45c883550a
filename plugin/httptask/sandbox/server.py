"""The sandbox on a port: in a background thread for tests and `--sandbox`, or by itself until a signal ends it."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httptask.clock import SystemClock
from httptask.errors import ConfigurationError, Problem
from httptask.sandbox.app import SandboxApp
from httptask.sandbox.core import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import uvicorn

    from httptask.ports import Clock
    from httptask.sandbox.options import SandboxOptions

LOOPBACK = "127.0.0.1"
START_SECONDS = 10.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.002


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that answers at `base_url`."""

    base_url: str
    token: str
    sandbox: Sandbox

    def to_json(self) -> dict[str, Any]:
        """Return the line that the standalone command prints when it is ready."""
        return {"url": self.base_url, "token": self.token, "pid": os.getpid()}


@contextmanager
def running(
    options: SandboxOptions | None = None,
    *,
    host: str = LOOPBACK,
    port: int = 0,
    anywhere: bool = False,
    clock: Clock | None = None,
) -> Iterator[Running]:
    """Serve a sandbox in a background thread for as long as the context lasts.

    Raises:
        ConfigurationError: the server's package is missing, or the address is not loopback or cannot be listened on.

    """
    sandbox = Sandbox(options, clock=clock or SystemClock())
    app = SandboxApp(sandbox)
    with _listening(host, port, anywhere=anywhere) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, args=([listener],), name="httptask-sandbox", daemon=True)
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield Running(_url(listener), sandbox.options.token, sandbox)
        finally:
            app.close()
            server.should_exit = True
            thread.join(STOP_SECONDS)


def serve_forever(
    options: SandboxOptions | None = None,
    *,
    ready: Callable[[Running], None],
    host: str = LOOPBACK,
    port: int = 0,
    anywhere: bool = False,
) -> None:
    """Serve until SIGINT or SIGTERM; call `ready` once requests are answered. For the main thread of a process.

    Raises:
        ConfigurationError: as `running` does.

    """
    stop = threading.Event()
    with _on_signals(stop.set), running(options, host=host, port=port, anywhere=anywhere) as server:
        ready(server)
        while not stop.wait(1.0):  # a wait without end cannot be interrupted everywhere
            pass


def _server(app: SandboxApp) -> uvicorn.Server:
    try:
        import uvicorn
    except ImportError:
        hint = "pip install 'httptask[serve]'"
        raise ConfigurationError(Problem("sandbox", "the package uvicorn is not installed", hint)) from None
    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
    )
    return uvicorn.Server(config)


@contextmanager
def _listening(host: str, port: int, *, anywhere: bool) -> Iterator[socket.socket]:
    if not anywhere and not _is_loopback(host):
        message = "the sandbox listens on loopback only: its token is public"
        raise ConfigurationError(Problem("host", message, "use 127.0.0.1, or say --anywhere on purpose"))
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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    end = time.monotonic() + START_SECONDS
    while not server.started and thread.is_alive() and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    if not server.started:
        raise ConfigurationError(Problem("sandbox", "the server did not start", "see the messages above"))


@contextmanager
def _on_signals(action: Callable[[], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda *_: action()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
