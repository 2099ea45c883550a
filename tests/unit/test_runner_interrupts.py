import pytest

from builders import connection, template
from httptask.clock import FakeClock
from httptask.errors import ConnectionLost, Interrupted
from httptask.message import Response
from httptask.runner import Runner

LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")


class ImpatientClock(FakeClock):
    """A clock at whose first wait the user presses Ctrl-C."""

    def sleep(self, seconds):
        raise KeyboardInterrupt


class Script:
    def __init__(self, *plays):
        self.plays = list(plays)

    def send(self, request, timeouts):
        play = self.plays.pop(0)
        if isinstance(play, BaseException):
            raise play
        return Response(play)


def interrupted(method, *plays, clock=None, **changes):
    with pytest.raises(Interrupted) as caught:
        Runner(Script(*plays), clock or FakeClock()).run(template(method=method, **changes), {}, connection())
    return caught.value.outcome


@pytest.mark.parametrize(
    ("method", "status"),
    [("GET", "failed"), ("HEAD", "failed"), ("POST", "unknown"), ("PUT", "unknown"), ("PATCH", "unknown"), ("DELETE", "unknown")],
)
def test_ctrl_c_while_a_request_is_out_leaves_an_unsafe_one_unknown(method, status):
    outcome = interrupted(method, KeyboardInterrupt())
    assert (outcome.status, outcome.failure.kind, outcome.attempts) == (status, "interrupted", ())


def test_the_hint_says_that_an_unsafe_request_may_have_been_applied():
    assert interrupted("POST", KeyboardInterrupt()).failure.hint == (
        "POST may have been sent and it may have been applied: look at the server's state before sending it again"
    )
    assert interrupted("GET", KeyboardInterrupt()).failure.hint == ""


@pytest.mark.parametrize(
    ("play", "status"),
    [(429, "failed"), (LOST, "unknown"), (500, "unknown")],
)
def test_ctrl_c_during_a_wait_is_unknown_only_if_an_attempt_before_it_may_have_been_applied(play, status):
    outcome = interrupted("POST", play, clock=ImpatientClock(), idempotent=True)
    assert (outcome.status, len(outcome.attempts)) == (status, 1)


def test_the_attempts_before_ctrl_c_are_kept():
    outcome = interrupted("GET", 500, LOST, KeyboardInterrupt())
    assert [attempt.error for attempt in outcome.attempts] == ["serverError", "connectionLost"]


def test_ctrl_c_stays_a_keyboard_interrupt_for_whoever_does_not_know_better():
    assert issubclass(Interrupted, KeyboardInterrupt)
