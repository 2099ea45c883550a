"""From the texts of a profile or of variables to a credential."""

from dataclasses import replace

import pytest

import keys
from builders import provider as any_provider
from httptask.auth import ApiToken, Basic, QueryKey
from httptask.auth.client import ClientSecret, PrivateKeyJwt
from httptask.auth.oauth2 import ClientCredentials
from httptask.credentials import Source, build_auth, environment_values, is_given
from httptask.errors import ConfigurationError
from httptask.model import Environment, SecurityScheme
from httptask.secrets import Secret

OAUTH = SecurityScheme("oauth2", "oauth2", token_url="/oauth2/v1/token")
PROVIDER = any_provider(
    security_schemes={
        "apiToken": SecurityScheme("apiToken", "apiKey", prefix="SSWS "),
        "oauth2": OAUTH,
        "login": SecurityScheme("login", "http", http_scheme="basic"),
        "key": SecurityScheme("key", "apiKey", location="query", field_name="key"),
    },
    environment=Environment("URL", "TOKEN", "MODE", "CLIENT", "KEY", ("KEYID", "OTHERID"), "SCOPES"),
)
STORE = {
    "env:KEY": keys.pem("RSA-2048"),
    "env:JWK": keys.jwk("P-256", kid="k1"),
    "env:SECRET": "c4n4ry-secret",
    "env:TOKEN": "c4n4ry-token",
    "env:USER": "c4n4ry-user",
}
SOURCE = Source("https://acme.test/base", lambda text, where: Secret(STORE[text], reference=text), "profile svc")
CLIENT = {"clientId": "svc", "privateKey": "env:KEY"}


def build(values, provider=PROVIDER):
    return build_auth(provider, values, SOURCE)


def refusals(values, provider=PROVIDER):
    with pytest.raises(ConfigurationError) as caught:
        build(values, provider)
    assert all(problem.hint for problem in caught.value.problems)
    assert "c4n4ry" not in str(caught.value)
    return [(problem.where, problem.message) for problem in caught.value.problems]


def test_a_token_a_login_and_a_key_in_the_query_are_told_apart():
    token = Secret("c4n4ry-token")
    assert build({"token": "env:TOKEN"}) == ApiToken("apiToken", token)
    assert build({"token": "env:TOKEN", "scheme": "key"}) == QueryKey("key", token, "key")
    assert build({"username": "ada", "password": "env:SECRET"}) == Basic("login", "ada", Secret("c4n4ry-secret"))
    assert build({"username": "env:USER", "password": "env:SECRET"}).username == Secret("c4n4ry-user")
    assert build({}) is None


@pytest.mark.parametrize(
    "extra", [{}, {"authorizationMode": "PrivateKey"}, {"scheme": "oauth2"}, {"authorizationMode": "privatekey"}]
)
def test_a_client_with_a_key_asks_below_the_base_url(extra):
    auth = build(CLIENT | extra)
    assert isinstance(auth, ClientCredentials)
    assert (auth.scheme, auth.endpoints) == ("oauth2", ("https://acme.test/base/oauth2/v1/token",))
    assert isinstance(auth._endpoint.client, PrivateKeyJwt)
    assert auth._endpoint.client.key.algorithm == "RS256"


def test_a_jwk_brings_its_key_id_and_the_profile_may_name_more():
    client = build({"clientId": "svc", "privateKey": "env:JWK"})._endpoint.client
    assert (client.key.key_id, client.key.algorithm) == ("k1", "ES256")
    named = build(CLIENT | {"keyId": "k2", "algorithm": "RS512", "dpop": True, "scopes": ["a"]})
    assert (named._endpoint.client.key.key_id, named._endpoint.client.key.algorithm) == ("k2", "RS512")
    assert (named._endpoint.dpop, named._scopes) == (True, ("a",))


