from dataclasses import replace
from pathlib import Path

import pytest

from httptask.auth import ApiToken, Bearer
from httptask.errors import ConfigurationError
from httptask.model import Environment, ErrorShape, Provider, SecurityScheme
from httptask.secrets import Secret
from httptask.settings import ConnectionRequest, dry_connection, resolve
from httptask.surroundings import Surroundings

CANARY = "00c4n4ry-token"
PROVIDER = Provider(
    id="okta",
    title="Okta",
    description="",
    server_url="https://{yourOktaDomain}/",
    server_variables={"yourOktaDomain": {"default": "subdomain.okta.com"}},
    security_schemes={
        "apiToken": SecurityScheme("apiToken", "apiKey", prefix="SSWS "),
        "oauth2": SecurityScheme("oauth2", "oauth2"),
    },
    headers={},
    retry={},
    rate_limit=None,
    errors=ErrorShape(),
    environment=Environment("OKTA_CLIENT_ORGURL", "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_AUTHORIZATIONMODE"),
)
OPEN_PROVIDER = Provider(
    id="open",
    title="Open data",
    description="",
    server_url="https://open.example",
    server_variables={},
    security_schemes={},
    headers={},
    retry={},
    rate_limit=None,
    errors=ErrorShape(),
    environment=Environment("OPEN_URL"),
)
ENV = {"OKTA_CLIENT_ORGURL": "https://environment.okta.com", "OKTA_CLIENT_TOKEN": "environment-token"}
CALL = {"base_url": "https://call.okta.com", "token": "env:CALL_TOKEN"}
PROFILES = """
[connections.named]
provider = "okta"
baseUrl = "https://named.okta.com"
token = "env:PROFILE_TOKEN"
[connections.flow]
provider = "okta"
baseUrl = "https://flow.okta.com"
token = "env:PROFILE_TOKEN"
[connections.default]
provider = "okta"
baseUrl = "https://default.okta.com"
token = "env:PROFILE_TOKEN"
"""


@pytest.fixture
def around(tmp_path):
    def build(profiles=None, **env):
        config = tmp_path / "config"
        if profiles is not None:
            (config / "httptask").mkdir(parents=True)
            (config / "httptask" / "connections.toml").write_text(profiles, encoding="utf-8")
        return Surroundings(env, tmp_path / "home", tmp_path / "cwd", config)

    return build


def refusals(request, around, provider=PROVIDER):
    with pytest.raises(ConfigurationError) as caught:
        resolve(provider, request, around)
    assert "c4n4ry" not in str(caught.value)
    return caught.value.problems


def refusal(request, around, provider=PROVIDER):
    (problem,) = refusals(request, around, provider)
    return problem


def profile(body, name="default"):
    return f'[connections.{name}]\nprovider = "okta"\nbaseUrl = "https://acme.okta.com"\ntoken = "env:TOKEN"\n{body}'


@pytest.mark.parametrize(
    ("said", "env", "expected", "token"),
    [
        (CALL | {"connection": "named", "workflow_connection": "flow"}, ENV, "https://call.okta.com", "call-token"),
        ({"connection": "named", "workflow_connection": "flow"}, ENV, "https://named.okta.com", "profile-token"),
        ({"workflow_connection": "flow"}, ENV, "https://flow.okta.com", "profile-token"),
        ({}, ENV, "https://environment.okta.com", "environment-token"),
        ({}, {}, "https://default.okta.com", "profile-token"),
        ({}, {"OKTA_CLIENT_ORGURL": "", "OKTA_CLIENT_TOKEN": ""}, "https://default.okta.com", "profile-token"),
    ],
)
def test_the_highest_source_gives_base_url_and_credential_together(around, said, env, expected, token):
    here = around(PROFILES, CALL_TOKEN="call-token", PROFILE_TOKEN="profile-token", **env)
    connection = resolve(PROVIDER, ConnectionRequest(**said), here)
    assert connection.base_url == expected
    assert connection.auth == ApiToken("apiToken", Secret(token))


