"""The list of connections: every source that would speak, what is wrong with it, and no credential read."""

import sys
from dataclasses import replace

import pytest

from httptask.sources import listed
from httptask.surroundings import Surroundings
from unit.test_okta_yaml import HOME, PROVIDER, yaml
from unit.test_settings import OPEN_PROVIDER
from unit.test_settings_credentials import OKTA

CANARY = "00c4n4ry-token"
ENV = {"OKTA_CLIENT_ORGURL": "https://env.okta.com", "OKTA_CLIENT_TOKEN": CANARY}
PROFILES = f"""
[connections.default]
provider = "okta"
baseUrl = "https://default.okta.com"
token = "env:NOT_SET"
[connections.prod]
provider = "okta"
baseUrl = "https://prod.okta.com"
token = "file:missing"
authorizationMode = "Bearer"
[connections.raw]
provider = "okta"
baseUrl = "https://raw.okta.com"
token = "{CANARY}"
[connections.user]
provider = "okta"
baseUrl = "https://me:{CANARY}@raw.okta.com"
token = "env:NOT_SET"
[connections.other]
provider = "othr"
baseUrl = "https://x"
"""


@pytest.fixture
def around(tmp_path):
    def build(profiles="", home=None, **env):
        for name, text in {"home/.okta/okta.yaml": home, "config/httptask/connections.toml": profiles}.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            if text is not None:
                (tmp_path / name).write_text(text, encoding="utf-8")
        return Surroundings(env, tmp_path / "home", tmp_path, tmp_path / "config")

    return build


def rows(sources):
    return {
        source.name or source.place: (source.base_url, source.scheme, source.reference, source.default)
        for source in sources
        if not source.problems
    }


def test_every_source_is_listed_highest_first_and_the_first_is_the_default(around):
    found = listed([PROVIDER], around(PROFILES, yaml(), **ENV))
    assert list(rows(found).items()) == [
        ("OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN", ("https://env.okta.com", "apiToken", "env:OKTA_CLIENT_TOKEN", True)),
        (f"the file {HOME}", ("https://acme.okta.com", "apiToken", f"file {HOME}", False)),
        ("default", ("https://default.okta.com", "apiToken", "env:NOT_SET", False)),
        ("prod", ("https://prod.okta.com", "oauth2", "file:missing", False)),
    ]
    assert CANARY not in repr(found)


def test_without_environment_and_files_the_profile_default_is_the_default(around):
    assert [source.name for source in listed([PROVIDER], around(PROFILES)) if source.default] == ["default"]


def test_a_faulty_source_is_listed_with_what_is_wrong_and_still_decides(around):
    found = listed([PROVIDER], around("", OKTA_CLIENT_TOKEN=CANARY))
    assert [(source.place, source.default) for source in found] == [("OKTA_CLIENT_ORGURL and OKTA_CLIENT_TOKEN", True)]
    assert "given without OKTA_CLIENT_ORGURL" in found[0].problems[0].message


def test_faulty_profiles_name_the_fault_and_never_the_value(around):
    faults = {source.name: str(source.problems[0]) for source in listed([PROVIDER], around(PROFILES)) if source.problems}
    assert set(faults) == {"raw", "user", "other"}
    assert "not a reference" in faults["raw"]
    assert "user name or password" in faults["user"]
    assert "no templates of this provider" in faults["other"]
    assert CANARY not in str(faults)


def test_a_profile_without_a_provider_is_listed_once_with_what_is_wrong(around):
    providers = [PROVIDER, replace(OPEN_PROVIDER, security_schemes=PROVIDER.security_schemes)]
    (source,) = listed(providers, around('[connections.any]\nbaseUrl = "https://x.example"\ntoken = "env:T"\n'))
    (problem,) = source.problems
    assert (source.name, source.provider, source.default) == ("any", "", False)
    assert "provider is missing" in problem.message
    assert "okta, open" in problem.hint or "open, okta" in problem.hint


CLIENT = """
[connections.svc]
provider = "okta"
baseUrl = "https://acme.okta.com"
clientId = "svc"
privateKey = "file:missing.pem"
dpop = true
"""


@pytest.mark.parametrize("installed", [True, False], ids=["with PyJWT", "without PyJWT"])
def test_a_private_key_is_listed_by_its_reference_and_not_read(around, monkeypatch, installed):
    if not installed:
        monkeypatch.setitem(sys.modules, "jwt", None)
    found = listed([OKTA], around(CLIENT))
    assert rows(found) == {"svc": ("https://acme.okta.com", "oauth2", "file:missing.pem", False)}


def test_the_private_key_of_the_environment_and_of_a_file_is_listed_and_not_parsed(around):
    client = {"OKTA_CLIENT_AUTHORIZATIONMODE": "PrivateKey", "OKTA_CLIENT_CLIENTID": "svc", "OKTA_CLIENT_PRIVATEKEY": "{}"}
    home = yaml(token='""', more="    clientId: svc\n    privateKey: missing.pem\n")
    found = listed([OKTA], around("", home, OKTA_CLIENT_ORGURL="https://env.okta.com", **client))
    assert [(source.base_url, source.scheme, source.reference, source.problems) for source in found] == [
        ("https://env.okta.com", "oauth2", "env:OKTA_CLIENT_PRIVATEKEY", ()),
        ("https://acme.okta.com", "oauth2", f"file {HOME}", ()),
    ]


def test_the_token_url_of_a_listed_client_is_checked(around):
    found = listed([OKTA], around(CLIENT + 'tokenUrl = "http://tokens.example.com/token"\n'))
    assert found[0].problems[0].where.endswith("connections.svc.tokenUrl")


def test_nothing_configured_lists_nothing(around):
    assert listed([PROVIDER], around(None)) == ()
