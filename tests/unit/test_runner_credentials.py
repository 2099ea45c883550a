"""A task whose credential has to be got first: its outcome, whatever the token endpoint says."""

import json

import jwt
import pytest

from builders import body, connection, provider, template
from httptask.auth.client import ClientSecret
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.oauth2 import ClientCredentials
from httptask.clock import FakeClock
from httptask.errors import ConnectFailed, ConnectionLost
from httptask.message import Headers, Response
from httptask.model import ErrorShape, SecurityRequirement
from httptask.runner import Options, Runner, prepare
from httptask.secrets import Secret

TOKEN_URL = "https://api.example.com/token"
SECURITY = (SecurityRequirement("apiToken"), SecurityRequirement("oauth2", ("things.read",)))
GET = template(security=SECURITY)
POST = template(method="POST", body=body(), security=SECURITY)
OK = Response(200, Headers.of({"Content-Type": "application/json"}), b"{}")
LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")


def token(value):
    members = {"access_token": value, "token_type": "Bearer", "expires_in": 3600}
    return Response(200, Headers.of({"Content-Type": "application/json"}), json.dumps(members).encode())


def refused(status, error):
    return Response(status, Headers(), json.dumps({"error": error}).encode())


class World:
    """A token endpoint and an API behind one transport, each with its own script."""

    def __init__(self, tokens, answers):
        self.plays = {"token": list(tokens), "things": list(answers)}
        self.sent = []
        self.timeouts = []

    def send(self, request, timeouts):
        place = request.url.rpartition("/")[2]
        self.sent.append(request if place == "things" else "token")
        self.timeouts.append(timeouts)
        play = self.plays[place].pop(0)
        if isinstance(play, BaseException):
            raise play
        return play

    @property
    def credentials(self):
        return [
            next(value.reveal() for name, value in request.headers if name == "Authorization")
            for request in self.sent
            if request != "token"
        ]


def run(tokens, answers, task=GET, **options):
    world = World(tokens, answers)
    auth = ClientCredentials("oauth2", TokenEndpoint(TOKEN_URL, ClientSecret("svc", Secret("secret"))))
    outcome = Runner(world, FakeClock()).run(task, {}, connection(auth=auth), Options(**options))
    return outcome, world


def test_a_token_is_got_before_the_first_attempt_and_used_for_all():
    outcome, world = run([token("t1")], [Response(503), OK])
    assert outcome.ok
    assert world.credentials == ["Bearer t1", "Bearer t1"]
    assert [attempt.number for attempt in outcome.attempts] == [1, 2]


@pytest.mark.parametrize("task", [GET, POST])
def test_a_refused_token_is_renewed_once(task):
    outcome, world = run([token("t1"), token("t2")], [Response(401), OK], task)
    assert outcome.ok
    assert world.credentials == ["Bearer t1", "Bearer t2"]


def test_a_second_refusal_is_the_outcome():
    outcome, world = run([token("t1"), token("t2")], [Response(401), Response(401)])
    assert (outcome.status, outcome.failure.kind) == ("failed", "unauthorized")
    assert world.credentials == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize("task", [GET, POST])
def test_without_a_token_nothing_is_sent_and_the_outcome_says_why(task):
    outcome, world = run([refused(401, "invalid_client")], [], task)
    assert world.sent == ["token"]
    assert (outcome.status, outcome.response) == ("failed", None)
    assert (outcome.failure.kind, outcome.failure.code, outcome.failure.retryable) == ("credential", "invalid_client", False)
    (attempt,) = outcome.attempts
    assert (attempt.phase, attempt.error, attempt.status, attempt.decision.action) == ("notSent", "credential", None, "stop")
    assert json.loads(json.dumps(outcome.to_json()))["failure"]["kind"] == "credential"


def test_an_endpoint_that_cannot_be_reached_leaves_a_failure_that_an_engine_may_retry():
    down = ConnectFailed("the connection was refused", phase="notSent", code="refused")
    outcome, world = run([down] * 3, [])
    assert (outcome.failure.retryable, outcome.failure.code) == (True, "refused")
    assert outcome.failure.message == "no access token: the token endpoint gave no answer: the connection was refused"
    assert world.sent == ["token"] * 3


def test_a_wait_that_the_endpoint_names_is_handed_on():
    slow = Response(429, Headers.of({"Retry-After": "400"}))
    outcome, _ = run([slow], [])
    assert (outcome.failure.retryable, outcome.failure.retry_after) == (True, 400.0)


def test_a_post_in_doubt_stays_unknown_when_no_token_is_left_for_its_retry():
    task = template(method="POST", body=body(), security=SECURITY, retry={"statuses": [500]})
    expired = token("t1").body.replace(b"3600", b"0")
    outcome, _ = run([Response(200, Headers(), expired), refused(403, "access_denied")], [Response(500)], task)
    assert (outcome.status, outcome.failure.kind, outcome.failure.retryable) == ("unknown", "credential", False)
    assert [attempt.phase for attempt in outcome.attempts] == ["answered", "notSent"]