def test_a_connection_says_where_it_came_from(around):
    here = around(PROFILES, CALL_TOKEN="call-token", PROFILE_TOKEN="profile-token", **ENV)
    file = here.profiles_file
    told = [
        (connection.name, connection.source)
        for connection in (
            resolve(PROVIDER, ConnectionRequest(**CALL), here),
            resolve(PROVIDER, ConnectionRequest(connection="named"), here),
            resolve(PROVIDER, ConnectionRequest(), here),
        )
    ]
    assert told == [
        ("call", "--base-url and --token"),
        ("named", f"connection named in {file}"),
        ("environment", "OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN"),
    ]


@pytest.mark.parametrize(
    ("said", "env", "present", "missing"),
    [
        ({"base_url": "https://call.okta.com"}, ENV, "--base-url", "--token"),
        ({"base_url": "https://call.okta.com", "connection": "named"}, {}, "--base-url", "--token"),
        ({"token": "env:CALL_TOKEN"}, ENV, "--token", "--base-url"),
        ({"scheme": "oauth2"}, ENV, "--scheme", "--base-url and --token"),
        ({}, {"OKTA_CLIENT_ORGURL": "https://acme.okta.com"}, "OKTA_CLIENT_ORGURL", "OKTA_CLIENT_TOKEN"),
        ({}, {"OKTA_CLIENT_TOKEN": CANARY}, "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_ORGURL"),
        ({}, {"OKTA_CLIENT_TOKEN": CANARY, "OKTA_CLIENT_ORGURL": ""}, "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_ORGURL"),
    ],
)
def test_half_a_source_is_never_completed_from_another(around, said, env, present, missing):
    here = around(PROFILES, CALL_TOKEN=CANARY, PROFILE_TOKEN=CANARY, **env)
    problem = refusal(ConnectionRequest(**said), here)
    assert problem.where == present
    assert problem.message.startswith(f"given without {missing}: base URL and credential come from one source")
    assert f"give {missing} too" in problem.hint


def test_half_an_environment_does_not_matter_when_a_higher_source_speaks(around):
    here = around(PROFILES, PROFILE_TOKEN="profile-token", OKTA_CLIENT_TOKEN=CANARY)
    assert resolve(PROVIDER, ConnectionRequest(connection="default"), here).base_url == "https://default.okta.com"


def test_without_any_source_the_ways_to_configure_one_are_listed(around):
    here = around()
    problem = refusal(ConnectionRequest(), here)
    assert problem.message == "no connection to Okta is configured"
    for way in (
        "--sandbox",
        "--base-url URL with --token env:NAME",
        "--connection NAME",
        "OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN",
        f"[connections.default] in {here.profiles_file}",
    ):
        assert way in problem.hint


def test_the_ways_name_the_connections_that_there_are(around):
    here = around(PROFILES.replace("connections.default", "connections.other"))
    assert "--connection NAME (there are: named, flow, other)" in refusal(ConnectionRequest(), here).hint


@pytest.mark.parametrize("env", [{}, {"OKTA_CLIENT_TOKEN": CANARY}], ids=["nothing is configured", "half is"])
def test_a_caller_that_takes_a_name_only_is_not_told_of_options(around, env):
    here = around(PROFILES.replace("connections.default", "connections.other"), **env)
    hint = refusal(ConnectionRequest(by_options=False), here).hint
    assert ("NAME (there are: named, flow, other)" if not env else "whole connection: NAME") in hint
    assert "--connection" not in hint
    assert "--base-url" not in hint


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (None, ApiToken("apiToken", Secret("environment-token"))),
        ("SSWS", ApiToken("apiToken", Secret("environment-token"))),
        ("Bearer", Bearer("oauth2", Secret("environment-token"))),
        ("", ApiToken("apiToken", Secret("environment-token"))),
    ],
)
def test_the_environments_mode_picks_the_scheme(around, mode, expected):
    env = ENV if mode is None else ENV | {"OKTA_CLIENT_AUTHORIZATIONMODE": mode}
    auth = resolve(PROVIDER, ConnectionRequest(), around(**env)).auth
    assert auth == expected
    assert auth.secret.reference == "env:OKTA_CLIENT_TOKEN"


