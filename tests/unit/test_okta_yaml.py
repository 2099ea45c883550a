"""`okta.yaml`: what users of Okta's own clients already have, one file speaking alone."""

import json
from dataclasses import replace

import pytest

import keys
from httptask.auth import ApiToken, Bearer
from httptask.errors import ConfigurationError
from httptask.loader import open_registry
from httptask.okta_yaml import find
from httptask.secrets import Secret
from httptask.settings import ConnectionRequest, resolve
from httptask.surroundings import Surroundings
from unit.test_settings import PROVIDER as BARE

CANARY = "00c4n4ry-token"
HOME, PROJECT = "~/.okta/okta.yaml", "./okta.yaml"
PROVIDER = replace(BARE, environment=replace(BARE.environment, config_files=(HOME, PROJECT)))
OKTA = open_registry()["okta.list_agent_pools"].provider
DEFAULT = '[connections.default]\nprovider = "okta"\nbaseUrl = "https://default.okta.com"\ntoken = "env:PROFILE_TOKEN"\n'


@pytest.fixture
def around(tmp_path):
    def build(home=None, project=None, profiles=None, **env):
        texts = {"home/.okta/okta.yaml": home, "cwd/okta.yaml": project, "config/httptask/connections.toml": profiles}
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return Surroundings(env, tmp_path / "home", tmp_path / "cwd", tmp_path / "config")

    return build


def yaml(org="https://acme.okta.com", token=CANARY, more=""):
    return f"okta:\n  client:\n    orgUrl: {org}\n    token: {token}\n{more}"


def refusals(here):
    with pytest.raises(ConfigurationError) as caught:
        resolve(PROVIDER, ConnectionRequest(), here)
    assert "c4n4ry" not in str(caught.value)
    return caught.value.problems


def refusal(here):
    (problem,) = refusals(here)
    return problem


@pytest.mark.parametrize(
    ("sources", "url", "token"),
    [
        ({"home": yaml("https://home.okta.com", "home-token")}, "https://home.okta.com", "home-token"),
        (
            {"home": yaml("https://home.okta.com", "home-token"), "project": yaml("https://project.okta.com", "project-token")},
            "https://project.okta.com",
            "project-token",
        ),
        (
            {"project": yaml(), "OKTA_CLIENT_ORGURL": "https://env.okta.com", "OKTA_CLIENT_TOKEN": "env-token"},
            "https://env.okta.com",
            "env-token",
        ),
        ({"home": yaml(), "profiles": DEFAULT, "PROFILE_TOKEN": "profile-token"}, "https://acme.okta.com", CANARY),
        (
            {"home": yaml("", '""'), "profiles": DEFAULT, "PROFILE_TOKEN": "profile-token"},
            "https://default.okta.com",
            "profile-token",
        ),
        (
            {"project": "okta:\n  oauth2:\n    issuer: x\n", "profiles": DEFAULT, "PROFILE_TOKEN": "profile-token"},
            "https://default.okta.com",
            "profile-token",
        ),
    ],
    ids=[
        "home file",
        "project file over home file",
        "environment over files",
        "files over the default profile",
        "a sample file with nothing filled in says nothing",
        "a file for another of Okta's tools says nothing",
    ],
)
def test_files_stand_between_the_environment_and_the_default_profile(around, sources, url, token):
    connection = resolve(PROVIDER, ConnectionRequest(), around(**sources))
    assert (connection.base_url, connection.auth) == (url, ApiToken("apiToken", Secret(token)))


def test_a_file_names_itself_as_the_source_and_never_its_token(around):
    connection = resolve(PROVIDER, ConnectionRequest(), around(home=yaml()))
    assert (connection.name, connection.source) == (HOME, f"the file {HOME}")
    assert repr(connection.auth.secret) == f"Secret(file {HOME})"
    assert CANARY not in repr(connection)


@pytest.mark.parametrize(
    ("project", "missing"), [("orgUrl: https://new.okta.com", "okta.client.token"), (f"token: {CANARY}", "okta.client.orgUrl")]
)
def test_two_files_are_never_mixed(around, project, missing):
    problem = refusal(around(home=yaml(), project=f"okta:\n  client:\n    {project}\n"))
    assert problem.where == PROJECT
    assert problem.message.startswith(f"{missing} is missing")


@pytest.mark.parametrize(
    ("mode", "auth"), [("SSWS", ApiToken("apiToken", Secret(CANARY))), ("bearer", Bearer("oauth2", Secret(CANARY)))]
)
def test_the_authorization_mode_picks_the_scheme(around, mode, auth):
    here = around(home=yaml(more=f"    authorizationMode: {mode}\n"))
    assert resolve(PROVIDER, ConnectionRequest(), here).auth == auth


