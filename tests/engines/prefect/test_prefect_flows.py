"""Whole workflows and flows in Python on a real server: what is seen, what a killed process leaves, what running again does."""

import base64
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engines.prefect.api import how

ROOT = Path(__file__).resolve().parents[3]
CREATES = "POST /api/v1/agentPools/{poolId}/updates"
ROLLED_OUT = {"updated": ["emea.example.com", "apac.example.com"], "retried": ["apac.example.com"], "notOperational": []}


@pytest.fixture(autouse=True)
def fresh(sandbox):
    sandbox.reset()


def files_with(home, *texts):
    files = [file for file in home.rglob("*") if file.is_file()]
    return [(file.name, text) for file in files for text in texts if text.encode() in file.read_bytes()]


def by_name(api, run):
    return {each["name"]: each["state"] for each in api.task_runs(run)}


def test_the_example_rolls_out_from_the_workflow_file(player, api, sandbox):
    told = player(do="flow", module="roll_out", flow="roll_out_agent_update", parameters={})
    assert told["outputs"] == ROLLED_OUT
    run = api.named(told["name"])
    states = by_name(api, run)
    assert '"name": "Polling"' in api.visible(run)
    assert states["create[0]"]["name"] == "Skipped"
    assert states["create[1]"]["name"] == states["report"]["name"] == "Completed"
    assert sandbox.applied(CREATES) == 2


def test_the_example_rolls_out_in_python(player, sandbox):
    told = player(do="flow", module="roll_out", flow="roll_out_in_python", parameters={"target_version": "3.19.0"})
    assert told["outputs"] == {"updated": ["emea.example.com", "apac.example.com"], "retried": 1}
    assert sandbox.applied(CREATES) == 2


def creations(received):
    return [each for each in received if each["method"] == "POST" and each["path"].endswith("/updates")]


def test_a_run_whose_process_was_killed_goes_on_and_applies_nothing_twice(killed, api):
    found = killed("found_again")
    assert len(creations(found.left)) == 1
    assert found.left == found.later
    assert how(found.end) == ("succeeded", None)
    assert found.plan.sandbox.applied(CREATES) == 3
    states = [(each["name"], each["state"]["name"]) for each in api.task_runs(found.run) if each["flow_run_run_count"] == 2]
    assert sorted(states) == [
        ("create[0]", "Completed"),
        ("create[1]", "Completed"),
        ("create[2]", "Completed"),
        ("pools", "Kept"),
    ]


def test_a_lost_creation_that_cannot_be_found_again_is_never_sent_again(killed):
    found = killed("not_found")
    assert creations(found.left)
    assert found.left == found.later
    assert how(found.end) == ("unknown", "interrupted")
    assert "OutcomeUnknown" in found.end["state"]["message"]
    pools = [each["path"] for each in creations(found.plan.sandbox.received())]
    assert len(pools) == len(set(pools)) == found.plan.sandbox.applied(CREATES)


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_pauses_the_run_until_a_person_says_something(approved, asked, api):
    run = asked[approved]
    while api.flow_run(run)["state"]["name"] != "Paused":
        time.sleep(0.2)
    assert api.resume(run, {"approved": approved})["status"] == "ACCEPT"
    found = api.ended(run)
    states = by_name(api, run)
    assert states["pause"]["name"] == "Completed"
    if not approved:
        assert how(found) == ("failed", "rejected")
        assert "settings" not in states
        return
    assert how(found) == ("succeeded", None)
    assert states["broken"]["name"] == "FailedButContinued"
    assert states["never"]["name"] == "Skipped"
    assert {"settings", "lists[0]", "lists[1]"} <= states.keys()


def test_the_parameters_of_a_deployment_are_the_workflows_inputs(deployments, api):
    schema = api.ask("GET", f"/deployments/{deployments['asked']}")["parameter_openapi_schema"]["properties"]
    assert schema["poolType"]["enum"] == ["AD", "LDAP"]
    assert schema["poolType"]["description"] == "Of the pools."
    assert (schema["most"]["type"], schema["most"]["default"]) == ("integer", 2)


@pytest.mark.parametrize(("name", "creates"), [("twice", 3), ("outer", 1)])
def test_a_flow_that_prefect_runs_again_sends_nothing_again(name, creates, player, sandbox):
    told = player(do="flow", module="flows", flow=name, parameters={})
    assert len(set(told["outputs"]["made"])) == creates
    assert sandbox.applied(CREATES) == creates


def test_calls_that_are_known_by_their_step_are_told_apart_by_the_order_in_which_they_are_submitted(player, sandbox):
    told = player(do="flow", module="flows", flow="overtaken", parameters={})
    first, again = told["outputs"]["made"]
    assert first == again
    assert len(set(first)) == 6
    assert sandbox.applied(CREATES) == 6


def test_a_task_runner_of_other_processes_is_refused_for_calls_that_are_known_by_their_step(player):
    told = player(do="flow", module="flows", flow="in_processes", parameters={})
    assert "ProcessPoolTaskRunner is not for" in told["outputs"]