def test_a_private_key_in_the_environment_is_asked_for_before_the_token_is_missed(around):
    env = {"OKTA_CLIENT_ORGURL": "https://acme.okta.com", "OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey"}
    problem = refusal(ConnectionRequest(), around(**env))
    assert problem.where == "OKTA_CLIENT_AUTHORIZATIONMODE"
    assert "needs a client id and a private key" in problem.message


def test_a_bad_token_in_the_environment_is_named_by_its_variable(around):
    env = ENV | {"OKTA_CLIENT_TOKEN": f"{CANARY}\n"}
    assert refusal(ConnectionRequest(), around(**env)).where == "env:OKTA_CLIENT_TOKEN"


def test_a_bad_base_url_is_named_by_its_place(around):
    env = ENV | {"OKTA_CLIENT_ORGURL": "http://acme.okta.com"}
    assert refusal(ConnectionRequest(), around(**env)).where == "OKTA_CLIENT_ORGURL"
    problem = refusal(ConnectionRequest("https://acme-admin.okta.com", "env:T"), around(T=CANARY))
    assert (problem.where, problem.hint) == ("--base-url", "use https://acme.okta.com")


@pytest.mark.parametrize(("token", "message"), [(CANARY, "not a reference"), ("env:MISSING", "MISSING is not set")])
def test_a_bad_reference_is_named_by_its_place(around, token, message):
    problem = refusal(ConnectionRequest("https://acme.okta.com", token), around())
    assert problem.where == "--token"
    assert message in problem.message


@pytest.mark.parametrize(("written", "folder"), [("file:~/token", "home"), ("file:token", "cwd")])
def test_a_token_file_of_the_call_is_found_from_home_or_the_working_folder(around, tmp_path, written, folder):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "token").write_text("00abc\n")
    request = ConnectionRequest("https://acme.okta.com", written)
    assert resolve(PROVIDER, request, around()).auth.secret.reveal() == "00abc"


def test_a_provider_without_environment_names_is_not_configured_by_the_environment(around):
    provider = replace(PROVIDER, environment=Environment())
    problem = refusal(ConnectionRequest(), around(**ENV), provider)
    assert "environment" not in problem.hint


def test_the_call_may_name_a_scheme(around):
    request = ConnectionRequest(**CALL, scheme="oauth2")
    assert resolve(PROVIDER, request, around(CALL_TOKEN="access")).auth == Bearer("oauth2", Secret("access"))


def test_neither_a_request_nor_the_surroundings_show_what_they_hold():
    request = ConnectionRequest(token=CANARY)
    surroundings = Surroundings({"OKTA_CLIENT_TOKEN": CANARY}, Path(), Path(), Path())
    assert "c4n4ry" not in repr(request) + repr(surroundings)


# profiles


def test_every_key_of_a_profile_reaches_the_connection(around, tmp_path):
    body = """
authorizationMode = "Bearer"
scheme = "oauth2"
headers = { X-Team = "identity" }
retry = { maxAttempts = 2, readTimeout = 12.5, backoffBase = 0 }
caBundle = "ca.pem"
"""
    here = around(profile(body), TOKEN="access")
    bundle = here.profiles_file.parent / "ca.pem"
    bundle.write_text("")
    connection = resolve(PROVIDER, ConnectionRequest(), here)
    assert connection.auth == Bearer("oauth2", Secret("access"))
    assert connection.headers == {"X-Team": "identity"}
    assert connection.retry == {"maxAttempts": 2, "readTimeout": 12.5, "backoffBase": 0}
    assert connection.verify == str(bundle)


def test_a_profile_verifies_certificates_unless_told_which(around):
    assert resolve(PROVIDER, ConnectionRequest(), around(profile(""), TOKEN="00abc")).verify is True


def test_a_relative_token_file_lies_beside_the_profile_file(around):
    here = around('[connections.default]\nprovider = "okta"\nbaseUrl = "https://acme.okta.com"\ntoken = "file:token"\n')
    (here.profiles_file.parent / "token").write_text("00abc\n")
    assert resolve(PROVIDER, ConnectionRequest(), here).auth.secret.reveal() == "00abc"


