"""The log as lines of the command: apart from the session, because most commands need no logging."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptask.cli.console import Console


class LogLines(logging.Handler):
    """Writes records where everything else goes, so that a server's bytes cannot move the cursor."""

    def __init__(self, console: Console, *, tracebacks: bool) -> None:
        """Write to a console; a record's traceback only where tracebacks are asked for."""
        super().__init__()
        self._console = console
        self._tracebacks = tracebacks

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        self._console.note(f"{record.levelname.lower()}: {record.name}: {record.getMessage()}")
        for text in (record.exc_text, record.stack_info) if self._tracebacks else ():
            if text:
                self._console.lines(text)
