"""Whole workflow files as DAGs, and what DAGs' authors write, by `dag.test()`."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("airflow", reason="Airflow is not installed: tests/engines/run airflow")

from engines.airflow import homes
from engines.sandboxes import sandbox

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES, DOCUMENTATION = ROOT / "examples", ROOT / "docs" / "engines" / "airflow.md"

EVERYTHING = """
name: everything
inputs:
  type: object
  required: [poolType]
  properties: {poolType: {enum: [AD, LDAP]}, note: {type: string}, limit: {type: integer, default: 5}}
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: '{{ inputs.poolType }}', limitPerPoolType: '{{ inputs.limit }}'}
  - id: pause
    wait: 1s
  - id: both
    if: '{{ steps.pools.outputs.pools | length > 0 }}'
    parallel:
      - id: left
        task: okta.get_agent_pools_update_settings
        with: {poolId: '{{ steps.pools.outputs.pools[0].id }}'}
      - id: right
        task: okta.list_agent_pools_updates
        forEach: {items: '{{ steps.pools.outputs.pools }}', maxParallel: 2}
        if: '{{ index != 1 }}'
        with: {poolId: '{{ item.id }}'}
  - id: inner
    workflow: inner.yaml
    with: {pool: '{{ steps.pools.outputs.pools[0].id }}'}
  - id: never
    if: '{{ steps.both.status != "succeeded" }}'
    parallel:
      - id: one
        task: okta.list_agent_pools
      - id: many
        task: okta.get_agent_pools_update_settings
        forEach: '{{ steps.pools.outputs.pools }}'
        with: {poolId: '{{ item.id }}'}
  - id: none
    task: okta.get_agent_pools_update_settings
    forEach: '{{ [] }}'
    with: {poolId: '{{ item }}'}
  - id: after
    task: okta.list_agent_pools
    if: '{{ steps.never.status == "skipped" }}'
outputs:
  status: '{{ steps.both.status }}'
  lists: '{{ steps.right.outputs | length }}'
  second: '{{ steps.right.outputs[1] }}'
  of: '{{ steps.inner.outputs.of }}'
  never: '{{ steps.never.status }}'
  none: '{{ steps.none.outputs }}'
  after: '{{ steps.after.status }}'
"""

INNER = """
name: inner
inputs: {type: object, properties: {pool: {type: string}}, required: [pool]}
steps:
  - id: first
    task: okta.list_agent_pools_updates
    with: {poolId: '{{ inputs.pool }}'}
  - id: second
    if: '{{ steps.first.response.status == 404 }}'
    task: okta.list_agent_pools_updates
    with: {poolId: '{{ inputs.pool }}'}
  - id: third
    task: okta.list_agent_pools_updates
    with: {poolId: '{{ inputs.pool }}'}
outputs: {of: '{{ inputs.pool }}: {{ steps.second.status }}, {{ steps.third.status }}'}
"""


@pytest.fixture(scope="module")
def box():
    with sandbox() as live:
        homes.connect(live)
        yield live


def workflow(home, text, name, more=""):
    """Write a workflow file, and a DAG file that is one line; return the DAG."""
    (home / "dags" / f"{name}.yaml").write_text(text)
    line = f'dag = dag_from_workflow(HERE / "{name}.yaml", dag_id="{name}", conn_id=CONNECTION, default_args=SOON{more})'
    return homes.dags(home, name, line).dag


def test_every_construct(home, box, capfd):
    (home / "dags" / "inner.yaml").write_text(INNER)
    run = homes.tested(workflow(home, EVERYTHING, "everything"), capfd, poolType="AD")
    assert run.state == "success", run.tasks
    outputs = {key: value for (task, _, key), value in run.xcoms.items() if task == "workflow-outputs"}
    assert outputs["of"].endswith(": skipped, succeeded")
    found = {key: outputs[key] for key in ("status", "lists", "second", "never", "none", "after")}
    assert found == {"status": "succeeded", "lists": 5, "second": None, "never": "skipped", "none": [], "after": "succeeded"}
    assert run.tasks["both.right.each-item[1]"] == "skipped"
    assert run.tasks["inner.second"] == "skipped"
    assert run.tasks["inner.third"] == "success"
    skipped = {task: state for task, state in run.tasks.items() if task.startswith("never")}
    assert set(skipped.values()) == {"skipped"}
    assert "never.many.gather-items" in skipped
    assert run.xcom("both.left", "response") is None
    assert run.xcom("pools", "poolIds")


def test_inputs_are_params_with_their_schemas(home, box):
    dag = workflow(home, EVERYTHING, "params")
    schemas = {name: dag.params.get_param(name).schema for name in dag.params}
    assert schemas["poolType"] == {"enum": ["AD", "LDAP"]}
    assert schemas["note"] == {"type": ["string", "null"]}
    assert dag.params["limit"] == 5


BROKEN = """
name: broken
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: broken
    task: okta.get_agent_pools_update_settings
    with: {poolId: nowhere}
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: '{{ steps.pools.outputs.pools }}'
    with: {poolId: '{{ item.id }}'}