def test_the_token_request_has_the_time_that_the_caller_leaves():
    _, world = run([token("t1")], [OK], deadline=7.0)
    assert [timeouts.total for timeouts in world.timeouts] == [7.0, 7.0]


def test_a_403_names_the_scope_that_the_server_says_is_missing():
    challenge = 'Bearer error="insufficient_scope", scope="things.write"'
    forbidden = Response(403, Headers.of({"WWW-Authenticate": challenge}))
    outcome, _ = run([token("t1")], [forbidden])
    assert outcome.failure.hint == (
        "The access token lacks the scope things.write. Grant it to the client; a new token then carries it."
        " If the connection's profile has `scopes`, name it there too."
    )


def test_a_403_advises_in_the_providers_words():
    hinted = provider(errors=ErrorShape(hints={"insufficient_scope": "Ask Ada."}))
    forbidden = Response(403, Headers.of({"WWW-Authenticate": 'Bearer error="insufficient_scope"'}))
    outcome, _ = run([token("t1")], [forbidden], template(provider=hinted, security=SECURITY))
    assert outcome.failure.hint.startswith("The access token lacks the scope things.read. Ask Ada. ")


def test_preparing_a_request_asks_for_no_token():
    world = World([], [])
    auth = ClientCredentials("oauth2", TokenEndpoint(TOKEN_URL, ClientSecret("svc", Secret("secret"))))
    prepared = prepare(GET, {}, connection(auth=auth))
    assert isinstance(dict(prepared.request.headers)["Authorization"], Secret)
    assert world.sent == []


CHALLENGE = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce", algs="ES256"'}


def demand(nonce):
    return Response(401, Headers.of({**CHALLENGE, "DPoP-Nonce": nonce}))


def bound(value="t1", **headers):
    members = {"access_token": value, "token_type": "DPoP", "expires_in": 3600}
    return Response(200, Headers.of({"Content-Type": "application/json", **headers}), json.dumps(members).encode())


def nonces(world):
    proofs = [dict(request.headers)["DPoP"].reveal() for request in world.sent if request != "token"]
    return [jwt.decode(proof, options={"verify_signature": False}).get("nonce") for proof in proofs]


def run_bound(tokens, answers, task=GET, times=1, **options):
    world = World(tokens, answers)
    auth = ClientCredentials("oauth2", TokenEndpoint(TOKEN_URL, ClientSecret("svc", Secret("secret")), dpop=True))
    runner = Runner(world, FakeClock())
    outcomes = [runner.run(task, {}, connection(auth=auth), Options(**options)) for _ in range(times)]
    return outcomes[-1], world


@pytest.mark.parametrize("task", [GET, POST])
def test_a_demand_for_a_nonce_is_met_within_the_one_attempt(task):
    outcome, world = run_bound([bound()], [demand("n1"), OK], task, once=True)
    assert (outcome.status, len(outcome.attempts)) == ("succeeded", 1)
    assert (nonces(world), world.credentials) == ([None, "n1"], ["DPoP t1", "DPoP t1"])


def test_meeting_a_demand_for_a_nonce_leaves_the_renewal_of_the_token():
    outcome, world = run_bound([bound("t1"), bound("t2")], [demand("n1"), Response(401), OK])
    assert outcome.ok
    assert world.credentials == ["DPoP t1", "DPoP t1", "DPoP t2"]


def test_a_second_demand_in_a_row_is_not_met_within_the_attempt():
    outcome, world = run_bound([bound()], [demand("n1"), demand("n2")], once=True)
    assert (outcome.failure.kind, len(world.credentials)) == ("unauthorized", 2)


def test_a_demand_without_a_nonce_that_is_new_is_a_plain_401():
    outcome, world = run_bound([bound("t1")], [Response(401, Headers.of(CHALLENGE))], once=True)
    assert (outcome.failure.kind, len(world.credentials)) == ("unauthorized", 1)


@pytest.mark.parametrize("status", [200, 500])
def test_the_nonce_of_any_answer_is_used_in_the_next_proof(status):
    answer = Response(status, Headers.of({"Content-Type": "application/json", "DPoP-Nonce": "n2"}), b"{}")
    _, world = run_bound([bound()], [demand("n1"), answer, OK], times=2, once=True)
    assert nonces(world) == [None, "n1", "n2"]


def test_the_nonces_of_token_endpoint_and_api_are_kept_apart():
    _, world = run_bound([bound(**{"DPoP-Nonce": "t"})], [OK], once=True)
    assert nonces(world) == [None]


@pytest.mark.parametrize("nonce", ["a b", 'a"b', "x" * 1025, ""])
def test_what_is_no_nonce_is_not_learned(nonce):
    _, world = run_bound([bound()], [demand(nonce), OK], once=True)
    assert nonces(world) == [None]
