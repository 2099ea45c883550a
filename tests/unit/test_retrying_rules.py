"""What a template or step adds to the built-in rules, renewed credentials, and answers of verify tasks."""

from dataclasses import replace

import pytest

from builders import connection, template
from httptask.auth import Bearer
from httptask.clock import FakeClock
from httptask.message import Headers, Response
from httptask.model import RetryPolicy
from httptask.retrying import Facts, Retry, Stop, decide, refuse
from httptask.runner import Options, Runner
from httptask.secrets import Secret

POST = Facts("POST", idempotent=False, phase="answered")


def decided(facts, policy=None, earlier=(), **changes):
    values = {"elapsed": 0.0, "deadline": None, "budget_left": 10.0, "jitter": 0.5, **changes}
    return decide(policy or RetryPolicy(), facts, earlier, **values)


@pytest.mark.parametrize("status", [409, 500, 423])
def test_a_status_that_the_rules_name_is_retried_whatever_the_method(status):
    decision = decided(replace(POST, status=status), RetryPolicy(statuses=(409, 423, 500)))
    assert isinstance(decision, Retry)
    assert decision.reason.startswith(f"status {status}: the retry rules name it")


def test_a_status_that_the_rules_exclude_is_not_retried():
    decision = decided(replace(POST, method="GET", idempotent=True, status=503), RetryPolicy(never_statuses=(503,)))
    assert decision == Stop("failed", "status 503: the retry rules say never")


def test_never_wins_over_named():
    policy = RetryPolicy(statuses=(409,), never_statuses=(409,))
    assert isinstance(decided(replace(POST, status=409), policy), Stop)


def test_a_condition_on_the_answer_retries_it():
    assert isinstance(decided(replace(POST, status=400, condition=True)), Retry)
    assert isinstance(decided(replace(POST, status=400)), Stop)


def test_named_statuses_obey_the_bounds():
    policy = RetryPolicy(statuses=(409,), max_attempts=1)
    assert decided(replace(POST, status=409), policy) == Stop("failed", "1 of 1 attempts used", retryable=True)


def test_a_401_is_repeated_at_once_with_a_renewed_credential():
    renewed = Retry(0.0, "status 401: the credential is renewed", refresh=True, costs=False)
    assert decided(replace(POST, status=401, refreshable=True)) == renewed
    assert isinstance(decided(replace(POST, status=401)), Stop)


def test_what_was_found_not_applied_may_be_sent_again():
    facts = replace(POST, phase="sentWithoutAnswer", error="readTimeout", verified="notApplied")
    assert isinstance(decided(facts), Retry)
    assert decided(facts, RetryPolicy(max_attempts=1)).status == "failed"


def test_what_was_found_applied_has_succeeded():
    facts = replace(POST, phase="sentWithoutAnswer", error="readTimeout", verified="applied")
    assert decided(facts) == Stop("succeeded", "verify: it was applied")


def test_an_empty_budget_stops_a_backoff_and_not_a_wait_that_the_server_named():
    get = Facts("GET", idempotent=True, phase="answered", status=503)
    assert decided(get, budget_left=0.5).reason == "the retry budget of this host is used up"
    assert isinstance(decided(replace(get, headers=Headers((("Retry-After", "1"),))), budget_left=0.0), Retry)


def test_a_pacing_wait_that_does_not_fit_names_both_times():
    stop = refuse(RetryPolicy(), replace(POST, phase="notSent"), (), wait=41.0, left=12.0)
    assert stop == Stop("failed", "server asks for 41 s, 12 s left", 41.0, retryable=True)


class Renewable(Bearer):
    """A bearer credential that counts how often it was renewed."""

    renewals = 0

    @property
    def refreshable(self):
        return True

    def refresh(self, sent, answer):
        type(self).renewals += 1


class Server:
    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.bodies = b'{"code":"BUSY"}'
        self.received = 0

    def send(self, request, timeouts):
        self.received += 1
        return Response(self.statuses.pop(0), Headers.of({"Content-Type": "application/json"}), self.bodies)


@pytest.mark.parametrize(("statuses", "received", "status"), [([401, 200], 2, "succeeded"), ([401, 401, 200], 2, "failed")])
def test_a_credential_is_renewed_once_in_a_call(statuses, received, status):
    Renewable.renewals = 0
    server = Server(*statuses)
    auth = Renewable("oauth2", Secret("token-token"))
    outcome = Runner(server, FakeClock()).run(template(method="POST"), {}, connection(auth=auth))
    assert (outcome.status, server.received, Renewable.renewals) == (status, received, 1)


@pytest.mark.parametrize(
    ("condition", "received"),
    [
        ("{{ response.body.code == 'BUSY' }}", 2),
        ("{{ response.body.code == 'OTHER' }}", 1),
        ("{{ response.body.nothing == 1 }}", 1),
        ("{{ response.body.code }}", 1),
    ],
)
def test_a_retry_condition_is_read_from_the_answer(condition, received):
    server = Server(400, 200)
    Runner(server, FakeClock()).run(template(method="POST", retry={"condition": condition}), {}, connection())
    assert server.received == received


def test_once_sends_one_attempt_and_tells_an_engine_whether_and_when():
    server = Server(503)
    outcome = Runner(server, FakeClock(jitter=0.5)).run(template(), {}, connection(), Options(once=True))
    failure = outcome.failure
    assert (server.received, outcome.status, failure.retryable, failure.retry_after) == (1, "failed", True, 0.25)