onFailure:
  - id: look
    if: '{{ steps.broken.status == "failed" and steps.each.status == "notRun" }}'
    task: okta.list_agent_pools
  - id: looked
    task: okta.list_agent_pools
    forEach: '{{ [steps.look.status] }}'
"""


def test_the_steps_of_on_failure_run_after_a_failure_and_the_run_has_failed(home, box, capfd):
    run = homes.tested(workflow(home, BROKEN, "broken"), capfd)
    assert run.state == "failed"
    assert run.tasks["on-failure.look"] == "success"
    assert run.tasks["on-failure.looked.each-item[0]"] == "success"
    assert run.tasks["each.list-items"] == run.tasks["workflow-outputs"] == "upstream_failed"
    assert run.tasks["each.gather-items"] == "skipped"
    assert "HttpTaskFailed: notFound: " in run.log


def test_nothing_is_undone_when_nothing_failed(home, box, capfd):
    text = BROKEN.replace("with: {poolId: nowhere}", "with: {poolId: nowhere}\n    continueOnError: true")
    run = homes.tested(workflow(home, text, "handled"), capfd)
    assert run.state == "success"
    assert run.tasks["broken"] == "success"
    assert (
        run.tasks["on-failure.begin-steps"] == run.tasks["on-failure.looked.gather-items"] == run.tasks["run-failed"] == "skipped"
    )


def test_nothing_is_undone_when_an_outcome_is_unknown(home, box, capfd):
    text = BROKEN.replace("get_agent_pools_update_settings\n    with: {poolId: nowhere}", POST)
    updates = "POST /api/v1/agentPools/nowhere/updates"
    box.play(updates, "503")
    run = homes.tested(workflow(home, text, "nobody_knows"), capfd)
    assert run.state == "failed"
    assert run.tasks["on-failure.look"] == "skipped"
    assert "OutcomeUnknown: " in run.log
    assert len(box.sent(updates)) == 1


POST = """create_agent_pools_update
    with: {poolId: nowhere, body: {name: x, agentType: AD, agents: []}}"""

STOPS = """
name: stops
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: "{{ ['nowhere', 'neither', 'nor'] }}"MORE}
    with: {poolId: '{{ item }}'}
  - id: after
    task: okta.list_agent_pools
outputs: {seen: '{{ steps.each.outputs }}'}
"""


@pytest.mark.parametrize("case", [("stops", "", 1), ("tries_all", ", onError: continue", 3)], ids=lambda case: case[0])
def test_a_failing_item_ends_the_others_unless_they_go_on(case, home, box, capfd):
    name, more, sent = case
    places = [f"GET /api/v1/agentPools/{item}/updates/settings" for item in ("nowhere", "neither", "nor")]
    before = sum(len(box.sent(place)) for place in places)
    run = homes.tested(workflow(home, STOPS.replace("MORE", more), name), capfd)
    assert run.state == "failed"
    assert sum(len(box.sent(place)) for place in places) - before == sent
    items = [state for task, state in run.tasks.items() if task.startswith("each.each-item")]
    assert sorted(items) == ["failed"] * sent + ["skipped"] * (3 - sent)
    assert run.tasks["after"] == "upstream_failed"
    assert ("cancelled, because" in run.log) == (sent == 1)


def test_more_items_than_airflow_maps_are_refused_in_words(home, box, capfd):
    text = STOPS.replace("['nowhere', 'neither', 'nor']", "'123456789012345678901' | list").replace("MORE", "")
    run = homes.tested(workflow(home, text, "too_many"), capfd)
    assert run.state == "failed"
    assert "is repeated over 21 items, and Airflow maps at most 20 (core.max_map_length)" in run.log


def test_what_airflow_has_no_words_for_is_refused_when_the_file_is_loaded(home):
    from httptask.errors import WorkflowInvalid

    (home / "dags" / "inner.yaml").write_text(INNER)
    text = EVERYTHING.replace("workflow: inner.yaml", "workflow: inner.yaml\n    timeout: 1h")
    with pytest.raises(WorkflowInvalid, match="has a timeout over several steps, which Airflow cannot keep"):
        workflow(home, text, "refused")
    (home / "dags" / "refused.py").unlink()


def test_a_retry_is_airflows_and_waits_as_the_server_says(home, box, capfd):
    box.play("GET /api/v1/agentPools", "503, 429(Retry-After=2), ok")
    run = homes.tested(workflow(home, STOPS.replace("MORE", ""), "again"), capfd)
    assert run.tries["after"] == 0
    box.play("GET /api/v1/agentPools", "503, 429(Retry-After=2), ok")
    text = BROKEN.partition("  - id: broken")[0]
    run = homes.tested(workflow(home, text, "again"), capfd)
    assert (run.state, run.tries["pools"]) == ("success", 3)


def test_a_secret_input_is_a_reference_and_stays_one(home, box, capfd, monkeypatch):
    monkeypatch.setenv("TICKET", "ticket-of-the-run-0123")
    text = """
