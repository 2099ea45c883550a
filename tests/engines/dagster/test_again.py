"""A run that is executed again: a person may repeat what failed, Dagster itself may not, and nobody what was lost."""

import json

import pytest

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import DagsterEventType, ReexecutionOptions, execute_job, reconstructable  # noqa: E402

from engines.contract import update_of  # noqa: E402
from engines.dagster import played  # noqa: E402
from engines.sandboxes import waited  # noqa: E402
from httptask.engines.dagster.ledger import Ledger  # noqa: E402

CREATE = "POST /api/v1/agentPools/{poolId}/updates"


@pytest.fixture
def create(environment, instance, org, prepared):
    """Create an update under a fault, then execute the run again; return both runs and what was sent."""
    pool, _ = prepared

    def twice(script, tags=None, **executor):  # in one process, because none is to be lost here
        said = {"task": "okta.create_agent_pools_update", "inputs": {"poolId": pool["id"], "body": update_of(pool)}, "retry": {}}
        (environment / "task.json").write_text(json.dumps({**said, "in process": executor}))
        path = f"POST /api/v1/agentPools/{pool['id']}/updates"
        before = len(org.sent(path))
        org.play(path, script)
        first = execute_job(reconstructable(played.one_task), instance=instance)
        second = again(instance, played.one_task, first, tags)
        return first, second, org.sent(path)[before:]

    return twice


def again(instance, job, first, tags=None, **more):
    """Execute a run again from its failure, as a person does; with tags, as Dagster's daemon does."""
    options = ReexecutionOptions.from_failure(first.run_id, instance)
    return execute_job(reconstructable(job), instance=instance, reexecution_options=options, tags=tags, **more)


def error(instance, done):
    events = instance.all_logs(done.run_id, of_type=DagsterEventType.STEP_FAILURE)
    told = [event.dagster_event.step_failure_data.user_failure_data.metadata for event in events]
    (found,) = [metadata["error type"].value for metadata in told if metadata]  # of an item that is not begun there is none
    return found


def test_a_person_may_have_a_failed_step_sent_again(create):
    first, second, sent = create("400, ok")
    assert (first.success, second.success, len(sent)) == (False, True, 2)


def test_dagster_itself_may_not(create, instance):
    first, second, sent = create("400, ok", tags={"dagster/retry_number": "1"})
    assert (first.success, second.success, len(sent)) == (False, False, 1)
    assert error(instance, second) == error(instance, first) == "badRequest"


def test_what_nobody_knows_is_not_sent_again_whoever_asks(create, instance):
    _, second, sent = create("reset-after, ok")
    assert (second.success, len(sent)) == (False, 1)
    assert error(instance, second) == "OutcomeUnknown"


def test_a_run_that_goes_on_waits_for_what_is_left_of_the_wait_that_the_server_said(create):
    first, second, sent = create("429(Retry-After=8), ok", retries={"disabled": {}})
    assert (first.success, second.success, len(sent)) == (False, True, 2)
    assert waited(sent) >= 8


ACTED = """
name: acted
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: create
    task: okta.create_agent_pools_update
    forEach: '{{ steps.pools.outputs.pools[:2] }}'
    with: {poolId: '{{ item.id }}', body: {name: update, agentType: AD, agents: '{{ item.agents }}', notifyAdmin: false}}
    outputs: {wrong: '{{ response.body.nothing.here }}'}
"""


@pytest.mark.parametrize("tags", [{}, {"dagster/retry_number": "1"}], ids=["a person", "the daemon"])
def test_what_the_server_answered_is_not_sent_again_though_its_outputs_could_not_be_read(environment, instance, org, tags):
    org.reset()
    (environment / "workflow.yaml").write_text(ACTED)
    first = execute_job(reconstructable(played.whole), instance=instance)
    second = again(instance, played.whole, first, tags)
    third = again(instance, played.whole, second, tags)
    assert [done.success for done in (first, second, third)] == [False] * 3
    assert {error(instance, done) for done in (first, second, third)} == {"expression"}
    assert org.applied(CREATE) == 1  # nor is the item after it begun


MADE = """
name: made
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: create
    task: okta.create_agent_pools_update
    forEach: '{{ steps.pools.outputs.pools[:4] }}'
    with: {poolId: '{{ item.id }}', body: {name: update, agentType: AD, agents: '{{ item.agents }}', notifyAdmin: false}}
outputs: {made: '{{ steps.create.outputs | map(attribute="updateId") | list }}'}
"""


class Died(BaseException):
    """The end of a worker in the middle of its work."""


@pytest.fixture
def dying(monkeypatch):
    """Uses at whose beginning the worker dies, once each."""
    told, uses = Ledger.tell, set()

    def tell(ledger, use, kind, *rest):
        if kind == "begun" and use in uses:
            uses.remove(use)
            raise Died
        told(ledger, use, kind, *rest)

    monkeypatch.setattr(Ledger, "tell", tell)
    return uses


@pytest.fixture
def interrupted(environment, instance, org, dying):
    """A run whose worker died in the op that gathers four items: it had done the third, which was left out, and not the last."""
    org.reset()
    (environment / "workflow.yaml").write_text(MADE)
    dying |= {"create[1]", "create[3]"}
    with pytest.raises(Died):
        execute_job(reconstructable(played.whole), instance=instance, raise_on_error=True)
    with pytest.raises(Died):
        again(instance, played.whole, instance.get_runs(limit=1)[0], {"dagster/retry_number": "1"}, raise_on_error=True)
    assert org.applied(CREATE) == 3
    return instance.get_runs(limit=1)[0]


@pytest.mark.parametrize("tags", [{}, {"dagster/retry_number": "2"}], ids=["a person", "the daemon"])
def test_an_item_that_was_done_where_items_are_gathered_is_not_sent_again(interrupted, instance, org, tags):
    with again(instance, played.whole, interrupted, tags) as done:
        assert done.success
        assert org.applied(CREATE) == 4
        assert len(set(done.output_for_node("whole__outputs", "made"))) == 4


def test_all_items_are_sent_again_when_a_person_has_everything_executed_again(interrupted, instance, org):
    options = ReexecutionOptions(interrupted.run_id)
    done = execute_job(reconstructable(played.whole), instance=instance, reexecution_options=options)
    assert done.success
    assert org.applied(CREATE) == 7


def test_a_wait_is_waited_again_when_a_person_has_everything_executed_again(environment, instance):
    (environment / "workflow.yaml").write_text("name: pause\nsteps:\n  - {id: pause, wait: 200ms}\n")
    first = execute_job(reconstructable(played.whole), instance=instance)
    options = ReexecutionOptions(first.run_id)
    second = execute_job(reconstructable(played.whole), instance=instance, reexecution_options=options)
    for done in (first, second):
        told = instance.all_logs(done.run_id, of_type=DagsterEventType.ENGINE_EVENT)
        assert "pause: waits 0.2 s" in [entry.message for entry in told]


def test_nothing_was_sent_before_the_first_of_the_runs_began_and_of_a_deleted_run_nobody_knows(create, instance):
    first, second, _ = create("reset-after, ok")
    runs = tuple(instance.get_run_by_id(done.run_id) for done in (first, second))
    assert Ledger(instance, runs, "played").since == instance.get_run_record_by_id(first.run_id).start_time
    assert Ledger(instance, runs, "played", is_whole=False).since == 0.0
