import json
from dataclasses import replace

import pytest

from builders import body, connection, parameter, provider, template
from httptask.clock import FakeClock
from httptask.errors import ConnectFailed, ConnectionLost, EgressRefused, InputInvalid, RenderError, TimedOut
from httptask.events import AttemptFinished, TaskFinished, TaskStarted
from httptask.message import Headers, Response
from httptask.model import Output, Verify
from httptask.runner import Options, Runner

LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")
REFUSED = ConnectFailed("the connection was refused", phase="notSent", code="refused")
GET = template(outputs={"id": Output("{{ response.body.id }}", {"type": "string"})})
POST = template(method="POST", body=body())
OK = Response(200, Headers.of({"Content-Type": "application/json"}), b'{"id":"a"}', timings={"wait": 1.5})


class Script:
    """A transport that plays what it is told, and notes what it was asked; each exchange takes `takes` seconds."""

    def __init__(self, clock, *plays, takes=0.0):
        self.clock = clock
        self.plays = list(plays)
        self.takes = takes
        self.requests = []
        self.timeouts = []

    def send(self, request, timeouts):
        self.requests.append(request)
        self.timeouts.append(timeouts)
        self.clock.advance(self.takes)
        play = self.plays.pop(0)
        if isinstance(play, BaseException):
            raise play
        return Response(play) if isinstance(play, int) else play


def answer(status, **headers):
    return Response(status, Headers.of({name.replace("_", "-"): value for name, value in headers.items()}))


@pytest.fixture
def clock():
    return FakeClock()


def run(clock, *plays, task=GET, inputs=None, options=None, takes=0.0):
    script = Script(clock, *plays, takes=takes)
    outcome = Runner(script, clock).run(task, inputs or {}, connection(), options)
    return outcome, script


def test_an_answer_becomes_an_outcome(clock):
    outcome, script = run(clock, OK)
    assert (outcome.status, outcome.outputs, outcome.failure) == ("succeeded", {"id": "a"}, None)
    assert [(request.method, request.url) for request in script.requests] == [("GET", "https://api.example.com/things")]


def test_the_json_form_is_the_contract(clock):
    outcome, _ = run(clock, 503, OK, takes=0.25)
    assert json.loads(json.dumps(outcome.to_json())) == {
        "schemaVersion": 1,
        "task": "acme.do_thing",
        "status": "succeeded",
        "response": {
            "status": 200,
            "headers": [["Content-Type", "application/json"]],
            "body": {"id": "a"},
            "bodyKind": "json",
            "truncated": False,
        },
        "outputs": {"id": "a"},
        "warnings": [{"code": "undocumentedStatus", "path": "response.status", "message": outcome.warnings[0].message}],
        "attempts": [
            {
                "number": 1,
                "phase": "answered",
                "status": 503,
                "error": "serverError",
                "startedAt": "2023-11-14T22:13:20.000Z",
                "elapsedMs": 250.0,
                "timings": {},
                "connection": None,
                "decision": {"action": "retry", "waitMs": 250, "reason": "status 503: GET may be repeated; backoff 0.25 s"},
            },
            {
                "number": 2,
                "phase": "answered",
                "status": 200,
                "error": None,
                "startedAt": "2023-11-14T22:13:20.500Z",
                "elapsedMs": 250.0,
                "timings": {"wait": 1.5},
                "connection": "reused",
                "decision": {"action": "stop", "waitMs": 0, "reason": "status 200"},
            },
        ],
        "failure": None,
    }


@pytest.mark.parametrize(
    ("plays", "sleeps"),
    [
        ([OK], ()),
        ([500, OK], (0.25,)),
        ([500, LOST, OK], (0.25, 0.5)),
        ([REFUSED, 502, 504, OK], (0.25, 0.5, 1.0)),
        ([answer(429, Retry_After="7"), OK], (7.0,)),
        ([500, answer(503, Retry_After="3"), 500, OK], (0.25, 3.0, 1.0)),
    ],
)
def test_it_waits_exactly_what_was_decided(clock, plays, sleeps):
    outcome, script = run(clock, *plays)
    assert (outcome.status, clock.sleeps) == ("succeeded", sleeps)
    assert [attempt.decision.wait for attempt in outcome.attempts] == [*sleeps, 0.0]
    assert len(script.requests) == len(plays)