name: ticket
inputs:
  type: object
  required: [ticket]
  properties: {ticket: {type: string, format: password, minLength: 20, pattern: ^ticket-}}
steps:
  - id: pools
    task: okta.list_agent_pools
    headers: {X-Ticket: '{{ inputs.ticket }}'}
    outputs: {copy: '{{ inputs.ticket }}'}
"""
    run = homes.tested(workflow(home, text, "ticket"), capfd, ticket="env:TICKET")
    assert run.state == "success"
    assert "the output copy is not passed as an XCom" in run.log
    assert b"ticket-of-the-run-0123" not in homes.everything_kept(home)


OPERATORS = """
with DAG("operators", default_args=SOON | {"conn_id": CONNECTION}) as dag:
    pools = HttpTaskOperator(
        task_id="pools",
        task="okta.list_agent_pools",
        inputs={"poolType": "AD", "limitPerPoolType": "{{ 1 + 1 }}"},
        headers={"X-Day": "{{ ds }}"},
    )

    @task
    def ids(pools):
        return [{"poolId": pool["id"]} for pool in pools]

    each = HttpTaskOperator.partial(task_id="each", task="okta.list_agent_pools_updates")
    each.expand(inputs=ids(pools.output["pools"]))
    first = "{{ ti.xcom_pull('pools', key='poolIds')[0] }}"
    one = HttpTaskOperator(task_id="one", task="okta.get_agent_pools_update_settings", inputs={"poolId": first})
    seen = HttpTaskSensor(
        task_id="seen",
        task="okta.list_agent_pools",
        inputs={"poolType": "AD"},
        until="{{ response.body | length > 0 }}",
        poke_interval=1,
    )
    pools >> [one, seen]
"""


def test_airflows_own_text_is_typed_and_its_references_keep_their_types(home, box, capfd):
    run = homes.tested(homes.dags(home, "operators", OPERATORS).dag, capfd)
    assert run.state == "success", run.log[-3000:]
    assert len(run.xcom("pools", "poolIds")) == 2  # the text '2' became an integer
    assert {task for task in run.tasks if task.startswith("each[")} == {"each[0]", "each[1]"}
    assert run.xcom("one", "outcome")["status"] == "succeeded"
    noted = [("pools", -1), ("each", 0), ("each", 1), ("one", -1), ("seen", -1)]
    assert run.marks == dict.fromkeys(noted, "over")  # Airflow has been asked, and had taken note


HEADERS = """
with DAG("headers", default_args=SOON | {"conn_id": CONNECTION}, render_template_as_native_obj=True) as dag:

    @task(multiple_outputs=True)
    def made():
        return {"whole": {"X-Made": "whole"}, "part": "part"}

    made = made()
    headers = {
        "whole": made["whole"],
        "text": "{{ {'X-Made': ds} }}",
        "part": {"X-Made": made["part"], "X-Day": "{{ ds }}"},
        "wrong": made["part"],
    }
    for name, given in headers.items():
        made >> HttpTaskOperator(task_id=name, task="okta.list_agent_pools", headers=given)
"""


def test_headers_that_airflow_makes_in_the_worker_are_sent_if_they_are_an_object(home, box, capfd):
    run = homes.tested(homes.dags(home, "headers", HEADERS).dag, capfd)
    assert run.tasks == {"made": "success", "whole": "success", "text": "success", "part": "success", "wrong": "failed"}
    assert "headers: Airflow gave no object for them" in run.log


def test_retries_are_the_tasks_own_unless_somebody_says_otherwise():
    from httptask.engines.airflow import HttpTaskOperator

    own = HttpTaskOperator(task_id="own", task="okta.list_agent_pools")
    said = HttpTaskOperator(task_id="said", task="okta.list_agent_pools", retries=1)
    assert (own.retries, own.most) == (homes.REGISTRY["okta.list_agent_pools"].provider.retry.get("maxAttempts", 4) - 1, None)
    assert (said.retries, said.most) == (1, 2)
    with pytest.raises(ValueError, match="the retry policy is the task's own"):
        HttpTaskOperator(task_id="other", task="okta.list_agent_pools", retry_policy=own.retry_policy)


def test_what_is_wrong_with_a_use_is_told_when_the_dag_file_is_read():
    from httptask.engines.airflow import HttpTaskOperator, HttpTaskSensor
    from httptask.errors import HttpTaskError

    with pytest.raises(HttpTaskError, match=r"okta\.nothing"):
        HttpTaskOperator(task_id="a", task="okta.nothing")
    with pytest.raises(HttpTaskError, match="maxAttempt"):
        HttpTaskOperator(task_id="b", task="okta.list_agent_pools", retry={"maxAttempt": 1})
    with pytest.raises(HttpTaskError, match="not an expression"):
        HttpTaskSensor(task_id="c", task="okta.list_agent_pools", until="{{ response. }}")


def test_a_short_polling_waits_in_place_and_uses_up_no_try(home, box, capfd):
    text = """
