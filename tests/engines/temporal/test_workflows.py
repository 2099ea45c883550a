"""Whole workflow files as the workflow `httptask.run`, on a real server, with workers that are killed in mid-run."""

import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowFailureError, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.common import RetryPolicy

from engines.everything import EVERYTHING, INNER
from engines.temporal.rig import until
from httptask.engines.temporal import QUEUE, WORKFLOW, start_argument
from httptask.errors import ConfigurationError, InputInvalid

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
ROLL_OUT = EXAMPLES / "roll_out_agent_update.yaml"
UPDATES = "/api/v1/agentPools/{poolId}/updates"
CREATED, ACTIVATED = f"POST {UPDATES}", f"POST {UPDATES}/{{updateId}}/activate"


@pytest.fixture(autouse=True)
def fresh(rig):
    rig.box.reset()


def started(rig, file, inputs=None, **more):
    return rig.start(WORKFLOW, [{**start_argument(file, inputs), **more}], QUEUE)


def written(tmp_path, text, name="flow.yaml"):
    file = tmp_path / name
    file.write_text(text)
    return file


def ended(rig, tmp_path, text, inputs=None, **more):
    return rig.end(started(rig, written(tmp_path, text), inputs, **more))


def activities(rig, handle):
    """Return the type and id of each activity, in the order in which they were scheduled."""
    events = rig.history(handle).events
    scheduled = [
        e.activity_task_scheduled_event_attributes for e in events if e.HasField("activity_task_scheduled_event_attributes")
    ]
    return [(each.activity_type.name, each.activity_id) for each in scheduled]


def test_the_agent_roll_out_ends_as_on_the_command_line(rig):
    rig.box.play("GET /api/v1/agentPools", "ok, 429(Retry-After=1)")
    handle = started(rig, ROLL_OUT)
    outputs = rig.end(handle)
    assert outputs["retried"] != []
    assert outputs["notOperational"] == []
    assert rig.box.applied(CREATED) == rig.box.applied(ACTIVATED) == len(outputs["updated"])
    seen = activities(rig, handle)
    assert seen[:2] == [("okta.list_agent_pools", "pools"), ("httptask.decide", "create:list")]
    assert ("okta.create_agent_pools_update", "create[0]") in seen


def test_a_run_whose_worker_is_killed_goes_on_and_no_post_is_applied_twice(rig):
    handle = started(rig, ROLL_OUT)
    until(lambda: rig.box.applied(CREATED) == 2)  # each activation can be looked for, a creation cannot
    rig.workers.kill.write_text("after")
    rig.workers.replace_dead()
    outputs = rig.end(handle)
    assert outputs["notOperational"] == []
    assert rig.box.applied(CREATED) == rig.box.applied(ACTIVATED) == len(outputs["updated"])


VERIFIED = """
name: verified
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: create
    task: okta.create_agent_pools_update
    verify: {before: true}
    with:
      poolId: '{{ steps.pools.outputs.pools[0].id }}'
      body: {name: once, agentType: AD, agents: '{{ steps.pools.outputs.pools[0].agents }}', notifyAdmin: false}
outputs: {update: '{{ steps.create.status }}'}
"""


def waiting(rig, handle):
    try:
        return rig.call(handle.query("waiting"))
    except WorkflowQueryFailedError:
        return []


def test_every_construct_is_walked(rig, tmp_path):
    written(tmp_path, INNER, "inner.yaml")
    handle = started(rig, written(tmp_path, EVERYTHING))
    until(lambda: waiting(rig, handle))
    [asked] = waiting(rig, handle)
    assert asked["path"] == "sure"
    assert asked["message"].startswith("Look at ")
    rig.call(handle.signal("approve", {"path": "sure", "approved": True}))
    outputs = rig.end(handle)
    assert outputs.pop("of").endswith(": succeeded")
    assert outputs.pop("lists") >= 5
    assert outputs == {"status": "succeeded", "settings": "succeeded", "skipped": "skipped"}
    assert waiting(rig, handle) == []


ASKING = "name: asks\nsteps: [{id: sure, approve: Go on?}]\n"


