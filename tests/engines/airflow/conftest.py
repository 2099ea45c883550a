"""Airflow for the tests: a home with an empty database, and what it is told by variables before anything imports it."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

AIRFLOW = importlib.util.find_spec("airflow") is not None
HOME = Path(tempfile.mkdtemp(prefix="httptask-airflow-")) if AIRFLOW else None

if AIRFLOW:
    os.environ |= {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__MAX_MAP_LENGTH": "20",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
    }


def pytest_configure(config):
    # `dag.test()` calls Airflow's API in the same process, by fastapi's test client, which starlette wants on another library
    config.addinivalue_line("filterwarnings", "ignore:Using `httpx` with `starlette.testclient` is deprecated")


def pytest_unconfigure():
    if HOME is not None:
        shutil.rmtree(HOME, ignore_errors=True)


def pytest_terminal_summary(terminalreporter):
    rows = sys.modules["engines.airflow.homes"].RAN if "engines.airflow.homes" in sys.modules else ()
    if rows:
        terminalreporter.write_sep("-", "contract")
        for row in rows:
            terminalreporter.write_line("{:45} | {:10} | {:16} | {:6.1f} s".format(*row))


@pytest.fixture(scope="session")
def home():
    """An Airflow home with a database; tests write their DAG files into its dags folder."""
    (HOME / "dags").mkdir(exist_ok=True)
    command = [str(Path(sys.executable).with_name("airflow")), "db", "migrate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return HOME
