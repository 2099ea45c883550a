"""Records of logging: one per event, and no secret in any of them."""

import io
import logging

import pytest

from httptask import events
from httptask.logs import BELOW, LOGGER, LoggingObserver, logging_to
from httptask.outcome import Attempt, Decision, Failure, FailureKind, Outcome
from httptask.secrets import Redactor, Secret

CANARY = "c4n4ry/To+ken"
ATTEMPT = Attempt(1, "answered", 0.0, 0.25, status=503, decision=Decision("retry", 1.5, "status 503"))
FAILED = Outcome("a.b", "failed", failure=Failure(FailureKind.SERVER_ERROR, "503 Service Unavailable"))


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def logged(stream):
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    with logging_to(handler, lambda: Redactor([Secret(CANARY)])):
        yield stream.getvalue


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (events.TaskStarted("a.b", "GET", "https://x/"), "DEBUG httptask a.b: GET https://x/"),
        (events.AttemptFinished("a.b", ATTEMPT), "DEBUG httptask a.b: attempt 1: 503 in 250 ms; retry: status 503"),
        (events.Pacing("a.b", 41.2), "DEBUG httptask a.b: waiting 41 s for the rate limit"),
        (events.Verified("a.b", "applied"), "DEBUG httptask a.b: asked whether it was applied: applied"),
        (events.TaskFinished(Outcome("a.b", "succeeded")), "DEBUG httptask a.b: succeeded"),
        (events.TaskFinished(FAILED), "WARNING httptask a.b: failed: 503 Service Unavailable"),
        (events.StepStarted("s", "a.b", None), "INFO httptask step s: a.b"),
        (events.ItemFinished("s", 2, "failed"), "DEBUG httptask step s: item 2 failed"),
        (events.PollWaiting("s", 1, 5.0), "DEBUG httptask step s: asking again in 5 s"),
        (events.StepFinished("s", "succeeded"), "INFO httptask step s: succeeded"),
        (events.StepFinished("s", "unknown", "lost"), "WARNING httptask step s: unknown: lost"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_each_event_is_one_record(logged, event, line):
    LoggingObserver()(event)
    assert logged() == line + "\n"


def test_what_an_answer_calls_secret_is_in_no_later_record(logged):
    observer = LoggingObserver()
    failure = Failure(FailureKind.BAD_REQUEST, "400 Bad Request: bad session-value")
    observer(events.TaskFinished(Outcome("a.b", "failed", failure=failure), (Secret("session-value", verbatim=True),)))
    observer(events.StepFinished("s", "failed", failure.message))
    assert logged().count("bad ***") == 2
    assert "session-value" not in logged()


@pytest.mark.parametrize("name", [LOGGER, *BELOW])
def test_no_record_of_ours_or_of_the_libraries_below_holds_a_secret(logged, name):
    logging.getLogger(name).debug("sent %s to %r", CANARY, {"access_token": "abc"})
    assert "***" in logged()
    assert "c4n4ry" not in logged()
    assert "abc" not in logged()


def test_a_traceback_in_a_record_is_masked(logged):
    try:
        int(CANARY)
    except ValueError:
        logging.getLogger("urllib3.connection").warning("failed", exc_info=True, stack_info=True)
    assert "ValueError: invalid literal for int() with base 10: '***'" in logged()
    assert "c4n4ry" not in logged()


def test_a_secret_given_to_a_log_call_does_not_break_it(logged):
    logging.getLogger(LOGGER).debug("sent %s", Secret(CANARY))
    assert logged() == "DEBUG httptask a log record of httptask whose arguments cannot be shown\n"


def test_handlers_that_others_installed_get_masked_records_too(stream):
    other = logging.StreamHandler(stream)
    logging.getLogger().addHandler(other)
    try:
        with logging_to(logging.NullHandler(), lambda: Redactor([Secret(CANARY)])):
            logging.getLogger("urllib3.connectionpool").warning("sent %s", CANARY)
    finally:
        logging.getLogger().removeHandler(other)
    assert stream.getvalue() == "sent ***\n"


def test_afterwards_the_loggers_are_as_before():
    loggers = [logging.getLogger(name) for name in (LOGGER, *BELOW)]
    before = [(logger.level, list(logger.handlers), list(logger.filters)) for logger in loggers]
    with logging_to(logging.NullHandler(), Redactor):
        pass
    assert [(logger.level, list(logger.handlers), list(logger.filters)) for logger in loggers] == before
