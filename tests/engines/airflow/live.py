"""`airflow standalone` in processes of its own, asked through its REST API and its database."""

import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLY = Path(__file__).resolve().parents[1] / "deadly"
OVER = {"success", "failed"}


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(home, kills):
    """What Airflow is told: few processes, a lost worker found within seconds, ports of its own."""
    ports = [str(free_port()) for _ in range(3)]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW__", "PYTEST"))}
    return own | {
        "AIRFLOW_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(DEADLY),
        "HTTPTASK_TEST_KILL": str(kills / "nobody"),
        "HTTPTASK_TEST_KILLS": str(kills),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{ports[0]}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": ports[0],
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{ports[0]}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": ports[1],
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": ports[2],
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    }


@dataclass
class Standalone:
    """A running Airflow."""

    home: Path
    url: str
    kills: Path
    token: str = ""

    def call(self, method, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(self.url + path, body, headers, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def trigger(self, dag, **conf):
        """Begin a run and return its id."""
        data = {"logical_date": None, "conf": conf}
        return self.call("POST", f"/api/v2/dags/{dag}/dagRuns", data)["dag_run_id"]

    def rows(self, query, *values):
        with closing(sqlite3.connect(f"file:{self.home}/airflow.db?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(query, values).fetchall()

    def state(self, dag):
        return next((state for (state,) in self.rows("select state from dag_run where dag_id = ?", dag)), None)

    def run(self, dag):
        return self.rows("select run_id from dag_run where dag_id = ?", dag)[0][0]

    def seconds(self, dag):
        """How long the run of a DAG took."""
        query = "select (julianday(end_date) - julianday(start_date)) * 86400 from dag_run where dag_id = ?"
        return self.rows(query, dag)[0][0]

    def tasks(self, dag):
        """The state and number of tries of each task, by its id."""
        rows = self.rows("select task_id, map_index, state, try_number from task_instance where dag_id = ?", dag)
        return {(task if index < 0 else f"{task}[{index}]"): (state, tries) for task, index, state, tries in rows}

    def xcoms(self, dag):
        rows = self.rows("select task_id, map_index, key, value from xcom where dag_id = ?", dag)
        return {(task, index, key): json.loads(value) for task, index, key, value in rows}

    def log(self, dag):
        return "".join(file.read_text(errors="replace") for file in sorted(self.home.glob(f"logs/dag_id={dag}/**/*.log")))

    def wait(self, what, seconds=300):
        """Wait until something is true, and return it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := what():
                    return found
            except (OSError, sqlite3.OperationalError):
                pass
            time.sleep(0.5)
        raise AssertionError(f"waited {seconds} s in vain")

    def over(self, dag, seconds=300):
        return self.wait(lambda: self.state(dag) in OVER and self.state(dag), seconds)


@contextmanager
def standalone(migrated, home, files, connections):
    """Run Airflow for as long as the context lasts, on a copy of a migrated database, with these DAG files."""
    kills = home / "kills"
    for folder in (home / "dags", kills):
        folder.mkdir(parents=True)
    for file in files:
        shutil.copy(file, home / "dags")
    shutil.copy(migrated / "airflow.db", home / "airflow.db")
    variables = environment(home, kills) | connections
    with (home / "standalone.out").open("w") as out:
        process = subprocess.Popen(
            ["airflow", "standalone"], stdout=out, stderr=subprocess.STDOUT, env=variables, start_new_session=True, cwd=home
        )
        try:
            yield _ready(Standalone(home, variables["AIRFLOW__API__BASE_URL"], kills))
        finally:
            for ending in (signal.SIGTERM, signal.SIGKILL):
                _end(process, ending)


def _ready(airflow):
    airflow.wait(lambda: airflow.call("GET", "/api/v2/monitor/health")["scheduler"]["status"] == "healthy")
    airflow.token = airflow.call("GET", "/auth/token")["access_token"]
    return airflow


def _end(process, ending):
    try:
        os.killpg(process.pid, ending)
        process.wait(timeout=15)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
