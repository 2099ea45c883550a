import json

import pytest

from httptask.clock import FakeClock
from httptask.errors import ConnectionLost, TimedOut
from httptask.message import Headers, Request, Timeouts
from httptask.sandbox.core import Sandbox
from httptask.sandbox.inprocess import SandboxTransport
from httptask.sandbox.options import FaultRule, SandboxOptions
from httptask.secrets import Secret

POOLS = Request(
    "GET",
    "https://example.okta.com/api/v1/agentPools?poolType=AD",
    Headers((("Authorization", Secret("SSWS sandbox-token")), ("Accept-Encoding", "gzip"))),
)


@pytest.fixture
def clock():
    return FakeClock()


def transport(clock, script=""):
    faults = (FaultRule.parse(script),) if script else ()
    return SandboxTransport(Sandbox(SandboxOptions(faults=faults), clock=clock))


def test_an_answer_comes_plain_with_its_headers(clock):
    response = transport(clock).send(POOLS, Timeouts())
    assert response.status == 200
    assert response.incomplete is None
    assert {pool["type"] for pool in json.loads(response.body)} == {"AD"}
    assert response.headers.get("content-encoding") is None
    assert response.headers.get("content-length") == str(len(response.body))
    assert response.headers.all("link") == (
        '<https://example.okta.com/api/v1/agentPools?poolType=AD>; rel="self"',
        response.headers.all("link")[1],
    )


@pytest.mark.parametrize("word", ["reset-before", "reset-after"])
def test_a_reset_is_a_lost_connection(clock, word):
    with pytest.raises(ConnectionLost) as caught:
        transport(clock, word).send(POOLS, Timeouts())
    assert (caught.value.phase, caught.value.code) == ("sentWithoutAnswer", "connectionLost")


def test_a_server_that_never_answers_is_waited_for_as_long_as_allowed(clock):
    with pytest.raises(TimedOut) as caught:
        transport(clock, "read-timeout").send(POOLS, Timeouts(read=7))
    assert (caught.value.phase, caught.value.code) == ("sentWithoutAnswer", "readTimeout")
    assert clock.sleeps == (7,)


def test_a_deadline_before_the_read_timeout_is_named_as_such(clock):
    with pytest.raises(TimedOut) as caught:
        transport(clock, "read-timeout").send(POOLS, Timeouts(read=7, total=3))
    assert caught.value.code == "deadline"
    assert clock.sleeps == (3,)


def test_a_slow_answer_arrives_when_there_is_time_for_it(clock):
    client = transport(clock, "slow(2s)x2")
    assert client.send(POOLS, Timeouts(read=3)).status == 200
    with pytest.raises(TimedOut):
        client.send(POOLS, Timeouts(read=1))
    assert clock.sleeps == (2, 1)


def test_a_truncated_answer_says_so(clock):
    client = transport(clock, "truncated")
    cut = client.send(POOLS, Timeouts())
    whole = client.send(POOLS, Timeouts())
    assert cut.incomplete == "truncated"
    assert cut.body == whole.body[: len(whole.body) // 2]
    assert cut.headers.get("content-length") == str(len(whole.body))


def test_a_status_fault_is_an_ordinary_answer(clock):
    response = transport(clock, "503(Retry-After=7)").send(POOLS, Timeouts())
    assert (response.status, response.headers.get("Retry-After")) == (503, "7")


def test_the_answer_to_head_has_no_body(clock):
    response = transport(clock).send(Request("HEAD", POOLS.url, POOLS.headers), Timeouts())
    assert (response.status, response.body) == (405, b"")
