"""One Conductor server for all these tests; without one, or without its SDK, they are skipped with a reason."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from engines.conductor.engine_server import ConductorServer, jar, java
from engines.conductor.workers import WorkerProcess, deploy
from engines.sandboxes import sandbox

HERE = Path(__file__).resolve().parent
ROWS = []


def missing():
    if find_spec("conductor") is None:
        return "conductor-python is not installed: tests/engines/run conductor installs it"
    if jar() is None or java() is None:
        return "Conductor's server or its Java is missing: tests/engines/conductor/setup gets them"
    return None


def pytest_collection_modifyitems(items):
    reason = missing()
    for item in items:
        if reason is not None and HERE in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = ConductorServer(tmp_path_factory.mktemp("conductor"))
    try:
        running.start()
        deploy(running)
        yield running
    finally:
        if running.process is not None:
            running.kill()


@pytest.fixture(scope="session")
def box():
    with sandbox() as live:
        yield live


@pytest.fixture(scope="session")
def living(server, box, tmp_path_factory):
    process = WorkerProcess(tmp_path_factory.mktemp("worker"), server, box)
    process.start()
    yield process
    assert process.stop() == 0


@pytest.fixture
def worker(living):
    living.heal()
    return living


@pytest.fixture
def row():
    """Adds a row to the table at the end."""
    return ROWS.append


def pytest_terminal_summary(terminalreporter):
    if ROWS:
        terminalreporter.section("the contract on Conductor")
        for name, result, seconds in ROWS:
            terminalreporter.write_line(f"{name} | {result} | {seconds:.1f}")
