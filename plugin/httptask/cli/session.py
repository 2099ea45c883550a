"""What one invocation of the command knows: its secrets, who is told what happens, and how much to tell about errors."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from httptask.cli.console import Console
from httptask.discretion import Discretion

if TYPE_CHECKING:
    from httptask.model import Connection
    from httptask.ports import Observer

DEBUG_VARIABLE = "HTTPTASK_DEBUG"
#: How often -v stands on the command line before log records are shown.
LOGS_FROM = 2


@dataclass(slots=True)
class Session:
    """One invocation."""

    debug: bool = False
    discretion: Discretion = field(default_factory=Discretion)

    def wants_tracebacks(self) -> bool:
        """Tell whether `--debug` or HTTPTASK_DEBUG asks for tracebacks."""
        from httptask.surroundings import Surroundings

        with suppress(OSError):  # the current folder may be gone, and this is asked while an error is reported
            return self.debug or Surroundings.current().env.get(DEBUG_VARIABLE, "") not in {"", "0"}
        return self.debug

    def traceback(self, error: BaseException) -> str:
        """Return an error's traceback with secrets masked."""
        return self.discretion.redactor.free("".join(traceback.format_exception(error)).rstrip("\n"))


def current() -> Session:
    """Return the session of the running command, or one of its own outside of any."""
    context = click.get_current_context(silent=True)
    return (context.find_object(Session) if context else None) or Session()


def console(*, json: object, verbose: object = False) -> Console:
    """Return the console of the running command; what the session knows as a secret is masked in it."""
    return Console(json=bool(json), verbose=bool(verbose), discretion=current().discretion)


def redact(console: Console, connections: Iterable[Connection]) -> None:
    """Let everything shown from now on mask these connections' credentials, and warn of those too short to search for."""
    secrets = tuple(secret for connection in connections for secret in connection.secrets)
    console.discretion.learn(secrets)
    for reference in dict.fromkeys(console.redactor.unsearched):
        console.note(f"warning: {reference}: this credential is so short that it is masked in its own place only")


@contextmanager
def told(console: Console, *observers: Observer | None, verbosity: int) -> Iterator[tuple[Observer, ...]]:
    """Yield the observers of a command that are there; from -vv on the log is one of them."""
    found = tuple(observer for observer in observers if observer is not None)
    if verbosity < LOGS_FROM:
        yield found
        return
    from httptask.cli.log_lines import LogLines
    from httptask.logs import LoggingObserver, logging_to

    with logging_to(LogLines(console, tracebacks=current().wants_tracebacks()), lambda: console.redactor):
        yield (*found, LoggingObserver())


@contextmanager
def observed(console: Console, *observers: Observer | None, verbosity: int) -> Iterator[Observer]:
    """Yield the observer of a command: it learns the secrets of each task, and tells the others."""
    with told(console, *observers, verbosity=verbosity) as found:
        yield console.discretion.observer(*found)
