"""Tasks as activities of somebody's own workflow: polls, options, refusals, and what is kept of them."""

import subprocess
import sys

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio.client import WorkflowFailureError

from engines.contract import prepare, update_of
from engines.temporal.conftest import SERVER
from engines.temporal.flows import Called, OneTask
from engines.temporal.rig import rigged

CREATED = "POST /api/v1/agentPools/{poolId}/updates"
GET, LIST = "okta.get_agent_pools_update_instance", "okta.list_agent_pools"


@pytest.fixture
def pool(rig):
    rig.box.reset()
    return prepared(rig)


def prepared(rig):
    return prepare(lambda task, inputs: rig.end(rig.start(OneTask.run, [task, inputs, {}]))["outputs"])


def refused(rig, task, inputs, options=None):
    error = rig.end(rig.start(OneTask.run, [task, inputs, options or {}]))
    assert isinstance(error, WorkflowFailureError)
    return error.cause.cause


def test_a_task_is_asked_until_a_condition_holds(rig, pool):
    ids = {"poolId": pool[0]["id"], "updateId": pool[1]}
    rig.end(rig.start(Called.run, ["okta.activate_agent_pools_update", ids, {}]))
    options = {"until": "{{ response.body.status == 'Success' }}", "every": "300ms", "timeout": "1m"}
    handle = rig.start(Called.run, [GET, ids, options])
    assert rig.end(handle)["outputs"]["status"] == "Success"
    events = rig.history(handle).events
    polls = [each for each in events if each.HasField("activity_task_started_event_attributes")]
    assert len(polls) > 2
    assert {each.activity_task_started_event_attributes.attempt for each in polls} == {1}


def test_a_create_that_looked_before_survives_its_worker(rig, pool):
    """The answer from before the first attempt outlives the worker: it is stored before the request leaves."""
    before = rig.box.applied(CREATED)
    rig.workers.kill.write_text("after")
    inputs = {"poolId": pool[0]["id"], "body": update_of(pool[0])}
    handle = rig.start(OneTask.run, ["okta.create_agent_pools_update", inputs, {"verifyBefore": True}])
    rig.workers.replace_dead()
    told = rig.end(handle)
    assert (told["status"], "updateId" in told["outputs"]) == ("succeeded", True)
    assert rig.box.applied(CREATED) == before + 1


def test_an_answer_from_before_that_is_too_long_to_be_kept_ends_the_step_before_it_sends(rig, pool):
    inputs = {"poolId": pool[0]["id"], "body": update_of(pool[0])}
    for number in range(3):
        long = {**inputs["body"], "name": f"{number}" * 700_000}
        rig.end(rig.start(OneTask.run, ["okta.create_agent_pools_update", {**inputs, "body": long}, {}]))
    before = rig.box.applied(CREATED)
    error = refused(rig, "okta.create_agent_pools_update", inputs, {"verifyBefore": True})
    assert (error.type, "verifyBefore" in error.message, "nothing was sent" in error.message) == ("expression", True, True)
    assert rig.box.applied(CREATED) == before


def test_outputs_go_by_their_own_names_and_the_outcome_beside_them(rig, pool):
    told = rig.end(rig.start(OneTask.run, [LIST, {"poolType": "AD"}, {}]))
    assert set(told) == {"status", "outputs", "withheld", "outcome", "failure"}
    assert pool[0]["id"] in [each["id"] for each in told["outputs"]["pools"]]
    assert told["outcome"]["response"]["status"] == 200


def test_temporals_own_limit_of_attempts_ends_in_our_words(rig, pool):
    rig.box.play("GET /api/v1/agentPools", "503x9")
    error = refused(rig, LIST, {}, {"maximumAttempts": 2})
    assert (error.type, error.details[0]["outcome"]["response"]["status"]) == ("serverError", 503)


@pytest.mark.parametrize(
    ("task", "inputs", "options", "words"),
    [
        ("okta.list_agent_pool", {}, {}, "did you mean 'okta.list_agent_pools'?"),
        (LIST, [], {}, "an object of inputs"),
        (LIST, {}, {"header": {}}, "there is no option 'header'"),
        (LIST, {}, {"until": "{{ true }}", "every": "soon"}, "write a number of seconds, or text like 500ms"),
        (LIST, {}, {"again": "x"}, "the option 'again'"),
        (LIST, {}, {"again": {"key": 7}}, "the option 'again'"),
        (LIST, {"httptask": "x"}, {}, "not started with what start_argument returns"),
        (LIST, {"poolType": "none"}, {}, "poolType"),
        (LIST, {"httptask": {"path": "x"}}, {}, "not started with what start_argument returns"),
    ],
)
def test_what_cannot_be_done_fails_once_and_says_why(rig, task, inputs, options, words):
    error = refused(rig, task, inputs, options)
    assert words in error.message
    assert error.non_retryable


def test_the_token_is_nowhere_in_what_temporal_keeps_and_the_worker_says(tmp_path):
    with rigged(SERVER if SERVER.is_file() else "temporal", tmp_path) as rig:
        pool, _ = prepared(rig)
        rig.box.play("GET /api/v1/agentPools", "503, 401, 400")
        for task, inputs in ((LIST, {}), (LIST, {"poolType": "none"}), ("okta.none", {})):
            rig.end(rig.start(OneTask.run, [task, inputs, {}]))
        rig.workers.kill.write_text("after")
        handle = rig.start(OneTask.run, ["okta.create_agent_pools_update", {"poolId": pool["id"], "body": update_of(pool)}, {}])
        rig.workers.replace_dead()
        rig.end(handle)
        assert rig.workers.stop() == 0
        token = rig.box.token.encode()
        rig.workers.start()
    kept = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    assert b"updateId" in kept["temporal.db"] + kept.get("temporal.db-wal", b"")
    assert [name for name, data in kept.items() if token in data] == []


def test_a_namespace_that_is_not_there_ends_the_worker(rig):
    command = [sys.executable, "-m", "httptask", "worker", "temporal", "--address", rig.address, "--namespace", "nowhere"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "nowhere" in done.stderr
