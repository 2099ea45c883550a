"""Ctrl-C at the moments around an answer: what was decided stands, what was sent and not judged is unknown."""

import pytest

from builders import body, connection, template
from httptask import results
from httptask.clock import FakeClock
from httptask.errors import Interrupted
from httptask.events import AttemptFinished
from httptask.message import Response
from httptask.runner import Runner

POST = template(method="POST", body=body())
GET = template()


class Server:
    def __init__(self, status):
        self.status = status

    def send(self, request, timeouts):
        return Response(self.status)


def interrupted(status, task, observer=None):
    with pytest.raises(Interrupted) as caught:
        Runner(Server(status), FakeClock(), observer).run(task, {}, connection())
    return caught.value.outcome


@pytest.mark.parametrize(("task", "status"), [(POST, "unknown"), (GET, "failed")])
def test_an_answer_that_was_not_read_yet_leaves_a_post_unknown(monkeypatch, task, status):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "read", stop)
    assert interrupted(200, task).status == status


@pytest.mark.parametrize(("answer", "status"), [(200, "succeeded"), (400, "failed"), (500, "unknown")])
def test_what_was_decided_before_the_interrupt_stands(answer, status):
    def stop_after_the_attempt(event):
        if isinstance(event, AttemptFinished):
            raise KeyboardInterrupt

    assert interrupted(answer, POST, stop_after_the_attempt).status == status
