"""Each redirect tried, whether it is followed, and what the next request carries."""

import pytest

from builders import body, connection, parameter, provider, template
from httptask.auth.apitoken import ApiToken
from httptask.auth.client import ClientSecret
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.oauth2 import ClientCredentials
from httptask.clock import FakeClock
from httptask.egress_policy import EgressPolicy
from httptask.errors import ConnectionLost
from httptask.message import Headers, Request, Response
from httptask.redirects import Rules, following
from httptask.runner import Runner
from httptask.secrets import Secret

BASE = "https://api.example.com"
ALIASES = ("https://{subdomain}-admin.{rest}",)
OK = Response(200)
CHALLENGE = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}


def redirect(status=302, location="/next"):
    return Response(status, Headers.of({"Location": location}))


def rules(*, idempotent=False, **changes):
    return Rules(connection(**changes), ALIASES, idempotent)


# method, declared idempotent, statuses on which the same request goes to the new place
METHODS = [
    ("GET", True, {301, 302, 303, 307, 308}),
    ("HEAD", True, {301, 302, 303, 307, 308}),
    ("PUT", True, {307, 308}),
    ("DELETE", True, {307, 308}),
    ("POST", True, {307, 308}),
    ("POST", False, set()),
    ("PATCH", False, set()),
]


@pytest.mark.parametrize(("method", "idempotent", "statuses"), METHODS)
def test_the_method_never_changes_and_what_is_not_idempotent_is_never_sent_again(method, idempotent, statuses):
    request = Request(method, f"{BASE}/x", Headers.of({"X-A": "1"}), b"{}")
    followed = {}
    for status in range(200, 600):
        target = following(request, redirect(status), rules(idempotent=idempotent))
        if target is not None:
            followed[status] = target
    assert set(followed) == statuses
    assert set(followed.values()) <= {Request(method, f"{BASE}/next", Headers.of({"X-A": "1"}), b"{}")}


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/next?a=1", f"{BASE}/next?a=1"),
        ("next", f"{BASE}/a/next"),
        (f"{BASE}/next", f"{BASE}/next"),
        ("https://api-admin.example.com/next", f"{BASE}/next"),
        ("https://evil.example/next", None),
        ("//evil.example/next", None),
        ("http://api.example.com/next", None),
        ("https://api.example.com:8443/next", None),
        ("https://user@api.example.com/next", None),
        ("/a/%2e%2e/b", None),
        ("https://[::1", None),
    ],
)
def test_a_redirect_stays_on_the_own_origin(location, url):
    target = following(Request("GET", f"{BASE}/a/x", Headers()), redirect(location=location), rules())
    assert (target.url if target else None) == url


def test_a_redirect_without_exactly_one_location_is_not_followed():
    request = Request("GET", f"{BASE}/x", Headers())
    assert following(request, Response(302), rules()) is None
    assert following(request, Response(302, Headers((("Location", "/a"), ("Location", "/b")))), rules()) is None


LISTED = EgressPolicy(allowed_hosts=("files.example.com", "api.example.com"))


def test_a_listed_host_gets_a_reading_request_without_any_header_of_the_caller():
    headers = Headers.of({"Accept": "a", "User-Agent": "u", "Authorization": "planted", "Cookie": "planted", "X-Key": "planted"})
    request = Request("GET", f"{BASE}/x", headers)
    target = following(request, redirect(location="https://FILES.example.com/f?sig=1"), rules(egress=LISTED))
    assert target == Request("GET", "https://files.example.com/f?sig=1", Headers.of({"Accept": "a", "User-Agent": "u"}))


def test_a_listed_host_gets_no_body():
    request = Request("PUT", f"{BASE}/x", Headers(), b"{}")
    assert following(request, redirect(307, "https://files.example.com/f"), rules(idempotent=True, egress=LISTED)) is None


def test_a_listed_host_cannot_send_the_request_back_to_where_the_credential_goes():
    request = Request("GET", "https://files.example.com/f", Headers())
    assert following(request, redirect(location=f"{BASE}/admin"), rules(egress=LISTED)) is None
    onward = following(request, redirect(location="/g"), rules(egress=LISTED))
    assert onward == Request("GET", "https://files.example.com/g", Headers())


# In a run


