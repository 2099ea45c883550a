"""Asking for access tokens: what is sent, what is kept, what is said when there is none."""

import base64
import json
import threading
import time
from urllib.parse import parse_qs

import jwt
import pytest

import keys
from httptask.auth.cache import Grant, TokenCache
from httptask.auth.client import ClientSecret, PrivateKeyJwt
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.jwt import signing_key
from httptask.auth.oauth2 import ClientCredentials
from httptask.clock import FakeClock, SystemClock
from httptask.errors import ConnectFailed, ConnectionLost, CredentialError, TimedOut
from httptask.message import Headers, Request, Response, Timeouts
from httptask.ports import Means
from httptask.secrets import Redactor, Secret

URL = "https://acme.okta.com/oauth2/v1/token"
API = Request("GET", "https://acme.okta.com/api/v1/agentPools?after=x", Headers())
READ = ("okta.agentPools.read",)
SECRET = ClientSecret("svc", Secret("c4n4ry secret%", reference="env:SECRET"))
UNREACHABLE = ConnectFailed("the connection was refused", phase="notSent", code="refused")
LOST = ConnectionLost("the connection was closed before an answer", phase="sentWithoutAnswer", code="connectionLost")


def answer(status, body=None, **headers):
    fields = {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return Response(status, Headers.of(fields), json.dumps(body).encode() if body is not None else b"")


def token(value="c4n4ry-token", **members):
    return answer(200, {"access_token": value, "token_type": "Bearer", "expires_in": 3600, **members})


def refused(status, error, description=None, **headers):
    return answer(status, {"error": error, **({"error_description": description} if description else {})}, **headers)


class Endpoint:
    """A token endpoint that plays what it is told and keeps the forms that were posted; each exchange takes `takes` seconds."""

    def __init__(self, clock, *plays, takes=0.0):
        self.clock, self.plays, self.takes = clock, list(plays), takes
        self.requests, self.totals = [], []

    def send(self, request, timeouts):
        self.requests.append(request)
        self.totals.append(timeouts.total)
        self.clock.advance(self.takes)
        play = self.plays.pop(0)
        if isinstance(play, BaseException):
            raise play
        return play(request) if callable(play) else play

    @property
    def forms(self):
        return [{name: value for name, (value,) in parse_qs(request.body.decode()).items()} for request in self.requests]


@pytest.fixture
def clock():
    return FakeClock()


def means(transport, clock, scopes=READ, total=300.0):
    return Means(scopes, transport, clock, Timeouts(5, 30, total))


def auth(client=SECRET, scopes=None, **options):
    return ClientCredentials("oauth2", TokenEndpoint(URL, client, **options), scopes)


def key_client(kind="P-256", **options):
    text = Secret(keys.pem(kind), reference="file:key.pem")
    return PrivateKeyJwt("svc", signing_key(text, where="", **options), text)


def header(request, name="Authorization"):
    return next((value.reveal() for key, value in request.headers if key == name), None)


def claims(text, kind="P-256"):
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return jwt.decode(text, keys.public_pem(kind), algorithms=["ES256"], options=options)


def proof(request):
    return jwt.decode(header(request, "DPoP"), options={"verify_signature": False})


def failure(clock, *plays, client=SECRET, scopes=READ, total=300.0, **options):
    transport = Endpoint(clock, *plays)
    with pytest.raises(CredentialError) as caught:
        auth(client, **options).apply(API, means(transport, clock, scopes, total))
    return caught.value, transport


def test_a_client_secret_goes_into_the_header_percent_encoded_first(clock):
    transport = Endpoint(clock, token())
    sent = auth().apply(API, means(transport, clock))
    assert header(sent) == "Bearer c4n4ry-token"
    assert base64.b64decode(header(transport.requests[0]).removeprefix("Basic ")) == b"svc:c4n4ry+secret%25"
    assert transport.forms == [{"grant_type": "client_credentials", "scope": "okta.agentPools.read"}]
    assert transport.requests[0].headers.get("Content-Type") == "application/x-www-form-urlencoded"


def test_a_client_secret_may_go_into_the_form(clock):
    transport = Endpoint(clock, token())
    auth(ClientSecret("svc", Secret("s&c"), in_form=True)).apply(API, means(transport, clock))
    assert transport.forms[0] | {"client_id": "svc", "client_secret": "s&c"} == transport.forms[0]
    assert "Authorization" not in transport.requests[0].headers


def test_a_private_key_signs_an_assertion_for_the_token_url_that_lives_five_minutes(clock):
    transport = Endpoint(clock, token())
    auth(key_client(key_id="k1")).apply(API, means(transport, clock))
    form = transport.forms[0]
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    said = claims(form["client_assertion"])
    assert (said["iss"], said["sub"], said["aud"]) == ("svc", "svc", URL)
    assert (said["exp"] - said["iat"], said["iat"]) == (300, int(clock.now()))
    assert jwt.get_unverified_header(form["client_assertion"])["kid"] == "k1"


def test_every_token_request_carries_a_new_assertion(clock):
    plays = (answer(503), refused(400, "use_dpop_nonce", DPoP_Nonce="n1"), token(token_type="DPoP"))
    transport = Endpoint(clock, *plays)
    auth(key_client(), dpop=True).apply(API, means(transport, clock))
    assert len({claims(form["client_assertion"])["jti"] for form in transport.forms}) == 3


@pytest.mark.parametrize(("scopes", "own", "sent"), [(READ, None, READ[0]), (READ, ("a", "b"), "a b"), ((), None, None)])
def test_the_least_scopes_are_asked_for_unless_the_connection_names_others(clock, scopes, own, sent):
    transport = Endpoint(clock, token())
    auth(scopes=own).apply(API, means(transport, clock, scopes))
    assert transport.forms[0].get("scope") == sent


def test_a_token_is_kept_per_scope_set(clock):
    transport, kept = Endpoint(clock, token("c4n4ry-read"), token("c4n4ry-both")), auth()
    for scopes in (("a",), ("a",), ("b", "a"), ("a", "b")):
        kept.apply(API, means(transport, clock, scopes))
    assert [form["scope"] for form in transport.forms] == ["a", "b a"]


@pytest.mark.parametrize(
    ("expires_in", "still", "renewed"),
    [(3600, 3539, 3540), (100, 89, 90), ("100", 89, 90), (None, 10**6, None), ("x", 10**6, None), (10**400, 10**6, None)],
)
def test_a_token_is_renewed_a_minute_or_a_tenth_of_its_life_before_its_end(clock, expires_in, still, renewed):
    transport, kept = Endpoint(clock, token(expires_in=expires_in), token("c4n4ry-next")), auth()
    kept.apply(API, means(transport, clock))
    clock.advance(still)
    assert header(kept.apply(API, means(transport, clock))) == "Bearer c4n4ry-token"
    if renewed is not None:
        clock.advance(renewed - still)
        assert header(kept.apply(API, means(transport, clock))) == "Bearer c4n4ry-next"


@pytest.mark.parametrize("expires_in", [0, -1, "-60", -(10**400)])
def test_a_token_that_has_ended_already_serves_the_one_request(clock, expires_in):
    transport, kept = Endpoint(clock, token(expires_in=expires_in), token("c4n4ry-next")), auth()
    assert header(kept.apply(API, means(transport, clock))) == "Bearer c4n4ry-token"
    assert header(kept.apply(API, means(transport, clock))) == "Bearer c4n4ry-next"


def test_a_tokens_life_begins_when_it_was_asked_for(clock):
    transport, kept = Endpoint(clock, token(expires_in=100), token(), takes=50), auth()
    kept.apply(API, means(transport, clock))
    clock.advance(40)
    kept.apply(API, means(transport, clock))
    assert len(transport.requests) == 2


def test_a_refused_token_is_given_up_once_however_many_saw_the_refusal(clock):
    transport, kept = Endpoint(clock, token("c4n4ry-old"), token("c4n4ry-new")), auth()
    sent = [kept.apply(API, means(transport, clock)) for _ in range(3)]
    for request in sent:
        kept.refresh(request, answer(401))
        assert header(kept.apply(API, means(transport, clock))) == "Bearer c4n4ry-new"
    assert len(transport.requests) == 2


def test_the_redactor_learns_tokens_as_they_come_and_remembers_those_given_up(clock):
    transport, kept = Endpoint(clock, token("c4n4ry-old"), token("c4n4ry-new")), auth()
    kept.refresh(kept.apply(API, means(transport, clock)), answer(401))
    kept.apply(API, means(transport, clock))
    assert Redactor(kept.secrets).text("c4n4ry-old c4n4ry-new c4n4ry secret%") == "*** *** ***"


def test_a_preview_asks_nobody_and_holds_a_placeholder(clock):
    assert isinstance(dict(auth().preview(API).headers)["Authorization"], Secret)
    assert sorted(dict(auth(dpop=True).preview(API).headers)) == ["Authorization", "DPoP"]


def test_nothing_of_the_credential_is_shown(clock):
    transport = Endpoint(clock, token())
    shown = auth()
    sent = shown.apply(API, means(transport, clock))
    assert "c4n4ry" not in repr(shown) + repr(sent) + repr(transport.requests) + repr(shown._cache.grants)


class Slow:
    """A token endpoint that takes its time, and counts."""

    def __init__(self, play):
        self.play, self.count, self.lock = play, 0, threading.Lock()

    def send(self, request, timeouts):
        with self.lock:
            self.count += 1
        time.sleep(0.2)
        return self.play


def stampede(endpoint, kept, count=32):
    ready, seen = threading.Barrier(count), []

    def work():
        ready.wait(10)
        try:
            seen.append(header(kept.apply(API, means(endpoint, SystemClock()))))
        except CredentialError as error:
            seen.append(error.code)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return seen


def test_32_threads_that_need_the_same_token_make_one_token_request():
    endpoint = Slow(token())
    assert stampede(endpoint, auth()) == ["Bearer c4n4ry-token"] * 32
    assert endpoint.count == 1


def test_threads_that_wait_for_a_token_share_its_failure_which_is_not_kept():
    endpoint, kept = Slow(refused(401, "invalid_client")), auth()
    assert stampede(endpoint, kept) == ["invalid_client"] * 32
    assert endpoint.count == 1
    endpoint.play = token()
    assert header(kept.apply(API, means(endpoint, SystemClock()))) == "Bearer c4n4ry-token"


def test_a_thread_does_not_wait_for_anothers_token_longer_than_its_own_time():
    endpoint, kept = Slow(token()), auth()
    first = threading.Thread(target=lambda: kept.apply(API, means(endpoint, SystemClock())))
    first.start()
    while not endpoint.count:
        time.sleep(0.001)
    with pytest.raises(CredentialError, match="did not come in time") as caught:
        kept.apply(API, means(endpoint, SystemClock(), total=0.01))
    first.join(10)
    assert caught.value.retryable


def test_all_requests_for_a_token_share_the_time_that_is_left(clock):
    plays = (refused(400, "invalid_dpop_proof"), refused(400, "use_dpop_nonce", dpop_nonce="n1"), answer(503))
    transport = Endpoint(clock, *plays, takes=10.0)
    with pytest.raises(CredentialError):
        auth().apply(API, means(transport, clock, total=30.0))
    assert transport.totals == [30.0, 20.0, 10.0]


OUT_OF_TIME = TimedOut("no answer within the total time allowed", phase="sentWithoutAnswer", code="deadline")


@pytest.mark.parametrize("play", [OUT_OF_TIME, answer(503, Retry_After="7")])
def test_a_failure_for_want_of_time_says_so(clock, play):
    transport = Endpoint(clock, play, takes=5.0)
    with pytest.raises(CredentialError) as caught:
        auth().apply(API, means(transport, clock, total=5.0))
    assert caught.value.out_of_time


@pytest.mark.parametrize("plays", [[answer(503)] * 3, [refused(401, "invalid_client")], [UNREACHABLE] * 3])
def test_other_failures_are_not_for_want_of_time(clock, plays):
    assert not failure(clock, *plays)[0].out_of_time


class Waiting:
    """Threads of which the first asks and fails once the second waits for it."""

    def __init__(self, error):
        self.cache, self.error = TokenCache(), error
        self.asked, self.waits = threading.Event(), threading.Event()

    def fail(self, patience):
        self.asked.set()
        assert self.waits.wait(10)
        raise self.error

    def clock(self):
        self.waits.set()
        return 0.0

    def second(self, ask):
        first = threading.Thread(target=self.first)
        first.start()
        assert self.asked.wait(10)
        try:
            return self.cache.get(frozenset(), ask, clock=self.clock, patience=60.0)
        finally:
            first.join(10)

    def first(self):
        with pytest.raises(type(self.error)):
            self.cache.get(frozenset(), self.fail, clock=lambda: 0.0, patience=1.0)


@pytest.mark.parametrize("error", [CredentialError("no answer", out_of_time=True), KeyboardInterrupt()])
def test_who_has_time_left_asks_itself_when_anothers_time_was_up(error):
    grant = Grant(Secret("c4n4ry-token"), "Bearer", 0.0)
    given = []
    assert Waiting(error).second(lambda patience: given.append(patience) or grant) is grant
    assert given == [60.0]


def test_another_failure_is_shared():
    with pytest.raises(CredentialError, match="not accepted"):
        Waiting(CredentialError("not accepted")).second(lambda patience: pytest.fail("asked again"))


@pytest.mark.parametrize(
    "play", [answer(503), answer(500), answer(429), UNREACHABLE, LOST, Response(200, incomplete="truncated")]
)
def test_what_may_pass_is_asked_again(clock, play):
    transport = Endpoint(clock, play, token())
    assert header(auth().apply(API, means(transport, clock))) == "Bearer c4n4ry-token"


def test_a_wait_that_the_endpoint_names_is_kept(clock):
    transport = Endpoint(clock, answer(429, Retry_After="7"), token())
    auth().apply(API, means(transport, clock))
    assert clock.sleeps == (7.0,)


@pytest.mark.parametrize(
    ("play", "requests", "code", "wait"),
    [
        (UNREACHABLE, 3, "refused", None),
        (LOST, 3, "connectionLost", None),
        (answer(503), 3, None, None),
        (answer(429, {"errorCode": "E0000047", "errorSummary": "too many"}, Retry_After="400"), 1, "E0000047", 400.0),
    ],
)
def test_after_three_attempts_or_past_the_time_that_is_left_it_may_be_tried_later(clock, play, requests, code, wait):
    error, transport = failure(clock, *[play] * requests)
    assert (len(transport.requests), error.retryable, error.code, error.retry_after) == (requests, True, code, wait)


LACKING = "the app lacks the scope okta.agentPools.read (the token endpoint answered 400 invalid_scope: {})"
TOO_FAR = "The client_assertion token has an expiration too far into the future."
CHECK_CLIENT = "check the client id, and that this secret is the client's current one"
CHECK_KEY = "check the client id, and that the server knows the public half of this key and its id"
SKEWED = {"Date": "Tue, 14 Nov 2023 22:20:20 GMT"}


@pytest.mark.parametrize(
    ("play", "message", "hint"),
    [
        (
            refused(400, "invalid_scope", "One or more scopes are not configured."),
            LACKING.format("One or more scopes are not configured."),
            "grant it to the client, or name other scopes in the connection",
        ),
        (
            refused(401, "invalid_client", TOO_FAR, **SKEWED),
            f"the client was not accepted (the token endpoint answered 401 invalid_client: {TOO_FAR})",
            f"{CHECK_CLIENT}. This machine's clock is 420 s behind the server's: set it right.",
        ),
        (
            refused(403, "access_denied"),
            "the client may not have this access (the token endpoint answered 403 access_denied)",
            "let an administrator give the client access",
        ),
        (
            refused(400, "unauthorized_client", "no"),
            "no access token (the token endpoint answered 400 unauthorized_client: no)",
            "allow this client the grant type client_credentials",
        ),
        (
            refused(400, "new_word"),
            "no access token (the token endpoint answered 400 new_word)",
            "",
        ),
        (
            Response(404, Headers(), b"<html>"),
            "no access token (the token endpoint answered 404)",
            "check tokenUrl: this does not look like a token endpoint",
        ),
        (
            Response(200, Headers(), b"<html>log in</html>"),
            "no access token (the token endpoint answered 200)",
            "check tokenUrl: this does not look like a token endpoint",
        ),
        (
            token(token_type="DPoP"),
            "the token endpoint issued a token of type DPoP where Bearer was asked for",
            "say dpop = true in the connection",
        ),
        (
            token(token_type="c4n4ry-kind"),
            "the token endpoint issued a token of type unknown where Bearer was asked for",
            "check tokenUrl, and whether the client uses DPoP",
        ),
        (token("c4n4ry\r\nX: 1"), "the token endpoint gave an access token that no header can carry", ""),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(clock, play, message, hint):
    error, transport = failure(clock, play)
    assert (error.message, error.hint) == (message, hint)
    assert len(transport.requests) == 1
    assert not error.retryable


def test_of_several_scopes_the_one_that_the_server_names_is_the_lacking_one(clock):
    error, _ = failure(clock, refused(400, "invalid_scope", "not granted: b"), scopes=("a", "b"))
    assert error.message.startswith("the app lacks the scope b (")
    error, _ = failure(clock, refused(400, "invalid_scope"), scopes=("a", "b"))
    assert error.message.startswith("the app lacks one of the scopes a, b (")


def test_the_providers_own_advice_comes_first(clock):
    error, _ = failure(clock, refused(400, "invalid_scope"), hints={"invalid_scope": "Ask Ada."})
    assert error.hint == "Ask Ada."


def test_a_key_is_not_advised_as_a_secret_is(clock):
    error, _ = failure(clock, refused(401, "invalid_client"), client=key_client())
    assert error.hint == CHECK_KEY


@pytest.mark.parametrize(("client", "kind"), [(SECRET, "clientSecret"), (None, "privateKey")])
def test_the_providers_advice_may_differ_by_kind_of_client(clock, client, kind):
    hints = {"invalid_client": "For all.", f"invalid_client.{kind}": "For this one."}
    error, _ = failure(clock, refused(401, "invalid_client"), client=client or key_client(), hints=hints)
    assert error.hint == "For this one."


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_an_answer_of_the_api_instead_of_a_token_endpoint_points_at_the_token_url(clock, status):
    hints = {"E0000011": "Check that the API token is whole."}
    error, _ = failure(clock, answer(status, {"errorCode": "E0000011", "errorSummary": "Invalid token"}), hints=hints)
    assert error.message == f"no access token (the token endpoint answered {status} E0000011: Invalid token)"
    assert error.hint == "check tokenUrl: this does not look like a token endpoint"


def test_a_refusal_that_repeats_the_secret_is_masked(clock):
    error, _ = failure(clock, refused(401, "invalid_client", "bad secret c4n4ry secret%"))
    assert "c4n4ry" not in str(error)
    assert "bad secret ***" in error.message


def repeated(name, part):
    """Play a refusal that repeats what was sent: a form field's value, or a header's."""

    def play(request):
        form = parse_qs(request.body.decode())
        text = form[name][0] if name in form else header(request, name)
        return refused(400, text if part == "error" else "invalid_request", f"bad {text}")

    return play


@pytest.mark.parametrize("part", ["error", "error_description"])
@pytest.mark.parametrize(
    ("name", "client"), [("client_assertion", key_client), ("DPoP", key_client), ("Authorization", lambda: SECRET)]
)
def test_what_was_sent_to_say_who_asks_is_shown_in_no_refusal(clock, part, name, client):
    error, transport = failure(clock, repeated(name, part), client=client(), dpop=True)
    (sent,) = transport.requests
    shown = f"{error} {error.code} {error.hint}"
    assert (header(sent, name) or transport.forms[0][name]) not in shown
    assert "eyJ" not in shown
    assert "bad ***" in error.message


@pytest.mark.parametrize("word", ["with\nline", "caf\xe9", 'quo"te', "back\\slash", "w" * 65, "c4n4ry secret%"])
def test_an_error_word_that_the_rfc_does_not_allow_is_none(clock, word):
    error, _ = failure(clock, refused(400, word, "no"))
    assert (error.code, error.message) == (None, "no access token (the token endpoint answered 400: no)")


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"]
)
def test_a_date_beyond_all_dates_says_nothing_of_the_clock(clock, date):
    error, _ = failure(clock, refused(401, "invalid_client", Date=date))
    assert error.hint == CHECK_CLIENT


def test_a_nonce_challenge_is_met_and_the_nonce_kept(clock):
    transport = Endpoint(
        clock, refused(400, "use_dpop_nonce", dpop_nonce="n1"), token(token_type="DPoP"), token("t2", token_type="DPoP")
    )
    kept = auth(dpop=True)
    sent = kept.apply(API, means(transport, clock))
    assert [proof(request).get("nonce") for request in transport.requests] == [None, "n1"]
    assert {proof(request)["htu"] for request in transport.requests} == {URL}
    assert header(sent) == "DPoP c4n4ry-token"
    assert (proof(sent)["htm"], proof(sent)["htu"]) == ("GET", "https://acme.okta.com/api/v1/agentPools")
    assert "ath" in proof(sent)
    kept.apply(API, means(transport, clock, ("other",)))
    assert proof(transport.requests[-1])["nonce"] == "n1"


def test_a_second_nonce_challenge_is_a_failure(clock):
    challenge = refused(400, "use_dpop_nonce", dpop_nonce="n1")
    error, transport = failure(clock, challenge, challenge, dpop=True)
    assert (error.code, len(transport.requests)) == ("use_dpop_nonce", 2)


def test_dpop_is_switched_on_when_the_endpoint_demands_it_and_nothing_was_said(clock):
    demand = refused(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
    transport = Endpoint(clock, demand, refused(400, "use_dpop_nonce", dpop_nonce="n1"), token(token_type="DPoP"))
    assert header(auth().apply(API, means(transport, clock))) == "DPoP c4n4ry-token"


def test_a_connection_that_says_no_to_dpop_is_told_of_the_demand(clock):
    error, transport = failure(clock, refused(400, "invalid_dpop_proof", "missing"), dpop=False)
    assert (error.message, error.hint) == (
        "the DPoP proof was not accepted (the token endpoint answered 400 invalid_dpop_proof: missing)",
        "say dpop = true in the connection",
    )
    assert len(transport.requests) == 1


def test_a_bearer_token_where_dpop_was_asked_for_is_not_used(clock):
    error, _ = failure(clock, token(), dpop=True)
    assert error.message == "the token endpoint issued a token of type Bearer where DPoP was asked for"


def test_a_resource_that_asks_for_another_nonce_keeps_the_token(clock):
    transport, kept = Endpoint(clock, token(token_type="DPoP")), auth(dpop=True)
    sent = kept.apply(API, means(transport, clock))
    kept.refresh(sent, answer(401, DPoP_Nonce="n2", WWW_Authenticate='DPoP error="use_dpop_nonce", algs="ES256"'))
    again = kept.apply(API, means(transport, clock))
    assert (header(again), proof(again)["nonce"]) == ("DPoP c4n4ry-token", "n2")
    assert len(transport.requests) == 1