def test_what_a_person_rejects_ends_the_run(rig, tmp_path):
    handle = started(rig, written(tmp_path, ASKING))
    rig.call(handle.signal("approve", {"path": "sure", "approved": False}))
    error = rig.end(handle)
    assert (error.cause.type, error.cause.message) == ("rejected", "step 'sure' was rejected")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"path": "sure", "approved": "true"}, "'approved' must be true or false"),
        ({"path": "sure"}, "'approved' must be true or false"),
        ({"approved": True}, "'path' must be the path of the step that asks"),
        ({"path": "shure", "approved": False}, "no step of this run asks under that 'path'; those that ask: sure"),
    ],
)
def test_an_answer_that_cannot_count_is_warned_of_or_refused_and_the_run_waits_on(rig, tmp_path, answer, words):
    log = rig.workers.log.stat().st_size
    handle = started(rig, written(tmp_path, ASKING))
    rig.call(handle.signal("approve", answer))  # may come before the beginning
    until(lambda: waiting(rig, handle))
    rig.call(handle.signal("approve", answer))
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        rig.call(handle.execute_update("approve", answer))
    assert words in refused.value.cause.message
    rig.call(handle.execute_update("approve", {"path": "sure", "approved": True}))
    assert rig.end(handle) == {}
    assert rig.workers.log.read_text()[log:].count(words) == 2


def test_a_long_run_continues_as_new_and_does_nothing_twice(rig):
    handle = started(rig, ROLL_OUT, continueAt=20)
    outputs = rig.end(handle)
    assert outputs["notOperational"] == []
    assert rig.box.applied(CREATED) == rig.box.applied(ACTIVATED) == len(outputs["updated"])
    first = rig.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    events = rig.history(first).events
    assert events[-1].HasField("workflow_execution_continued_as_new_event_attributes")
    assert len(events) < 50


def test_waits_and_approvals_survive_a_run_that_continues_as_new(rig, tmp_path):
    written(tmp_path, INNER, "inner.yaml")
    handle = started(rig, written(tmp_path, EVERYTHING), continueAt=12)
    rig.call(handle.signal("approve", {"path": "sure", "approved": True}))
    assert rig.end(handle)["skipped"] == "skipped"
    assert rig.call(handle.describe()).run_id != handle.first_execution_run_id


def test_a_run_with_a_large_history_continues_as_new_after_something_was_done(rig, tmp_path):
    handle = started(rig, written(tmp_path, VERIFIED), continueAtBytes=1)  # less than its argument takes
    assert rig.end(handle) == {"update": "succeeded"}
    assert rig.box.applied(CREATED) == 1
    first = rig.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id)
    assert activities(rig, first) == [("okta.list_agent_pools", "pools")]
    assert rig.history(first).events[-1].HasField("workflow_execution_continued_as_new_event_attributes")


def test_a_run_that_knows_too_much_to_continue_as_new_goes_on(rig):
    handle = started(rig, ROLL_OUT, continueAt=20, padding="x" * 1_895_000)
    assert rig.end(handle)["notOperational"] == []
    assert rig.call(handle.describe()).run_id == handle.first_execution_run_id


READING = """
name: reading
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: create
    task: okta.create_agent_pools_update
    with:
      poolId: '{{ steps.pools.outputs.pools[0].id }}'
      body: {name: '{{ "x" * 480000 }}', agentType: AD, agents: '{{ steps.pools.outputs.pools[0].agents }}', notifyAdmin: false}
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: '{{ range(9) | list }}', maxParallel: 9}
    with: {poolId: '{{ steps.create.response.body.name and steps.pools.outputs.pools[0].id }}'}
outputs: {status: '{{ steps.each.status }}'}
"""


def test_items_side_by_side_that_read_much_are_begun_in_several_messages_to_the_server(rig, tmp_path):
    assert ended(rig, tmp_path, READING) == {"status": "succeeded"}


FAILING = """
name: undone
steps:
  - id: made
    task: okta.list_agent_pools
  - id: broken
    task: okta.get_agent_pools_update_settings
    with: {poolId: nowhere}
onFailure:
  - id: look
    if: '{{ steps.broken.status == "failed" and steps.made.status == "succeeded" }}'
    task: okta.list_agent_pools
"""


