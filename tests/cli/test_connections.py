"""Which connection a command uses: base URL and credential from one source, the highest that speaks."""

import pytest

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
        (["--base-url", "https://call.okta.com"], ENVIRONMENT, "--base-url is given without --token"),
        (["--token", "env:X"], ENVIRONMENT, "--token is given without --base-url"),
        ([], {"OKTA_CLIENT_ORGURL": "https://a.okta.com"}, "OKTA_CLIENT_ORGURL is given without OKTA_CLIENT_TOKEN"),
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
