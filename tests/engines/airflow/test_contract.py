"""The promise that all engines share, kept by Airflow itself: retries, policy, store and XComs are Airflow's own."""

import json
import time
from dataclasses import asdict

import pytest

pytest.importorskip("airflow", reason="Airflow is not installed: tests/engines/run airflow")

from engines.airflow import homes
from engines.contract import Seen, check, prepare, scenarios
from engines.sandboxes import sandbox, waited

CONTRACT = """
for number, use in enumerate(json.loads((HERE / "contract.json").read_text())):
    with DAG(f"contract_{number}", default_args=SOON):
        HttpTaskOperator(task_id="use", task=use["task"], inputs=use["inputs"], retry=use["retry"], conn_id=CONNECTION)
"""
SECRET = f"{{{{ conn.{homes.CONNECTION}.password }}}}"
NAMES = [scenario.name for scenario in scenarios({"id": "", "agents": []}, "", "") if not scenario.kill]


@pytest.fixture(scope="module")
def box():
    with sandbox() as live:
        homes.connect(live)
        yield live


@pytest.fixture(scope="module")
def table(box):
    return [each for each in scenarios(*prepare(homes.outputs(box)), box.token) if not each.kill]


@pytest.fixture(scope="module")
def dags(home, box, table):
    from airflow.dag_processing.dagbag import BundleDagBag

    uses = json.dumps([asdict(each) for each in table]).replace(box.token, SECRET)
    (home / "dags" / "contract.json").write_text(uses)
    file = homes.dags(home, "contract", CONTRACT).__file__
    return BundleDagBag(dag_folder=file, bundle_path=home / "dags", bundle_name="dags-folder").dags


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES.__getitem__)
def test_the_contract_of_engines(number, box, table, dags, capfd):
    scenario = table[number]
    box.reset()
    prepare(homes.outputs(box))
    applied, sent = box.applied(scenario.operation), len(box.sent(scenario.match))
    if scenario.script:
        box.play(scenario.match, scenario.script)
    began = time.monotonic()
    run = homes.tested(dags[f"contract_{number}"], capfd)
    seconds = time.monotonic() - began
    entries = box.sent(scenario.match)[sent:]
    seen = Seen(
        state=state_of(run),
        attempts=len(entries),
        applied=box.applied(scenario.operation) - applied,
        wait=waited(entries),
        kind=kind_of(run),
        visible=run.visible,
    )
    homes.RAN.append((scenario.name, seen.state, str(seen.kind), seconds))
    check(scenario, seen)


def state_of(run):
    if run.tasks["use"] == "success":
        return "succeeded"
    return "unknown" if "OutcomeUnknown: " in run.log else run.tasks["use"]


def kind_of(run):
    (result,) = run.xcom("use", "result").values()
    return result.get("failure", {}).get("kind")
