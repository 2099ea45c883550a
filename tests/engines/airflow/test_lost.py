"""What is left of tries whose worker was lost, without Airflow's services: Airflow's words are said by the tests."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

pytest.importorskip("airflow", reason="Airflow is not installed: tests/engines/run airflow")

LOST = """
name: lost
inputs: {type: object, properties: {ticket: {type: string, format: password, minLength: 40}, note: {type: string, default: x}}}
steps:
  - id: each
    task: okta.ACTION
    forEach: {items: "{{ ['a', 'b'] }}", onError: stop}
    with: {poolId: '{{ item }}'BODY}
  - id: both
    parallel:
      - id: one
        task: okta.ACTION
        with: {poolId: a BODY}
      - id: other
        task: okta.list_agent_pools
        idempotent: false
onFailure:
  - id: look
    task: okta.list_agent_pools
"""
POST, GET = ("create_agent_pools_update", ", body: {name: x, agentType: AD, agents: []}"), ("get_agent_pools_update_settings", "")


class Store(dict):
    set = dict.__setitem__


@dataclass
class Instance:
    """What Airflow says of a run."""

    results: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)
    try_number: int = 2
    max_tries: int = 3
    dag_id: str = "lost"
    run_id: str = "run"
    task_id: str = "use"
    map_index: int = -1
    pushed: dict = field(default_factory=dict)

    def xcom_pull(self, task_ids, key):
        return self.results.get(task_ids) if key == "result" else None

    def xcom_push(self, key, value):
        self.pushed[key] = value

    def get_task_states(self, dag_id, task_ids, run_ids, map_index=None):
        return {"run": self.states}


def context(ti, **params):
    run = SimpleNamespace(run_after=datetime.now(UTC), start_date=datetime.now(UTC))
    return {"ti": ti, "task_state_store": Store(), "dag_run": run, "params": {"ticket": None, "note": "x", **params}}


@pytest.fixture
def place(home):
    """Writes the workflow and returns how an operator finds it."""
    from httptask.engines.airflow.plans import planned

    def write(use):
        action, body = use
        file = home / "dags" / "lost.yaml"
        file.write_text(LOST.replace("ACTION", action).replace(" BODY", body).replace("BODY", body))
        planned.cache_clear()
        return {"workflow": str(file), "templates": (), "conn_id": None}

    return write


def plan_of(place, use):
    from httptask.engines.airflow.plans import planned

    return planned(place(use)["workflow"], ())


def statuses(plan, ti):
    from httptask.engines.airflow.results import settled

    return {use: result["status"] for use, result in settled(plan, plan.outline.nodes, context(ti)).items()}


@pytest.mark.parametrize(("use", "status"), [(POST, "unknown"), (GET, "failed")])
def test_an_item_that_airflow_failed_without_a_word_is_taken_for_lost(place, use, status):
    states = {"each.list-items": "success", "each.each-item_0": "success", "each.each-item_1": "failed"}
    ti = Instance({"each.each-item": {"each[0]": {"status": "succeeded"}}}, states)
    assert statuses(plan_of(place, use), ti) == {"each[0]": "succeeded", "each[1]": status}


@pytest.mark.parametrize(
    ("lost", "items", "whole"),
    [
        ("each.gather-items", {"each[0]": {"status": "unknown"}}, "unknown"),
        ("each.gather-items", {"each[0]": {"status": "failed"}}, "failed"),
        ("each.list-items", {}, "failed"),
    ],
)
def test_a_repeated_step_that_airflow_failed_without_a_word_is_what_its_items_are(place, lost, items, whole):
    ti = Instance({"each.each-item": items} if items else {}, {lost: "failed"})
    assert statuses(plan_of(place, POST), ti)["each"] == whole


@pytest.mark.parametrize(
    ("results", "states", "whole"),
    [
        ({"both.one": {"one": {"status": "unknown"}}}, {}, "unknown"),
        ({"both.one": {"one": {"status": "succeeded"}}}, {}, "failed"),
        ({}, {"both.other": "failed"}, "unknown"),  # a GET that changes something
    ],
)
def test_a_group_that_airflow_failed_without_a_word_is_what_its_members_are(place, results, states, whole):
    ti = Instance(results, {"both.end-steps": "failed", **states})
    assert statuses(plan_of(place, GET), ti) == {"both": whole}


def test_nothing_is_undone_while_a_member_is_unknown_whatever_the_group_is_told_to_be(place):
    from airflow.sdk.exceptions import AirflowSkipException

    from httptask.engines.airflow.steps import UndoStep

    left = {"both": {"status": "failed"}}
    gate = UndoStep(task_id="gate", path="", **place(POST))
    gate.execute(context(Instance({"both.end-steps": left}, {})))
    with pytest.raises(AirflowSkipException, match="what one did is unknown"):
        gate.execute(context(Instance({"both.end-steps": left, "both.one": {"one": {"status": "unknown"}}}, {})))


@pytest.mark.parametrize(("number", "error"), [(1, "HttpTaskFailed"), (2, "OutcomeUnknown")])
def test_a_secret_that_is_missing_where_the_second_try_runs_says_nothing_of_the_first(place, number, error):
    from httptask.engines.airflow.retries import HttpTaskFailed
    from httptask.engines.airflow.steps import SendStep

    ti = Instance(try_number=number)
    with pytest.raises(HttpTaskFailed) as raised:
        SendStep(task_id="use", path="one", **place(POST)).execute(context(ti, ticket="env:NOBODY_SETS_THIS"))
    assert type(raised.value).__name__ == error
    assert ti.pushed["result"]["one"]["status"] == ("unknown" if number == 2 else "failed")


@pytest.mark.parametrize(
    ("number", "inputs", "error"),
    [
        (1, {"poolId": "a"}, "HttpTaskFailed"),
        (2, {"poolId": "a"}, "OutcomeUnknown"),
        (1, "no object", "HttpTaskFailed"),
        (2, None, "OutcomeUnknown"),
    ],
)
def test_inputs_that_do_not_fit_end_a_single_task_in_order(home, number, inputs, error):
    from httptask.engines.airflow import HttpTaskOperator
    from httptask.engines.airflow.retries import HttpTaskFailed

    operator, ti = HttpTaskOperator(task_id="use", task=f"okta.{POST[0]}"), Instance(try_number=number)
    operator.inputs = inputs
    with pytest.raises(HttpTaskFailed) as raised:
        operator.execute(context(ti))
    assert type(raised.value).__name__ == error
    assert ti.pushed["result"][POST[0]]["failure"]["kind"] == "input"


def test_an_item_whose_worker_was_lost_before_it_began_is_not_begun_after_one_that_failed(place):
    from airflow.sdk.exceptions import AirflowSkipException

    from httptask.engines.airflow.steps import SendStep

    item = {"index": 1, "kept": {"value": "b"}}
    ti = Instance({"each.each-item": {"each[0]": {"status": "failed"}}}, {})
    with pytest.raises(AirflowSkipException, match=r"cancelled, because each\[0\] is failed"):
        SendStep(task_id="use", path="each", item=item, **place(POST)).execute(context(ti))


def test_a_task_that_failed_after_the_server_had_acted_fails_again_when_it_is_cleared(place):
    from httptask.engines.airflow.retries import HttpTaskFailed
    from httptask.engines.airflow.steps import SendStep
    from httptask.engines.airflow.tries import Tries
    from httptask.hosted.turns import Ended
    from httptask.outcome import Failure, FailureKind

    ti = Instance()
    around = context(ti)
    failure = Failure(FailureKind.EXPRESSION, "too large to be passed on")
    Tries(around).end("one", Ended("failed", {"status": "failed", "final": True}, failure=failure))
    ti.try_number, ti.max_tries = 3, 4
    with pytest.raises(HttpTaskFailed, match="too large to be passed on"):
        SendStep(task_id="use", path="one", **place(POST)).execute(around)
    assert ti.pushed["result"] == {"one": {"status": "failed", "final": True}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "format": "password", "minLength": 40, "pattern": "^x"}, {"type": ["string", "null"]}),
        ({"type": "string", "format": "password", "default": "in the clear"}, {"type": ["string", "null"]}),
        ({"type": "string", "minLength": 40}, {"type": ["string", "null"], "minLength": 40}),
    ],
)
def test_the_param_of_a_secret_takes_any_reference(schema, expected):
    from httptask.engines.airflow.inputs import given_by, params_of

    workflow = SimpleNamespace(inputs={"type": "object", "properties": {"given": schema}})
    param = params_of(workflow)["given"]
    assert (param.schema, param.value) == (expected, None)
    assert ("A reference to a secret" in (param.description or "")) == ("format" in schema)
    assert given_by(workflow, {"given": None}) == {}
    assert given_by(workflow, {"given": "env:NAME"}) == {"given": "env:NAME"}


def test_a_mapped_task_of_which_no_operator_was_made_has_sent_nothing(home):
    from httptask.engines.airflow import HttpTaskOperator
    from httptask.engines.airflow.tries import Tries

    mapped = HttpTaskOperator.partial(task_id="use", task=f"okta.{POST[0]}").expand(inputs=[{}])
    around = context(Instance(try_number=1))
    around["ti"].task = mapped
    mapped.retry_policy.evaluate(RuntimeError("no list to map over"), 1, 3, around)
    around["ti"].try_number = 2
    assert not Tries(around).is_pending


def test_the_items_of_a_step_have_their_policy_before_operators_are_made_of_them(place):
    from httptask.engines.airflow import dag_from_workflow
    from httptask.engines.airflow.retries import HttpTaskRetryPolicy

    dag = dag_from_workflow(place(POST)["workflow"])
    assert isinstance(dag.get_task("each.each-item").retry_policy, HttpTaskRetryPolicy)


@pytest.mark.parametrize(("state", "pending"), [("success", False), ("failed", True), (None, True)])
def test_airflow_is_asked_whether_it_learned_of_a_success(home, state, pending):
    from httptask.engines.airflow import HttpTaskOperator
    from httptask.engines.airflow.tries import Tries
    from httptask.hosted.turns import Ended

    ti = Instance(states={"use": state}, try_number=1, max_tries=0)
    around = context(ti)
    Tries(around).end("use", Ended("succeeded", {"status": "succeeded"}))
    operator = HttpTaskOperator(task_id="use", task=f"okta.{POST[0]}", on_success_callback=lambda context: None)
    ours, _ = operator.on_success_callback
    ours(around)
    ti.try_number, ti.max_tries = 2, 1
    assert Tries(around).is_pending == pending
