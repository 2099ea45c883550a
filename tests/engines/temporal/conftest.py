"""A Temporal server, a sandbox and a worker, each a process of its own, for the tests of one session."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("HTTPTASK_ENGINE_CACHE") or Path.home() / ".cache" / "httptask-engines")
SERVER = CACHE / "bin" / "temporal"


def missing():
    if find_spec("temporalio") is None:
        return "temporalio is not installed: tests/engines/run temporal"
    if not SERVER.is_file() and shutil.which("temporal") is None:
        return "there is no Temporal server: tests/engines/temporal/setup builds one"
    return None


def pytest_collection_modifyitems(items):
    reason = missing()
    if reason is None:
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def rig(tmp_path_factory):
    from engines.temporal.rig import rigged

    with rigged(SERVER if SERVER.is_file() else "temporal", tmp_path_factory.mktemp("temporal")) as made:
        yield made


def pytest_terminal_summary(terminalreporter):
    rows = [row for report in terminalreporter.getreports("passed") for name, row in report.user_properties if name == "scenario"]
    if rows:
        terminalreporter.write_line("\nTemporal: scenario | result | seconds")
        for row in rows:
            terminalreporter.write_line(row)