def test_a_failed_run_fails_in_temporals_words_after_it_was_undone(rig, tmp_path):
    handle = started(rig, written(tmp_path, FAILING))
    error = rig.end(handle)
    assert isinstance(error, WorkflowFailureError)
    assert (error.cause.type, error.cause.non_retryable) == ("notFound", True)
    assert error.cause.details[0]["outcome"]["response"]["status"] == 404
    assert ("okta.list_agent_pools", "onFailure/look") in activities(rig, handle)


def test_an_unknown_end_names_itself_and_is_not_undone(rig, tmp_path):
    rig.box.play(f"POST {UPDATES.replace('{poolId}', '*')}", "503")
    text = VERIFIED.replace("    verify: {before: true}\n", "").partition("outputs:")[0]
    handle = started(rig, written(tmp_path, text + "onFailure: [{id: look, task: okta.list_agent_pools}]\n"))
    error = rig.end(handle)
    assert error.cause.type == "OutcomeUnknown"
    assert not any(name.startswith("onFailure") for _, name in activities(rig, handle))


def test_a_failed_item_among_others_goes_on_as_the_file_says(rig, tmp_path):
    text = """
name: items
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: "{{ ['nowhere', 'neither'] }}", onError: continue, maxParallel: 2}
    continueOnError: true
    with: {poolId: '{{ item }}'}
outputs: {status: '{{ steps.each.status }}'}
"""
    assert ended(rig, tmp_path, text) == {"status": "failed"}


SECRET = """
name: with_secret
inputs: {type: object, properties: {ticket: {type: string, format: password}}, required: [ticket]}
steps:
  - id: pools
    task: okta.list_agent_pools
    headers: {X-Ticket: '{{ inputs.ticket }}'}
outputs: {n: '{{ steps.pools.outputs.pools | length }}'}
"""


def test_a_secret_input_travels_as_a_reference(rig, tmp_path):
    handle = started(rig, written(tmp_path, SECRET), {"ticket": "env:BOX_TICKET"})
    assert rig.end(handle)["n"] > 0
    plain, arguments = rig.told(handle)
    assert rig.workers.environment["BOX_TICKET"] not in plain + arguments
    with pytest.raises(ConfigurationError):
        start_argument(tmp_path / "flow.yaml", {"ticket": "the-ticket-itself"})


def test_inputs_are_checked_where_a_run_is_started_and_where_it_runs(rig, tmp_path):
    with pytest.raises(InputInvalid):
        start_argument(ROLL_OUT, {"poolType": "none"})
    argument = start_argument(ROLL_OUT)
    error = rig.end(rig.start(WORKFLOW, [{**argument, "inputs": {"poolType": "none"}}], QUEUE))
    assert (error.cause.type, "poolType" in error.cause.message) == ("input", True)


@pytest.mark.parametrize("argument", [{}, {"version": 0}, {"version": 1, "outline": {}}, "roll out", [1]])
def test_what_is_no_start_argument_fails_at_once(rig, argument):
    error = rig.end(rig.start(WORKFLOW, [argument], QUEUE))
    assert (error.cause.type, error.cause.non_retryable) == ("input", True)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        *(("inputs", value) for value in (None, [1], "a-secret", 7)),
        *(("definition", value) for value in (None, 7)),
        *(("known", value) for value in ("a-secret", {"asking": 7}, {"passed": [7]})),
        *(("outline", value) for value in (None, {"nodes": ["a-secret"]})),
    ],
)
def test_a_part_of_the_start_argument_that_is_wrong_is_named_before_anything_begins(rig, part, value):
    handle = rig.start(WORKFLOW, [{**start_argument(ROLL_OUT), part: value}], QUEUE)
    error = rig.end(handle)
    assert (error.cause.type, f"'{part}'" in error.cause.message, "a-secret" in str(error.cause)) == ("input", True, False)
    assert activities(rig, handle) == []


