import pytest
import requests
import responses

from builders import body, connection, parameter, template
from httptask.clock import FakeClock
from httptask.model import Output
from httptask.runner import Runner
from httptask.transport import RequestsTransport

URL = "https://api.example.com/things/a%2Fb"
TASK = template(
    path="/things/{{ id }}",
    parameters=(parameter("id", "path"),),
    outputs={"name": Output("{{ response.body.name }}", {"type": "string"})},
)


@pytest.fixture
def wire():
    with responses.RequestsMock(assert_all_requests_are_fired=True) as mock:
        yield mock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def run(clock):
    with RequestsTransport() as transport:
        yield lambda task, inputs: Runner(transport, clock).run(task, inputs, connection())


def test_a_task_goes_through_the_adapter_and_its_json_comes_back(wire, run):
    wire.get(URL, json={"name": "n"})
    outcome = run(TASK, {"id": "a/b"})
    assert (outcome.status, outcome.outputs) == ("succeeded", {"name": "n"})
    assert wire.calls[0].request.url == URL


def test_a_server_that_asks_for_a_wait_is_asked_again_after_it(wire, run, clock):
    wire.get(URL, status=429, headers={"Retry-After": "7"})
    wire.get(URL, body=requests.ConnectionError("Connection aborted."))
    wire.get(URL, json={"name": "n"})
    outcome = run(TASK, {"id": "a/b"})
    assert [(attempt.status, attempt.error) for attempt in outcome.attempts] == [
        (429, "rateLimited"),
        (None, "connectionLost"),
        (200, None),
    ]
    assert clock.sleeps == (7.0, 0.5)


def test_a_post_whose_answer_is_lost_is_unknown(wire, run):
    wire.post("https://api.example.com/things", body=requests.ReadTimeout())
    outcome = run(template(method="POST", body=body()), {"body": {"a": 1}})
    assert (outcome.status, outcome.failure.kind) == ("unknown", "readTimeout")
    assert wire.calls[0].request.body == b'{"a":1}'
