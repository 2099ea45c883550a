"""`run` and `sandbox`: the example workflow over real HTTP, and a server by itself."""

import http.client
import json
import signal
import time
from contextlib import closing

import pytest

from cli.command import EXAMPLE, NOTES

RUN_KEYS = ["schemaVersion", "runId", "workflow", "status", "outputs", "steps", "failure"]


def outcomes(run):
    for step in run["steps"]:
        records = (step, *(step["items"] or ()))
        yield from (record["outcome"] for record in records if record["outcome"])


@pytest.mark.slow
def test_the_example_gets_through_a_rate_limit_a_503_and_a_failed_update_in_20_seconds(httptask):
    began = time.monotonic()
    run = httptask("run", EXAMPLE, "--sandbox", "--json").json
    assert time.monotonic() - began < 20
    assert list(run) == RUN_KEYS
    assert (run["schemaVersion"], run["workflow"], run["status"]) == (1, "roll_out_agent_update", "succeeded")
    assert run["failure"] is None
    assert all({"id", "status", "outcome", "items"} <= set(step) for step in run["steps"])
    attempts = [attempt for outcome in outcomes(run) for attempt in outcome["attempts"]]
    assert {attempt["status"] for attempt in attempts if attempt["decision"]["action"] == "retry"} == {429, 503}
    assert len(run["outputs"]["updated"]) > len(run["outputs"]["retried"]) == 1
    assert run["outputs"]["notOperational"] == []


FLOW = """
name: flow
inputs: {type: object, properties: {poolId: {type: string}}, required: [poolId]}
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: update
    task: okta.get_agent_pools_update_instance
    with: {poolId: '{{ inputs.poolId }}', updateId: none}
  - id: after
    task: okta.list_agent_pools
"""


@pytest.fixture
def flow(tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    return "flow.yaml"


def test_a_failing_step_ends_the_run_with_what_was_done(online, sandbox, flow):
    run = online("run", flow, "-i", "poolId=x", *sandbox.options, "--json", code=1).json
    assert [(step["id"], step["status"]) for step in run["steps"]][:2] == [("pools", "succeeded"), ("update", "failed")]
    assert run["status"] == "failed"
    assert run["failure"]["kind"] == "notFound"
    assert len(sandbox.control("requests")["received"]) == 2


def test_a_run_for_people_lists_its_steps_and_tells_them_with_v(online, sandbox, flow):
    done = online("run", flow, "-i", "poolId=x", "-v", *sandbox.options, code=1)
    assert "✓ pools" in done.out
    assert "✗ update" in done.out
    assert "✗ failed in" in done.out
    assert f"GET {sandbox.url}/api/v1/agentPools  200" in done.err


def test_wrong_inputs_of_a_workflow_are_reported_before_anything_is_sent(online, sandbox, flow):
    done = online("run", flow, "-i", "poolID=x", *sandbox.options, "--json", code=2)
    assert set(done.problems) == {"poolId", "poolID"}
    assert sandbox.control("requests")["received"] == []


def test_ctrl_c_ends_a_run_with_130(online, sandbox, flow):
    sandbox.fault("slow(20s)")
    process = online.start("run", flow, "-i", "poolId=x", "--json", *sandbox.options)
    end = time.monotonic() + 10
    while time.monotonic() < end and not sandbox.control("requests")["received"]:
        time.sleep(0.02)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    run = json.loads(out)
    assert (list(run), run["status"]) == (RUN_KEYS, "cancelled")
    assert run["steps"][0]["id"] == "pools"


def status(url):
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
    with closing(connection):
        connection.request("GET", "/api/v1/agentPools")
        return connection.getresponse().status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_prints_one_json_line_and_ends_on_a_signal(httptask, number):
    process = httptask.start("sandbox", "--token", "t-o-k-e-n", "--fault", "GET /api/v1/agentPools=418")
    ready = json.loads(process.stdout.readline())
    assert set(ready) == {"url", "token", "pid"}
    assert (ready["token"], ready["pid"]) == ("t-o-k-e-n", process.pid)
    assert status(ready["url"]) == 418
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out) == (0, "")
    assert "Traceback" not in err
    with pytest.raises(ConnectionRefusedError):
        status(ready["url"])


def test_a_port_in_use_is_a_message(httptask, standalone):
    assert "cannot listen" in httptask("sandbox", "--port", standalone.url.rpartition(":")[2], code=2).err


def test_the_sandbox_speaks_one_api_only(httptask):
    done = httptask("test", "notes.list_notes", "--templates", NOTES, "--sandbox", code=2)
    assert "does not speak 'notes'" in done.err


def test_a_task_runs_against_a_sandbox_of_its_own(httptask):
    outcome = httptask("test", "okta.list_agent_pools", "-i", "poolType=AD", "--sandbox", "--json").json
    assert outcome["status"] == "succeeded"
    assert outcome["response"]["headers"]
    assert "sandbox-token" not in json.dumps(outcome)