def test_every_attempt_sends_the_same_request(clock):
    _, script = run(clock, LOST, 500, OK)
    assert script.requests[0] == script.requests[1] == script.requests[2]


def test_a_run_without_success_ends_with_the_last_answer_and_the_bound(clock):
    outcome, _ = run(clock, 500, 502, 500, 503)
    assert (outcome.status, outcome.response.status, len(outcome.attempts)) == ("failed", 503, 4)
    assert outcome.attempts[-1].decision.reason == "4 of 4 attempts used"
    assert (outcome.failure.kind, outcome.failure.retryable) == ("serverError", True)


def test_a_run_that_never_reached_the_server_has_no_response(clock):
    outcome, _ = run(clock, *[REFUSED] * 4)
    assert (outcome.status, outcome.response, outcome.failure.kind) == ("failed", None, "refused")
    assert [attempt.phase for attempt in outcome.attempts] == ["notSent"] * 4


def test_an_egress_refusal_is_an_outcome_and_not_repeated(clock):
    outcome, script = run(clock, EgressRefused("not allowed", phase="notSent", code="egressRefused"))
    assert (outcome.status, outcome.failure.kind, len(script.requests)) == ("failed", "egressRefused", 1)
    assert outcome.failure.retryable is False


@pytest.mark.parametrize("lost", [LOST, 500, TimedOut("no answer", phase="sentWithoutAnswer", code="readTimeout")])
def test_a_post_that_may_have_been_applied_is_unknown_and_sent_once(clock, lost):
    outcome, script = run(clock, lost, task=POST, inputs={"body": {}})
    assert (outcome.status, len(script.requests)) == ("unknown", 1)
    assert (outcome.failure.retryable, outcome.outputs) == (False, {})
    assert outcome.failure.hint.startswith(
        "POST was sent and it may have been applied: look at the server's state before sending it again"
    )


def test_a_post_stays_unknown_when_a_later_attempt_fails_for_certain(clock):
    task = replace(POST, idempotent=True)
    outcome, _ = run(clock, LOST, 400, task=task, inputs={"body": {}})
    assert (outcome.status, outcome.response.status, outcome.failure.kind) == ("unknown", 400, "badRequest")


def test_a_delete_that_finds_nothing_after_a_lost_attempt_has_succeeded_with_a_warning(clock):
    outcome, _ = run(clock, LOST, 404, task=template(method="DELETE"))
    assert (outcome.status, outcome.failure) == ("succeeded", None)
    assert [warning.code for warning in outcome.warnings] == ["settledByAbsence"]


def test_a_wait_past_the_cap_is_handed_on_with_the_failure(clock):
    outcome, _ = run(clock, answer(429, Retry_After="600"))
    assert (outcome.failure.retryable, outcome.failure.retry_after, clock.sleeps) == (True, 600.0, ())


def test_once_sends_one_attempt_and_its_record_says_what_would_come_next(clock):
    outcome, script = run(clock, answer(429, Retry_After="7"), options=Options(once=True))
    assert (outcome.status, len(script.requests), clock.sleeps) == ("failed", 1, ())
    assert (outcome.attempts[0].decision.action, outcome.attempts[0].decision.wait) == ("retry", 7.0)
    assert (outcome.failure.retryable, outcome.failure.retry_after) == (True, 7.0)


def test_once_does_not_call_a_post_failed_of_which_nobody_knows(clock):
    outcome, _ = run(clock, LOST, task=POST, options=Options(once=True))
    assert outcome.status == "unknown"


@pytest.mark.parametrize(
    ("layers", "attempts"),
    [
        ({}, 4),
        ({"provider": 2}, 2),
        ({"provider": 2, "template": 3}, 3),
        ({"provider": 2, "template": 3, "connection": 5}, 5),
        ({"provider": 2, "template": 3, "connection": 5, "call": 1}, 1),
    ],
)
def test_retry_bounds_come_from_the_call_then_the_connection_the_template_and_the_provider(clock, layers, attempts):
    bounds = {name: {"maxAttempts": value} for name, value in layers.items()}
    task = template(provider=provider(retry=bounds.get("provider", {})), retry=bounds.get("template", {}))
    script = Script(clock, *[500] * 6)
    where = connection(retry=bounds.get("connection", {}))
    Runner(script, clock).run(task, {}, where, Options(retry=bounds.get("call", {})))
    assert len(script.requests) == attempts


