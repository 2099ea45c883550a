"""As many pools as are asked for, cursors that expire, and the real task paging through them without a socket."""

import gc
import json

import pytest

from builders import connection
from httptask import open_registry
from httptask.clock import FakeClock
from httptask.errors import InputInvalid
from httptask.message import Headers, Response
from httptask.paged import all_pages, first_page, pages
from httptask.runner import Options, Runner
from httptask.sandbox.core import Sandbox
from httptask.sandbox.inprocess import SandboxTransport
from httptask.sandbox.options import MOST_POOLS, RateLimit, SandboxOptions
from httptask.sandbox.wire import SandboxRequest

POOLS = "/api/v1/agentPools"
TASK = open_registry()["okta.list_agent_pools"]
HEADERS = {"Authorization": "SSWS sandbox-token"}


def sandbox(pools=None, limit=10**6):
    return Sandbox(SandboxOptions(pools=pools, rate_limit=RateLimit(limit, 60)), clock=FakeClock())


def call(server, method, target, value=None):
    body = b"" if value is None else json.dumps(value).encode()
    fields = (*HEADERS.items(), *([("Content-Type", "application/json")] if body else []))
    reply = server.handle(SandboxRequest(method, target, fields, body, "http://here"))
    return reply.status, json.loads(reply.body) if reply.body else None


def links(server, target):
    reply = server.handle(SandboxRequest("GET", target, tuple(HEADERS.items()), b"", "http://here"))
    return [value for name, value in reply.headers if name == "link"]


def following(server, target):
    return links(server, target)[1].partition(">")[0].removeprefix("<http://here")


class Reading:
    """The real task over a sandbox in this process."""

    def __init__(self, server, transport=None, **inputs):
        self.connection = connection(base_url="https://acme.okta.com", auth=None)
        self.inputs = {"poolType": "AD", **inputs}
        self.runner = Runner(transport or Credited(server), server.clock)
        self.first = first_page(TASK, self.inputs, self.connection)

    def ask(self, url):
        return self.runner.run(TASK, self.inputs, self.connection, Options(page_url=url))

    def pages(self):
        return pages(self.ask, TASK, self.connection, first=self.first)

    def all(self):
        return all_pages(self.ask, TASK, self.inputs, self.connection, first=self.first)


class Credited:
    """Lets every request in."""

    def __init__(self, server):
        self.inner = SandboxTransport(server)

    def send(self, request, timeouts):
        return self.inner.send(request.with_header("Authorization", HEADERS["Authorization"]), timeouts)


@pytest.mark.parametrize("count", [1, 3, 7, 8, 250])
def test_there_are_as_many_ad_pools_as_were_asked_for_and_the_others_beside_them(count):
    server = sandbox(count)
    _, found = call(server, "GET", f"{POOLS}?limitPerPoolType=300")
    assert [pool["type"] for pool in found].count("AD") == count
    assert len({pool["id"] for pool in found}) == len(found) == count + 8
    assert found[0]["name"] == "corp.example.com"
    assert all(len(pool["id"]) == 20 and pool["agents"][0]["poolId"] == pool["id"] for pool in found)
    assert call(sandbox(count), "GET", f"{POOLS}?limitPerPoolType=300")[1] == found


def test_a_generated_pool_can_be_worked_with_like_any_other():
    server = sandbox(50)
    _, found = call(server, "GET", f"{POOLS}?poolType=AD&limitPerPoolType=50")
    pool = found[-1]
    path = f"{POOLS}/{pool['id']}/updates"
    body = {"name": "n", "agentType": "AD", "agents": pool["agents"]}
    status, update = call(server, "POST", path, body)
    assert (status, update["status"]) == (200, "InProgress")
    server.clock.sleep(5)
    assert call(server, "GET", f"{path}/{update['id']}")[1]["status"] == "Success"
    _, again = call(server, "GET", f"{POOLS}?poolType=AD&limitPerPoolType=50")
    assert again[-1]["agents"][0]["isLatestGAedVersion"] is True
    assert again[-2] == found[-2]
    assert call(server, "POST", f"{path}/settings", {"agentType": "AD", "poolName": "renamed"})[0] == 200
    assert call(server, "GET", f"{POOLS}?poolType=AD&limitPerPoolType=50")[1][-1]["name"] == "renamed"