def test_a_call_with_other_inputs_is_not_made_in_place_of_one_that_was_left_open(player, sandbox):
    sandbox.play("POST /api/v1/agentPools/*/updates", "read-timeout")
    told = player(do="flow", module="flows", flow="changing", parameters={})
    assert "in an earlier execution, and this call of the same task has other inputs" in told["outputs"]
    assert sandbox.applied(CREATES) == 1


SETTINGS = "GET /api/v1/agentPools/*/updates/settings"


def test_the_steps_of_on_failure_are_task_runs_and_the_run_has_failed(player, api, sandbox):
    sandbox.play(SETTINGS, "404")
    told = player(do="flow", module="flows", flow="undone", parameters={})
    run = api.named(told["name"])
    assert how(api.flow_run(run)) == ("failed", "notFound")
    states = {name: state["name"] for name, state in by_name(api, run).items()}
    assert states == {"made": "Completed", "broken": "Failed", "onFailure/look": "Completed"}


def test_a_run_that_is_undone_does_not_go_forward_when_prefect_runs_the_flow_again(player, api, sandbox):
    sandbox.play(SETTINGS, "404, ok")
    told = player(do="flow", module="flows", flow="undone_once", parameters={})
    run = api.named(told["name"])
    assert how(api.ended(run, than=2)) == ("failed", "notFound")
    again = {each["name"]: each["state"]["name"] for each in api.task_runs(run) if each["flow_run_run_count"] == 2}
    assert again == {"onFailure/look": "Kept"}


def test_a_step_that_failed_is_tried_anew_when_prefect_runs_the_flow_again(player, api, sandbox):
    sandbox.play(SETTINGS, "404, ok")
    told = player(do="flow", module="flows", flow="tried_anew", parameters={})
    run = api.named(told["name"])
    assert how(api.ended(run)) == ("succeeded", None)
    again = {each["name"]: each["state"]["name"] for each in api.task_runs(run) if each["flow_run_run_count"] == 2}
    assert again == {"made": "Kept", "broken": "Completed"}


def test_a_creation_whose_answer_could_not_be_read_is_not_made_again_when_prefect_runs_the_flow_again(player, api, sandbox):
    told = player(do="flow", module="flows", flow="unreadable", parameters={})
    run = api.named(told["name"])
    found = api.ended(run, than=2)
    assert how(found) == ("failed", "expression")
    assert sandbox.applied(CREATES) == 1


def test_a_secret_input_is_a_reference_and_is_handed_to_nobody(player, api, home):
    player(do="secret", name="canary", value="c4nary-in-a-coal-mine")
    told = player(do="flow", module="flows", flow="secretive", parameters={"password": "secret:canary"})
    assert told["outputs"] == {"pools": 5}
    assert api.flow_run(api.named(told["name"]))["parameters"] == {"password": "secret:canary"}
    assert files_with(home, "c4nary-in-a-coal-mine") == []


def test_a_long_ledger_is_read_to_its_end(player):
    kept = player(do="ledger", facts=230)
    assert kept == {"fact 0": -1, **{f"fact {number}": number for number in range(1, 230)}}


def test_a_task_runner_of_other_processes_is_refused_for_a_workflow(player):
    told = player(do="flow", module="flows", flow="elsewhere", parameters={})
    assert "ProcessPoolTaskRunner is not for" in told["outputs"]


def test_the_page_about_prefect_says_what_works(environment, sandbox, api, tmp_path):
    page = (ROOT / "docs" / "engines" / "prefect.md").read_text()
    [script] = re.findall(r"```python\n# roll_out.py\n(.*?)```", page, re.DOTALL)
    (tmp_path / "roll_out.py").write_text(script.replace("http://127.0.0.1:8098", sandbox.url))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "roll_out.py")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()[-2:]
    assert first == str(ROLLED_OUT)
    assert second


@pytest.mark.parametrize("flow", ["nested", "nested_flow"])
def test_what_is_called_within_a_task_is_refused_before_anything_is_sent(flow, player, sandbox):
    told = player(do="flow", module="flows", flow=flow, parameters={})
    assert "call a task of httptask from a flow" in told["outputs"]
    assert sandbox.applied(CREATES) == 0


def test_a_process_that_prefect_gave_up_sends_nothing_any_more(player, sandbox):
    told = player(do="flow", module="flows", flow="taken_away", parameters={})
    assert "took this flow run away" in told["outputs"]
    assert sandbox.applied(CREATES) == 0


def test_the_token_is_nowhere_in_what_prefect_keeps(player, api, sandbox, home):
    told = player(do="flow", module="flows", flow="echoing", parameters={})
    run = api.named(told["name"])
    assert how(api.flow_run(run))[0] == "succeeded"
    time.sleep(1)
    assert files_with(home, sandbox.token, base64.b64encode(sandbox.token.encode()).decode()) == []
