"""The retry rules against the sandbox's faults on real sockets; the sandbox counts what was applied."""

import json
import urllib.request
from email.utils import formatdate

import pytest

from httptask.auth import auth_for
from httptask.clock import SystemClock
from httptask.loader import open_registry
from httptask.model import Connection
from httptask.runner import Options, Runner
from httptask.sandbox.options import SandboxOptions
from httptask.sandbox.server import running
from httptask.secrets import Secret
from httptask.transport import RequestsTransport

pytestmark = pytest.mark.broad

REGISTRY = open_registry()
CREATE = REGISTRY["okta.create_agent_pools_update"]
LIST = REGISTRY["okta.list_agent_pools"]
CREATED = "POST /api/v1/agentPools/{poolId}/updates"
QUICK = {"backoffBase": 0.01, "readTimeout": 0.5}


@pytest.fixture
def sandbox():
    """A server that plays `script` for each request, with room for a thousand requests."""
    stack = []

    def start(script="", rate_limit="1000/60"):
        faults = [{"script": script}] if script else []
        context = running(SandboxOptions.from_json({"rateLimit": rate_limit, "faults": faults}))
        stack.append(context)
        return context.__enter__()

    yield start
    for context in stack:
        context.__exit__(None, None, None)


def run(server, task, inputs, **options):
    auth = auth_for(task.provider, None, secret=Secret(server.token))
    with RequestsTransport() as transport:
        runner = Runner(transport, SystemClock(), tasks=REGISTRY)
        return runner.run(task, inputs, Connection("sandbox", server.base_url, auth), Options(retry=QUICK, **options))


def creation(server):
    pool = run(server, LIST, {"poolType": "AD"}).outputs["pools"][0]
    body = {"name": "spring", "agentType": "AD", "agents": pool["agents"], "schedule": {"cron": "0 3 * * WED", "timezone": "UTC"}}
    return {"poolId": pool["id"], "body": body}


def applied(server):
    with urllib.request.urlopen(f"{server.base_url}/_sandbox/requests") as response:  # noqa: S310 - our own server
        return json.load(response)["applied"].get(CREATED, 0)


@pytest.mark.parametrize(("fault", "times"), [("reset-before", 0), ("reset-after", 1), ("read-timeout", 1), ("truncated", 1)])
def test_a_post_whose_answer_was_lost_is_unknown_and_never_sent_twice(sandbox, fault, times):
    server = sandbox(f"ok, {fault}")
    outcome = run(server, CREATE, creation(server))
    assert (outcome.status, len(outcome.attempts), applied(server)) == ("unknown", 1, times)


@pytest.mark.parametrize("fault", ["500", "502", "504", "408", "503"])
def test_a_post_that_may_have_been_applied_is_not_sent_again(sandbox, fault):
    server = sandbox(f"ok, {fault}")
    outcome = run(server, CREATE, creation(server))
    assert (outcome.status, len(outcome.attempts), applied(server)) == ("unknown", 1, 0)


@pytest.mark.parametrize("fault", ["429(Retry-After=0)", "503(Retry-After=0)", "425"])
def test_a_post_that_was_refused_unread_is_sent_again_and_applied_once(sandbox, fault):
    server = sandbox(f"ok, {fault}")
    outcome = run(server, CREATE, creation(server))
    assert (outcome.status, len(outcome.attempts), applied(server)) == ("succeeded", 2, 1)


def test_a_lost_creation_is_found_again_when_the_list_was_taken_before(sandbox):
    server = sandbox("ok, ok, reset-after")
    outcome = run(server, CREATE, creation(server), verify_before=True)
    assert (outcome.status, outcome.outputs["status"], applied(server)) == ("succeeded", "Scheduled", 1)
    assert outcome.outputs["updateId"].startswith("ajd")


@pytest.mark.slow
def test_a_creation_that_never_arrived_stays_unknown_though_nothing_is_found(sandbox):
    server = sandbox("ok, ok, reset-before")
    outcome = run(server, CREATE, creation(server), verify_before=True)
    assert (outcome.status, applied(server)) == ("unknown", 0)


@pytest.mark.slow
def test_a_lost_activation_is_settled_by_the_status_of_the_update(sandbox):
    server = sandbox("ok, ok, reset-after")
    created = run(server, CREATE, inputs := creation(server))
    ids = {"poolId": inputs["poolId"], "updateId": created.outputs["updateId"]}
    outcome = run(server, REGISTRY["okta.activate_agent_pools_update"], ids)
    assert (outcome.status, outcome.outputs["status"]) == ("succeeded", "InProgress")


@pytest.mark.slow
def test_an_activation_that_never_arrived_is_sent_again_after_two_looks(sandbox):
    server = sandbox("ok, ok, reset-before")
    created = run(server, CREATE, inputs := creation(server))
    ids = {"poolId": inputs["poolId"], "updateId": created.outputs["updateId"]}
    outcome = run(server, REGISTRY["okta.activate_agent_pools_update"], ids)
    assert (outcome.status, len(outcome.attempts)) == ("succeeded", 2)
    assert outcome.attempts[0].decision.reason.startswith("verify: it was not applied")


@pytest.mark.parametrize("fault", ["reset-before", "reset-after", "truncated", "500", "read-timeout", "slow(5s)"])
def test_a_get_is_repeated(sandbox, fault):
    outcome = run(sandbox(fault), LIST, {})
    assert (outcome.status, len(outcome.attempts)) == ("succeeded", 2)


@pytest.mark.slow
def test_a_503_with_a_date_is_asked_again_at_that_date(sandbox):
    clock = SystemClock()
    until = formatdate(clock.now() + 1, usegmt=True)
    outcome = run(sandbox(f"503(Retry-After={until})"), LIST, {})
    assert outcome.ok
    assert outcome.attempts[0].decision.reason.endswith(("the server asked for 1 s", "the server asked for 0 s"))


@pytest.mark.slow
def test_a_full_window_is_waited_for_and_no_429_is_collected(sandbox):
    server = sandbox(rate_limit="3/1")
    auth = auth_for(LIST.provider, None, secret=Secret(server.token))
    with RequestsTransport() as transport:
        runner = Runner(transport, SystemClock())
        outcomes = [runner.run(LIST, {}, Connection("sandbox", server.base_url, auth)) for _ in range(5)]
    assert [attempt.status for outcome in outcomes for attempt in outcome.attempts] == [200] * 5
    assert outcomes[3].attempts[0].timings["pacing"] > 500