@pytest.mark.parametrize(("word", "in_form"), [(None, False), ("client_secret_basic", False), ("client_secret_post", True)])
def test_a_client_with_a_secret_sends_it_as_it_is_told(word, in_form):
    words = {"clientAuthentication": word} if word else {}
    client = build({"clientId": "svc", "clientSecret": "env:SECRET", **words})._endpoint.client
    assert client == ClientSecret("svc", Secret("c4n4ry-secret"), in_form=in_form)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://idp.test/token", "https://idp.test/token"),
        ("https://idp.test/token/", "https://idp.test/token/"),
        ("/other/token", "https://acme.test/base/other/token"),
        ("http://127.0.0.1:8080/token", "http://127.0.0.1:8080/token"),
    ],
)
def test_a_profile_may_name_another_token_endpoint(written, url):
    assert build(CLIENT | {"tokenUrl": written}).endpoints == (url,)


@pytest.mark.parametrize(
    "written", ["http://idp.test/token", "//idp.test/token", "https://u:p@idp.test/t", "https://idp.test/t?x"]
)
def test_a_token_url_to_which_no_credential_may_go_is_refused(written):
    ((where, _),) = refusals(CLIENT | {"tokenUrl": written})
    assert where == "profile svc.tokenUrl"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"clientId": "svc", "clientSecret": Secret("c4n4ry\udcff")}, "clientSecret"),
        ({"clientId": "svc\udcff", "clientSecret": "env:SECRET"}, "clientId"),
    ],
)
def test_bytes_that_are_no_text_are_no_credential(values, key):
    assert refusals(values) == [(f"profile svc.{key}", "this is not UTF-8 text")]


def test_without_a_token_url_anywhere_its_place_is_named():
    bare = any_provider(security_schemes={"oauth2": replace(OAUTH, token_url=None)})
    assert refusals(CLIENT, bare) == [("profile svc.tokenUrl", "nothing says where acme gives out access tokens")]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"token": "env:TOKEN", **CLIENT}, ["token and clientId belong to two different credentials"]),
        ({"token": "env:TOKEN", "username": "ada"}, ["token and username belong to two different credentials"]),
        ({"username": "ada"}, ["username is given without password"]),
        ({"password": "env:SECRET"}, ["password is given without username"]),
        ({"clientId": "svc"}, ["clientId is given without privateKey or clientSecret"]),
        ({"privateKey": "env:KEY"}, ["privateKey is given without clientId"]),
        ({"scopes": ["a"]}, ["scopes is given without clientId", "scopes is given without privateKey or clientSecret"]),
        (
            {"authorizationMode": "PrivateKey"},
            ["authorizationMode is given without clientId", "authorizationMode is given without privateKey"],
        ),
        ({"authorizationMode": "PrivateKey", "token": "env:TOKEN"}, ["the mode PrivateKey needs a client id and a private key"]),
        (CLIENT | {"clientSecret": "env:SECRET"}, ["clientSecret and privateKey are both given"]),
        (CLIENT | {"clientAuthentication": "client_secret_post"}, ["this needs clientSecret"]),
        (CLIENT | {"clientAuthentication": "basic"}, ["this is not a known word"]),
        (CLIENT | {"algorithm": "HS256"}, ["this is not a known word"]),
        (CLIENT | {"scopes": ["a b", ""]}, ["each scope must be a text without spaces"]),
        (CLIENT | {"scopes": [1]}, ["each scope must be a text without spaces"]),
        (CLIENT | {"scheme": "apiToken"}, ["no security scheme to choose from takes OAuth client credentials"]),
        (CLIENT | {"authorizationMode": "SSWS"}, ["this mode does not go with an OAuth client"]),
        (
            {"username": "a", "password": "env:SECRET", "scheme": "oauth2"},
            ["no security scheme to choose from takes user name and password"],
        ),
    ],
)
def test_texts_that_are_no_one_credential_are_refused_with_every_problem(values, found):
    assert [message for _, message in refusals(values)] == found


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({"URL": "u", "TOKEN": "t"}, None),
        ({"URL": "u", "TOKEN": "t", "MODE": "SSWS", "KEY": "k"}, None),
        ({"MODE": "PrivateKey"}, None),
        ({"URL": "u", "KEY": "k", "CLIENT": "c"}, {"clientId": "c", "privateKey": Secret("k")}),
        (
            {"URL": "u", "TOKEN": "t", "KEY": "k", "CLIENT": "c", "MODE": "privatekey"},
            {"clientId": "c", "privateKey": Secret("k")},
        ),
        ({"URL": "u", "MODE": "PrivateKey"}, {}),
        ({"KEY": "k", "SCOPES": "a, b,,c"}, {"privateKey": Secret("k"), "scopes": ["a", "b", "c"]}),
        ({"KEY": "k", "KEYID": "", "OTHERID": "o"}, {"privateKey": Secret("k"), "keyId": "o"}),
        ({"KEY": "k", "KEYID": "i", "OTHERID": "o"}, {"privateKey": Secret("k"), "keyId": "i"}),
    ],
)
def test_variables_mean_a_client_by_their_mode_or_when_there_is_a_key_and_no_token(env, expected):
    values = environment_values(PROVIDER, env)
    assert values == (None if expected is None else {"authorizationMode": "PrivateKey", **expected})


