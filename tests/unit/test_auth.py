import dataclasses

import pytest

from httptask.auth import ApiToken, Basic, Bearer, CookieKey, QueryKey, auth_for
from httptask.errors import ConfigurationError
from httptask.message import Headers, Request
from httptask.model import Environment, ErrorShape, Provider, SecurityScheme
from httptask.secrets import Redactor, Secret

REQUEST = Request("GET", "https://acme.okta.com/", Headers.of({"Accept": "application/json"}))
TOKEN = Secret("00c4n4ry-token", reference="env:OKTA_TOKEN")
API_TOKEN = SecurityScheme("apiToken", "apiKey", prefix="SSWS ")
OAUTH = SecurityScheme("oauth2", "oauth2")
KEY = SecurityScheme("key", "apiKey", field_name="X-Api-Key")
HTTP_BEARER = SecurityScheme("jwt", "http", http_scheme="Bearer")
BASIC = SecurityScheme("basic", "http", http_scheme="basic")
IN_QUERY = SecurityScheme("query", "apiKey", location="query", field_name="key")
IN_COOKIE = SecurityScheme("cookie", "apiKey", location="cookie", field_name="session")


def provider(*schemes):
    return Provider(
        id="okta",
        title="Okta",
        description="",
        server_url="https://subdomain.okta.com",
        server_variables={},
        security_schemes={scheme.name: scheme for scheme in schemes},
        headers={},
        retry={},
        rate_limit=None,
        errors=ErrorShape(),
        environment=Environment(),
    )


def sent(auth):
    return [(name, value.reveal()) for name, value in auth.preview(REQUEST).headers if isinstance(value, Secret)]


def refusal(call):
    with pytest.raises(ConfigurationError) as caught:
        call()
    (problem,) = caught.value.problems
    assert "c4n4ry" not in str(problem)
    return problem


def test_an_api_token_goes_into_its_header_after_its_prefix():
    assert sent(ApiToken("apiToken", TOKEN)) == [("Authorization", "SSWS 00c4n4ry-token")]
    assert sent(ApiToken("key", TOKEN, header="X-Api-Key", prefix="")) == [("X-Api-Key", "00c4n4ry-token")]


def test_a_bearer_token_goes_into_authorization():
    assert sent(Bearer("oauth2", TOKEN)) == [("Authorization", "Bearer 00c4n4ry-token")]


@pytest.mark.parametrize("auth", [ApiToken("apiToken", TOKEN), Bearer("oauth2", TOKEN)])
def test_a_credential_replaces_what_the_caller_put_into_its_header(auth):
    request = REQUEST.with_header("authorization", "mine")
    fields = auth.preview(request).headers.fields
    assert [name.lower() for name, _ in fields] == ["accept", "authorization"]
    assert isinstance(fields[1][1], Secret)
    assert request.headers.get("authorization") == "mine"


def test_a_scheme_names_the_headers_it_owns_in_lower_case():
    assert ApiToken("key", TOKEN, header="X-Api-Key", prefix="").headers == {"x-api-key"}
    assert Bearer("oauth2", TOKEN).headers == {"authorization"}


@pytest.mark.parametrize("auth", [ApiToken("apiToken", TOKEN), Bearer("oauth2", TOKEN)])
def test_the_redactor_is_told_the_token_alone_and_with_its_prefix(auth):
    redactor = Redactor(auth.secrets)
    assert redactor.text("token 00c4n4ry-token") == "token ***"
    assert redactor.text("header " + sent(auth)[0][1]) == "header ***"


@pytest.mark.parametrize("auth", [ApiToken("apiToken", TOKEN), Bearer("oauth2", TOKEN)])
def test_a_credential_is_frozen_and_does_not_show_itself(auth):
    assert "c4n4ry" not in repr(auth)
    assert "env:OKTA_TOKEN" in repr(auth)
    with pytest.raises(dataclasses.FrozenInstanceError):
        auth.scheme = "other"


@pytest.mark.parametrize("build", [lambda secret: ApiToken("apiToken", secret), lambda secret: Bearer("oauth2", secret)])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "is empty"),
        (" \t\n", "is empty"),
        ("c4n4ry\r\nX-Evil: 1", "line break"),
        ("c4n4ry\n", "line break"),
        ("c4n4ry\0", "control character"),
        ("c4n4ry\x1b", "control character"),
        ("c4n4ry\u00e9", "outside ASCII"),
        (" c4n4ry", "holds a space"),
        ("c4n4ry ", "holds a space"),
        ("c4n 4ry", "holds a space"),
    ],
)
def test_a_token_that_would_break_its_header_is_refused_by_reference(build, value, message):
    problem = refusal(lambda: build(Secret(value, reference="file:token.txt")))
    assert problem.where == "file:token.txt"
    assert message in problem.message
    assert problem.hint


def test_a_token_stored_with_its_prefix_is_refused():
    assert "already starts with SSWS" in refusal(lambda: ApiToken("apiToken", Secret("SSWS 00c4n4ry"))).message
    assert "already starts with Bearer" in refusal(lambda: Bearer("oauth2", Secret("bearer 00c4n4ry"))).message


def test_a_key_without_prefix_may_bring_its_own_scheme_word():
    assert sent(ApiToken("key", Secret("Token abc"), prefix="")) == [("Authorization", "Token abc")]


