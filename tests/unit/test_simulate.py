import json

import pytest

from httptask.errors import InputInvalid, UsageError
from httptask.loader import load_workflow, open_registry, shipped
from httptask.runner import Options
from httptask.simulate import simulate, simulate_workflow

REGISTRY = open_registry()
LIST = REGISTRY["okta.list_agent_pools"]
STOP = REGISTRY["okta.stop_agent_pools_update"]
IDS = {"poolId": "p", "updateId": "u"}
ROLL_OUT = load_workflow(shipped("task_templates").parent / "examples" / "roll_out_agent_update.yaml", REGISTRY)

GOLDEN = """\
#  at       phase              answer       decision  wait     reason
1  0.000 s  answered           503          retry     0.067 s  status 503: GET may be repeated; backoff 0.067 s
2  0.067 s  answered           429          retry     7.000 s  status 429: the request was not acted on; the server asked for 7 s
3  7.067 s  sentWithoutAnswer  readTimeout  retry     1.528 s  readTimeout after sending: GET may be repeated; backoff 1.5 s
4  38.595 s  answered          200          stop      -        status 200
outcome: succeeded
"""


def test_a_schedule_is_the_same_for_the_same_seed():
    script = "503, 429(Retry-After=7), read-timeout, ok"
    text = simulate(LIST, {}, script).text()
    assert [line.split() for line in text.splitlines()] == [line.split() for line in GOLDEN.splitlines()]
    assert simulate(LIST, {}, script).text() == text
    assert simulate(LIST, {}, script, seed=2).text() != text


def test_a_simulation_waits_for_nothing(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("it waited"))
    assert simulate(LIST, {}, "429(Retry-After=90)x3, ok").outcome.ok


@pytest.mark.parametrize(
    ("word", "phase", "answer"),
    [
        ("refused", "notSent", "refused"),
        ("dns", "notSent", "dns"),
        ("tls", "notSent", "tlsHandshake"),
        ("connect-timeout", "notSent", "connectTimeout"),
        ("reset-before", "sentWithoutAnswer", "connectionLost"),
        ("reset-after", "sentWithoutAnswer", "connectionLost"),
        ("read-timeout", "sentWithoutAnswer", "readTimeout"),
        ("slow(31s)", "sentWithoutAnswer", "readTimeout"),
        ("truncated", "answered", "200"),
        ("slow(2s)", "answered", "200"),
        ("html", "answered", "200"),
        ("404", "answered", "404"),
        ("ok", "answered", "200"),
    ],
)
def test_every_fault_word_is_played_as_a_connection_would_show_it(word, phase, answer):
    row = simulate(LIST, {}, word).rows[0]
    assert (row[2], row[3]) == (phase, answer)


def test_the_last_entry_repeats():
    assert [row[3] for row in simulate(LIST, {}, "429(Retry-After=1), 503").rows] == ["429", "503", "503", "503"]


def test_an_empty_answer_is_played_for_a_status_without_an_example():
    assert simulate(REGISTRY["okta.delete_agent_pools_update"], IDS, "ok").outcome.ok


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("reset-after, verify:applied", "succeeded"),
        ("reset-after, verify:inconclusive", "unknown"),
        ("reset-after", "unknown"),
        ("reset-after, ok, verify:notApplied", "succeeded"),
        ("reset-after, ok, verify:notApplied, verify:applied", "succeeded"),
    ],
)
def test_the_findings_of_the_verify_task_come_from_the_script(script, status):
    assert simulate(STOP, IDS, script).outcome.status == status


def test_a_finding_for_a_task_without_verify_is_refused():
    with pytest.raises(InputInvalid, match="has no verify task"):
        simulate(LIST, {}, "verify:applied")


def test_options_of_the_caller_hold_in_a_simulation():
    simulation = simulate(LIST, {}, "503", options=Options(retry={"maxAttempts": 2}))
    assert len(simulation.rows) == 2


def test_the_json_of_a_simulation_can_be_kept_as_a_golden_file():
    value = simulate(STOP, IDS, "429(Retry-After=7), ok").to_json()
    assert json.loads(json.dumps(value)) == value
    first = value["schedule"][0]
    assert (value["status"], value["seed"], first["atMs"], first["decision"]["waitMs"]) == ("succeeded", 1, 0, 7000)


def test_a_workflow_is_simulated_step_by_step():
    result = simulate_workflow(ROLL_OUT, REGISTRY, {}, {"pools": "503, ok", "create": "reset-after"})
    assert [(step.id, step.status) for step in result.steps] == [("pools", "succeeded"), ("create", "unknown")]
    assert [attempt.status for attempt in result.steps[0].outcome.attempts] == [503, 200]


def test_a_fault_for_an_unknown_step_is_refused():
    with pytest.raises(InputInvalid, match="did you mean 'create'"):
        simulate_workflow(ROLL_OUT, REGISTRY, {}, {"creat": "503"})


def test_a_finding_that_the_template_cannot_make_is_refused():
    with pytest.raises(UsageError, match="notApplied"):
        simulate(REGISTRY["okta.create_agent_pools_update"], {"poolId": "p", "body": {}}, "read-timeout, verify:notApplied")