def test_a_choice_alone_is_no_credential():
    assert not is_given({"scheme": "oauth2", "authorizationMode": "Bearer", "baseUrl": "x"})
    assert is_given({"clientId": "svc"})


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"username": "a:b", "password": "env:SECRET"}, "username"),
        ({"username": "env:COLON", "password": "env:SECRET"}, "username"),
        ({"username": "ada", "password": "env:BREAK"}, "password"),
    ],
)
def test_a_login_that_cannot_be_sent_is_named_by_its_place(monkeypatch, values, where):
    monkeypatch.setitem(STORE, "env:COLON", "c4n4ry:x")
    monkeypatch.setitem(STORE, "env:BREAK", "c4n4ry\nx")
    assert [place for place, _ in refusals(values)] == [f"profile svc.{where}"]


def test_a_token_beside_a_private_key_needs_a_mode():
    both = {"URL": "https://acme.test", "TOKEN": "00c4n4ry", "KEY": "c4n4ry"}
    with pytest.raises(ConfigurationError) as caught:
        environment_values(PROVIDER, both)
    (problem,) = caught.value.problems
    assert problem.where == "TOKEN and KEY"
    assert problem.hint == "set MODE to SSWS, Bearer or PrivateKey, or leave one of them out"
    assert environment_values(PROVIDER, both | {"MODE": "SSWS"}) is None
    assert environment_values(PROVIDER, both | {"MODE": "PrivateKey"})["privateKey"] == Secret("c4n4ry")


@pytest.mark.parametrize("written", ["https://idp.test/token", "https://acme.test:444/token"])
def test_a_provider_file_alone_sends_no_credential_to_another_origin(written):
    elsewhere = any_provider(security_schemes={"oauth2": replace(OAUTH, token_url=written)})
    ((where, message),) = refusals(CLIENT, elsewhere)
    assert where == "profile svc.tokenUrl"
    assert message.startswith("the provider file of acme names a token endpoint at another host, ")
    assert build(CLIENT | {"tokenUrl": written}, elsewhere).endpoints == (written,)


def test_a_provider_file_may_name_a_token_endpoint_of_the_connections_origin():
    here = any_provider(security_schemes={"oauth2": replace(OAUTH, token_url="https://acme.test/token")})
    assert build(CLIENT, here).endpoints == ("https://acme.test/token",)


def test_http_is_not_allowed_for_a_token_endpoint_even_where_it_is_for_the_api():
    source = Source("http://acme.test", SOURCE.read, "profile svc")
    with pytest.raises(ConfigurationError) as caught:
        build_auth(PROVIDER, CLIENT, source)
    assert caught.value.problems[0].hint == "write tokenUrl with https://; allowHttp does not count for it"
