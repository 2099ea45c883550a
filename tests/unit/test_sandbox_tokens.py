"""The sandbox's token endpoint, asked with JWTs made here by hand, so that no mistake of the client hides in the server."""

import base64
import hashlib
import json
from urllib.parse import urlencode

import jwt
import pytest

import keys
from httptask.clock import FakeClock
from httptask.errors import InputInvalid
from httptask.sandbox.core import Sandbox
from httptask.sandbox.jose import check_public_key
from httptask.sandbox.options import OAuthClient, RateLimit, SandboxOptions
from httptask.sandbox.wire import SandboxRequest

ORIGIN = "https://acme.test"
URL = f"{ORIGIN}/oauth2/v1/token"
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
READ, MANAGE = "okta.agentPools.read", "okta.agentPools.manage"
CLIENTS = (
    OAuthClient("svc", key=keys.public_pem("P-256"), scopes=(READ, MANAGE)),
    OAuthClient("reader", key=keys.jwk("RSA-2048", public=True), scopes=(READ,)),
    OAuthClient("bound", key=keys.public_pem("P-384"), dpop=True),
    OAuthClient("secretive", secret="s&cret"),
)
KINDS = {"svc": ("P-256", "ES256"), "reader": ("RSA-2048", "RS256"), "bound": ("P-384", "ES384")}


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def sandbox(clock):
    return Sandbox(SandboxOptions(clients=CLIENTS, rate_limit=RateLimit(1000, 60), token_lifetime=600), clock=clock)


class Asked:
    """An answer, its headers in lower case."""

    def __init__(self, reply):
        self.status, self.headers, self.json = reply.status, dict(reply.headers), json.loads(reply.body or b"null")

    @property
    def said(self):
        return self.status, self.json["error"], self.json["error_description"]


def assertion(clock, client="svc", **changes):
    kind, algorithm = KINDS[client]
    claims = {"iss": client, "sub": client, "aud": URL, "exp": clock.now() + 300, "jti": changes.pop("jti", None), **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, keys.private(kind), algorithm=algorithm)


def ask(sandbox, form, *, headers=(), content_type="application/x-www-form-urlencoded"):
    body = form if isinstance(form, bytes) else urlencode(form).encode()
    return Asked(
        sandbox.handle(SandboxRequest("POST", "/oauth2/v1/token", (("content-type", content_type), *headers), body, ORIGIN))
    )


def form(text, scope=READ, **changes):
    fields = {"grant_type": "client_credentials", "scope": scope, "client_assertion_type": TYPE, "client_assertion": text}
    return {**fields, **changes}


def call(sandbox, authorization, method="GET", path="/api/v1/agentPools", **headers):
    fields = (("authorization", authorization), *headers.items())
    reply = sandbox.handle(SandboxRequest(method, path, fields, b"", ORIGIN))
    return Asked(reply)


def proof(clock, method="POST", url=URL, *, kind="P-521", typ="dpop+jwt", **changes):
    claims = {"jti": f"p{clock.now()}{method}{changes}", "htm": method, "htu": url, "iat": clock.now(), **changes}
    jwk = json.loads(keys.jwk(kind, public=True))
    algorithm = {"P-521": "ES512", "P-256": "ES256"}[kind]
    return jwt.encode(claims, keys.private(kind), algorithm=algorithm, headers={"typ": typ, "jwk": jwk})


def bound_token(sandbox, clock):
    nonce = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock, n=1)),)).headers["dpop-nonce"]
    granted = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock, nonce=nonce)),))
    return granted.json["access_token"]


def ath(token):
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()


def test_a_signed_assertion_gets_an_opaque_token_with_what_was_asked_for(sandbox, clock):
    granted = ask(sandbox, form(assertion(clock)))
    assert granted.status == 200
    assert {**granted.json, "access_token": ""} == {"token_type": "Bearer", "expires_in": 600, "access_token": "", "scope": READ}
    assert call(sandbox, f"Bearer {granted.json['access_token']}").status == 200


def test_a_jwk_and_a_secret_work_too(sandbox, clock):
    assert ask(sandbox, form(assertion(clock, "reader"))).status == 200
    basic = base64.b64encode(b"secretive:s%26cret").decode()
    plain = {"grant_type": "client_credentials", "scope": READ}
    assert ask(sandbox, plain, headers=(("authorization", f"Basic {basic}"),)).status == 200
    assert ask(sandbox, {**plain, "client_id": "secretive", "client_secret": "s&cret"}).status == 200


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"exp": 3601}, "The client_assertion token has an expiration too far into the future."),
        ({"exp": 0}, "The client_assertion token is expired."),
        ({"iss": "reader"}, "The client_assertion 'iss' and 'sub' must be the client id."),
        ({"sub": "reader"}, "The client_assertion 'iss' and 'sub' must be the client id."),
        ({"aud": "https://acme.test"}, "The audience claim for client_assertion must be the endpoint invoked for the request."),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(sandbox, clock, changes, description):
    if "exp" in changes:
        changes = {"exp": clock.now() + changes["exp"]}
    assert ask(sandbox, form(assertion(clock, **changes))).said == (401, "invalid_client", description)


