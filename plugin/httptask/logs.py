"""What happens, as records of the standard library's logging, and the filter that no record passes with a secret in it.

The logger is called `httptask`; it has no handler of its own, as the logging HOWTO asks of libraries. Task and
step are attributes of the record too, for handlers that write JSON.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from httptask import events
from httptask.masking import Learner
from httptask.outcome import Attempt
from httptask.secrets import Redactor

LOGGER = "httptask"
#: Loggers of the libraries below, whose records name hosts, paths and headers.
BELOW = ("urllib3", "urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry", "requests", "keyring")


class LoggingObserver:
    """Writes one record per event: DEBUG for attempts and waits, INFO for steps, WARNING for what did not succeed."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        """Write to `httptask`, or to another logger."""
        self._logger = logger or logging.getLogger(LOGGER)
        self._learner = Learner()

    def __call__(self, event: events.Event) -> None:
        """Take an event; what answers call secret by name or schema is masked in what it says."""
        level, text, facts = _record(self._learner.shown(event))
        self._logger.log(level, "%s", text, extra=facts)


class RedactingFilter(logging.Filter):
    """Rewrites each record with secrets masked: message, arguments, traceback and stack."""

    def __init__(self, redactor: Callable[[], Redactor]) -> None:
        """Ask for the redactor at each record: secrets become known as connections are resolved."""
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record and let it pass."""
        redactor = self._redactor()
        record.msg, record.args = redactor.free(_message(record)), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            record.exc_info = None
        record.exc_text = record.exc_text and redactor.free(record.exc_text)
        record.stack_info = record.stack_info and redactor.free(record.stack_info)
        return True


@contextmanager
def logging_to(handler: logging.Handler, redactor: Callable[[], Redactor]) -> Iterator[None]:
    """Send every record of httptask and of the libraries below to a handler, redacted, for as long as the context lasts.

    The filter stands at the loggers as well as at the handler, so that handlers which others installed get masked records too.
    """
    guard = RedactingFilter(redactor)
    handler.addFilter(guard)
    loggers = [logging.getLogger(name) for name in (LOGGER, *BELOW)]
    before = [logger.level for logger in loggers]
    heads = [logger for logger in loggers if "." not in logger.name]
    for logger in loggers:
        logger.addFilter(guard)
        logger.setLevel(logging.DEBUG)
    for logger in heads:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.removeFilter(guard)
            logger.setLevel(level)
        for logger in heads:
            logger.removeHandler(handler)
        handler.removeFilter(guard)


def _message(record: logging.LogRecord) -> str:
    """Return the record's text; a call whose arguments do not fit its format must not print them from within logging."""
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - any __str__ may raise anything, a Secret's does so on purpose
        return f"a log record of {record.name} whose arguments cannot be shown"


def _record(event: events.Event) -> tuple[int, str, dict[str, object]]:
    """Return level, text and attributes of an event's record."""
    if isinstance(event, events.TaskFinished):
        return _finished(event)
    facts = {name: getattr(event, name) for name in ("task", "step") if hasattr(event, name)}
    subject = f"step {event.step}" if hasattr(event, "step") else event.task
    level = logging.INFO if isinstance(event, events.StepStarted | events.StepFinished) else logging.DEBUG
    if isinstance(event, events.StepFinished) and event.status not in {"succeeded", "skipped"}:
        level = logging.WARNING
    return level, f"{subject}: {_words(event)}", facts


def _words(event: events.Event) -> str:
    words = ""
    match event:
        case events.TaskStarted():
            words = f"{event.method} {event.url}"
        case events.CredentialUsed():
            words = "the request has its credential"
        case events.AttemptFinished():
            words = _attempt(event.attempt)
        case events.Pacing():
            words = f"waiting {event.seconds:.0f} s for the rate limit"
        case events.Verified():
            words = f"asked whether it was applied: {event.finding}"
        case events.StepStarted():
            words = event.task
        case events.ItemFinished():
            words = f"item {event.index} {event.status}"
        case events.PollWaiting():
            words = f"asking again in {event.wait:g} s"
        case events.StepFinished():
            words = event.status + (f": {event.message}" if event.message else "")
    return words


def _attempt(attempt: Attempt) -> str:
    answer = str(attempt.status) if attempt.status is not None else f"{attempt.error} ({attempt.phase})"
    why = f"; {attempt.decision.action}: {attempt.decision.reason}" if attempt.decision else ""
    return f"attempt {attempt.number}: {answer} in {attempt.elapsed * 1000:.0f} ms{why}"


def _finished(event: events.TaskFinished) -> tuple[int, str, dict[str, object]]:
    outcome = event.outcome
    facts: dict[str, object] = {"task": outcome.task, "status": outcome.status}
    if outcome.failure is None:
        return logging.DEBUG, f"{outcome.task}: {outcome.status}", facts
    return logging.WARNING, f"{outcome.task}: {outcome.status}: {outcome.failure.message}", facts
