import pytest

from httptask import expecting
from httptask.outcome import Answer, Failure, FailureKind, Outcome

ANSWERED = Outcome("a.b", "succeeded", Answer(200, (("X-Id", "7"),), {"items": [1, 2]}, "json"), outputs={"count": 2})
LOST = Outcome("a.b", "failed", failure=Failure(FailureKind.REFUSED, "the connection was refused"))


@pytest.mark.parametrize(
    "expression",
    [
        "{{ response.status == 200 }}",
        "{{ response.body['items'] | length == 2 }}",
        "{{ response.headers['x-id'] == '7' }}",
        "{{ outputs.count == 2 }}",
        "{{ inputs.name == 'n' }}",
        "{{ outcome.status == 'succeeded' }}",
    ],
)
def test_an_expectation_reads_answer_outputs_inputs_and_outcome(expression):
    expecting.check([expression])
    [finding] = expecting.judge([expression], ANSWERED, {"name": "n"})
    assert finding.holds, finding.message


def test_a_failure_can_be_expected():
    assert expecting.judge(["{{ outcome.failure.kind == 'refused' }}"], LOST, {})[0].holds


def test_what_does_not_hold_says_so_without_a_value():
    [finding] = expecting.judge(["{{ response.body['items'] == [9] }}"], ANSWERED, {})
    assert (finding.holds, finding.message) == (False, "it does not hold")


def test_without_an_answer_nothing_about_it_holds():
    for expression in ("{{ response.status == 200 }}", "{{ response.status != 200 }}"):
        assert expecting.judge([expression], LOST, {})[0] == expecting.Finding(
            expression, holds=False, message="there is no response"
        )


def test_a_value_that_is_no_boolean_does_not_hold():
    [finding] = expecting.judge(["{{ response.status }}"], ANSWERED, {})
    assert not finding.holds
    assert "true or false" in finding.message


def test_an_unknown_field_does_not_hold():
    assert not expecting.judge(["{{ response.body.missing == 1 }}"], ANSWERED, {})[0].holds


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        ("response.status == 200", "one expression"),
        ("{{ steps.a.status }}", "'steps'"),
        ("{{ 1 + }}", "not an expression"),
        ("{% if 1 %}", "blocks are not supported"),
    ],
)
def test_what_can_never_be_judged_is_refused(expression, word):
    with pytest.raises(expecting.ExpectationInvalid, match=word):
        expecting.check([expression])


def test_every_fault_is_told_at_once():
    with pytest.raises(expecting.ExpectationInvalid) as raised:
        expecting.check(["status == 1", "{{ env.HOME == '' }}"])
    assert len(raised.value.problems) == 2