@pytest.mark.parametrize(
    ("schemes", "name", "mode", "expected"),
    [
        ((API_TOKEN, OAUTH), None, None, ApiToken("apiToken", TOKEN)),
        ((OAUTH, API_TOKEN), None, None, Bearer("oauth2", TOKEN)),
        ((API_TOKEN, OAUTH), "oauth2", None, Bearer("oauth2", TOKEN)),
        ((API_TOKEN, OAUTH), None, "SSWS", ApiToken("apiToken", TOKEN)),
        ((API_TOKEN, OAUTH), None, "Bearer", Bearer("oauth2", TOKEN)),
        ((API_TOKEN, OAUTH), "oauth2", "bearer", Bearer("oauth2", TOKEN)),
        ((KEY,), None, None, ApiToken("key", TOKEN, header="X-Api-Key", prefix="")),
        ((HTTP_BEARER,), None, None, Bearer("jwt", TOKEN)),
        ((BASIC, KEY), None, None, ApiToken("key", TOKEN, header="X-Api-Key", prefix="")),
        ((IN_QUERY, KEY), None, None, QueryKey("query", TOKEN, "key")),
        ((IN_COOKIE, KEY), None, None, CookieKey("cookie", TOKEN, "session")),
    ],
)
def test_the_scheme_is_chosen_by_name_by_mode_or_by_the_providers_order(schemes, name, mode, expected):
    assert auth_for(provider(*schemes), name, secret=TOKEN, mode=mode) == expected


@pytest.mark.parametrize(
    ("schemes", "name", "mode", "message", "hint"),
    [
        (
            (API_TOKEN, OAUTH),
            "apiTokn",
            None,
            "no security scheme of that name",
            "did you mean 'apiToken'? it has: apiToken, oauth2",
        ),
        ((API_TOKEN, OAUTH), "00c4n4ry", None, "no security scheme of that name", "it has: apiToken, oauth2"),
        ((API_TOKEN, OAUTH), None, "PrivateKey", "needs a client id and a private key", "clientId and privateKey"),
        ((API_TOKEN, OAUTH), None, "JWT", "no such authorization mode", "use PrivateKey"),
        ((API_TOKEN, OAUTH), None, "00c4n4ry", "does not fit", "the modes that fit are: SSWS, Bearer"),
        ((API_TOKEN, OAUTH), "oauth2", "SSWS", "does not fit", "the modes that fit are: Bearer"),
        ((KEY,), None, "SSWS", "does not fit", "leave the mode out"),
        ((BASIC,), None, None, "takes a token", "http basic needs username and password"),
        ((API_TOKEN, BASIC), "basic", None, "takes a token", "http basic needs username and password"),
        ((), None, None, "has no security scheme", "leave the token out"),
    ],
)
def test_a_choice_that_cannot_be_met_says_what_can(schemes, name, mode, message, hint):
    problem = refusal(lambda: auth_for(provider(*schemes), name, secret=TOKEN, mode=mode, where="profile prod"))
    assert problem.where == "profile prod"
    assert message in problem.message
    assert hint in problem.hint


def test_a_key_in_the_query_stays_a_secret_until_the_wire():
    request = QueryKey("query", Secret("c4n4ry&key"), "api key").preview(Request("GET", "https://a.test/x?y=1", Headers()))
    assert request.url == "https://a.test/x?y=1"
    assert request.shown_url == "https://a.test/x?y=1&api%20key=***"
    assert "c4n4ry" not in repr(request)
    assert request.revealed().url == "https://a.test/x?y=1&api%20key=c4n4ry%26key"
    assert not request.revealed().secret_query


def test_a_key_in_a_cookie_goes_behind_the_tasks_own_cookies():
    auth = CookieKey("cookie", TOKEN, "session")
    assert sent(auth) == [("Cookie", "session=00c4n4ry-token")]
    (_, value), *_ = auth.preview(Request("GET", "https://a.test/", Headers.of({"Cookie": "a=1"}))).headers
    assert value.reveal() == "a=1; session=00c4n4ry-token"
    assert "00c4n4ry-token" in value.parts()


@pytest.mark.parametrize("value", ["c4n4ry;x", "c4n4ry,x", 'c4n4ry"'])
def test_a_key_that_a_cookie_would_cut_is_refused(value):
    assert "a cookie cannot carry" in refusal(lambda: CookieKey("cookie", Secret(value), "session")).message


def test_user_name_and_password_are_sent_in_utf8():
    auth = Basic("basic", "test", Secret("123\u00a3"))  # RFC 7617 section 2.1
    assert sent(auth) == [("Authorization", "Basic dGVzdDoxMjPCow==")]


def test_the_redactor_is_told_the_password_and_what_is_made_of_it():
    redactor = Redactor(Basic("basic", Secret("c4n4ry-user"), Secret("c4n4ry-password")).secrets)
    header = sent(Basic("basic", "c4n4ry-user", Secret("c4n4ry-password")))[0][1]
    assert redactor.text(f"c4n4ry-user c4n4ry-password {header}") == "*** *** ***"


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("c4n4ry:user", "password", "colon"),
        ("c4n4ry\n", "password", "line break"),
        ("user", "c4n4ry\r\nX: 1", "line break"),
        ("", "", "both empty"),
    ],
)
def test_a_user_name_or_password_that_cannot_be_sent_is_refused(username, password, message):
    assert message in refusal(lambda: Basic("basic", username, Secret(password))).message
