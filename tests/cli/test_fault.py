import json

import pytest

from httptask.cli import main

pytestmark = pytest.mark.broad

LIST = ["test", "okta.list_agent_pools"]
STOP = ["test", "okta.stop_agent_pools_update", "-i", "poolId=p", "-i", "updateId=u"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([*LIST, "--fault", "503x2, ok"], 0, "outcome: succeeded"),
        ([*LIST, "--fault", "404"], 1, "outcome: failed"),
        ([*STOP, "--fault", "reset-after"], 3, "outcome: unknown"),
        ([*STOP, "--fault", "reset-after, verify:applied"], 0, "verify: it was applied"),
        ([*LIST, "--fault", "429(Retry-After=400)"], 1, "server asks for 400 s, more than the cap of 120 s"),
        ([*LIST, "--fault", "429(Retry-After=41)", "--timeout", "12"], 1, "server asks for 41 s, 12 s left"),
    ],
)
def test_a_fault_script_prints_the_schedule_and_the_outcomes_exit_code(capsys, arguments, code, words):
    assert main(arguments) == code
    assert words in capsys.readouterr().out


def test_a_wrong_script_says_where_and_what_is_known(capsys):
    assert main([*LIST, "--fault", "503, verfy:applied"]) == 2
    captured = capsys.readouterr()
    assert "fault 2, column 6: not a fault word" in captured.err
    assert "did you mean 'verify:applied'?" in captured.err


def test_the_schedule_as_json_is_stable(capsys):
    assert main([*LIST, "--fault", "429(Retry-After=7), ok", "--json", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    main([*LIST, "--fault", "429(Retry-After=7), ok", "--json", "--seed", "3"])
    assert capsys.readouterr().out == first
    value = json.loads(first)
    assert [row["decision"]["waitMs"] for row in value["schedule"]] == [7000, 0]
    assert (value["task"], value["seed"], value["status"]) == ("okta.list_agent_pools", 3, "succeeded")


def test_inputs_are_checked_before_a_simulation(capsys):
    assert main(["test", "okta.stop_agent_pools_update", "--fault", "ok"]) == 2
    assert "poolId: this input is required" in capsys.readouterr().err


def test_a_workflow_is_simulated_with_a_script_per_step(capsys, request):
    file = request.config.rootpath / "examples" / "roll_out_agent_update.yaml"
    assert main(["run", str(file), "--fault", "create=reset-after", "--json"]) == 3
    value = json.loads(capsys.readouterr().out)
    assert (value["status"], [step["status"] for step in value["steps"]]) == ("unknown", ["succeeded", "unknown"])


@pytest.mark.parametrize(("fault", "words"), [("503", "STEP=SCRIPT"), ("nope=503", "no such step")])
def test_a_fault_for_a_workflow_names_its_step(capsys, request, fault, words):
    file = request.config.rootpath / "examples" / "roll_out_agent_update.yaml"
    assert main(["run", str(file), "--fault", fault]) == 2
    assert words in capsys.readouterr().err
