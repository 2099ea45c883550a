"""The provider and its connections, as Airflow sees them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("airflow", reason="Airflow is not installed: tests/engines/run airflow")

from engines.airflow import homes
from engines.sandboxes import sandbox
from httptask.engines.airflow.provider import RENAMED, get_provider_info
from httptask.errors import ConfigurationError
from httptask.profiles import KEYS

OKTA = homes.REGISTRY["okta.list_agent_pools"].provider


def kept(monkeypatch, name="store", **fields):
    """Let Airflow keep a connection, and return it as ours."""
    from httptask.engines.airflow.connections import connection_of

    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps({"conn_type": "httptask", **fields}))
    return connection_of(name, OKTA)


def test_airflow_accepts_the_provider(home):
    command = [str(Path(sys.executable).with_name("airflow")), "providers"]
    listed, hooks, behaviours = (
        subprocess.run([*command, what, "--output", "json"], capture_output=True, text=True, check=True)
        for what in ("list", "hooks", "behaviours")
    )
    assert any(row["package_name"] == "httptask" for row in json.loads(listed.stdout))
    (hook,) = (row for row in json.loads(hooks.stdout) if row["connection_type"] == "httptask")
    assert hook["class"] == "httptask.engines.airflow.hooks.HttpTaskHook"
    assert any("httptask" in json.dumps(row) for row in json.loads(behaviours.stdout))
    assert "httptask" not in listed.stderr + hooks.stderr


def test_every_field_of_the_form_is_a_key_of_a_profile():
    (kind,) = get_provider_info()["connection-types"]
    assert {RENAMED.get(name, name) for name in kind["conn-fields"]} <= set(KEYS)
    assert kind["conn-fields"]["private_key"]["schema"]["format"] == "password"


def test_the_fields_of_a_connection(monkeypatch):
    found = kept(
        monkeypatch, host="https://acme.okta.com", password="00token-of-the-store", extra={"provider": "okta", "scheme": ""}
    )
    assert (found.base_url, found.auth.scheme) == ("https://acme.okta.com", "apiToken")
    assert [secret.reveal() for secret in found.secrets] == ["SSWS 00token-of-the-store"]


def test_a_connection_as_a_uri(monkeypatch):
    from httptask.engines.airflow.connections import connection_of

    monkeypatch.setenv("AIRFLOW_CONN_URI", "httptask://:00token-of-the-store@acme.okta.com:8443")
    assert connection_of("uri", OKTA).base_url == "https://acme.okta.com:8443"


def test_a_login_is_the_client_of_an_api_that_takes_no_user_names(monkeypatch):
    extra = {"scheme": "oauth2", "scopes": ["okta.agentPools.read"]}
    found = kept(monkeypatch, host="https://acme.okta.com", login="0oaclient", password="secret-of-the-client", extra=extra)
    assert found.auth.scheme == "oauth2"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"extra": {"X-Custom": "1"}}, "X-Custom: there is no such key"),
        ({"extra": {"auth_scheme": "x"}}, "auth_scheme: there is no such key"),
        ({"extra": {"privateKey": "x"}}, "Airflow would show this secret in the clear"),
        ({"extra": {"token": "x"}}, "this stands in one of the connection's own fields too"),
        ({"extra": {"provider": "other"}}, "is for other and not for okta"),
        ({"conn_type": "http"}, "its type is http and not httptask"),
    ],
)
def test_what_a_connection_cannot_be(monkeypatch, fields, words):
    with pytest.raises(ConfigurationError, match=words):
        kept(monkeypatch, **{"host": "https://acme.okta.com", "password": "00token-of-the-store", **fields})


def test_a_connection_that_is_not_there(home):
    from httptask.engines.airflow.connections import connection_of

    with pytest.raises(ConfigurationError, match="Airflow connection nowhere: there is no such connection"):
        connection_of("nowhere", OKTA)


def test_a_connection_is_proved_by_the_one_safe_request_of_its_provider(home, monkeypatch):
    from httptask.engines.airflow import HttpTaskHook

    with sandbox() as box:
        homes.connect(box, "proved")
        assert HttpTaskHook("proved").test_connection() == (True, "the connection works")
        assert HttpTaskHook("proved").get_conn().base_url == box.url
        wrong = json.loads(homes.connection(box)) | {"password": "00another-token-0000"}
        monkeypatch.setenv("AIRFLOW_CONN_WRONG", json.dumps(wrong))
        works, message = HttpTaskHook("wrong").test_connection()
    assert (works, message.partition(":")[0]) == (False, "unauthorized"), message
    assert "00another" not in message
    assert HttpTaskHook("nowhere").test_connection()[0] is False


def test_airflow_masks_the_extra_that_holds_a_key_and_would_not_mask_a_profiles_name_for_it():
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    assert {name: should_hide_value_for_key(name) for name in ("private_key", "privateKey")} == {
        "private_key": True,
        "privateKey": False,
    }
