"""Which connection a command uses: base URL and credential from one source, the highest that speaks."""

import pytest

pytestmark = pytest.mark.broad

LIST = "okta.list_agent_pools"
PROFILES = """
[connections.default]
provider = "okta"
baseUrl = "https://default.okta.com"
token = "env:DEFAULT_TOKEN"

[connections.staging]
provider = "okta"
baseUrl = "https://staging.okta.com"
token = "file:token"
"""
ENVIRONMENT = {"OKTA_CLIENT_ORGURL": "https://environment.okta.com", "OKTA_CLIENT_TOKEN": "token-of-the-environment"}


@pytest.fixture
def profiles(tmp_path):
    (tmp_path / "connections.toml").write_text(PROFILES, encoding="utf-8")
    (tmp_path / "token").write_text("token-of-staging\n", encoding="utf-8")
    return {"HTTPTASK_CONFIG": str(tmp_path / "connections.toml"), "DEFAULT_TOKEN": "token-of-default"}


@pytest.mark.parametrize(
    ("options", "variables", "host"),
    [
        (["--base-url", "https://call.okta.com", "--token", "env:DEFAULT_TOKEN"], ENVIRONMENT, "call"),
        (["--connection", "staging"], ENVIRONMENT, "staging"),
        ([], ENVIRONMENT, "environment"),
        ([], {}, "default"),
    ],
    ids=["options of the call", "named profile", "environment", "default profile"],
)
def test_the_highest_source_decides(inside, profiles, options, variables, host):
    done = inside("test", LIST, *options, "--dry-run", "--json", env={**profiles, **variables})
    assert done.json["request"]["url"].startswith(f"https://{host}.okta.com/")
    assert "token-of" not in done.all


@pytest.mark.parametrize(
    ("options", "variables", "says"),
    [
        (["--base-url", "https://call.okta.com"], ENVIRONMENT, "--base-url: given without --token"),
        (["--token", "env:X"], ENVIRONMENT, "--token: given without --base-url"),
        ([], {"OKTA_CLIENT_ORGURL": "https://a.okta.com"}, "OKTA_CLIENT_ORGURL: given without OKTA_CLIENT_TOKEN"),
        (["--sandbox", "--connection", "staging"], {}, "--sandbox: "),
        (["--connection", "stagin"], {}, "did you mean 'staging'?"),
        (["--base-url", "https://call.okta.com", "--token", "00tokenitself"], {}, "env:NAME or file:PATH"),
        (["--base-url", "https://call.okta.com", "--token", "env:UNSET"], {}, "UNSET is not set"),
        (["--base-url", "http://call.okta.com", "--token", "env:DEFAULT_TOKEN"], {}, "https"),
    ],
)
def test_what_cannot_be_one_connection_is_refused(inside, profiles, options, variables, says):
    done = inside("test", LIST, *options, "--dry-run", code=2, env={**profiles, **variables})
    assert says in done.err
    assert "token-of" not in done.all
    assert "00tokenitself" not in done.all


def test_without_a_connection_the_ways_to_give_one_are_named(inside):
    done = inside("test", LIST, code=2)
    for way in ("--sandbox", "--base-url", "--connection", "OKTA_CLIENT_ORGURL", "connections.toml"):
        assert way in done.err


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]"])
def test_a_dry_run_warns_of_a_host_to_which_nothing_would_be_sent(inside, host):
    options = ("--base-url", f"https://{host}", "--token", "env:T", "--dry-run")
    done = inside("test", LIST, *options, "--json", env={"T": "a-long-token"})
    assert "warning: this request would not be sent: the host is a cloud metadata address, which needs allowLinkLocal" in done.err


def test_a_dry_run_to_an_allowed_host_warns_of_nothing(inside):
    done = inside("test", LIST, "--base-url", "http://127.0.0.1:9", "--token", "env:T", "--dry-run", env={"T": "a-long-token"})
    assert "warning" not in done.err


QUERY_PROVIDER = """
id: keyed
title: Keyed
servers: [{url: 'https://keyed.example.com'}]
securitySchemes:
  inQuery: {type: apiKey, in: query, name: apikeyq}
"""
QUERY_TASK = """
id: keyed.get
summary: Get
method: GET
path: /things
responses: {'200': {description: OK}}
security: [{inQuery: []}]
"""


@pytest.fixture
def keyed(tmp_path):
    folder = tmp_path / "templates" / "keyed"
    folder.mkdir(parents=True)
    (folder / "provider.yaml").write_text(QUERY_PROVIDER)
    (folder / "get.yaml").write_text(QUERY_TASK)
    return ("keyed.get", "--templates", folder.parent, "--base-url", "http://127.0.0.1:9", "--token", "env:KEY")


def test_a_dry_run_shows_that_a_key_goes_into_the_query(inside, keyed):
    env = {"KEY": "c4n4ry-in-the-query"}
    assert "GET /things?apikeyq=*** HTTP/1.1" in inside("test", *keyed, "--dry-run", env=env).out
    assert "GET /things?apikeyq=*** HTTP/1.1" in inside("test", *keyed, "-v", code=1, env=env).out
    shown = inside("test", *keyed, "--dry-run", "--json", env=env).json["request"]
    assert shown["url"] == "http://127.0.0.1:9/things?apikeyq=***"