@pytest.mark.parametrize(
    ("body", "where", "message", "hint"),
    [
        ("baseURL = 'x'", ".baseURL", "no such key", "did you mean 'baseUrl'?"),
        (f"zzz = '{CANARY}'", ".zzz", "no such key", "known keys: provider, baseUrl, token"),
        ("scheme = 3", ".scheme", "must be a text", ""),
        ("headers = 'x'", ".headers", "must be a table", ""),
        (f"headers = {{ X-A = ['{CANARY}'] }}", ".headers.X-A", "must be a text", "double quotes"),
        ("retry = 3", ".retry", "must be a table", ""),
        ("retry = { maxAttempt = 3 }", ".retry.maxAttempt", "no such key", "did you mean 'maxAttempts'?"),
        ("retry = { maxAttempts = 0 }", ".retry.maxAttempts", "whole number", ""),
        ("retry = { maxAttempts = true }", ".retry.maxAttempts", "whole number", ""),
        ("retry = { maxElapsed = -1 }", ".retry.maxElapsed", "a number, 0 or more", ""),
        ("retry = { maxElapsed = inf }", ".retry.maxElapsed", "a number, 0 or more", ""),
        ("retry = { maxElapsed = nan }", ".retry.maxElapsed", "a number, 0 or more", ""),
        ("retry = { maxElapsed = '1s' }", ".retry.maxElapsed", "a number, 0 or more", ""),
        ("retry = { readTimeout = 0 }", ".retry.readTimeout", "let nothing through", "seconds"),
        ("scheme = 'oauth'", "", "no security scheme of that name", "did you mean 'oauth2'?"),
        ("authorizationMode = 'PrivateKey'", "", "needs a client id and a private key", "clientId and privateKey"),
        ("caBundle = 'missing.pem'", ".caBundle", "missing.pem", "PEM"),
    ],
)
def test_a_mistake_in_a_profile_names_file_key_and_mend(around, body, where, message, hint):
    here = around(profile(body), TOKEN=CANARY)
    problem = refusal(ConnectionRequest(), here)
    assert problem.where == f"{here.profiles_file}: connections.default{where}"
    assert message in problem.message
    assert hint in problem.hint


def test_a_profile_serves_the_one_provider_that_it_names(around):
    here = around('[connections.default]\nprovider = "notes"\nbaseUrl = "https://acme.okta.com"\ntoken = "env:TOKEN"\n')
    problem = refusal(ConnectionRequest(), here)
    assert problem.where.endswith(".provider")
    assert problem.message == "this connection is for notes and not for the provider okta"
    assert problem.hint == "no connection is for okta: `httptask connections add NAME --provider okta` writes one"


def test_a_profile_of_another_provider_names_those_that_fit(around):
    here = around(PROFILES + '[connections.notes]\nprovider = "notes"\nbaseUrl = "https://a.example.com"\ntoken = "env:T"\n')
    problem = refusal(ConnectionRequest(connection="notes"), here)
    assert problem.hint == "connections for okta: named, flow, default"


def test_a_profile_without_a_provider_serves_none(around):
    problem = refusal(ConnectionRequest(), around('[connections.default]\nbaseUrl = "https://acme.okta.com"\ntoken = "env:T"\n'))
    assert "provider is missing" in problem.message
    assert problem.hint == 'add provider = "okta"'


def test_every_shape_mistake_of_a_profile_is_reported_at_once(around):
    problems = refusals(ConnectionRequest(), around("[connections.default]\nprovider = 'okta'\nbaseUrl = 1\nurl = 'x'\n"))
    assert [problem.message.partition(":")[0] for problem in problems] == [
        "there is no such key",
        "this must be a text",
        "a credential is missing",
    ]


