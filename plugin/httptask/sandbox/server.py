"""The sandbox on a port: in a background thread for tests and `--sandbox`, or by itself until a signal ends it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httptask.clock import SystemClock
from httptask.errors import ConfigurationError, Problem
from httptask.sandbox.app import SandboxApp
from httptask.sandbox.core import Sandbox
from httptask.serving import LOOPBACK, is_loopback, listening, serving, until_signal, url_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from httptask.ports import Clock
    from httptask.sandbox.options import SandboxOptions


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
    if not anywhere and not is_loopback(host):
        message = "the sandbox listens on loopback only: its token is public"
        raise ConfigurationError(Problem("host", message, "use 127.0.0.1, or say --anywhere on purpose"))
    sandbox = Sandbox(options, clock=clock or SystemClock())
    app = SandboxApp(sandbox)
    with listening(host, port) as listener, serving(app, listener, what="sandbox", close=app.close):
        yield Running(url_of(listener), sandbox.options.token, sandbox)


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
    with until_signal() as wait, running(options, host=host, port=port, anywhere=anywhere) as server:
        ready(server)
        wait()
