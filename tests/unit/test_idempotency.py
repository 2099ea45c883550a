import pytest

from builders import body, connection, provider, template
from httptask.clock import FakeClock
from httptask.errors import ConnectionLost
from httptask.identity import idempotency_key
from httptask.message import Response
from httptask.model import IdempotencyKey
from httptask.runner import Options, Runner

LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")
KEYED = provider(idempotency_key=IdempotencyKey("Idempotency-Key"))
POST = template(method="POST", body=body(), provider=KEYED)


class Server:
    def __init__(self, *plays):
        self.plays = list(plays)
        self.requests = []

    def send(self, request, timeouts):
        self.requests.append(request)
        play = self.plays.pop(0)
        if isinstance(play, Exception):
            raise play
        return Response(play)


def run(server, task=POST, options=None):
    return Runner(server, FakeClock()).run(task, {}, connection(), options)


def keys(server):
    return [request.headers.get("Idempotency-Key") for request in server.requests]


def test_a_post_with_a_key_is_repeated_with_the_same_key():
    server = Server(LOST, 503, 201)
    assert run(server).ok
    assert len(set(keys(server))) == 1
    assert keys(server)[0]


def test_two_calls_have_two_keys():
    server = Server(200, 200)
    run(server)
    run(server)
    assert len(set(keys(server))) == 2


def test_the_callers_key_is_used():
    server = Server(200)
    run(server, options=Options(idempotency_key="mine"))
    assert keys(server) == ["mine"]


def test_a_key_can_be_written_as_a_structured_field_string():
    server = Server(200)
    task = template(method="POST", provider=provider(idempotency_key=IdempotencyKey("Idempotency-Key", quoted=True)))
    run(server, task, Options(idempotency_key="k"))
    assert keys(server) == ['"k"']


def test_a_method_that_the_provider_does_not_name_gets_no_key():
    server = Server(200)
    run(server, template(provider=KEYED))
    assert keys(server) == [None]


def test_a_key_that_the_caller_sends_as_a_header_stays():
    server = Server(LOST, 200)
    assert run(server, options=Options(headers={"idempotency-key": "own"})).ok
    assert keys(server) == ["own", "own"]


@pytest.mark.parametrize(("declared", "requests"), [(True, 2), (False, 1), (None, 1)])
def test_a_caller_may_declare_a_post_idempotent(declared, requests):
    server = Server(LOST, 200)
    run(server, template(method="POST"), Options(idempotent=declared))
    assert len(server.requests) == requests


def test_a_derived_key_is_the_same_for_the_same_run_and_path():
    assert idempotency_key("run-1", "create[3]") == idempotency_key("run-1", "create[3]")
    assert len({idempotency_key("run-1", "create"), idempotency_key("run-2", "create"), idempotency_key("run-1", "other")}) == 3


def test_run_and_path_cannot_be_confused():
    assert idempotency_key("a/b", "c") != idempotency_key("a", "b/c")