@pytest.mark.parametrize("key", ["privatekey", "clientID", "tokn", "pasword"])
def test_a_misspelt_credential_is_not_missing_too(around, key):
    here = around(f'[connections.default]\nprovider = "okta"\nbaseUrl = "https://acme.okta.com"\n{key} = "env:X"\n')
    assert refusal(ConnectionRequest(), here).message == "there is no such key"


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        (f"[connections.default]\nprovider = 'okta'\ntoken = {CANARY}\n", ":3:", "not valid TOML"),
        ("connections = 3", ": connections", "must be a table"),
        ("[connections]\ndefault = 3", ": connections.default", "must be a table"),
        ("[connection.default]\n", ": connection", "no such key"),
        ("x = " + "[" * 5000, "", "not valid TOML"),
        ("#" * (1024 * 1024 + 1), "", "larger than 1 MB"),
    ],
)
def test_a_broken_profile_file_is_named_with_the_place(around, text, where, message):
    here = around(text)
    problem = refusal(ConnectionRequest(), here)
    assert problem.where.startswith(f"{here.profiles_file}{where}")
    assert message in problem.message


def test_a_profile_file_that_is_a_folder_is_named(around):
    here = around()
    here.profiles_file.mkdir(parents=True)
    assert refusal(ConnectionRequest(), here).message == "the file cannot be read"


@pytest.mark.parametrize(
    ("name", "hint"), [("nmed", "did you mean 'named'? it has: named, flow, default"), (CANARY, "it has: named, flow, default")]
)
@pytest.mark.parametrize(
    ("field", "where"), [("connection", "--connection"), ("workflow_connection", "connection of the workflow")]
)
def test_a_profile_that_is_not_there_names_the_file_and_the_known_ones(around, field, where, name, hint):
    here = around(PROFILES)
    problem = refusal(ConnectionRequest(**{field: name}), here)
    assert problem.where == where
    assert problem.message == f"{here.profiles_file} has no connection of that name"
    assert problem.hint == hint


def test_a_named_profile_without_a_file_says_which_file_to_create(around):
    here = around()
    problem = refusal(ConnectionRequest(connection="prod"), here)
    assert str(here.profiles_file) in problem.message
    assert "[connections.NAME]" in problem.hint


def test_a_named_profile_in_an_empty_file_says_that_there_is_none(around):
    assert "it has none" in refusal(ConnectionRequest(connection="prod"), around("")).hint


def test_httptask_config_names_the_profile_file(around, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "mine.toml").write_text(profile(""))
    connection = resolve(PROVIDER, ConnectionRequest(), around(PROFILES, TOKEN="00abc", HTTPTASK_CONFIG="~/mine.toml"))
    assert connection.base_url == "https://acme.okta.com"


def test_a_profile_file_that_httptask_config_names_must_be_there(around):
    problem = refusal(ConnectionRequest(), around(PROFILES, HTTPTASK_CONFIG="missing.toml"))
    assert problem.where == "HTTPTASK_CONFIG"
    assert "missing.toml" in problem.message


# a provider that needs no credential


def test_a_provider_without_security_schemes_needs_a_base_url_only(around):
    said = resolve(OPEN_PROVIDER, ConnectionRequest(base_url="https://open.example"), around())
    from_environment = resolve(OPEN_PROVIDER, ConnectionRequest(), around(OPEN_URL="https://open.example"))
    from_profile = resolve(
        OPEN_PROVIDER, ConnectionRequest(), around('[connections.default]\nprovider = "open"\nbaseUrl = "https://open.example"')
    )
    assert [connection.auth for connection in (said, from_environment, from_profile)] == [None, None, None]


def test_a_provider_without_security_schemes_takes_no_token(around):
    request = ConnectionRequest(base_url="https://open.example", token="env:T")
    assert refusal(request, around(T=CANARY), OPEN_PROVIDER).hint == "leave the token out"
    assert "--base-url" in refusal(ConnectionRequest(token="env:T"), around(T=CANARY), OPEN_PROVIDER).message


# a dry run


def test_a_dry_connection_needs_no_configuration_and_no_credential():
    connection = dry_connection(PROVIDER)
    assert connection.base_url == "https://subdomain.okta.com"
    assert connection.auth == ApiToken("apiToken", Secret("dry-run-placeholder"))
    assert repr(connection.auth.secret) == "Secret(none)"
    assert dry_connection(OPEN_PROVIDER).auth is None