def test_an_assertion_may_live_for_just_under_an_hour(sandbox, clock):
    assert ask(sandbox, form(assertion(clock, exp=clock.now() + 3600))).status == 200


def test_an_assertion_is_taken_once(sandbox, clock):
    once = assertion(clock, jti="a")
    assert ask(sandbox, form(once)).status == 200
    assert ask(sandbox, form(once)).said[:2] == (401, "invalid_client")


def test_an_assertion_signed_by_another_key_is_refused(sandbox, clock):
    forged = jwt.encode(
        {"iss": "svc", "sub": "svc", "aud": URL, "exp": clock.now() + 9}, keys.private("P-521"), algorithm="ES512"
    )
    unsigned = jwt.encode({"iss": "svc", "sub": "svc", "aud": URL, "exp": clock.now() + 9}, None, algorithm="none")
    for text in (forged, unsigned, "x.y.z", ""):
        assert ask(sandbox, form(text)).said == (401, "invalid_client", "The client_assertion signature is not valid.")


@pytest.mark.parametrize(
    ("changes", "content_type", "said"),
    [
        ({"grant_type": "password"}, None, (400, "unsupported_grant_type")),
        ({"client_assertion_type": "x"}, None, (400, "invalid_request")),
        ({"scope": ""}, None, (400, "invalid_scope")),
        ({"scope": "okta.users.read"}, None, (400, "invalid_scope")),
        ({}, "application/json", (400, "invalid_request")),
    ],
)
def test_a_request_in_another_form_is_refused_in_rfc_6749s_words(sandbox, clock, changes, content_type, said):
    options = {"content_type": content_type} if content_type else {}
    assert ask(sandbox, form(assertion(clock), **changes), **options).said[:2] == said


@pytest.mark.parametrize("body", [b"", b"a=1&a=2", b"\xff", b"grant_type=client_credentials"])
def test_a_request_without_a_client_is_refused(sandbox, body):
    assert ask(sandbox, body).status in {400, 401}


def test_a_wrong_secret_is_refused(sandbox):
    for secret in ("", "wrong"):
        fields = {"grant_type": "client_credentials", "scope": READ, "client_id": "secretive", "client_secret": secret}
        assert ask(sandbox, fields).said[:2] == (401, "invalid_client")


def test_a_token_opens_what_its_scopes_allow(sandbox, clock):
    update = "/api/v1/agentPools/p/updates/u"
    read = ask(sandbox, form(assertion(clock, "reader"))).json["access_token"]
    manage = ask(sandbox, form(assertion(clock), scope=MANAGE)).json["access_token"]
    refusal = call(sandbox, f"Bearer {read}", "DELETE", update)
    assert (refusal.status, refusal.json["errorCode"]) == (403, "E0000006")
    challenge = refusal.headers["www-authenticate"]
    assert challenge.startswith('Bearer authorization_uri="https://acme.test/oauth2/v1/authorize", realm="https://acme.test"')
    assert 'scope="okta.agentPools.manage", error="insufficient_scope"' in challenge
    assert call(sandbox, f"Bearer {manage}", "DELETE", update).status == 404
    assert call(sandbox, f"Bearer {manage}").status == 200


def test_the_api_token_is_no_access_token(sandbox):
    refusal = call(sandbox, f"Bearer {SandboxOptions().token}")
    assert refusal.status == 401
    assert 'error="invalid_token"' in refusal.headers["www-authenticate"]


def test_a_token_of_another_sandbox_is_refused(sandbox, clock):
    other = Sandbox(SandboxOptions(clients=CLIENTS), clock=clock)
    token = ask(other, form(assertion(clock))).json["access_token"]
    ask(sandbox, form(assertion(clock)))
    assert call(other, f"Bearer {token}").status == 200
    assert call(sandbox, f"Bearer {token}").status == 401


@pytest.mark.parametrize(("kid", "status"), [("key-1", 200), (None, 200), ("key-2", 401), (7, 401)])
def test_an_assertion_that_names_another_key_is_refused(clock, kid, status):
    clients = (OAuthClient("svc", key=keys.jwk("P-256", public=True, kid="key-1"), scopes=(READ,)),)
    claims = {"iss": "svc", "sub": "svc", "aud": URL, "exp": clock.now() + 300}
    text = _signed(claims, {} if kid is None else {"kid": kid})
    assert ask(Sandbox(SandboxOptions(clients=clients), clock=clock), form(text)).status == status


def _signed(claims, headers):
    """Sign by hand: PyJWT refuses to write a `kid` that is no text."""
    parts = [{"alg": "ES256", **headers}, claims]
    text = ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    signature = algorithm.sign(text.encode(), keys.private("P-256"))
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@pytest.mark.parametrize("authorization", ["Bearer unknown", "DPoP unknown", "SSWS TOKEN", "DPoP TOKEN"])
def test_a_token_that_does_not_hold_is_refused(sandbox, clock, authorization):
    token = ask(sandbox, form(assertion(clock))).json["access_token"]
    assert call(sandbox, authorization.replace("TOKEN", token)).json["errorCode"] == "E0000011"


