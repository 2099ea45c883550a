"""A real Dagster instance in a folder of its own, and a sandbox in a process of its own. Skipped where Dagster is not installed."""

import os
import sys
import warnings
from pathlib import Path

import pytest

from engines.sandboxes import sandbox

pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')

TESTS = Path(__file__).resolve().parents[2]
INSTANCE = """
telemetry: {enabled: false}
run_retries: {enabled: true, max_retries: 3}
run_monitoring: {enabled: true, poll_interval_seconds: 2}
"""


@pytest.fixture(scope="session")
def org():
    with sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A DAGSTER_HOME: everything that Dagster stores is below it."""
    folder = tmp_path_factory.mktemp("dagster_home")
    (folder / "dagster.yaml").write_text(INSTANCE)
    return folder


@pytest.fixture
def environment(home, org, tmp_path, monkeypatch):
    """What workers find around themselves; a file `kill` ends one of them."""
    folders = [TESTS / "engines" / "deadly", TESTS]
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    monkeypatch.setenv("HTTPTASK_TEST_KILL", str(tmp_path / "kill"))
    monkeypatch.setenv("HTTPTASK_TEST_URL", org.url)
    monkeypatch.setenv("HTTPTASK_TEST_TOKEN", org.token)
    return tmp_path


@pytest.fixture
def instance(environment):
    from dagster import DagsterInstance

    with DagsterInstance.get() as found:
        yield found