@pytest.mark.parametrize(
    ("more", "retry"),
    [
        ("    requestTimeout: 12.5\n", {"readTimeout": 12.5}),
        ("    requestTimeout: 0\n", {}),
        ("    rateLimit: {maxRetries: 2}\n", {"maxAttempts": 3}),
        ("    rateLimit: {maxRetries: 0}\n", {"maxAttempts": 1}),
        ("    rateLimit: {remainingThreshold: 3}\n    connectionTimeout: x\n    cache: {enabled: true}\n", {}),
    ],
)
def test_limits_become_retry_fields_and_unknown_keys_are_ignored(around, more, retry):
    assert resolve(PROVIDER, ConnectionRequest(), around(home=yaml(more=more))).retry == retry


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        (yaml("https://acme-admin.okta.com"), "3:13", "admin console", "use https://acme.okta.com"),
        (yaml("'https://{yourOktaDomain}'"), "3:13", "placeholder", "https://acme.okta.com"),
        (yaml("http://acme.okta.com"), "3:13", "without https", "https://"),
        (yaml(token="'{apiToken}'"), "4:12", "placeholder", "your own token"),
        (yaml(token="12345678"), "4:12", "token: this must be a text", "quotes"),
        (yaml(more="    authorizationMode: Basic\n"), "5:24", "does not fit", "SSWS"),
        (yaml(more="    requestTimeout: '30'\n"), "5:21", "a number, 0 or more", "without quotes"),
        (yaml(more="    rateLimit: {maxRetries: 1.5}\n"), "5:29", "a number, 0 or more", ""),
        (yaml(more="    scopes: {a: b}\n"), "5:13", "a list of texts", ""),
        ("okta: [1]", "1:7", "`okta` must be a mapping", ""),
        ("okta:\n  client: 00c4n4ry-token", "2:11", "`okta.client` must be a mapping", ""),
        (f"okta:\n  client:\n    token: *{CANARY}\n", "3:12", "not valid YAML", ""),
        (f"okta:\n  client:\n   token: '{CANARY}\n", "", "not valid YAML", ""),
        (f"okta:\n  client:\n    {CANARY}: 1\n    {CANARY}: 2\n", "4:5", "not valid YAML", "first at line 3"),
    ],
)
def test_a_mistake_names_file_line_and_mend_and_never_a_value(around, text, where, message, hint):
    problem = refusal(around(project=text))
    assert problem.where.startswith(f"{PROJECT}:{where}")
    assert message in problem.message
    assert hint in problem.hint


def test_every_mistake_of_types_is_reported_at_once(around):
    assert len(refusals(around(project=yaml("[1]", "{a: b}", "    requestTimeout: x\n")))) == 3


def test_a_file_that_is_a_folder_or_too_large_is_named(around, tmp_path):
    here = around()
    (tmp_path / "cwd" / "okta.yaml").mkdir()
    assert refusal(here).message == "the file cannot be read"
    (tmp_path / "cwd" / "okta.yaml").rmdir()
    (tmp_path / "cwd" / "okta.yaml").write_bytes(b"#" * (1024 * 1024 + 1))
    assert "larger than 1 MB" in refusal(here).message


PRIVATE = "okta:\n  client:\n    orgUrl: https://acme.okta.com\n    authorizationMode: PrivateKey\n    clientId: 0oa\n"


def key_connection(here):
    return resolve(OKTA, ConnectionRequest(), here)


@pytest.mark.parametrize("form", ["text", "file", "jwk"])
def test_a_service_app_proves_itself_with_the_key_of_the_file(around, tmp_path, form):
    key = {"text": json.dumps(keys.pem("P-256")), "file": "app.pem", "jwk": keys.jwk("P-256")}[form]
    here = around(project=f"{PRIVATE}    privateKey: {key}\n")
    (tmp_path / "cwd" / "app.pem").write_text(keys.pem("P-256"))
    connection = key_connection(here)
    assert connection.base_url == "https://acme.okta.com"
    assert connection.auth.endpoints == ("https://acme.okta.com/oauth2/v1/token",)


@pytest.mark.parametrize("key", [CANARY, "{kty: RSA, d: 00c4n4ry}"])
def test_a_key_that_is_none_is_refused_and_never_shown(around, key):
    with pytest.raises(ConfigurationError) as caught:
        key_connection(around(project=f"{PRIVATE}    privateKey: {key}\n"))
    assert "c4n4ry" not in str(caught.value)


def test_what_a_service_app_needs_is_collected(around, tmp_path):
    around(
        project=f"{PRIVATE}    kid: k1\n    privateKey: {CANARY}\n    scopes: [okta.agentPools.read, okta.agentPools.manage]\n"
    )
    app = find((PROJECT,), (tmp_path / "cwd").joinpath).app
    assert (app.client_id, app.key_id, app.private_key) == ("0oa", "k1", Secret(CANARY))
    assert app.scopes == ("okta.agentPools.read", "okta.agentPools.manage")
    assert app.folder == tmp_path / "cwd"


def test_scopes_may_be_one_text_with_commas(around, tmp_path):
    around(project=f"{PRIVATE}    scopes: okta.agentPools.read,okta.agentPools.manage\n")
    assert find((PROJECT,), (tmp_path / "cwd").joinpath).app.scopes == ("okta.agentPools.read", "okta.agentPools.manage")


def test_a_missing_client_id_is_named(around):
    text = PRIVATE.replace("    clientId: 0oa\n", f"    privateKey: {CANARY}\n")
    assert refusal(around(project=text)).message.startswith("okta.client.clientId is missing")


def test_a_token_beside_a_private_key_needs_a_mode(around):
    text = yaml(more=f"    clientId: 0oa\n    privateKey: {CANARY}\n")
    problem = refusal(around(project=text))
    assert problem.where == "./okta.yaml:6:17"
    assert "okta.client.authorizationMode" in problem.hint
    said = resolve(PROVIDER, ConnectionRequest(), around(project=text + "    authorizationMode: SSWS\n"))
    assert said.auth == ApiToken("apiToken", Secret(CANARY))
