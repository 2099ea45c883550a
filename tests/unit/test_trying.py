"""A trial as a workflow of one step: what it says of itself, and what the journal keeps of it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from httptask.all_pages import AllPages
from httptask.definitions import Definition, definition_of_made, loaded
from httptask.expressions import evaluate_tree
from httptask.loader import open_registry
from httptask.runner import Options
from httptask.trying import Trial

LIST, CREATE = "okta.list_agent_pools", "okta.create_agent_pools_update"
REGISTRY = open_registry()
GIVEN = {"poolId": "p", "body": {"name": "spring", "agentType": "AD", "agents": []}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda it: st.lists(it) | st.dictionaries(st.text(), it), max_leaves=8
)


def trial(task=LIST, inputs=None, **options):
    return Trial(REGISTRY[task], inputs or {}, Options(**options))


def seen(tried):
    return {"inputs": {"given": tried.inputs, "headers": tried.options.headers}}


@settings(deadline=None)
@given(st.dictionaries(st.text(min_size=1), JSON, max_size=3), st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_whatever_is_given_reaches_the_step_as_it_is(inputs, headers):
    tried = trial(inputs=inputs, headers=headers)
    [step] = json.loads(tried.workflow_text())["steps"]
    assert evaluate_tree(step["with"], seen(tried)) == inputs
    assert evaluate_tree(step.get("headers", {}), seen(tried)) == headers


def test_no_value_stands_in_the_text():
    tried = trial(inputs={"poolType": "v4lu3"}, headers={"X-Key": "s3cr3t"})
    assert not any(value in tried.workflow_text() for value in ("v4lu3", "s3cr3t"))


def test_the_step_is_named_after_the_operation():
    assert [step.id for step in trial(CREATE, GIVEN).workflow(REGISTRY).steps] == ["create_agent_pools_update"]


def test_a_time_limit_and_pages_are_part_of_the_step():
    [step] = trial(deadline=2.5).workflow(REGISTRY).steps
    assert step.timeout == 2.5
    pages = AllPages(REGISTRY[LIST], {}, Options())
    [step] = Trial(REGISTRY[LIST], {}, Options(), pages).workflow(REGISTRY).steps
    assert step.paginate is not None


def test_the_key_is_the_runs_own():
    first, second = trial(), trial()
    assert first.run_id != second.run_id


class TestWhatTheJournalKeeps:
    @pytest.fixture
    def document(self):
        tried = trial(CREATE, GIVEN)
        return definition_of_made(tried.workflow(REGISTRY), tried.workflow_text(), REGISTRY)

    def test_it_is_read_back_as_the_same_workflow(self, document):
        kept = Definition.from_bytes(document.to_bytes())
        assert kept == document
        with loaded(kept) as (workflow, registry):
            assert [step.task for step in workflow.steps] == [CREATE]
            assert registry[CREATE].path == REGISTRY[CREATE].path

    def test_a_file_that_never_was_has_not_changed(self, document):
        assert document.changed() == []
