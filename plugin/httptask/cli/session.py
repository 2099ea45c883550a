"""What one invocation of the command knows as it goes: the secrets met so far, and how much to tell about errors."""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from httptask.cli.console import Console
from httptask.secrets import Redactor

if TYPE_CHECKING:
    from httptask.events import Event
    from httptask.model import Connection
    from httptask.ports import Observer

DEBUG_VARIABLE = "HTTPTASK_DEBUG"
#: How often -v stands on the command line before log records are shown.
LOGS_FROM = 2


@dataclass(slots=True)
class Session:
    """One invocation. Its redactor only ever learns, so that an error reported at the very end is masked too."""

    debug: bool = False
    redactor: Redactor = field(default_factory=Redactor)

    def wants_tracebacks(self) -> bool:
        """Tell whether `--debug` or HTTPTASK_DEBUG asks for tracebacks."""
        from httptask.surroundings import Surroundings

        with suppress(OSError):  # the current folder may be gone, and this is asked while an error is reported
            return self.debug or Surroundings.current().env.get(DEBUG_VARIABLE, "") not in {"", "0"}
        return self.debug

    def traceback(self, error: BaseException) -> str:
        """Return an error's traceback with secrets masked."""
        return self.redactor.free("".join(traceback.format_exception(error)).rstrip("\n"))


def current() -> Session:
    """Return the session of the running command, or one of its own outside of any."""
    context = click.get_current_context(silent=True)
    return (context.find_object(Session) if context else None) or Session()


def redact(console: Console, connections: Iterable[Connection]) -> None:
    """Let everything shown from now on mask these connections' credentials, and warn of those too short to search for."""
    secrets = tuple(secret for connection in connections if connection.auth for secret in connection.auth.secrets)
    learn(console, secrets)
    for reference in dict.fromkeys(console.redactor.unsearched):
        console.note(f"warning: {reference}: this credential is so short that it is masked in its own place only")


def learn(console: Console, secrets: Iterable[Any], session: Session | None = None) -> None:
    """Let everything shown from now on mask these secrets. Another thread than the command's own has to name the session."""
    session = session or current()
    session.redactor = console.redactor = session.redactor.extended(secrets)


@contextmanager
def observed(console: Console, *observers: Observer | None, verbosity: int) -> Iterator[Observer]:
    """Yield the observer of a command: it learns the secrets of each task, tells the others, and from -vv on writes logs.

    What answers call secret is masked in events alone, not by the session's redactor: a server could mask our own words so.
    """
    from httptask.events import CredentialUsed, TaskStarted
    from httptask.masking import Learner

    told, learner = [observer for observer in observers if observer is not None], Learner()
    session, lock = current(), threading.Lock()

    def observe(event: Event) -> None:
        with lock:  # the lanes of a run tell what happens in each of them
            if isinstance(event, TaskStarted | CredentialUsed) and event.secrets:
                learn(console, event.secrets, session)
            shown = learner.shown(event)
            for observer in told:
                observer(shown)

    if verbosity < LOGS_FROM:
        yield observe
        return
    from httptask.logs import LoggingObserver, logging_to

    told.append(LoggingObserver())
    with logging_to(_ConsoleHandler(console), lambda: console.redactor):
        yield observe


class _ConsoleHandler(logging.Handler):
    """Writes records where everything else goes, so that a server's bytes cannot move the cursor."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._tracebacks = current().wants_tracebacks()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, its traceback only where tracebacks are asked for."""
        self._console.note(f"{record.levelname.lower()}: {record.name}: {record.getMessage()}")
        for text in (record.exc_text, record.stack_info) if self._tracebacks else ():
            if text:
                self._console.lines(text)
