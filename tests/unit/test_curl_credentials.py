# Credentials are taken out of their places, one becomes the connection's, and none is left anywhere else.
import base64

import pytest

from curls import URL, found, problems
from httptask.curl.signs import Watch, is_filled_in, is_key_in_query, is_secret_cookie, is_secret_name, looks_like_token

TOKEN = "tk7-Zq9x4Lm2Vb8"
BEARER = ("bearerAuth", {"type": "http", "scheme": "bearer"})
BASIC = ("basicAuth", {"type": "http", "scheme": "basic"})


def key(place, name, prefix=None, scheme="apiKey"):
    return scheme, {"type": "apiKey", "in": place, "name": name, **({"prefix": prefix} if prefix else {})}


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def taken(options, url=URL):
    result = found(f"curl '{url}' {options}")
    return result.credential and (result.credential.name, dict(result.credential.scheme)), result


@pytest.mark.parametrize(
    ("options", "credential"),
    [
        ("", None),
        (f"-H 'Authorization: Bearer {TOKEN}'", BEARER),
        (f"-H 'authorization: bearer  {TOKEN}'", BEARER),
        (f"--oauth2-bearer {TOKEN}", BEARER),
        (f"-H 'Authorization: SSWS {TOKEN}'", key("header", "Authorization", "SSWS ", "apiToken")),
        (f"-H 'Authorization: Token {TOKEN}'", key("header", "Authorization", "Token ")),
        (f"-H 'Authorization: {TOKEN}'", key("header", "Authorization")),
        (f"-H 'Authorization: Basic {encoded('me:' + TOKEN)}'", BASIC),
        (f"-u me:{TOKEN}", BASIC),
        ("-u me", BASIC),
        (f"-u {TOKEN}:", key("header", "Authorization", "Basic ")),
        (f"-H 'X-API-Key: {TOKEN}'", key("header", "X-API-Key")),
        (f"-H 'api_key: {TOKEN}'", key("header", "api_key")),
        (f"-H 'X-Vault-Token: {TOKEN}'", key("header", "X-Vault-Token")),
        (f"-H 'X-Custom: sk-0123456789{TOKEN}'", key("header", "X-Custom")),
        (f"-b session={TOKEN}", key("cookie", "session", scheme="cookieAuth")),
        (f"-b 'theme=dark; session={TOKEN}'", key("cookie", "session", scheme="cookieAuth")),
        (f"-b 'a={TOKEN}; b={TOKEN}2'", key("header", "Cookie", scheme="cookieAuth")),
        ("-b 'theme=dark; lang=en'", None),
    ],
)
def test_the_credential_becomes_a_security_scheme_without_its_value(options, credential):
    found_credential, result = taken(options)
    assert found_credential == credential
    left = [*result.headers, *result.query]
    assert TOKEN not in str([pair for pair in left if pair[0].lower() not in result.secret_headers])
    assert TOKEN not in repr(result)
    if credential and TOKEN in options:
        assert result.watch.holds(f"before {TOKEN} after")


@pytest.mark.parametrize(
    ("query", "credential"),
    [
        (f"api_key={TOKEN}", key("query", "api_key")),
        (f"access_token={TOKEN}", key("query", "access_token")),
        (f"key={TOKEN}1", key("query", "key")),
        ("key=name", None),
        ("sort=token", None),
    ],
)
def test_a_key_in_the_query_is_one_too(query, credential):
    found_credential, result = taken("", f"{URL}?{query}&limit=5")
    assert found_credential == credential
    assert ("limit", "5") in result.query
    assert TOKEN not in str(result.query)


@pytest.mark.parametrize(
    ("options", "variables"),
    [
        ('-H "Authorization: Bearer $T"', {"token": "T"}),
        ("-H 'Authorization: Bearer $T'", {"token": "T"}),
        ('-H "Authorization: Bearer ${T}"', {"token": "T"}),
        ('-H "X-API-Key: $T"', {"token": "T"}),
        ('-u "$A:$B"', {"username": "A", "password": "B"}),
        ('-u "me:$B"', {"username": None, "password": "B"}),
        ('-b "session=$T"', {"token": "T"}),
        ('-H "Authorization: Basic $T"', {"token": "T"}),
        ('--oauth2-bearer "$T"', {"token": "T"}),
        (f"-H 'Authorization: Bearer {TOKEN}'", {"token": None}),
    ],
)
def test_a_variable_in_the_place_of_a_credential_is_its_reference(options, variables):
    _, result = taken(options)
    assert dict(result.credential.variables) == variables


def test_a_variable_in_the_query_is_a_reference_too():
    assert dict(found(f'curl "{URL}?api_key=$T"').credential.variables) == {"token": "T"}


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            '-H "Authorization: Bearer a$T"',
            "Bearer: a variable is only a part of the credential (let one variable hold the whole",
        ),
        ('-u "a$A:b"', "-u: a variable is only a part of the credential"),
        ("-H 'Authorization: Digest username=\"a\"'", "Authorization: its value is made for each request anew"),
        ("-H 'Authorization: AWS4-HMAC-SHA256 Credential=a'", "Authorization: its value is made for each request anew"),
        ("-H 'Authorization: Signature keyId=\"a\"'", "Authorization: its value is made for each request anew"),
        ("-H 'Authorization: DPoP s3cr3t'", "Authorization: its value is made for each request anew"),
        ("-H 'Authorization: a' -H 'Authorization: s3cr3t'", "Authorization: this header is given twice"),
    ],
)
def test_what_no_connection_can_hold_is_refused(options, problem):
    (message,) = problems(taken, options)
    assert message.startswith(problem)
    assert "s3cr3t" not in message


