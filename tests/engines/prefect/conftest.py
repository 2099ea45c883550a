"""A Prefect server of its own, a sandbox, a process that runs flows, and one that serves deployments, as a worker does."""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from engines.prefect.api import Api
from engines.prefect.killing import carried_out, plans
from engines.sandboxes import sandbox as running_sandbox

HERE = Path(__file__).resolve().parent
DEADLY = HERE.parent / "deadly"
ROWS = []


def pytest_terminal_summary(terminalreporter):
    if ROWS:
        terminalreporter.section("Prefect: the contract of engines, killed runs side by side")
        for name, result, seconds in ROWS:
            terminalreporter.line(f"{name:45} | {result:9} | {seconds:5.1f}")


@pytest.fixture(scope="session")
def row():
    return lambda *cells: ROWS.append(cells)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    if importlib.util.find_spec("prefect") is None:
        pytest.skip("Prefect is not installed here: tests/engines/run prefect")
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def environment(home):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "OKTA_", "HTTPTASK_"))}
    return {
        **kept,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.2",
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "HTTPTASK_TEST_KILL": str(home / "kill"),
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.fixture(scope="session")
def api(environment, home):
    port = environment["PREFECT_API_URL"].split(":")[2].partition("/")[0]
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    with process(command, environment, home / "server.log"):
        found = Api(environment["PREFECT_API_URL"])
        until(found.is_up, 90)
        yield found


@pytest.fixture(scope="session")
def sandbox():
    with running_sandbox() as found:
        yield found


@pytest.fixture(scope="session")
def player(api, sandbox, environment, home, served):
    """A process in which flows run, one after the other: asked by a line of JSON, answers by one."""
    with (home / "player.log").open("w") as log:
        child = subprocess.Popen(
            [sys.executable, str(HERE / "play.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**environment, **sandbox.environment, "PYTHONPATH": str(HERE.parents[1])},
        )

        def ask(**question):
            child.stdin.write(json.dumps(question) + "\n")
            child.stdin.flush()
            return json.loads(child.stdout.readline())

        ask(do="save", name="sandbox", url=sandbox.url, token=sandbox.token)  # deployments use this block too
        yield ask
        child.stdin.close()
        child.wait(timeout=30)
        child.stdout.close()


@pytest.fixture(scope="session")
def served(api, environment, home):
    """A process that serves the flows of served.py; it is getting ready while others are."""
    with process([sys.executable, str(HERE / "served.py")], {**environment, "PYTHONPATH": str(DEADLY)}, home / "served.log"):
        yield


@pytest.fixture(scope="session")
def deployments(player, api):
    """The flows of served.py, run as deployments: each run in a process of its own, that can be killed."""
    until(lambda: len(api.deployments()) == 4, 60)  # as many as served.py serves
    return api.deployments()


@pytest.fixture(scope="session")
def killed(deployments, player, api, home):
    """What came of each run that was killed, by its name; all of them are begun when the first one is asked for."""
    with ExitStack() as stack:
        planned = plans(stack, player)
        with ThreadPoolExecutor(len(planned)) as lanes:
            begun = {plan.name: lanes.submit(carried_out, plan, api, deployments, home) for plan in planned}
            yield lambda name: begun[name].result()


@pytest.fixture(scope="session")
def asked(deployments, api):
    """A run of the workflow that asks a person, for each answer; both are begun when the first one is asked for."""
    return {approved: api.start(deployments["asked"], {"poolType": "AD"}) for approved in (True, False)}


@contextmanager
def process(command, environment, log):
    with log.open("w") as output:
        child = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        yield child
    finally:
        os.killpg(child.pid, signal.SIGTERM)
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def until(condition, seconds):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.2)
