"""What a DAG's author says of a task, as it is read with the DAG file: no server is asked, and nothing runs."""

from pathlib import Path

import pytest

pytest.importorskip("airflow", reason="Airflow is not installed: tests/engines/run airflow")

#: A folder with templates beside the shipped ones.
TEMPLATES = Path(__file__).resolve().parents[3] / "examples" / "templates"
OWN, LIST = "notes.list_notes", "okta.list_agent_pools"


@pytest.mark.parametrize("given", [str(TEMPLATES), TEMPLATES, [str(TEMPLATES)]], ids=["text", "path", "list"])
def test_a_single_folder_of_templates_need_not_stand_in_a_list(tmp_path, given):
    from httptask.engines.airflow import HttpTaskHook, HttpTaskOperator, dag_from_workflow

    assert HttpTaskOperator(task_id="own", task=OWN, templates=given).templates == (str(TEMPLATES),)
    assert HttpTaskHook(templates=given).templates == (str(TEMPLATES),)
    assert HttpTaskOperator.partial(task_id="each", task=OWN, templates=given).expand(inputs=[{}]).retries == 2
    file = tmp_path / "own.yaml"
    file.write_text(f"name: own\nsteps: [{{id: own, task: {OWN}}}]\n")
    assert dag_from_workflow(file, templates=given).get_task("own").templates == [str(TEMPLATES)]


@pytest.mark.filterwarnings("ignore:Task 'use' was never mapped")
@pytest.mark.parametrize("retry", ["x", ["maxAttempts"], 3], ids=["text", "list", "number"])
def test_a_retry_that_is_no_object_is_refused_in_words(retry):
    from httptask.engines.airflow import HttpTaskOperator
    from httptask.errors import WorkflowInvalid

    with pytest.raises(WorkflowInvalid, match=rf"^{LIST}: retry must be object"):
        HttpTaskOperator(task_id="use", task=LIST, retry=retry)
    with pytest.raises(WorkflowInvalid, match=rf"^{LIST}: retry must be object"):
        HttpTaskOperator.partial(task_id="use", task=LIST, retry=retry)


def test_headers_that_airflow_makes_in_the_worker_are_left_to_it():
    from airflow.sdk import DAG

    from httptask.engines.airflow import HttpTaskOperator

    with DAG("headers", schedule=None):
        made = HttpTaskOperator(task_id="made", task=LIST).output["headers"]
        whole = HttpTaskOperator(task_id="whole", task=LIST, inputs=made, headers=made, conn_id=made)
        text = HttpTaskOperator(task_id="text", task=LIST, headers="{{ params.headers }}")
        part = HttpTaskOperator(task_id="part", task=LIST, headers={"X-Made": made, "X-Day": "{{ ds }}"})
    assert (whole.headers, text.headers, part.headers["X-Made"]) == (made, "{{ params.headers }}", made)
    assert whole.upstream_task_ids == part.upstream_task_ids == {"made"}


GIVEN = [({}, (3, None)), ({"retries": 1}, (1, 2)), ({"retry": {"maxAttempts": 2}}, (1, None))]


@pytest.mark.parametrize(("given", "tries"), GIVEN)
def test_a_mapped_task_bounds_its_attempts_only_where_somebody_says_so(given, tries):
    from httptask.engines.airflow import HttpTaskOperator

    plain = HttpTaskOperator(task_id="plain", task=LIST, **given)
    mapped = HttpTaskOperator.partial(task_id="mapped", task=LIST, **given).expand(inputs=[{}]).unmap({"inputs": {}})
    assert (plain.retries, plain.most) == (mapped.retries, mapped.most) == tries


def test_a_mapped_task_has_the_policy_of_its_own_from_the_beginning_and_takes_no_other():
    from airflow.sdk import ExceptionRetryPolicy

    from httptask.engines.airflow import HttpTaskOperator
    from httptask.engines.airflow.retries import HttpTaskRetryPolicy

    mapped = HttpTaskOperator.partial(task_id="mapped", task=LIST).expand(inputs=[{}])
    assert isinstance(mapped.retry_policy, HttpTaskRetryPolicy)  # asked when no operator can be made of it in the worker
    with pytest.raises(ValueError, match="the retry policy is the task's own"):
        HttpTaskOperator.partial(task_id="other", task=LIST, retry_policy=ExceptionRetryPolicy([]))


WRONG = [
    ("HttpTaskOperator", {"idempotent": "x"}, "idempotent must be boolean"),
    ("HttpTaskOperator", {"timeout": "soon"}, "timeout is not written as it must be"),
    ("HttpTaskOperator", {"verify_before": 1}, "verify.before must be boolean"),
    ("HttpTaskSensor", {"until": "nope"}, "write one expression in quotes"),
    ("HttpTaskSensor", {"until": "{{ true }}", "fail_if": "nope"}, "write one expression in quotes"),
    ("HttpTaskSensor", {"until": "{{ true }}", "poke_interval": "soon"}, "every is not written as it must be"),
    ("HttpTaskSensor", {"until": None, "poke_interval": 5}, "'every' needs until"),
]


@pytest.mark.filterwarnings("ignore:Task 'mapped' was never mapped")
@pytest.mark.parametrize(("kind", "given", "words"), WRONG)
def test_what_is_wrong_with_a_mapped_task_is_told_when_the_dag_file_is_read_as_with_any(kind, given, words):
    from httptask.engines import airflow
    from httptask.errors import WorkflowInvalid

    operator = getattr(airflow, kind)
    with pytest.raises(WorkflowInvalid, match=words):
        operator(task_id="plain", task=LIST, **given)
    with pytest.raises(WorkflowInvalid, match=words):
        operator.partial(task_id="mapped", task=LIST, **given)


def test_what_is_mapped_is_not_asked_for_before():
    from httptask.engines.airflow import HttpTaskSensor

    given = {"task_id": "seen", "poke_interval": 5, "fail_if": "{{ false }}"}
    mapped = HttpTaskSensor.partial(task=LIST, **given).expand(until=["{{ true }}"])
    assert mapped.unmap({"until": "{{ true }}"}).use()["until"] == "{{ true }}"
    assert HttpTaskSensor.partial(**given).expand(task=[LIST], until=["{{ true }}"]).operator_class is HttpTaskSensor


@pytest.mark.parametrize("retries", [None, 1])
def test_a_mapped_task_is_looked_at_with_what_its_dag_and_group_give_to_it(retries):
    from airflow.sdk import DAG, TaskGroup

    from httptask.engines.airflow import HttpTaskOperator

    given = {} if retries is None else {"retries": retries}
    with (
        DAG("defaults", schedule=None, default_args={"templates": TEMPLATES, "retry": {"maxAttempts": 5}, "retries": 9}),
        TaskGroup("group", default_args={"retry": {"maxAttempts": 6}}),
    ):
        mapped = HttpTaskOperator.partial(task_id="mapped", task=OWN, **given).expand(inputs=[{}])
    assert mapped.retries == (5 if retries is None else 1)