with DAG("polls", default_args=SOON | {"conn_id": CONNECTION}) as dag:
    HttpTaskSensor(
        task_id="seen", task="okta.list_agent_pools", inputs={"poolType": "AD"}, poke_interval=POKE, retries=1,
        until="{{ response.headers['x-polls'] | default('') == 'never' }}", timeout=TIMEOUT,
    )
"""
    run = homes.tested(homes.dags(home, "polls", text.replace("POKE", "0.5").replace("TIMEOUT", "2")).dag, capfd)
    assert (run.state, run.tries["seen"]) == ("failed", 1)
    assert "HttpTaskFailed: pollTimeout: " in run.log


def test_an_input_that_is_missing_fails_for_good(home, box, capfd):
    use = 'HttpTaskOperator(task_id="use", task="okta.create_agent_pools_update", inputs={"poolId": "a"}, conn_id=CONNECTION)'
    dag = homes.dags(home, "missing", f'with DAG("missing", default_args=SOON) as dag:\n    {use}\n').dag
    run = homes.tested(dag, capfd)
    assert (run.state, run.tries["use"]) == ("failed", 1)
    assert "body" in run.log
    assert "HttpTaskFailed: input: " in run.log
    assert run.xcom("use", "result")["create_agent_pools_update"]["failure"]["kind"] == "input"


def test_inputs_that_do_not_fit_fail_the_first_step_for_good(home, box, capfd):
    text = (
        EVERYTHING.partition("  - id: pause")[0]
        .replace("enum: [AD, LDAP]", "type: string")
        .replace("type: integer", "minimum: 3")
    )
    run = homes.tested(workflow(home, text, "unfit"), capfd, poolType="AD", limit=5, strange=1)
    assert (run.state, run.tasks["pools"], run.tries["pools"]) == ("failed", "failed", 1)
    assert "unknown input of everything" in run.log


def test_a_longer_polling_is_deferred_to_airflows_own_trigger(home, box, capfd):
    box.play("GET /api/v1/agentPools", "ok, 503, ok")
    text = """
with DAG("defers", default_args=SOON | {"conn_id": CONNECTION}) as dag:
    HttpTaskSensor(
        task_id="seen", task="okta.list_agent_pools", inputs={"poolType": "AD"}, poke_interval=5.5,
        until="{{ response.headers['x-polls'] | default('') == 'never' }}", timeout=8,
    )
"""
    before = len(box.sent("GET /api/v1/agentPools"))
    run = homes.tested(homes.dags(home, "defers", text).dag, capfd)
    assert (run.state, run.tries["seen"]) == ("failed", 1)
    assert len(box.sent("GET /api/v1/agentPools")) - before == 3
    assert "Pausing task as DEFERRED" in run.log


def test_the_example_that_is_one_line(home, box, capfd):
    homes.connect(box, "okta")
    folder = home / "dags" / "engines" / "airflow"
    folder.mkdir(parents=True)
    shutil.copy(EXAMPLES / "roll_out_agent_update.yaml", home / "dags")
    file = shutil.copy(EXAMPLES / "engines" / "airflow" / "roll_out_agent_update.py", folder)
    run = homes.tested(homes.module(Path(file)).dag, capfd)
    assert run.state == "success", run.log[-3000:]
    assert len(run.xcom("workflow-outputs", "updated")) == 2


def test_the_operators_of_the_documentation(home, box, capfd):
    (text,) = (part for part in DOCUMENTATION.read_text().split("```") if "one_update" in part)
    dag = homes.dags(home, "one_update", text.removeprefix("python").replace('"okta"}', "CONNECTION}") + "dag = pools.dag").dag
    run = homes.tested(dag, capfd)
    assert (run.state, run.tasks) == ("success", {"pools": "success", "seen": "success"})