def test_the_first_place_gives_the_credential_and_what_else_is_secret_becomes_an_input():
    url = f"{URL}?token={TOKEN}q"
    credential, result = taken(f"-H 'Authorization: Bearer {TOKEN}' -H 'X-API-Key: {TOKEN}k' -b 's={TOKEN}c' -u me:{TOKEN}p", url)
    assert credential == BEARER
    assert result.secret_headers == {"x-api-key", "cookie"}
    assert result.secret_query == {"token"}
    assert all(result.watch.holds(f"{TOKEN}{letter}") for letter in "kcpq")


def test_the_token_against_cross_site_requests_is_never_the_credential():
    credential, result = taken(f"-H 'X-CSRF-Token: {TOKEN}' -b 'session={TOKEN}2'")
    assert credential == key("cookie", "session", scheme="cookieAuth")
    assert result.secret_headers == {"x-csrf-token"}


def test_a_signature_in_the_query_is_never_the_credential():
    credential, result = taken("", f"{URL}?X-Amz-Signature={TOKEN}{TOKEN}&sig={TOKEN}{TOKEN}")
    assert credential is None
    assert result.secret_query == {"X-Amz-Signature", "sig"}


def test_cookies_that_only_say_how_a_page_looks_stay():
    _, result = taken(f"-b 'theme=dark; session={TOKEN}'")
    assert result.headers == (("Cookie", "theme=dark"),)


def test_a_password_that_is_empty_is_explained():
    _, result = taken(f"-u {TOKEN}:")
    assert ["the base64 of the user name and a colon" in note.message for note in result.notes] == [True]
    assert result.watch.holds(TOKEN)


def test_an_encoded_credential_is_known_as_it_reads_too():
    _, result = taken("-b 'session=tk7%2BZq9%2Fx4Lm2'")
    assert result.watch.holds("tk7+Zq9/x4Lm2")


def test_more_secrets_than_can_be_searched_for_are_refused():
    body = "[" + ", ".join(f'{{"password": "pw-{number}-7f3a9b"}}' for number in range(101)) + "]"
    (problem,) = problems(found, f"curl {URL} --json '{body}'")
    assert problem.startswith("command: it holds more than 100 passwords and tokens (paste a shorter body")


def test_a_user_name_is_no_secret_unless_it_is_a_key():
    assert not taken(f"-u administrator:{TOKEN}")[1].watch.holds("/users/administrator")
    assert taken(f"-u sk_live_abcdefghijkl:{TOKEN}")[1].watch.holds("sk_live_abcdefghijkl")


def test_secrets_of_the_body_and_of_a_proxy_are_known_too():
    body = f'{{"a": [{{"password": "{TOKEN}b"}}], "credentials": {{"answer": {{"value": "{TOKEN}c"}}}}, "b": "plain-text"}}'
    _, result = taken(f"--json '{body}' -U me:{TOKEN}x")
    assert all(result.watch.holds(f"{TOKEN}{letter}") for letter in "bcx")
    assert not result.watch.holds("plain-text")


@pytest.mark.parametrize(
    "name",
    ["password", "userPassword", "client_secret", "clientSecret", "X-Auth-Token", "apiKey", "api-key", "privateKey", "otp"],
)
def test_names_of_secrets_are_known_in_every_spelling(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["name", "tokens", "passwordHint", "secretary", "keyboard", "key", "id", "", "é"])
def test_other_names_are_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
        "ghp_abcdefghijklmnopqrstuvwx",
        "xoxb-1234567890-abcdef",
        "sk_live_abcdefghijkl",
        "AKIAIOSFODNN7EXAMPLE",
        "00" + "aB3-_" * 8,
        "-----BEGIN RSA PRIVATE KEY-----",
        "see ghp_abcdefghijklmnopqrstuvwx here",
    ],
)
def test_well_known_forms_of_credentials_are_known(value):
    assert looks_like_token(value)


@pytest.mark.parametrize(
    "value", ["", "hello", "0oaspf3cfatE1nDO31d7", "6f9619ff-8b86-d011-b42d-00c04fc964ff", "sk-1", "eyJ.a.b"]
)
def test_ids_are_no_credentials(value):
    assert not looks_like_token(value)


@pytest.mark.parametrize(
    "value",
    ["$TOKEN", "<token>", "{token}", "{{token}}", "[token]", "YOUR_API_KEY", "your-token-here", "xxxx", "***", "...", "token"],
)
def test_what_documents_write_for_a_credential_is_searched_for_nowhere(value):
    assert not is_filled_in(value)
    assert Watch([value]).secrets == ()


@pytest.mark.parametrize("value", [TOKEN, "correct-horse-battery", "hunter2", "my-secret-password-1", "xxxy"])
def test_everything_else_is(value):
    assert is_filled_in(value)
    assert Watch([value]).holds(value)


def test_a_short_credential_is_found_where_it_is_the_whole_value():
    watch = Watch(["abc"])
    assert watch.holds("abc")
    assert not watch.holds("abcdef")
    assert Watch(["1234567"]).holds(1234567)
    assert not watch.holds(None)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("_ga", "GA1.2.3", True), ("lang", "en", False), ("theme", TOKEN * 2, True), ("sid", "1", True)],
)
def test_a_cookie_is_secret_unless_it_is_known_not_to_be(name, value, expected):
    assert is_secret_cookie(name, value) is expected


def test_a_short_key_in_the_query_is_a_word():
    assert not is_key_in_query("key", "abc")
    assert is_key_in_query("key", "$KEY")
    assert is_key_in_query("key", "AIza-0123456789abcdef")
