"""Clients and certificates in profiles and variables: what settings makes of them."""

import pytest

import keys
from httptask.auth.oauth2 import ClientCredentials
from httptask.errors import ConfigurationError
from httptask.loader import Library, shipped
from httptask.settings import ConnectionRequest, dry_connection, resolve
from httptask.surroundings import Surroundings

OKTA = Library().provider(shipped("task_templates") / "okta")
CLIENT = {
    "OKTA_CLIENT_ORGURL": "https://acme.okta.com",
    "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey",
    "OKTA_CLIENT_CLIENTID": "svc",
}


@pytest.fixture
def around(tmp_path):
    def build(profile="", **env):
        folder = tmp_path / "config" / "httptask"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "connections.toml").write_text(
            f'[connections.svc]\nprovider = "okta"\nbaseUrl = "https://acme.okta.com"\n{profile}'
        )
        for name in ("key.pem", "cert.pem"):
            (folder / name).write_text(keys.pem("P-256"))
            (tmp_path / name).write_text(keys.pem("P-256"))
        return Surroundings(env, tmp_path, tmp_path, tmp_path / "config")

    return build


def refusal(request, here):
    with pytest.raises(ConfigurationError) as caught:
        resolve(OKTA, request, here)
    return caught.value.problems[0]


@pytest.mark.parametrize("form", ["text", "path", "jwk"])
def test_the_environments_key_is_a_pem_text_a_path_or_a_jwk(around, form):
    key = {"text": keys.pem("P-256"), "path": "key.pem", "jwk": keys.jwk("P-256")}[form]
    connection = resolve(OKTA, ConnectionRequest(), around(**CLIENT, OKTA_CLIENT_PRIVATEKEY=key))
    assert isinstance(connection.auth, ClientCredentials)
    assert connection.auth.endpoints == ("https://acme.okta.com/oauth2/v1/token",)
    assert connection.source == "OKTA_CLIENT_ORGURL and OKTA_CLIENT_CLIENTID and OKTA_CLIENT_PRIVATEKEY"


def test_a_key_without_its_first_line_is_not_repeated_as_a_path(around):
    here = around(**CLIENT, OKTA_CLIENT_PRIVATEKEY="MIIEc4n4ry" * 500)
    problem = refusal(ConnectionRequest(), here)
    assert problem.where == "OKTA_CLIENT_PRIVATEKEY"
    assert "c4n4ry" not in str(problem)


def test_half_a_client_in_the_environment_names_what_is_missing(around):
    problem = refusal(ConnectionRequest(), around(**CLIENT))
    assert str(problem).startswith("OKTA_CLIENT_ORGURL, OKTA_CLIENT_CLIENTID: given without OKTA_CLIENT_PRIVATEKEY: ")


def test_a_client_certificate_comes_from_paths_beside_the_profile(around):
    profile = 'token = "env:T"\nclientCertificate = "cert.pem"\n'
    here = around(profile, T="00token")
    folder = here.profiles_file.parent
    request = ConnectionRequest(connection="svc")
    assert resolve(OKTA, request, here).client_certificate == (str(folder / "cert.pem"), None)
    both = around(f'{profile}clientKey = "key.pem"\n', T="00token")
    assert resolve(OKTA, request, both).client_certificate == (str(folder / "cert.pem"), str(folder / "key.pem"))


@pytest.mark.parametrize(
    ("lines", "where", "message"),
    [
        ('clientKey = "key.pem"', ".clientKey", "a key alone proves nothing"),
        ('clientCertificate = "none.pem"', ".clientCertificate", "there is no file"),
        ('clientCertificate = "file:cert.pem"', ".clientCertificate", "this is a plain path and takes no reference"),
        ('caBundle = "file:cert.pem"', ".caBundle", "this is a plain path and takes no reference"),
        ("clientCertificate = 1", ".clientCertificate", "this must be a path"),
    ],
)
def test_half_a_client_certificate_is_refused(around, lines, where, message):
    problem = refusal(ConnectionRequest(connection="svc"), around(f'token = "env:T"\n{lines}', T="00token"))
    assert problem.where.endswith(where)
    assert message in problem.message


@pytest.mark.parametrize(
    ("line", "words"), [("dpop = 1", "true or false"), ('scopes = "a"', "a list of texts"), ("keyId = 1", "a text")]
)
def test_a_value_of_another_type_is_refused_by_its_key(around, line, words):
    here = around(f'clientId = "svc"\nprivateKey = "file:key.pem"\n{line}')
    assert refusal(ConnectionRequest(connection="svc"), here).message == f"this must be {words}"


def test_a_dry_connection_shows_the_first_scheme():
    assert dry_connection(OKTA).auth.scheme == "apiToken"


def test_a_key_that_cannot_be_used_is_named_by_its_variable(around):
    broken = "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----"
    assert refusal(ConnectionRequest(), around(**CLIENT, OKTA_CLIENT_PRIVATEKEY=broken)).where == "OKTA_CLIENT_PRIVATEKEY"


def test_a_key_that_cannot_be_used_is_named_by_its_line_in_okta_yaml(around, tmp_path):
    here = around()
    (tmp_path / "okta.yaml").write_text(
        "okta:\n  client:\n    orgUrl: https://acme.okta.com\n    clientId: svc\n    privateKey: '{\"kty\": 1}'\n"
    )
    assert refusal(ConnectionRequest(), here).where == "./okta.yaml:5:17"
