"""Airflow with its scheduler, workers and triggerer: workers are killed, and nothing is applied twice."""

import json
import shutil
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import pytest

pytest.importorskip("airflow", reason="Airflow is not installed: tests/engines/run airflow")

from engines.airflow import homes
from engines.airflow.live import standalone
from engines.contract import Seen, check, prepare, scenarios
from engines.sandboxes import sandbox, waited

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
KILLED = [scenario.name for scenario in scenarios({"id": "", "agents": []}, "", "") if scenario.kill]
CREATE = "POST /api/v1/agentPools/{poolId}/updates"
ACTIVATE = f"{CREATE}/{{updateId}}/activate"
DAGS = (
    homes.OPENING
    + """
from airflow.sdk import get_parsing_context

# a file for each DAG says whether its next worker is to die
os.environ["HTTPTASK_TEST_KILL"] = os.path.join(os.environ["HTTPTASK_TEST_KILLS"], get_parsing_context().dag_id or "nobody")

for number, use in enumerate(json.loads((HERE / "killed.json").read_text())):
    with DAG(f"killed_{number}", default_args=SOON):
        HttpTaskOperator(task_id="use", task=use["task"], inputs=use["inputs"], conn_id=f"killed_{number}")

roll_out = dag_from_workflow(HERE / "roll_out_agent_update.yaml", conn_id="rolling", default_args=SOON)
gate = dag_from_workflow(HERE / "gate.yaml", conn_id="okta", default_args=SOON)
rejected = dag_from_workflow(HERE / "gate.yaml", dag_id="rejected", conn_id="okta", default_args=SOON)
"""
)
GATE = """
name: gate
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: settle
    wait: 1s
  - id: go_on
    approve: 'Look at {{ steps.pools.outputs.pools | length }} pools?'
  - id: after
    task: okta.list_agent_pools
onFailure:
  - id: look
    task: okta.list_agent_pools
outputs: {looked: '{{ steps.after.status }}'}
"""


@pytest.fixture(scope="module")
def boxes():
    """A sandbox for each kill, and two for the others."""
    with ExitStack() as stack:
        # for the sensor: it has to wait, on a busy machine too
        slow = stack.enter_context(sandbox("--rate-limit", "10000/60", "--speed", "0.04"))
        others = [stack.enter_context(sandbox()) for _ in range(len(KILLED) + 1)]
        yield [*others[:-1], slow, others[-1]]


@pytest.fixture(scope="module")
def table(boxes):
    every = [scenarios(*prepare(homes.outputs(box)), box.token) for box in boxes[: len(KILLED)]]
    return [each for each in every[0] if each.kill]


@pytest.fixture(scope="module")
def before(boxes, table):
    """What each sandbox had received and carried out when Airflow began."""
    return [(len(box.sent(each.match)), box.applied(each.operation)) for box, each in zip(boxes, table, strict=False)]


@pytest.fixture(scope="module")
def airflow(home, boxes, table, before, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "live.py").write_text(DAGS)
    (folder / "gate.yaml").write_text(GATE)
    (folder / "killed.json").write_text(json.dumps([asdict(each) for each in table]))
    shutil.copy(EXAMPLES / "roll_out_agent_update.yaml", folder)
    shutil.copy(EXAMPLES / "engines" / "airflow" / "update_pools.py", folder)
    names = [f"killed_{number}" for number in range(len(table))]
    connections = {
        f"AIRFLOW_CONN_{name.upper()}": homes.connection(box)
        for name, box in zip([*names, "okta", "rolling"], boxes, strict=True)
    }
    with standalone(home, tmp_path_factory.mktemp("live") / "home", sorted(folder.iterdir()), connections) as live:
        for name, scenario in zip(names, table, strict=True):
            (live.kills / name).write_text(scenario.kill)
        dags = [*names, "roll_out_agent_update", "gate", "rejected", "update_pools"]
        live.wait(lambda: len(live.rows("select dag_id from serialized_dag")) >= len(dags))
        for dag in dags:
            live.trigger(dag)
        kill_rolling(live, boxes[-1])
        yield live


