import json

import pytest

from httptask.errors import TaskFailed
from httptask.outcome import Answer, Attempt, Decision, Failure, FailureKind, Outcome, Warn, iso8601

ATTEMPTS = (
    Attempt(
        1,
        "sentWithoutAnswer",
        1_700_000_000.25,
        0.5,
        error="connectionLost",
        timings={"connect": 1.5},
        decision=Decision("retry", 2.0004, "x"),
    ),
    Attempt(2, "answered", 1_700_000_003.0, 0.0123456, status=429),
)
FAILURE = Failure(
    FailureKind.RATE_LIMITED, "too many", "wait", status=429, retryable=True, retry_after=48.0, code="E0000047", request_id="r1"
)
FAILED = Outcome(
    "okta.list_agent_pools",
    "failed",
    Answer(429, (("Link", "a"), ("Link", "b")), {"errorCode": "E0000047"}, "json", truncated=True),
    {"pools": []},
    (Warn("drift", "$.a", "unknown value"),),
    ATTEMPTS,
    FAILURE,
)


def test_the_json_form_is_the_contract():
    assert FAILED.to_json() == {
        "schemaVersion": 1,
        "task": "okta.list_agent_pools",
        "status": "failed",
        "response": {
            "status": 429,
            "headers": [["Link", "a"], ["Link", "b"]],
            "body": {"errorCode": "E0000047"},
            "bodyKind": "json",
            "truncated": True,
        },
        "outputs": {"pools": []},
        "warnings": [{"code": "drift", "path": "$.a", "message": "unknown value"}],
        "attempts": [
            {
                "number": 1,
                "phase": "sentWithoutAnswer",
                "status": None,
                "error": "connectionLost",
                "startedAt": "2023-11-14T22:13:20.250Z",
                "elapsedMs": 500.0,
                "timings": {"connect": 1.5},
                "connection": None,
                "decision": {"action": "retry", "waitMs": 2000, "reason": "x"},
            },
            {
                "number": 2,
                "phase": "answered",
                "status": 429,
                "error": None,
                "startedAt": "2023-11-14T22:13:23.000Z",
                "elapsedMs": 12.346,
                "timings": {},
                "connection": None,
                "decision": None,
            },
        ],
        "failure": {
            "kind": "rateLimited",
            "message": "too many",
            "hint": "wait",
            "status": 429,
            "retryable": True,
            "retryAfter": 48.0,
            "code": "E0000047",
            "requestId": "r1",
        },
    }


def test_the_json_form_is_plain_json():
    assert json.loads(json.dumps(FAILED.to_json())) == FAILED.to_json()
    assert type(FAILED.to_json()["failure"]["kind"]) is str


def test_what_did_not_happen_is_null_or_empty():
    assert Outcome("t.x", "unknown").to_json() == {
        "schemaVersion": 1,
        "task": "t.x",
        "status": "unknown",
        "response": None,
        "outputs": {},
        "warnings": [],
        "attempts": [],
        "failure": None,
    }


def test_unwrap_returns_the_outputs_of_a_success():
    assert Outcome("t.x", "succeeded", outputs={"id": 0}).unwrap() == {"id": 0}


@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_unwrap_raises_the_whole_outcome_when_the_task_did_not_succeed(status):
    outcome = Outcome("t.x", status, failure=FAILURE)
    with pytest.raises(TaskFailed) as caught:
        outcome.unwrap()
    assert caught.value.outcome is outcome
    assert str(caught.value) == f"t.x: {status}: too many (wait)"


def test_unknown_is_not_ok():
    assert [Outcome("t.x", status).ok for status in ("succeeded", "failed", "unknown")] == [True, False, False]


@pytest.mark.parametrize("kind", FailureKind)
def test_failure_kinds_are_camel_case_words(kind):
    assert kind.value.isalpha()
    assert kind.value[0].islower()
    assert kind.value.lower() == kind.name.replace("_", "").lower()


def test_times_are_utc_with_milliseconds():
    assert iso8601(0) == "1970-01-01T00:00:00.000Z"