@pytest.mark.parametrize("change", [lambda key: key[:-4] + "9" + key[-3:], lambda key: key + "x", lambda key: key.lower() + "!"])
def test_an_id_that_was_not_given_is_not_found(change):
    server = sandbox(20)
    _, found = call(server, "GET", f"{POOLS}?poolType=AD&limitPerPoolType=20")
    beyond = change(found[-1]["id"])
    known = {pool["id"] for pool in found}
    expected = 200 if beyond in known else 404
    assert call(server, "GET", f"{POOLS}/{beyond}/updates/settings")[0] == expected


@pytest.mark.parametrize("value", [0, -1, MOST_POOLS + 1, True, 1.5, "9", None])
def test_a_number_of_pools_out_of_range_is_refused(value):
    with pytest.raises(InputInvalid, match="AD pools"):
        SandboxOptions.from_json({"pools": value})
    assert SandboxOptions.from_json({"pools": MOST_POOLS}).pools == MOST_POOLS


def test_a_cursor_made_before_the_expiry_is_refused_and_a_new_one_is_not():
    server = sandbox()
    target = f"{POOLS}?limitPerPoolType=2"
    old = following(server, target)
    assert call(server, "GET", old)[0] == 200
    assert call(server, "POST", "/_sandbox/expire") == (200, {"expired": 1})
    status, error = call(server, "GET", old)
    assert (status, error["errorCode"]) == (400, "E0000031")
    new = following(server, target)
    assert new != old
    assert call(server, "GET", new)[0] == 200
    assert call(server, "GET", f"{POOLS}?after=bad")[1]["errorCode"] == "E0000029"
    call(server, "POST", "/_sandbox/reset")
    assert following(server, target) == old


def test_an_expired_cursor_is_named_by_the_real_task():
    server = sandbox()
    reading = Reading(server, limitPerPoolType=2).pages()
    assert [next(reading).number, next(reading).number] == [1, 2]
    call(server, "POST", "/_sandbox/expire")
    last = next(reading)
    assert (last.number, last.outcome.failure.kind) == (3, "cursorExpired")
    assert "E0000031" in last.outcome.failure.message
    assert next(reading, None) is None


def test_pages_are_paced_like_all_requests():
    server = sandbox(25, limit=10)
    outcome = Reading(server, limitPerPoolType=1).all()
    assert len(outcome.outputs["poolIds"]) == 25
    assert {attempt.status for attempt in outcome.attempts} == {200}
    assert server.clock.now() - FakeClock().now() >= 120


class AdminLinks(Credited):
    """Names the admin console's host in its links, as recordings of real answers do."""

    def send(self, request, timeouts):
        assert request.origin == "https://acme.okta.com"
        response = super().send(request, timeouts)
        fields = tuple((name, value.replace("<https://acme.", "<https://acme-admin.")) for name, value in response.headers)
        return Response(response.status, Headers(fields), response.body)


def test_links_to_the_admin_host_are_followed_on_the_host_that_was_called():
    server = sandbox()
    assert len(Reading(server, AdminLinks(server), limitPerPoolType=3).all().outputs["poolIds"]) == 7


def test_two_links_come_in_headers_of_their_own_self_first():
    first, second = links(sandbox(), f"{POOLS}?limitPerPoolType=2&poolType=AD")
    assert first.endswith('rel="self"')
    assert second.endswith('rel="next"')
    assert "?after=" in second
    assert second.index("limitPerPoolType") < second.index("poolType")


@pytest.mark.slow
def test_ten_thousand_pages_are_read_and_none_is_kept():
    server = sandbox(10_000)
    reading = Reading(server, limitPerPoolType=1).pages()
    for _ in range(3000):
        next(reading)
    before = kept()
    for _ in range(6999):
        next(reading)
    assert kept() - before < 1000
    assert next(reading).next_url is None
    assert next(reading, None) is None


def kept():
    gc.collect()
    return len(gc.get_objects())
