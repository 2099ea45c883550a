import json
from pathlib import Path

import pytest

from httptask.model import RetryPolicy
from httptask.profiles import _RETRY_BOUNDS, _retry_problems
from httptask.retrying import backoff

SCHEMA = Path(__file__).resolve().parents[2] / "task_templates" / "workflow.schema.json"


@pytest.mark.parametrize("factor", [1e300, 1e308, 10**400])
@pytest.mark.parametrize("retries", [0, 1, 2, 63, 10**6])
def test_backoff_never_passes_its_cap_and_never_raises(factor, retries):
    assert 0 <= backoff(RetryPolicy(factor=factor), retries, 0.999) <= 30
    assert backoff(RetryPolicy(factor=factor, base=0), retries, 0.5) == 0


@pytest.mark.parametrize(
    ("retry", "message"),
    [
        ({"backoffFactor": 1e300}, "at most 10"),
        ({"backoffFactor": 0.5}, "1 or more"),
        ({"maxAttempts": 101}, "at most 100"),
        ({"maxElapsed": 1e300}, "at most 86400"),
        ({"maxElapsed": 0}, "let nothing through"),
        ({"serverWaitCap": 86401}, "at most 86400"),
        ({"backoffCap": 3601}, "at most 3600"),
        ({"readTimeout": 10**400}, "at most 3600"),
    ],
)
def test_a_profile_has_the_bounds_of_a_definition(retry, message):
    [problem] = _retry_problems(retry, "p")
    assert message in problem.message


def test_the_bounds_themselves_are_allowed():
    assert _retry_problems({key: most for key, (_, most) in _RETRY_BOUNDS.items()}, "p") == []


def test_the_bounds_are_those_of_the_schema():
    rules = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]["retry"]["properties"]
    for key, (least, most) in _RETRY_BOUNDS.items():
        assert (rules[key].get("minimum", rules[key].get("exclusiveMinimum")), rules[key]["maximum"]) == (least, most)
