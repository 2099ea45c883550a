"""docs/connections.md: its order of sources is the code's, its commands and its program run, its files are read as it says."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from httptask import open_registry
from httptask.cli import main
from httptask.egress import PROFILE_KEYS as EGRESS_KEYS
from httptask.loader import Library
from httptask.okta_yaml import read
from httptask.profiles import KEYS
from httptask.settings import SOURCES, ConnectionRequest, resolve
from httptask.surroundings import Surroundings

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "connections.md").read_text(encoding="utf-8")
OKTA = open_registry()["okta.list_agent_pools"].provider


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def clean(tmp_path, monkeypatch):
    for name in ("OKTA_CLIENT_ORGURL", "OKTA_CLIENT_TOKEN", "OKTA_CLIENT_AUTHORIZATIONMODE", "HTTPTASK_PATH", "HTTPTASK_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTPTASK_CONFIG", str(tmp_path / "connections.toml"))
    monkeypatch.setenv("STAGING_TOKEN", "token-of-staging")
    (tmp_path / "connections.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_order_of_sources_is_the_codes():
    shown = re.search(r"<!-- sources -->\n(.*?)<!-- /sources -->", PAGE, re.DOTALL)[1].strip().splitlines()
    names = OKTA.environment
    assert [source.__name__.strip("_") for source in SOURCES] == [
        *("from_call", "from_option", "from_workflow", "from_environment", "from_config_files", "from_default")
    ]
    assert shown[3] == f"4. `{names.base_url}`, `{names.token}`, `{names.authorization_mode}`"
    assert shown[4] == "5. " + ", else ".join(f"`{file}`" for file in reversed(names.config_files))
    assert len(shown) == len(SOURCES)


@pytest.mark.slow
def test_every_command_runs_in_order(clean, capsys):
    for line in (line for block in blocks("sh") if block.startswith("httptask ") for line in block.splitlines()):
        assert main(shlex.split(line)[1:]) == 0, line
        shown = capsys.readouterr()
        assert "token-of-staging" not in shown.out + shown.err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("openssl") is None, reason="keys are made with openssl")
def test_the_service_app_can_be_tried_on_this_machine(clean):
    (script,) = [block for block in blocks("sh") if block.startswith("openssl ")]
    command = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m httptask "$@"\n'
    (clean / "bin").mkdir()
    (clean / "bin" / "httptask").write_text(command)
    (clean / "bin" / "httptask").chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    env = {**os.environ, "PATH": f"{clean / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "plugin")}
    done = subprocess.run(
        ["sh", "-eu", "-c", script.replace("8098", port)],
        cwd=clean,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("succeeded") == 2


def test_every_profile_has_keys_that_there_are():
    profiles = [tomllib.loads(block).get("connections", {}) for block in blocks("toml")]
    found = {name: profile for table in profiles for name, profile in table.items()}
    assert set(found) == {"production", "service", "legacy", "internal"}
    assert {key for profile in found.values() for key in profile} <= set(KEYS)
    assert {"allowHttp", *EGRESS_KEYS} <= set(found["internal"])


def test_the_security_schemes_are_those_of_a_provider_file(tmp_path):
    (block,) = [block for block in blocks("yaml") if "securitySchemes" in block]
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "provider.yaml").write_text(f"id: notes\ntitle: Notes\nservers: [{{url: 'https://notes.example.com'}}]\n{block}")
    provider = Library((tmp_path,)).provider(folder)
    assert [scheme.type for scheme in provider.security_schemes.values()] == ["apiKey"] * 3 + ["http"] * 2 + ["oauth2"]
    assert provider.check.task == "notes.list_notes"


def test_the_table_of_variables_is_the_providers():
    names = OKTA.environment
    shown = set(re.findall(r"OKTA_CLIENT_[A-Z]+", PAGE))
    known = {names.base_url, names.token, names.authorization_mode, names.client_id, names.private_key, names.scopes}
    assert shown == {*known, *names.key_id}


def test_the_profile_is_read_as_it_says(clean):
    (clean / "connections.toml").write_text(blocks("toml")[0].replace("keyring:okta/acme", "env:STAGING_TOKEN"))
    connection = resolve(OKTA, ConnectionRequest(connection="production"), Surroundings.current())
    assert connection.base_url == "https://acme.okta.com"
    assert connection.headers == {"X-Request-Source": "ops"}
    assert connection.retry == {"maxAttempts": 6, "readTimeout": 60}


def test_the_entry_point_is_in_the_group_that_is_looked_up():
    from httptask.external_references import GROUP

    (block,) = [block for block in blocks("toml") if "entry-points" in block]
    assert list(tomllib.loads(block)["project"]["entry-points"]) == [GROUP]


def test_the_okta_yaml_is_read_as_it_says(tmp_path):
    (block,) = [block for block in blocks("yaml") if block.startswith("okta:")]
    (tmp_path / "okta.yaml").write_text(block)
    found = read(tmp_path / "okta.yaml", "./okta.yaml")
    assert (found.org_url, found.mode, found.retry) == ("https://acme.okta.com", "SSWS", {"readTimeout": 60, "maxAttempts": 6})


def test_the_program_logs_without_the_token(tmp_path):
    code = blocks("python")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "plugin")
    assert done.stdout == "a header came back: SSWS ***\n"
