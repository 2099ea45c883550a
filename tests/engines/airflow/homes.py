"""DAG files for the tests, run by `dag.test()`: what Airflow then keeps of a run."""

import importlib.util
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engines.contract import READ_TIMEOUT
from httptask.auth import auth_for
from httptask.hosted.host import Host
from httptask.hosted.one_task import OneTask
from httptask.hosted.turns import Turn, take
from httptask.loader import Library
from httptask.model import Connection
from httptask.secrets import Secret

REGISTRY = Library().registry()
#: Rows of the table that is printed at the end.
RAN = []
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
    return module(file)


def module(file):
    """The module of a DAG file."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


@dataclass
class Run:
    """What Airflow keeps of a run: the state of the run and of its tasks, XComs, why there are marks, and what was logged."""

    state: str
    tasks: dict = field(default_factory=dict)
    tries: dict = field(default_factory=dict)
    xcoms: dict = field(default_factory=dict)
    marks: dict = field(default_factory=dict)
    log: str = ""

    def xcom(self, task, key, index=-1):
        return self.xcoms.get((task, index, key))

    @property
    def visible(self):
        return json.dumps([list(self.xcoms.values()), self.tasks]) + self.log


def tested(dag, capfd, **params):
    """Run a DAG by `dag.test()`."""
    from airflow.models.task_state_store import TaskStateStoreModel
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    capfd.readouterr()
    with records() as lines:
        done = dag.test(run_conf=params or None)
    streams = capfd.readouterr()
    instances = done.get_task_instances()
    run = Run(str(done.state), log=streams.out + streams.err + "\n".join(lines))
    run.tasks = {(ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"): str(ti.state) for ti in instances}
    run.tries = {ti.task_id: ti.try_number for ti in instances}
    with create_session() as session:
        for row in session.query(XComModel).filter_by(run_id=done.run_id, dag_id=dag.dag_id):
            run.xcoms[row.task_id, row.map_index, row.key] = row.value
        for row in session.query(TaskStateStoreModel).filter_by(run_id=done.run_id, dag_id=dag.dag_id, key="httptask"):
            run.marks[row.task_id, row.map_index] = json.loads(row.value)["why"]
    return run


@contextmanager
def records():
    """What goes to the standard library's logging, which Airflow may write to a stream that it got before the test began."""
    lines = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())
    logging.getLogger().addHandler(handler)
    try:
        yield lines
    finally:
        logging.getLogger().removeHandler(handler)


def everything_kept(home):
    """All that Airflow wrote down: its database and its log files, as one text."""
    files = [file for file in Path(home).rglob("*") if file.is_file() and file.suffix in {".db", ".log", ".db-wal", ".cfg"}]
    return b"".join(file.read_bytes() for file in files)