def test_a_token_ends_after_its_lifetime(sandbox, clock):
    token = ask(sandbox, form(assertion(clock))).json["access_token"]
    clock.advance(599)
    assert call(sandbox, f"Bearer {token}").status == 200
    clock.advance(1)
    refusal = call(sandbox, f"Bearer {token}")
    assert refusal.status == 401
    assert 'error="invalid_token"' in refusal.headers["www-authenticate"]


def test_the_token_endpoint_is_counted_apart_from_the_rate_limit(clock):
    small = Sandbox(SandboxOptions(clients=CLIENTS, rate_limit=RateLimit(1, 60)), clock=clock)
    for _ in range(3):
        granted = ask(small, form(assertion(clock)))
    assert call(small, f"Bearer {granted.json['access_token']}").status == 200
    log = json.loads(small.handle(SandboxRequest("GET", "/_sandbox/requests")).body)
    assert log["applied"]["POST /oauth2/v1/token"] == 3


def test_a_client_with_dpop_must_prove_possession_with_the_servers_nonce(sandbox, clock):
    missing = ask(sandbox, form(assertion(clock, "bound")))
    assert missing.said == (400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
    challenged = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock)),))
    assert challenged.said[:2] == (400, "use_dpop_nonce")
    nonce = challenged.headers["dpop-nonce"]
    granted = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock, nonce=nonce)),))
    assert (granted.status, granted.json["token_type"]) == (200, "DPoP")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET"},
        {"url": f"{URL}?x=1"},
        {"typ": "JWT"},
        {"iat": 0},
        {"jti": None},
    ],
)
def test_a_proof_for_something_else_is_refused(sandbox, clock, changes):
    asked = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock, **changes)),))
    assert asked.said[:2] == (400, "invalid_dpop_proof")


def test_a_proof_is_taken_once(sandbox, clock):
    once = proof(clock)
    first, second = (ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", once),)) for _ in range(2))
    assert [asked.json["error"] for asked in (first, second)] == ["use_dpop_nonce", "invalid_dpop_proof"]


def test_a_nonce_ages(sandbox, clock):
    nonce = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock)),)).headers["dpop-nonce"]
    clock.advance(600)
    late = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock, nonce=nonce)),))
    assert late.json["error"] == "use_dpop_nonce"


def test_a_bound_token_needs_its_scheme_its_key_its_hash_and_this_request(sandbox, clock):
    token, url = bound_token(sandbox, clock), f"{ORIGIN}/api/v1/agentPools"
    good = {"method": "GET", "url": url, "ath": ath(token)}
    assert call(sandbox, f"DPoP {token}", dpop=proof(clock, **good)).status == 200
    assert (
        call(sandbox, f"DPoP {token}", path="/api/v1/agentPools?limitPerPoolType=1", dpop=proof(clock, **good, n=2)).status == 200
    )
    assert call(sandbox, f"Bearer {token}", dpop=proof(clock, **good, n=3)).status == 401
    wrong = [
        {**good, "kind": "P-256"},
        {**good, "ath": "x"},
        {**good, "method": "POST"},
        {**good, "url": url + "/p"},
    ]
    for changes in wrong:
        refusal = call(sandbox, f"DPoP {token}", dpop=proof(clock, **changes, n=4))
        assert (refusal.status, refusal.json["errorCode"]) == (401, "E0000011"), changes
        assert 'error="invalid_dpop_proof"' in refusal.headers["www-authenticate"]
    assert call(sandbox, f"DPoP {token}").status == 401


def test_a_reset_forgets_tokens(sandbox, clock):
    token = ask(sandbox, form(assertion(clock))).json["access_token"]
    sandbox.handle(SandboxRequest("POST", "/_sandbox/reset"))
    assert call(sandbox, f"Bearer {token}").status == 401


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (keys.pem("P-256"), "private key"),
        (keys.jwk("P-256"), "private key"),
        ("x", "no public key"),
        ('{"kty":"oct"}', "no public key"),
    ],
)
def test_only_a_public_key_is_taken(text, message):
    with pytest.raises(InputInvalid, match=message):
        check_public_key(text, "--client-key")


def test_the_api_may_demand_a_nonce_that_is_not_the_token_endpoints(clock):
    sandbox = Sandbox(SandboxOptions(clients=CLIENTS, resource_nonce=True), clock=clock)
    token = bound_token(sandbox, clock)
    get = {"method": "GET", "url": f"{ORIGIN}/api/v1/agentPools", "ath": ath(token)}
    refused = call(sandbox, f"DPoP {token}", dpop=proof(clock, **get))
    assert (refused.status, 'error="use_dpop_nonce"' in refused.headers["www-authenticate"]) == (401, True)
    nonce = refused.headers["dpop-nonce"]
    assert call(sandbox, f"DPoP {token}", dpop=proof(clock, **get, nonce=nonce)).status == 200
    of_the_endpoint = ask(sandbox, form(assertion(clock, "bound")), headers=(("dpop", proof(clock, n=9)),)).headers["dpop-nonce"]
    assert call(sandbox, f"DPoP {token}", dpop=proof(clock, **get, nonce=of_the_endpoint)).status == 401