def test_no_attempt_begins_after_the_policys_time(clock):
    outcome, script = run(clock, *[500] * 9, options=Options(retry={"maxElapsed": 10, "maxAttempts": 9}), takes=4.0)
    assert len(script.requests) == 3
    assert outcome.attempts[-1].decision.reason.endswith("0 s left")


def test_no_attempt_begins_after_the_callers_deadline(clock):
    outcome, script = run(clock, *[500] * 9, options=Options(deadline=5.0), takes=4.0)
    assert len(script.requests) == 2
    assert clock.monotonic() == 8.25
    assert outcome.status == "failed"


def test_timeouts_come_from_the_policy(clock):
    _, script = run(clock, OK, options=Options(retry={"connectTimeout": 2, "readTimeout": 9, "maxElapsed": 60}))
    timeouts = script.timeouts[0]
    assert (timeouts.connect, timeouts.read, timeouts.total) == (2, 9, 60)


def test_the_time_that_is_left_shrinks_with_every_attempt_and_bounds_every_timeout(clock):
    _, script = run(clock, 500, 500, OK, options=Options(deadline=12.0), takes=4.0)
    assert [timeouts.total for timeouts in script.timeouts] == [12.0, 7.75, 3.25]
    assert [timeouts.read for timeouts in script.timeouts] == [12.0, 7.75, 3.25]
    assert [timeouts.connect for timeouts in script.timeouts] == [5.0, 5.0, 3.25]


def test_what_the_transport_refuses_to_send_is_raised(clock):
    with pytest.raises(RenderError):
        run(clock, RenderError([]))


def test_wrong_inputs_are_raised_before_anything_is_sent(clock):
    task = template(parameters=(parameter("id", required=True), parameter("n", schema={"type": "integer"})))
    script = Script(clock)
    with pytest.raises(InputInvalid) as caught:
        Runner(script, clock).run(task, {"n": "x", "m": 1}, connection())
    assert [problem.where for problem in caught.value.problems] == ["id", "m", "n"]
    assert script.requests == []


def test_headers_of_the_call_are_sent(clock):
    _, script = run(clock, OK, options=Options(headers={"X-Step": "s1"}))
    assert script.requests[0].headers.get("x-step") == "s1"


def test_a_new_enumeration_value_may_be_let_through_with_a_warning(clock):
    task = template(parameters=(parameter("colour", schema={"type": "string", "enum": ["red"]}),))
    with pytest.raises(InputInvalid):
        run(clock, OK, task=task, inputs={"colour": "blue"})
    outcome, script = run(clock, OK, task=task, inputs={"colour": "blue"}, options=Options(allow_unknown_enum=True))
    assert script.requests[0].url.endswith("?colour=blue")
    assert outcome.warnings[0].code == "unknownEnumValue"


def test_the_observer_is_told_everything_in_order(clock):
    events = []
    outcome = Runner(Script(clock, 500, OK), clock, events.append).run(GET, {}, connection())
    assert events == [
        TaskStarted("acme.do_thing", "GET", "https://api.example.com/things"),
        AttemptFinished("acme.do_thing", outcome.attempts[0], "GET https://api.example.com/things"),
        AttemptFinished("acme.do_thing", outcome.attempts[1], "GET https://api.example.com/things"),
        TaskFinished(outcome),
    ]


def test_an_attempt_is_told_with_its_own_request_while_another_task_is_asked_to_verify_it(clock):
    events = []
    verify = Verify("acme.look", {}, "{{ true }}", None, None, {}, uses_before=False)
    post = template(method="POST", verify=verify)
    look = template(id="acme.look", path="/look")
    script = Script(clock, OK, OK)
    runner = Runner(script, clock, events.append, tasks={"acme.look": look})
    runner.run(post, {}, connection(), Options(verify_before=True))
    told = [event.request for event in events if isinstance(event, AttemptFinished)]
    assert told == ["GET https://api.example.com/look", "POST https://api.example.com/things"]
