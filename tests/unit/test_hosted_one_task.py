"""How a task is used alone: in the words of a step, whichever engine asks, and judged by the schema of workflow files."""

from datetime import timedelta

import pytest

from httptask.errors import InputInvalid, WorkflowInvalid
from httptask.hosted.one_task import OneTask
from httptask.loader import Library
from httptask.model import Until

REGISTRY = Library().registry()
LIST = REGISTRY["okta.list_agent_pools"]
DONE = "{{ response.status == 200 }}"


def said(**use):
    return OneTask.said(LIST, {}, use, place="httptask").unit(REGISTRY).chain()[-1]


def test_words_of_a_step_and_arguments_of_python_say_the_same():
    words = said(until=DONE, failIf=DONE, every="30s", timeout=60, verifyBefore=True, idempotent=True, retry={"maxAttempts": 2})
    arguments = {"until": DONE, "fail_if": DONE, "every": 30, "timeout": "1m", "verify_before": True, "idempotent": True}
    used = OneTask.used(LIST, {}, {**arguments, "retry": {"maxAttempts": 2}}).unit(REGISTRY).chain()[-1]
    assert used == words
    assert words.until == Until(DONE, DONE, 30.0, 60.0)


def test_what_is_not_said_is_as_in_a_workflow():
    assert said(until=DONE).until == Until(DONE, None, 5.0, 600.0)
    assert said(until=None, timeout=None, retry=None) == said()


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ({"every": 3}, "'every' needs until"),
        ({"timeout": -1}, "timeout must be more than 0"),
        ({"timeout": "soon"}, "timeout is not written as it must be"),
        ({"until": "response.status"}, "write one expression in quotes"),
        ({"retry": {"maxAttempt": 1}}, "unknown key 'maxAttempt' in retry (did you mean 'maxAttempts'?)"),
        ({"idempotent": "yes"}, "idempotent must be boolean, is string"),
        ({"verifyBefore": 1}, "verify.before must be boolean, is integer"),
    ],
)
def test_what_a_workflow_file_may_not_say_no_engine_may(use, words):
    with pytest.raises(WorkflowInvalid) as error:
        said(**use)
    assert words in str(error.value)
    assert "steps[0]" not in str(error.value)
    assert str(error.value).startswith("okta.list_agent_pools: ")


def test_every_wrong_word_is_told_at_once_with_the_one_that_was_meant():
    with pytest.raises(InputInvalid) as error:
        said(untill=DONE, task="okta.list_agent_pools")
    assert [problem.message for problem in error.value.problems] == ["there is no option 'task'", "there is no option 'untill'"]
    assert "until" in error.value.problems[1].hint


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ({"headers": ["X-A: 1"]}, "httptask.headers: headers are an object"),
        ({"headers": {1: "a"}}, "httptask.headers: a name in it is no text"),
        ({"retry": {"statuses": {503}}}, "httptask.retry: this is nothing that JSON can say"),
    ],
)
def test_what_no_file_could_say_is_refused_by_name(use, words):
    with pytest.raises(InputInvalid) as error:
        said(**use)
    assert words in str(error.value)


def test_inputs_whose_names_are_no_texts_are_refused():
    with pytest.raises(InputInvalid, match=r"okta\.list_agent_pools\.inputs: a name in it is no text"):
        OneTask.used(LIST, {1: "a"}, {})


def test_times_of_python_are_seconds():
    assert said(until=DONE, every=timedelta(minutes=1), timeout=timedelta(hours=1)).until == Until(DONE, None, 60.0, 3600.0)
