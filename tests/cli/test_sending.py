"""`test` against the standalone sandbox: outcomes, exit codes, the retry switch, time limits, Ctrl-C."""

import json
import re
import signal
import time

import pytest

LIST = "okta.list_agent_pools"
GET = "okta.get_agent_pools_update_instance"
CREATE = "okta.create_agent_pools_update"
OUTCOME_KEYS = ["schemaVersion", "task", "status", "response", "outputs", "warnings", "attempts", "failure"]
ATTEMPT_KEYS = ["number", "phase", "status", "error", "startedAt", "elapsedMs", "timings", "connection", "decision"]
FAILURE_KEYS = ["kind", "message", "hint", "status", "retryable", "retryAfter", "code", "requestId"]


def test_an_outcome_as_json_has_the_agreed_shape(online, sandbox):
    outcome = online("test", LIST, "-i", "poolType=AD", *sandbox.options, "--json").json
    assert list(outcome) == [*OUTCOME_KEYS, "runId"]
    assert (outcome["schemaVersion"], outcome["task"], outcome["status"], outcome["failure"]) == (1, LIST, "succeeded", None)
    assert list(outcome["response"]) == ["status", "headers", "body", "bodyKind", "truncated"]
    assert all(len(pair) == 2 for pair in outcome["response"]["headers"])
    assert {value for name, value in outcome["response"]["headers"] if name == "set-cookie"} == {"***"}
    assert outcome["outputs"]["pools"] == outcome["response"]["body"]
    assert {tuple(warning) for warning in outcome["warnings"]} == {("code", "path", "message")}
    [attempt] = outcome["attempts"]
    assert list(attempt) == ATTEMPT_KEYS
    assert (attempt["number"], attempt["phase"], attempt["status"], attempt["error"]) == (1, "answered", 200, None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", attempt["startedAt"])
    assert attempt["decision"] == {"action": "stop", "waitMs": 0, "reason": "status 200"}


def test_a_refused_task_exits_1_and_says_why(online, sandbox):
    done = online("test", GET, "-i", "poolId=x", "-i", "updateId=y", *sandbox.options, "--json", code=1)
    assert list(done.json["failure"]) == FAILURE_KEYS
    assert (done.json["failure"]["kind"], done.json["failure"]["status"]) == ("notFound", 404)
    assert done.json["failure"]["code"] == "E0000007"
    assert done.json["failure"]["requestId"] in str(done.json["response"]["headers"])


def test_for_people_the_result_is_on_stdout_and_the_rest_on_stderr(online, sandbox):
    done = online("test", GET, "-i", "poolId=x", "-i", "updateId=y", *sandbox.options, code=1)
    assert done.out.startswith("HTTP/1.1 404\n")
    assert '"errorCode": "E0000007"' in done.out
    assert "✗ failed" in done.err
    assert "request id" in done.err


def test_a_post_whose_answer_is_lost_exits_3(online, sandbox):
    sandbox.fault("reset-after", "POST")
    pool = sandbox_pool(online, sandbox)
    agents = [{"id": pool["agents"][0]["id"], "poolId": pool["id"]}]
    body = json.dumps({"name": "n", "agentType": "AD", "agents": agents})
    done = online("test", CREATE, "-i", f"poolId={pool['id']}", "--body", body, *sandbox.options, "--json", code=3)
    assert done.json["status"] == "unknown"
    assert done.json["attempts"][0]["phase"] == "sentWithoutAnswer"
    assert "look at the server's state" in done.json["failure"]["hint"]
    assert sum("POST" in operation for operation in sandbox.control("requests")["applied"]) == 1


def sandbox_pool(online, sandbox):
    return online("test", LIST, "-i", "poolType=AD", *sandbox.options, "--json").json["outputs"]["pools"][0]


def test_one_attempt_is_sent_and_the_next_is_only_told(online, sandbox):
    sandbox.fault("503")
    done = online("test", LIST, *sandbox.options, code=1)
    assert "attempt 1: 503" in done.err
    assert "would retry in" in done.err
    assert len(sandbox.control("requests")["received"]) == 1


def test_with_retry_the_policy_goes_on_and_is_told_as_it_happens(online, sandbox):
    sandbox.fault("503")
    done = online("test", LIST, "--retry", "-v", *sandbox.options)
    assert [entry["status"] for entry in sandbox.control("requests")["received"]] == [503, 200]
    assert done.out.startswith("GET /api/v1/agentPools HTTP/1.1\n")
    told = done.err.splitlines()
    assert re.fullmatch(rf"    GET {sandbox.url}/api/v1/agentPools  503  \d+ ms", told[0])
    assert re.fullmatch(r"    waiting \d\.\d s: .*503.*", told[1])


def test_nobody_listening_is_a_failure_not_a_crash(online):
    done = online("test", LIST, "--base-url", "http://127.0.0.1:9", "--token", "env:SANDBOX_TOKEN", "--json", code=1)
    assert (done.json["failure"]["kind"], done.json["attempts"][0]["phase"]) == ("refused", "notSent")


def test_a_time_limit_ends_a_slow_call(online, sandbox):
    sandbox.fault("slow(20s)")
    began = time.monotonic()
    done = online("test", LIST, "--timeout", "0.3", *sandbox.options, "--json", code=1)
    assert time.monotonic() - began < 5
    assert done.json["failure"]["kind"] in {"deadline", "readTimeout"}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [([LIST], "failed"), ([CREATE, "-i", "poolId=x", "--body", '{"name": "n", "agentType": "AD", "agents": []}'], "unknown")],
    ids=["GET", "POST"],
)
def test_ctrl_c_exits_130_and_says_what_is_known(online, sandbox, arguments, status):
    sandbox.fault("slow(20s)")
    process = online.start("test", *arguments, "--json", *sandbox.options)
    interrupt_once_received(process, sandbox)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)  # a POST would be waited for; the second one means at once
    out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    told = json.loads(out)
    assert (told["status"], told["failure"]["kind"]) == (status, "interrupted")
    assert err.strip().startswith("stopping")


def test_ctrl_c_in_a_wait_between_attempts_exits_130(online, sandbox):
    sandbox.fault("503(Retry-After=60)")
    process = online.start("test", LIST, "--retry", *sandbox.options)
    interrupt_once_received(process, sandbox, pause=0.1)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err


def interrupt_once_received(process, sandbox, pause=0.05):
    end = time.monotonic() + 10
    while time.monotonic() < end and not sandbox.control("requests")["received"]:
        if process.poll() is not None:
            break
        time.sleep(0.02)
    time.sleep(pause)
    process.send_signal(signal.SIGINT)
