import json

import pytest

from builders import body, connection, parameter, template
from httptask.clock import FakeClock
from httptask.errors import ConnectionLost
from httptask.message import Headers, Response
from httptask.model import Output, Verify
from httptask.runner import Options, Runner

LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")
READ = template(id="acme.read_thing", parameters=(parameter("id", "path"),), path="/things/{{ id }}")
RULE = Verify(
    task="acme.read_thing",
    inputs={"id": "{{ inputs.id }}"},
    applied="{{ response.status == 200 and response.body.state == 'on' }}",
    not_applied="{{ response.status == 200 and response.body.state == 'off' }}",
    candidates=None,
    outputs={"state": "{{ response.body.state }}"},
    uses_before=False,
)
SWITCH = template(
    id="acme.switch_on",
    method="POST",
    path="/things/{{ id }}/on",
    parameters=(parameter("id", "path"),),
    outputs={"state": Output("{{ response.body.state }}", {})},
    verify=RULE,
)


class Server:
    """Plays answers per method, in order; the last one repeats."""

    def __init__(self, **plays):
        self.plays = {method: list(answers) for method, answers in plays.items()}
        self.received = []

    def send(self, request, timeouts):
        self.received.append(request.method)
        answers = self.plays[request.method]
        play = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(play, Exception):
            raise play
        return play


def said(value, status=200):
    return Response(status, Headers.of({"Content-Type": "application/json"}), json.dumps(value).encode())


def switched(server, options=None, task=SWITCH, tasks=None):
    clock = FakeClock()
    runner = Runner(server, clock, tasks={"acme.read_thing": READ} if tasks is None else tasks)
    return runner.run(task, {"id": "a"}, connection(), options), clock


def test_applied_is_success_with_the_outputs_of_the_verify_task():
    server = Server(POST=[LOST], GET=[said({"state": "on"})])
    outcome, _ = switched(server)
    assert (outcome.status, outcome.outputs, outcome.failure) == ("succeeded", {"state": "on"}, None)
    assert server.received == ["POST", "GET"]
    assert [warning.code for warning in outcome.warnings] == ["verified"]


def test_not_applied_that_lasts_a_read_timeout_is_sent_again():
    server = Server(POST=[LOST, said({"state": "on"})], GET=[said({"state": "off"})])
    outcome, clock = switched(server)
    assert (outcome.status, server.received) == ("succeeded", ["POST", "GET", "GET", "POST"])
    assert clock.sleeps[0] == 30.0
    assert outcome.attempts[0].decision.reason.startswith("verify: it was not applied")


def test_a_request_that_lands_late_is_found_by_the_second_look():
    server = Server(POST=[LOST], GET=[said({"state": "off"}), said({"state": "on"})])
    outcome, _ = switched(server)
    assert (outcome.status, server.received) == ("succeeded", ["POST", "GET", "GET"])


@pytest.mark.parametrize(
    "answer",
    [said({"state": "broken"}), said({}), said({"errorCode": "x"}, 404), said([]), said({"state": "off"}, 500), LOST],
    ids=["other state", "no state", "not found", "a list", "error", "lost too"],
)
def test_anything_else_stays_unknown_and_is_not_sent_again(answer):
    server = Server(POST=[LOST], GET=[answer])
    outcome, _ = switched(server)
    assert outcome.status == "unknown"
    assert server.received.count("POST") == 1


def test_not_applied_without_attempts_left_is_a_failure_that_may_be_retried():
    server = Server(POST=[LOST], GET=[said({"state": "off"})])
    outcome, _ = switched(server, Options(retry={"maxAttempts": 1}))
    assert (outcome.status, outcome.failure.retryable) == ("failed", True)


def test_not_applied_without_time_for_a_second_look_stays_unknown():
    server = Server(POST=[LOST], GET=[said({"state": "off"})])
    outcome, _ = switched(server, Options(deadline=20.0))
    assert outcome.status == "unknown"


@pytest.mark.parametrize(("options", "tasks"), [(Options(verify=False), None), (None, {})])
def test_without_leave_or_without_the_task_nobody_is_asked(options, tasks):
    server = Server(POST=[LOST], GET=[said({"state": "on"})])
    if tasks == {}:
        clock = FakeClock()
        outcome = Runner(server, clock).run(SWITCH, {"id": "a"}, connection())
    else:
        outcome, _ = switched(server, options)
    assert (outcome.status, server.received) == ("unknown", ["POST"])


def test_an_answer_that_came_is_not_verified():
    server = Server(POST=[said({}, 400)], GET=[said({"state": "on"})])
    outcome, _ = switched(server)
    assert (outcome.status, server.received) == ("failed", ["POST"])


CREATE = template(
    id="acme.create_thing",
    method="POST",
    path="/things/{{ id }}",
    parameters=(parameter("id", "path"),),
    body=body(),
    verify=Verify(
        task="acme.read_thing",
        inputs={"id": "{{ inputs.id }}"},
        applied="{{ candidates | length == 1 }}",
        not_applied=None,
        candidates="{{ response.body | reject('in', before.body) | list }}",
        outputs={"id": "{{ candidates[0] }}"},
        uses_before=True,
    ),
)


def test_a_creation_is_found_as_the_one_thing_that_was_not_there_before():
    server = Server(POST=[LOST], GET=[said(["a"]), said(["a", "b"])])
    outcome, _ = switched(server, Options(verify_before=True), CREATE)
    assert (outcome.status, outcome.outputs, server.received) == ("succeeded", {"id": "b"}, ["GET", "POST", "GET"])


@pytest.mark.parametrize("after", [["a"], ["a", "b", "c"]], ids=["none", "two"])
def test_a_creation_that_is_not_found_exactly_once_stays_unknown(after):
    server = Server(POST=[LOST], GET=[said(["a"]), said(after)])
    outcome, _ = switched(server, Options(verify_before=True), CREATE)
    assert outcome.status == "unknown"


def test_a_creation_without_the_list_from_before_is_unknown_unasked():
    server = Server(POST=[LOST], GET=[said(["a", "b"])])
    outcome, _ = switched(server, None, CREATE)
    assert (outcome.status, server.received) == ("unknown", ["POST"])
