import json
import tomllib

import pytest

import httptask
from httptask import manifest
from httptask.loader import shipped
from httptask.schemas import Validator

ROOT = shipped("task_templates").parent
SHIPPED = json.loads(shipped("manifest.json").read_bytes())
TASKS = {task["id"]: task for task in SHIPPED["tasks"]}


def test_the_shipped_manifest_is_what_the_templates_say_byte_for_byte():
    assert manifest.dumps(manifest.build()) == shipped("manifest.json").read_bytes()


def test_the_manifest_matches_its_own_schema():
    schema = json.loads(shipped("task_templates").joinpath("manifest.schema.json").read_bytes())
    assert Validator(schema).violations(SHIPPED) == ()


def test_there_is_one_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert SHIPPED["version"] == project["version"] == httptask.__version__
    assert (SHIPPED["name"], SHIPPED["requiresPython"]) == (project["name"], project["requires-python"])


@pytest.mark.parametrize("name", [name for name, value in SHIPPED["entryPoints"].items() if ":" in value])
def test_every_entry_point_leads_somewhere(name):
    module, _, attribute = SHIPPED["entryPoints"][name].partition(":")
    assert module == "httptask"
    assert callable(getattr(httptask, attribute))


def test_every_task_has_a_closed_input_schema_whose_references_resolve():
    for task in TASKS.values():
        assert task["inputSchema"]["additionalProperties"] is False
        Validator(task["inputSchema"]).violations({"body": {}, "poolId": "p"})
        Validator(task["outputSchema"]).violations({"update": {}, "pools": [{}]})


def test_an_output_schema_brings_only_the_definitions_it_uses():
    assert "$defs" not in TASKS["okta.delete_agent_pools_update"]["outputSchema"]
    assert "AgentPoolUpdate" in TASKS["okta.create_agent_pools_update"]["outputSchema"]["$defs"]


def test_the_schema_of_a_connection_takes_references_to_credentials_only():
    okta = next(provider for provider in SHIPPED["providers"] if provider["id"] == "okta")
    check = Validator(okta["connectionSchema"]).violations
    good = {"provider": "okta", "baseUrl": "https://a.okta.com", "token": "env:OKTA_CLIENT_TOKEN"}
    assert check(good) == ()
    assert [violation.path for violation in check({**good, "token": "00secret"})] == [("token",)]


@pytest.mark.parametrize(
    "credential",
    [
        {"token": "env:T", "allowedHosts": ["files.example.com"], "clientCertificate": "client.pem"},
        {"clientId": "svc", "privateKey": "file:svc.pem", "scopes": ["okta.agentPools.read"], "dpop": True},
        {"username": "me", "password": "keyring:okta/me", "headers": {"X-Team": "ops"}, "retry": {"maxAttempts": 2}},
    ],
)
def test_the_schema_of_a_connection_takes_every_key_that_a_profile_may_have(credential):
    okta = next(provider for provider in SHIPPED["providers"] if provider["id"] == "okta")
    check = Validator(okta["connectionSchema"]).violations
    assert check({"provider": "okta", "baseUrl": "https://a.okta.com", **credential}) == ()
    assert check({"baseUrl": "https://a.okta.com", **credential})
    assert check({"provider": "okta", "baseUrl": "https://a.okta.com"})
