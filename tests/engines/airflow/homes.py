"""DAG files for the tests, run by `dag.test()`: what Airflow then keeps of a run."""

import importlib.util
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from engines.contract import READ_TIMEOUT
from httptask.auth import auth_for
from httptask.hosted.host import Host
from httptask.hosted.turns import Turn, take
from httptask.hosted.units import OneTask
from httptask.loader import Library
from httptask.model import Connection
from httptask.secrets import Secret

REGISTRY = Library().registry()
CONNECTION = "contract"
OPENING = f"""
import json
import os
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, task
from httptask.engines.airflow import HttpTaskOperator, HttpTaskSensor, dag_from_workflow

SOON = {{"retry_delay": timedelta(seconds=1)}}
HERE = Path(__file__).parent
CONNECTION = "{CONNECTION}"
"""


def connection(box, **extra):
    """The Airflow connection to a sandbox, as the text of a variable."""
    whole = {"retry": {"readTimeout": READ_TIMEOUT}, **extra}
    return json.dumps({"conn_type": "httptask", "host": box.url, "password": box.token, "extra": whole})


def connect(box, name=CONNECTION, **extra):
    """Let Airflow have a connection to a sandbox."""
    os.environ[f"AIRFLOW_CONN_{name.upper()}"] = connection(box, **extra)


def outputs(box):
    """A function that runs a task against a sandbox without Airflow, and returns its outputs."""

    def connect_(provider, name):
        return Connection("prepare", box.url, auth_for(provider, None, secret=Secret(box.token, reference="sandbox")))

    def run(task, inputs):
        with Host(connect_, "nothing") as host:
            return take(OneTask(REGISTRY[task], inputs).unit(REGISTRY), Turn("prepare", last=True), host).outputs

    return run


def dags(home, name, text):
    """Write a DAG file and return its module."""
    file = home / "dags" / f"{name}.py"
    file.write_text(OPENING + text)
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass
class Run:
    """What Airflow keeps of a run: the state of the run and of its tasks, XComs, and what was logged."""

    state: str
    tasks: dict = field(default_factory=dict)
    tries: dict = field(default_factory=dict)
    xcoms: dict = field(default_factory=dict)
    log: str = ""

    def xcom(self, task, key, index=-1):
        return self.xcoms.get((task, index, key))

    @property
    def visible(self):
        return json.dumps([list(self.xcoms.values()), self.tasks]) + self.log


def tested(dag, capfd, **params):
    """Run a DAG by `dag.test()`."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    capfd.readouterr()
    done = dag.test(run_conf=params or None)
    streams = capfd.readouterr()
    instances = done.get_task_instances()
    run = Run(str(done.state), log=streams.out + streams.err)
    run.tasks = {(ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"): str(ti.state) for ti in instances}
    run.tries = {ti.task_id: ti.try_number for ti in instances}
    with create_session() as session:
        for row in session.query(XComModel).filter_by(run_id=done.run_id, dag_id=dag.dag_id):
            run.xcoms[row.task_id, row.map_index, row.key] = row.value
    return run


def everything_kept(home):
    """All that Airflow wrote down: its database and its log files, as one text."""
    files = [file for file in Path(home).rglob("*") if file.is_file() and file.suffix in {".db", ".log", ".db-wal", ".cfg"}]
    return b"".join(file.read_bytes() for file in files)
