"""docs/connections.md: its order of sources is the code's, its commands and its program run, its files are read as it says."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from httptask import open_registry
from httptask.cli import main
from httptask.okta_yaml import read
from httptask.settings import SOURCES, ConnectionRequest, resolve
from httptask.surroundings import Surroundings

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


def test_every_command_runs_in_order(clean, capsys):
    for line in (line for block in blocks("sh") for line in block.splitlines()):
        assert main(shlex.split(line)[1:]) == 0, line
        shown = capsys.readouterr()
        assert "token-of-staging" not in shown.out + shown.err


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
    (tmp_path / "okta.yaml").write_text(blocks("yaml")[0])
    found = read(tmp_path / "okta.yaml", "./okta.yaml")
    assert (found.org_url, found.mode, found.retry) == ("https://acme.okta.com", "SSWS", {"readTimeout": 60, "maxAttempts": 6})


def test_the_program_logs_without_the_token(tmp_path):
    code = blocks("python")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "plugin")
    assert done.stdout == "a header came back: SSWS ***\n"
