"""A real Dagster instance in a folder of its own, a sandbox in a process of its own. Skipped where there is no Dagster."""

import os
import sys
from pathlib import Path

import pytest

from engines.contract import READ_TIMEOUT, prepare
from engines.sandboxes import sandbox
from httptask.hosted.host import Host
from httptask.hosted.one_task import OneTask
from httptask.hosted.stores import from_store
from httptask.hosted.turns import Turn, take
from httptask.loader import Library

TESTS = Path(__file__).resolve().parents[2]
sys.path.append(str(TESTS))  # workers get a copy of the path, of which Dagster takes the first entry away, where pytest puts it
INSTANCE = """
telemetry: {enabled: false}
run_retries: {enabled: true, max_retries: 3}
run_monitoring: {enabled: true, poll_interval_seconds: 2}
"""


ROWS = pytest.StashKey()


def pytest_configure(config):
    config.stash[ROWS] = []


def pytest_terminal_summary(terminalreporter, config):
    """Show the table of scenarios."""
    for row in config.stash[ROWS]:
        terminalreporter.write_line(" | ".join(row))


@pytest.fixture
def rows(request):
    return request.config.stash[ROWS]


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


@pytest.fixture(scope="session")
def left(tmp_path_factory):
    """Where tests leave what workers read: one for all, because the forkserver keeps the variables of its first run."""
    return tmp_path_factory.mktemp("left")


@pytest.fixture
def environment(home, org, left, monkeypatch):
    """What workers find around themselves, nothing of an earlier test; a file `kill` ends one of them."""
    for file in left.iterdir():  # a task that echoes the token is one of them, and no leak of Dagster's
        file.unlink()
    folders = [TESTS / "engines" / "deadly", TESTS]
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))
    monkeypatch.setenv("HTTPTASK_TEST_KILL", str(left / "kill"))
    monkeypatch.setenv("HTTPTASK_TEST_URL", org.url)
    monkeypatch.setenv("HTTPTASK_TEST_TOKEN", org.token)
    monkeypatch.setenv("HTTPTASK_TEST_TASK", str(left / "task.json"))
    monkeypatch.setenv("HTTPTASK_TEST_WORKFLOW", str(left / "workflow.yaml"))
    return left


@pytest.fixture
def instance(environment):
    from dagster import DagsterInstance
    from dagster._core.definitions.reconstruct import ReconstructableJob

    for kept in (ReconstructableJob.get_definition, ReconstructableJob.get_repository_definition):
        kept.cache_clear()  # the job of an earlier test, made from what its files said
    with DagsterInstance.get() as found:
        yield found


@pytest.fixture
def prepared(org):
    """A pool of a new sandbox and a scheduled update of it, made without Dagster."""
    org.reset()
    registry = Library().registry()
    values = {"baseUrl": org.url, "token": org.token, "retry": {"readTimeout": READ_TIMEOUT}}

    def run(task, inputs):
        with Host(lambda provider, _: from_store(provider, "prepared", values, place="test"), "test") as host:
            return take(OneTask(registry[task], inputs).unit(registry), Turn("prepared"), host).outputs

    return prepare(run)
