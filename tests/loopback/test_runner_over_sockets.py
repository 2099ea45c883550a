import pytest

from builders import body, connection, parameter, template
from httptask.clock import FakeClock, SystemClock
from httptask.model import Output
from httptask.runner import Options, Runner
from httptask.transport import RequestsTransport
from loopback.servers import RawServer, closed_port, hold, read_request, reset

GET = template(
    path="/things/{{ id }}",
    parameters=(parameter("id", "path"),),
    outputs={"name": Output("{{ response.body.name }}", {"type": "string"})},
)
POST = template(method="POST", body=body())
QUICK = {"connectTimeout": 0.5, "readTimeout": 0.3}


def http(status, content=b"", *fields):
    head = b"\r\n".join((b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(content), *fields))
    return head + b"\r\n\r\n" + content


THING = http(200, b'{"name":"n"}', b"Content-Type: application/json")


def playing(*answers):
    """Return a handler that plays one answer per request over all connections: bytes, or a function of the socket."""
    left = list(answers)

    def handle(server, sock):
        while left and read_request(server, sock):
            answer = left.pop(0)
            if not isinstance(answer, bytes):
                answer(sock)
                return
            sock.sendall(answer)

    return handle


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def run(clock):
    with RequestsTransport() as transport:
        yield lambda url, task, inputs, **more: Runner(transport, clock).run(
            task, inputs, connection(base_url=url), Options(retry=QUICK, **more)
        )


def test_a_task_is_sent_and_its_answer_read(run):
    with RawServer(playing(THING)) as server:
        outcome = run(server.url, GET, {"id": "a/b"})
    assert (outcome.status, outcome.outputs) == ("succeeded", {"name": "n"})
    assert server.received[0].startswith(b"GET /things/a%2Fb HTTP/1.1\r\n")


def test_refused_requests_are_sent_again_after_the_wait_that_the_server_named(run, clock):
    with RawServer(playing(http(429, b"", b"Retry-After: 7"), http(503, b"", b"Retry-After: 3"), THING)) as server:
        outcome = run(server.url, GET, {"id": "a"})
    assert [attempt.status for attempt in outcome.attempts] == [429, 503, 200]
    assert clock.sleeps == (7.0, 3.0)
    assert server.received[0] == server.received[1] == server.received[2]


def test_a_get_whose_connection_was_reset_is_sent_again(run):
    with RawServer(playing(reset, THING)) as server:
        outcome = run(server.url, GET, {"id": "a"})
    assert outcome.status == "succeeded"
    assert [(attempt.phase, attempt.error) for attempt in outcome.attempts] == [
        ("sentWithoutAnswer", "connectionLost"),
        ("answered", None),
    ]


def test_a_post_whose_connection_was_reset_is_unknown_and_sent_once(run):
    with RawServer(playing(reset, THING)) as server:
        outcome = run(server.url, POST, {"body": {}})
    assert (outcome.status, outcome.failure.kind, len(server.received)) == ("unknown", "connectionLost", 1)


def test_a_post_that_is_not_answered_in_time_is_unknown(run):
    with RawServer(hold) as server:
        outcome = run(server.url, POST, {"body": {}})
    assert (outcome.status, outcome.failure.kind) == ("unknown", "readTimeout")


def test_a_post_that_could_not_be_sent_is_tried_again_and_failed_for_certain(run):
    outcome = run(f"http://127.0.0.1:{closed_port()}", POST, {"body": {}})
    assert (outcome.status, outcome.failure.kind, len(outcome.attempts)) == ("failed", "refused", 4)
    assert {attempt.phase for attempt in outcome.attempts} == {"notSent"}


def test_a_body_that_is_cut_off_is_asked_for_again(run):
    def cut(sock):
        sock.sendall(http(200, b'{"name":"n"}')[:-4])

    with RawServer(playing(cut, THING)) as server:
        outcome = run(server.url, GET, {"id": "a"})
    assert (outcome.status, [attempt.error for attempt in outcome.attempts]) == ("succeeded", ["unreadableBody", None])


def test_a_callers_deadline_cuts_a_silent_server_short():
    with RawServer(hold) as server, RequestsTransport() as transport:
        runner = Runner(transport, SystemClock())
        outcome = runner.run(GET, {"id": "a"}, connection(base_url=server.url), Options(deadline=0.1))
    assert (outcome.status, len(outcome.attempts)) == ("failed", 1)
    assert outcome.failure.kind in {"deadline", "readTimeout"}
    assert 0.1 <= outcome.attempts[0].elapsed < 2


def test_a_delete_that_finds_nothing_after_a_reset_has_succeeded(run):
    with RawServer(playing(reset, http(404))) as server:
        outcome = run(server.url, template(method="DELETE"), {})
    assert (outcome.status, [warning.code for warning in outcome.warnings]) == ("succeeded", ["settledByAbsence"])