def kill_rolling(live, box):
    """Let a worker of the roll-out die when the updates are created, and the first of them is activated."""
    live.wait(lambda: box.applied(CREATE) == 2)
    (live.kills / "roll_out_agent_update").write_text("after")


@pytest.mark.parametrize("number", range(len(KILLED)), ids=KILLED.__getitem__)
def test_the_contract_when_a_worker_is_killed(number, airflow, boxes, table, before):
    scenario, dag, box, (sent, applied) = table[number], f"killed_{number}", boxes[number], before[number]
    airflow.over(dag)
    (state, tries), log, xcoms = airflow.tasks(dag)["use"], airflow.log(dag), airflow.xcoms(dag)
    (result,) = next(value for (_, _, key), value in xcoms.items() if key == "result").values()
    entries = box.sent(scenario.match)[sent:]
    seen = Seen(
        state="succeeded" if state == "success" else "unknown" if "OutcomeUnknown: " in log else state,
        attempts=len(entries),
        applied=box.applied(scenario.operation) - applied,
        wait=waited(entries),
        kind=result.get("failure", {}).get("kind"),
        visible=json.dumps(list(xcoms.values())) + log,
    )
    homes.RAN.append((scenario.name, seen.state, str(seen.kind), airflow.seconds(dag)))
    assert tries == 2
    assert not (airflow.kills / dag).exists()
    check(scenario, seen)


def test_a_whole_workflow_is_finished_after_the_loss_of_a_worker_and_nothing_is_applied_twice(airflow, boxes):
    assert airflow.over("roll_out_agent_update") == "success"
    assert not (airflow.kills / "roll_out_agent_update").exists()
    tasks, box = airflow.tasks("roll_out_agent_update"), boxes[-1]
    assert [tries for task, (_, tries) in tasks.items() if task.startswith("activate.each-item")].count(2) == 1
    assert (box.applied(CREATE), box.applied(ACTIVATE)) == (2, 2)
    outputs = airflow.xcoms("roll_out_agent_update")
    assert len(outputs["workflow-outputs", -1, "updated"]) == 2
    assert outputs["workflow-outputs", -1, "notOperational"] == []
    assert tasks["create.each-item[0]"][0] == "skipped"


def test_single_tasks_and_a_sensor_that_hands_its_worker_back(airflow, boxes):
    assert airflow.over("update_pools") == "success"
    states = {task: state for task, (state, _) in airflow.tasks("update_pools").items()}
    assert set(states.values()) == {"success"}
    assert {"done[0]", "done[1]"} < set(states)
    assert "Pausing task as DEFERRED" in airflow.log("update_pools")
    assert airflow.rows("select max(try_number) from task_instance where dag_id = 'update_pools'") == [(1,)]
    assert boxes[-2].applied(CREATE) == 2
    marks = airflow.rows("select value from task_state_store where dag_id = 'update_pools' and key = 'httptask'")
    assert {json.loads(value)["why"] for (value,) in marks} == {"over"}  # each success was noted


@pytest.mark.parametrize(("dag", "answer", "state"), [("gate", "Approve", "success"), ("rejected", "Reject", "failed")])
def test_a_person_is_asked_among_the_required_actions(airflow, dag, answer, state):
    run = airflow.wait(lambda: airflow.tasks(dag)["go_on"][0] == "awaiting_input" and airflow.run(dag))
    place = f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances/go_on/-1/hitlDetails"
    assert airflow.call("GET", place)["body"] == "Look at 5 pools?"
    airflow.call("PATCH", place, {"chosen_options": [answer], "params_input": {}})
    assert airflow.over(dag) == state
    states = {task: state for task, (state, _) in airflow.tasks(dag).items()}
    assert states["settle"] == "success"
    assert states["on-failure.look"] == ("skipped" if state == "success" else "success")
    assert states["after"] == ("success" if state == "success" else "upstream_failed")


def test_no_token_is_anywhere_in_what_airflow_keeps(airflow, boxes):
    for dag in ("roll_out_agent_update", "update_pools", "gate", "rejected"):
        airflow.over(dag)
    kept = homes.everything_kept(airflow.home)
    assert b"roll_out_agent_update" in kept
    assert boxes[0].token.encode() not in kept
