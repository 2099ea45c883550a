"""Whole workflow files on Conductor: every construct in its own words, each step to be seen, a skipped one a value."""

import json
import subprocess
import sys

import pytest

pytest.importorskip("conductor", reason="conductor-python is not installed: tests/engines/run conductor installs it")

from engines.conductor.workers import CANARY, deploy, finished, last, one_task
from engines.everything import INNER
from httptask.engines.conductor.compiling import workflow_definition
from httptask.loader import Library, load_workflow

REGISTRY = Library().registry()

EVERYTHING = """
name: everything
inputs: {type: object, properties: {poolType: {type: string, default: AD}, times: {type: integer, default: 2}}}
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: '{{ inputs.poolType }}'}
  - id: pause__now
    wait: 1s
  - id: sure
    approve: 'Look at {{ steps.pools.outputs.pools | length }} pools?'
  - id: both
    if: '{{ steps.pools.outputs.pools | length > 0 }}'
    parallel:
      - id: left
        task: okta.get_agent_pools_update_settings
        with: {poolId: '{{ steps.pools.outputs.pools[0].id }}'}
      - id: right
        task: okta.list_agent_pools_updates
        forEach: {items: '{{ steps.pools.outputs.pools }}', maxParallel: 3}
        with: {poolId: '{{ item.id }}'}
  - id: neither
    if: '{{ steps.both.status != "succeeded" }}'
    parallel:
      - id: unseen
        task: okta.list_agent_pools
  - id: inner
    workflow: inner.yaml
    with: {pool: '{{ steps.pools.outputs.pools[0].id }}'}
  - id: never
    if: '{{ steps.unseen is defined and steps.both.status != "succeeded" }}'
    task: okta.list_agent_pools
  - id: hostile
    task: okta.list_agent_pools_updates
    forEach: "{{ ['${workflow.workflowId}', '$${x}', '${workflow.secrets.HOME}'] }}"
    if: '{{ "workflow" not in item and "x" not in item }}'
    with: {poolId: '{{ item }}'}
outputs:
  status: '{{ steps.both.status }}'
  settings: '{{ steps.left.status }}'
  lists: '{{ steps.right.outputs | length }}'
  of: '{{ steps.inner.outputs.of }}'
  skipped: '{{ steps.never.status }} {{ steps.neither.status }} {{ steps.hostile.outputs | tojson }}'
"""