class Server:
    """A transport that answers by path, and notes what it was sent."""

    def __init__(self, **answers):
        self.answers = answers
        self.sent = []

    def send(self, request, timeouts):
        self.sent.append((request.method, request.url, isinstance(dict(request.headers).get("Authorization"), Secret)))
        answer = self.answers[request.url.rpartition("/")[2]]
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(server, *, task=None, follow=True, **changes):
    task = task or template(path="/a", follow_redirects=follow, provider=provider(origin_aliases=ALIASES))
    auth = ApiToken("key", Secret("planted-token"))
    return Runner(server, FakeClock()).run(task, {}, connection(auth=auth, **changes))


def test_redirects_are_not_followed_unless_the_template_says_so():
    server = Server(a=redirect(location="/b"))
    outcome = run(server, follow=False)
    assert (outcome.failure.kind, len(server.sent)) == ("redirected", 1)
    assert "redirects are not followed" in outcome.failure.hint


def test_a_followed_redirect_carries_the_credential_and_is_one_attempt():
    server = Server(a=redirect(location="https://api-admin.example.com/b"), b=redirect(307, "c"), c=OK)
    outcome = run(server)
    assert (outcome.status, len(outcome.attempts)) == ("succeeded", 1)
    assert server.sent == [("GET", f"{BASE}/{path}", True) for path in "abc"]


def test_a_listed_host_never_gets_the_credential():
    server = Server(a=redirect(location="https://files.example.com/f"), f=OK)
    assert run(server, egress=LISTED).ok
    assert server.sent == [("GET", f"{BASE}/a", True), ("GET", "https://files.example.com/f", False)]


def test_a_redirect_to_another_origin_is_a_failure_that_says_what_to_do():
    outcome = run(Server(a=redirect(location="https://evil.example/b")))
    assert (outcome.status, outcome.failure.kind, outcome.failure.retryable) == ("failed", "redirected", False)
    assert "within the connection's own origin" in outcome.failure.hint
    assert "allowedHosts" in outcome.failure.hint


def test_a_circle_ends_after_five_hops():
    server = Server(a=redirect(location="/b"), b=redirect(location="/a"))
    assert run(server).failure.kind == "redirected"
    assert len(server.sent) == 6


def test_a_post_is_not_sent_on_and_certainly_not_as_a_get():
    server = Server(a=redirect(303, "/b"), b=OK)
    outcome = run(server, task=template(path="/a", method="POST", body=body(), follow_redirects=True))
    assert (outcome.failure.kind, [method for method, *_ in server.sent]) == ("redirected", ["POST"])


def test_a_hop_whose_answer_is_lost_is_judged_like_any_attempt():
    lost = ConnectionLost("closed", phase="sentWithoutAnswer", code="connectionLost")
    task = template(path="/a", method="PUT", body=body(), follow_redirects=True, retry={"maxAttempts": 1})
    outcome = run(Server(a=redirect(307, "/b"), b=lost), task=task)
    assert (outcome.status, outcome.failure.kind, outcome.response) == ("unknown", "connectionLost", None)


def test_a_task_with_a_path_parameter_named_like_a_url_is_not_sent_there():
    task = template(path="/{{ id }}", parameters=(parameter("id", "path"),))
    server = Server(**{"https%3A%2F%2Fevil.example": OK})
    Runner(server, FakeClock()).run(task, {"id": "https://evil.example"}, connection())
    assert server.sent == [("GET", f"{BASE}/https%3A%2F%2Fevil.example", False)]


TOKEN = Response(200, Headers.of({}), b'{"access_token": "t", "token_type": "DPoP", "expires_in": 3600}')
FOREIGN = {"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "600", "DPoP-Nonce": "n"}


def test_the_answer_of_a_listed_host_says_nothing_of_the_own_origin():
    clock = FakeClock()
    server = Server(
        token=TOKEN, a=redirect(location="https://files.example.com/f"), f=Response(401, Headers.of({**FOREIGN, **CHALLENGE}))
    )
    endpoint = TokenEndpoint(f"{BASE}/token", ClientSecret("svc", Secret("planted-secret")), dpop=True)
    connected = connection(auth=ClientCredentials("key", endpoint), egress=LISTED)
    runner = Runner(server, clock)
    for _ in range(2):
        outcome = runner.run(template(path="/a", follow_redirects=True), {}, connected)
        assert (outcome.failure.kind, len(outcome.attempts)) == ("unauthorized", 1)
    assert clock.sleeps == ()
    assert [url.rpartition("/")[2] for _, url, _ in server.sent] == ["token", "a", "f", "a", "f"]
    assert endpoint.prover._nonces == {}