def test_a_cron_schedule_is_refused(rig):
    name = f"cron-{time.time()}"
    argument = start_argument(ROLL_OUT)
    work = rig.client.start_workflow(WORKFLOW, argument, id=name, task_queue=QUEUE, cron_schedule="@every 1s")
    handle = rig.call(work)
    first = rig.client.get_workflow_handle(name, run_id=handle.first_execution_run_id)
    until(lambda: rig.history(first).events[-1].HasField("workflow_execution_failed_event_attributes"))
    rig.call(handle.terminate())
    failed = rig.history(first).events[-1].workflow_execution_failed_event_attributes
    assert "Temporal Schedule" in failed.failure.message


def test_a_run_that_a_retry_policy_of_the_workflow_repeats_is_refused(rig, tmp_path):
    work = rig.client.start_workflow(
        WORKFLOW,
        start_argument(written(tmp_path, ASKING)),
        id=f"retried-{time.time()}",
        task_queue=QUEUE,
        run_timeout=timedelta(seconds=1),
        retry_policy=RetryPolicy(maximum_attempts=2),
    )
    error = rig.end(rig.call(work))
    assert getattr(error.cause, "type", None) == "input"
    assert "retry policy" in error.cause.message


def keys(history):
    scheduled = [each.activity_task_scheduled_event_attributes for each in history.events]
    return {json.loads(each.input.payloads[0].data)["httptask"]["key"] for each in scheduled if each.input.payloads}


def test_a_run_that_is_reset_has_the_same_idempotency_keys(rig, tmp_path):
    handle = started(rig, written(tmp_path, VERIFIED))
    rig.end(handle)
    history = rig.history(handle)
    done = next(each.event_id for each in history.events if each.HasField("workflow_task_completed_event_attributes"))
    asked = ResetWorkflowExecutionRequest(
        namespace="default",
        workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=handle.first_execution_run_id),
        workflow_task_finish_event_id=done,
        request_id="once",
    )
    answer = rig.call(rig.client.workflow_service.reset_workflow_execution(asked))
    again = rig.client.get_workflow_handle(handle.id, run_id=answer.run_id)
    rig.end(again)
    assert keys(rig.history(again)) == keys(history) == {handle.first_execution_run_id}


def test_a_cancelled_run_lets_the_request_under_way_be_answered(rig, tmp_path):
    rig.box.play(f"POST {UPDATES.replace('{poolId}', '*')}", "slow(600ms)")
    text = VERIFIED.replace("    verify: {before: true}\n", "").partition("outputs:")[0]
    handle = started(rig, written(tmp_path, text + "  - {id: next, task: okta.list_agent_pools}\n"))
    until(lambda: any(name == "create" for _, name in activities(rig, handle)))
    time.sleep(0.3)
    rig.call(handle.cancel())
    error = rig.end(handle)
    assert type(error.cause).__name__ == "CancelledError"
    assert rig.box.applied(CREATED) == 1
    assert '"updateId"' in rig.told(handle)[0]
    assert not any(name == "next" for _, name in activities(rig, handle))


SIDE_BY_SIDE = """
name: side_by_side
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: both
    parallel:
      - id: create
        task: okta.create_agent_pools_update
        forEach: {items: "{{ ['first', 'second'] }}", maxParallel: 2}
        with:
          poolId: '{{ steps.pools.outputs.pools[0].id }}'
          body: {name: '{{ item }}', agentType: AD, agents: '{{ steps.pools.outputs.pools[0].agents }}', notifyAdmin: false}
      - id: pause
        wait: 1m
"""


def test_a_cancelled_run_lets_every_request_under_way_be_answered(rig, tmp_path):
    rig.box.play(f"POST {UPDATES.replace('{poolId}', '*')}", "slow(600ms), slow(900ms)")
    handle = started(rig, written(tmp_path, SIDE_BY_SIDE))
    until(lambda: sum(name.startswith("create[") for _, name in activities(rig, handle)) == 2)
    time.sleep(0.3)
    rig.call(handle.cancel())
    assert type(rig.end(handle).cause).__name__ == "CancelledError"
    events = [each.activity_task_completed_event_attributes for each in rig.history(handle).events]
    answers = [json.loads(each.result.payloads[0].data) for each in events if each.result.payloads]
    assert sum("updateId" in each.get("outputs", {}) for each in answers) == rig.box.applied(CREATED) == 2