@pytest.fixture(scope="module")
def everything(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("everything")
    (folder / "inner.yaml").write_text(INNER)
    (folder / "everything.yaml").write_text(EVERYTHING)
    deploy(server, folder / "everything.yaml")
    return "everything"


def asked(server, run):
    """The task that asks a person, when it does."""
    found = finished(server, run, until=lambda run: any(task["taskType"] == "HUMAN" for task in run["tasks"]))
    return last(found, "sure")


def answer(server, task, output):
    result = {"taskId": task["taskId"], "workflowInstanceId": task["workflowInstanceId"], "status": "COMPLETED"}
    server.call("POST", "/tasks", {**result, "outputData": output})


def test_every_construct_runs_and_is_seen(server, box, worker, everything):
    run = server.call("POST", f"/workflow/{everything}", {"poolType": "AD"})
    human = asked(server, run)
    assert human["inputData"]["message"] == "Look at 5 pools?"
    answer(server, human, {"approved": True})
    found = finished(server, run)
    assert found["status"] == "COMPLETED", found.get("reasonForIncompletion")
    output = found["output"]
    assert (output["status"], output["settings"], output["lists"]) == ("succeeded", "succeeded", 5)
    assert output["of"].endswith(": succeeded")
    assert output["skipped"] == "skipped skipped [null,null,null]"
    kinds = {task["taskType"] for task in found["tasks"]}
    assert {"WAIT", "HUMAN", "FORK", "JOIN", "DO_WHILE", "SWITCH"} <= kinds
    assert last(found, "never")["outputData"]["httptask"]["status"] == "skipped"


@pytest.mark.parametrize("output", [{"approved": False}, {}, {"approved": "no"}])
def test_what_a_person_does_not_approve_ends_the_run(server, box, worker, everything, output):
    run = server.call("POST", f"/workflow/{everything}", {})
    answer(server, asked(server, run), output)
    found = finished(server, run)
    assert (found["status"], last(found, "sure_decide")["outputData"]["httptask"]["error"]) == ("FAILED", "rejected")


def test_a_wrong_input_is_told_before_anything_is_sent(server, box, worker, everything):
    run = server.call("POST", f"/workflow/{everything}", {"times": "many"})
    found = finished(server, run)
    assert (found["status"], len(found["tasks"])) == ("FAILED", 1)
    assert "times" in found["reasonForIncompletion"]


ITEMS = """
name: NAME
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: "{{ ['nowhere', 'neither', 'nor'] }}"MORE}
    with: {poolId: '{{ item }}'}
    continueOnError: true
outputs: {was: '{{ steps.each.status }}'}
"""


@pytest.mark.parametrize(
    ("name", "more", "sent"),
    [("stops", ", onError: stop", 1), ("continues", "", 3), ("stops_wide", ", maxParallel: 2, onError: stop", 2)],
)
@pytest.mark.usefixtures("worker")
def test_a_failing_item_ends_the_others_unless_they_go_on(server, tmp_path, name, more, sent):
    file = tmp_path / "items.yaml"
    file.write_text(ITEMS.replace("NAME", name).replace("MORE", more))
    deploy(server, file)
    found = finished(server, server.call("POST", f"/workflow/{name}", {}))
    assert (found["status"], found["output"]) == ("COMPLETED", {"was": "failed"}), found.get("reasonForIncompletion")
    assert sum(task["taskType"] == "okta.get_agent_pools_update_settings" for task in found["tasks"]) == sent


def test_what_conductor_cannot_run_is_refused_when_it_is_deployed(tmp_path):
    file = tmp_path / "refused.yaml"
    text = "name: refused\ntimeout: 1h\nsteps: [{id: a, task: okta.list_agent_pools}]\n"
    file.write_text(text + "onFailure: [{id: b, task: okta.list_agent_pools}]\n")
    command = [sys.executable, "-m", "httptask", "deploy", "conductor", str(file), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Conductor has no timeout of a whole workflow" in done.stderr
    assert "Conductor cannot run the steps of onFailure" in done.stderr


def test_text_that_conductor_made_is_taken_as_what_the_schema_asks_for(server, box, worker):
    one_task(server, "coerced", "okta.list_agent_pools", {"poolType": "AD", "limitPerPoolType": "${workflow.input.few} "})
    for few, status in ((3, "COMPLETED"), ("many", "FAILED")):
        assert finished(server, server.call("POST", "/workflow/coerced", {"few": few}))["status"] == status


def test_a_lost_creation_is_found_by_what_was_listed_before(server, box, worker):
    box.reset()
    pool = "${workflow.input.poolId}"
    quick = {"verifyBefore": True, "retry": {"connectTimeout": 0.5, "readTimeout": 0.5, "maxElapsed": 10}}
    body = {"name": "found", "agentType": "AD", "agents": "${workflow.input.agents}", "schedule": "${workflow.input.schedule}"}
    one_task(server, "creation", "okta.create_agent_pools_update", {"poolId": pool, "body": body, "httptask": quick})
    listed = server.call("POST", "/workflow/coerced", {"few": 5})
    pools = last(finished(server, listed), "call")["outputData"]["pools"]
    schedule = {"cron": "0 3 * * WED", "timezone": "America/New_York", "duration": 120}
    worker.kills_itself("after")
    run = server.call(
        "POST", "/workflow/creation", {"poolId": pools[0]["id"], "agents": pools[0]["agents"], "schedule": schedule}
    )
    worker.revive()
    task = last(finished(server, run), "call")
    assert task["status"] == "COMPLETED", json.dumps(task["outputData"])
    assert task["outputData"]["updateId"]
    assert box.applied("POST /api/v1/agentPools/{poolId}/updates") == 1


@pytest.mark.usefixtures("worker")
def test_a_task_that_failed_begins_anew_when_a_person_has_it_begun_again(server, box):
    box.reset()
    one_task(server, "again", "okta.get_agent_pools_update_settings", {"poolId": "nowhere"})
    run = server.call("POST", "/workflow/again", {})
    for attempts in (1, 2):
        assert last(finished(server, run), "call")["outputData"]["httptask"]["error"] == "notFound"
        assert len(box.received()) == attempts
        server.call("POST", f"/workflow/{run}/retry")
    finished(server, run)


@pytest.mark.usefixtures("worker")
def test_what_nobody_knows_is_looked_at_first_when_a_person_has_it_begun_again(server, box):
    box.reset()
    box.play("POST /api/v1/agentPools/*/updates", "read-timeout")
    body = {"name": "again", "agentType": "AD", "agents": []}
    pools = last(finished(server, server.call("POST", "/workflow/coerced", {"few": 5})), "call")["outputData"]["pools"]
    one_task(server, "unknown", "okta.create_agent_pools_update", {"poolId": pools[0]["id"], "body": body})
    run = server.call("POST", "/workflow/unknown", {})
    for _ in range(2):
        assert last(finished(server, run), "call")["outputData"]["httptask"]["error"] == "OutcomeUnknown"
        assert sum(entry["method"] == "POST" for entry in box.received()) == 1
        server.call("POST", f"/workflow/{run}/retry")
    finished(server, run)


FINAL = """
name: final
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: create
    task: okta.create_agent_pools_update
    with:
      poolId: '{{ steps.pools.outputs.pools[0].id }}'
      body:
        name: final
        agentType: AD
        agents: '{{ steps.pools.outputs.pools[0].agents }}'
        schedule: {cron: 0 3 * * WED, timezone: America/New_York, duration: 120}
    outputs: {wrong: '{{ response.body.nowhere }}'}
"""


@pytest.mark.parametrize("again", ["retry", "rerun"])
@pytest.mark.usefixtures("worker")
def test_what_failed_after_the_server_had_acted_is_not_sent_again_when_a_person_has_it_begun_again(server, box, tmp_path, again):
    box.reset()
    (tmp_path / "final.yaml").write_text(FINAL)
    deploy(server, tmp_path / "final.yaml")
    run = server.call("POST", "/workflow/final", {})
    first = last(finished(server, run), "create")
    assert (first["status"], first["outputData"]["httptask"]["error"]) == ("FAILED_WITH_TERMINAL_ERROR", "expression")
    server.call("POST", f"/workflow/{run}/{again}", {"reRunFromTaskId": first["taskId"]} if again == "rerun" else None)
    second = last(finished(server, run), "create")
    assert second["status"] == "FAILED_WITH_TERMINAL_ERROR"
    assert box.applied("POST /api/v1/agentPools/{poolId}/updates") == 1
    assert sum(entry["method"] == "POST" for entry in box.received()) == 1
    assert second["reasonForIncompletion"] == first["reasonForIncompletion"]
    if again == "retry":  # a rerun forgets what the task had put out
        assert second["outputData"] == first["outputData"]


SECRET = """
name: secret
inputs:
  type: object
  required: [ticket]
  properties: {ticket: {type: string, format: password}}
steps:
  - id: create
    task: okta.create_agent_pools_update
    headers: {X-Ticket: '{{ inputs.ticket }}'}
    with: {poolId: '{{ inputs.ticket }}', body: {name: '{{ inputs.ticket }}', agentType: AD, agents: []}}
    continueOnError: true
  - id: each
    task: okta.list_agent_pools
    forEach: {items: '{{ [1, 2] }}', maxParallel: 2}
    headers: {X-Ticket: '{{ inputs.ticket }}'}
  - id: sure
    approve: 'Is {{ inputs.ticket }} right?'
outputs: {said: '{{ steps.each.status }} {{ inputs.ticket }}'}
"""


@pytest.fixture
def secret(server, tmp_path):
    (tmp_path / "secret.yaml").write_text(SECRET)
    deploy(server, tmp_path / "secret.yaml")
    return "secret"


def test_a_secret_input_is_read_by_the_worker_and_nowhere_in_what_the_server_stored(server, box, worker, secret):
    box.reset()
    run = server.call("POST", f"/workflow/{secret}", {"ticket": "env:CANARY"})
    answer(server, asked(server, run), {"approved": True})
    found = finished(server, run)
    assert found["status"] == "COMPLETED", found.get("reasonForIncompletion")
    assert [CANARY in entry["path"] for entry in box.received() if entry["method"] == "POST"] == [True]
    assert CANARY.encode() not in server.stored()
    assert CANARY not in (worker.folder / "worker.log").read_text()
    assert CANARY not in json.dumps(found)


@pytest.mark.usefixtures("worker")
def test_a_secret_input_in_clear_is_refused_before_anything_is_sent(server, box, secret):
    box.reset()
    found = finished(server, server.call("POST", f"/workflow/{secret}", {"ticket": "written-in-clear"}))
    ends = [task["status"] for task in found["tasks"]]  # the first step has continueOnError, the next has not
    assert (found["status"], ends, box.received()) == ("FAILED", ["COMPLETED", "FAILED_WITH_TERMINAL_ERROR"], [])
    assert "ticket" in found["reasonForIncompletion"]
    assert "written-in-clear" not in json.dumps([found["reasonForIncompletion"], [task["outputData"] for task in found["tasks"]]])


@pytest.mark.parametrize("more", ["", ", maxParallel: 2"])
def test_an_item_that_left_nothing_ends_the_list_as_unknown(server, box, worker, tmp_path, more):
    (tmp_path / "lost.yaml").write_text(ITEMS.replace("NAME", "lost").replace("MORE", more))
    definition = json.dumps(workflow_definition(load_workflow(tmp_path / "lost.yaml", REGISTRY), REGISTRY))
    nobodys = json.loads(definition.replace('"okta.get_agent_pools_update_settings"', '"nobodys"'))
    server.call("POST", "/metadata/taskdefs", [{"name": "nobodys", "retryCount": 0, "timeoutSeconds": 0}])
    server.call("PUT", "/metadata/workflow", [nobodys])
    run = server.call("POST", "/workflow/lost", {})
    finished(server, run, until=lambda run: any(task["taskDefName"] == "nobodys" for task in run["tasks"]))
    for task in server.call("GET", "/tasks/poll/batch/nobodys?count=2&timeout=5000"):
        lost = {"taskId": task["taskId"], "workflowInstanceId": run, "status": "FAILED_WITH_TERMINAL_ERROR", "outputData": {}}
        server.call("POST", "/tasks", lost)
    own = last(finished(server, run), "each_gather")["outputData"]["httptask"]
    assert own["error"] == "OutcomeUnknown"
    assert "its worker was lost too often" in own["message"]
