"""What is told in Prefect's logs, and the mask before them: Prefect itself masks nothing that is a plain text."""

from __future__ import annotations

import logging
import threading

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger
from prefect.logging.loggers import get_logger

from httptask.events import Event
from httptask.logs import BELOW, LOGGER, LoggingObserver, RedactingFilter
from httptask.secrets import Redactor, Secret

#: Loggers whose records go to Prefect's server, or tell of hosts and headers; a filter does not hold for loggers below.
_GUARDED = ("prefect", "prefect.flow_runs", "prefect.task_runs", LOGGER, *BELOW)


class _Mask:
    """Every secret that this process met; it only ever learns."""

    def __init__(self) -> None:
        self._redactor = Redactor()
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def learn(self, text: str) -> None:
        with self._lock:
            if text in self._known:
                return
            if not self._known:
                guard = RedactingFilter(lambda: self._redactor)
                for name in _GUARDED:
                    logging.getLogger(name).addFilter(guard)
            self._known.add(text)
            self._redactor = self._redactor.extended((Secret(text),))


_MASK = _Mask()


def mask(text: str) -> None:
    """Let the logs of this process mask a secret from now on."""
    _MASK.learn(text)


def tell(event: Event) -> None:
    """Write an event, masked already, to the log of the run that it belongs to."""
    LoggingObserver(run_logger())(event)


def run_logger() -> logging.Logger:
    """Return the logger of the run that this code belongs to, whose records Prefect's server keeps."""
    try:
        logger: logging.Logger = get_run_logger()
    except MissingContextError:
        logger = get_logger(LOGGER)
    return logger
