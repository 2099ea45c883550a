"""Whole workflows as jobs: every construct, what a failure ends, what is refused, and where secrets are."""

import pytest

from engines.contract import READ_TIMEOUT
from engines.everything import INNER

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import DagsterInvalidConfigError, EnvVar  # noqa: E402

from httptask.engines.dagster import HttpTaskResource, job_from_workflow  # noqa: E402
from httptask.engines.dagster.items import left_out  # noqa: E402
from httptask.engines.dagster.ledger import Ledger  # noqa: E402
from httptask.errors import WorkflowInvalid  # noqa: E402
from httptask.hosted.outline import Node  # noqa: E402

LOOK = "okta.get_agent_pools_update_settings"


@pytest.fixture
def run(environment, instance, org):
    """Run a workflow in this process; return what Dagster says of it."""
    org.reset()

    def done(text, inputs=None, **files):
        for name, content in {"workflow": text, **files}.items():
            (environment / f"{name}.yaml").write_text(content)
        resource = HttpTaskResource(base_url=org.url, token=EnvVar("HTTPTASK_TEST_TOKEN"), retry={"readTimeout": READ_TIMEOUT})
        config = {"ops": {"config": inputs}} if inputs is not None else None
        job = job_from_workflow(environment / "workflow.yaml")
        return job.execute_in_process(config, instance, resources={"httptask": resource}, raise_on_error=False)

    return done


def steps(done):
    """Return how each step ended."""
    return {
        event.step_key: "succeeded" if event.is_step_success else "failed"
        for event in done.all_events
        if event.is_step_success or event.is_step_failure
    }


def outputs(done, op):
    """Return the named outputs of an op."""
    found = [event.step_output_data for event in done.all_events if event.is_successful_output and event.step_key == op]
    return {data.output_name: done.output_for_node(op, data.output_name) for data in found if data.output_name != "handed_on"}


def told(done, step):
    """Return why a step failed."""
    event = next(event for event in done.all_events if event.is_step_failure and event.step_key == step)
    data = event.step_failure_data.user_failure_data
    return data.label if data.description is None else data.description


EVERYTHING = """
name: everything
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: pause
    wait: 300ms
  - id: both
    if: '{{ steps.pools.outputs.pools | length > 0 }}'
    parallel:
      - id: left
        task: okta.get_agent_pools_update_settings
        with: {poolId: '{{ steps.pools.outputs.pools[0].id }}'}
      - id: right
        task: okta.list_agent_pools_updates
        forEach: {items: '{{ steps.pools.outputs.pools }}', maxParallel: 2}
        with: {poolId: '{{ item.id }}'}
  - id: inner
    workflow: inner.yaml
    with: {pool: '{{ steps.pools.outputs.pools[0].id }}'}
  - id: outside
    if: '{{ steps.both.status != "succeeded" }}'
    workflow: inner.yaml
    with: {pool: none}
  - id: never
    if: '{{ steps.both.status != "succeeded" }}'
    task: okta.list_agent_pools
outputs:
  status: '{{ steps.both.status }}'
  settings: '{{ steps.left.status }}'
  lists: '{{ steps.right.outputs | length }}'
  of: '{{ steps.inner.outputs.of }}'
  skipped: '{{ [steps.never.status, steps.outside.status] }}'
"""


def test_every_construct_is_run_and_a_skipped_step_is_a_value(run):
    done = run(EVERYTHING, inner=INNER)
    assert done.success
    found = outputs(done, "everything__outputs")
    assert found["of"].endswith(": succeeded")
    assert {**found, "of": ""} == {
        "status": "succeeded",
        "settings": "succeeded",
        "lists": 5,
        "of": "",
        "skipped": ["skipped"] * 2,
    }
    assert set(steps(done).values()) == {"succeeded"}
    assert {"pools", "pause", "both__begin", "left", "right__list", "right__item[0]", "right", "both"} <= set(steps(done))
    assert {"inner__begin", "inner__first", "inner__second", "inner", "outside__first", "never"} <= set(steps(done))


ITEMS = """
name: items
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: "{{ ['nowhere', 'neither'] }}"MORE}
    with: {poolId: '{{ item }}'}
  - id: after
    task: okta.list_agent_pools
outputs: {was: '{{ steps.each.status }}'}
"""


@pytest.mark.parametrize(("more", "sent"), [("", 1), (", onError: continue", 2)])
def test_a_failing_item_ends_the_others_unless_they_go_on(run, org, more, sent):
    done = run(ITEMS.replace("MORE", more))
    assert not done.success
    assert len(org._control("GET", "requests")["received"]) == sent
    assert steps(done)["each__item[1]"] == "failed"
    assert ("item 0 ended the others" in told(done, "each__item[1]")) == (sent == 1)


def test_failed_items_of_a_step_that_may_fail_are_values(run):
    done = run(ITEMS.replace("MORE}", "}\n    continueOnError: true"))
    assert done.success
    assert outputs(done, "items__outputs") == {"was": "failed"}


@pytest.mark.parametrize(
    ("status", "stops", "left"),
    [("succeeded", True, [1, 2]), ("failed", True, []), ("failed", False, [1, 2]), ("unknown", False, [])],
)
def test_items_that_dagster_left_out_are_done_unless_one_ended_the_others(status, stops, left):
    node = Node("each", "each", "okta.list_agent_pools", stops=stops)
    listed = [{"index": index, "kept": {"value": index}} for index in range(3)]
    done = [{"index": 0, "results": {"each[0]": {"status": status}}}]
    assert [item.index for item in left_out(node, listed, done)] == left


STOPS = """
name: stops
steps:
  - id: step
    task: okta.get_agent_pools_update_settings
    continueOnError: true
    forEach: {items: "{{ ['nowhere', 'neither', 'no'] }}", onError: stop}
    with: {poolId: '{{ item }}'}
  - id: group
    continueOnError: true
    parallel:
      - id: member
        task: okta.get_agent_pools_update_settings
        forEach: "{{ ['nowhere', 'neither', 'no'] }}"
        with: {poolId: '{{ item }}'}
  - id: inner
    workflow: inner.yaml
    continueOnError: true
    with: {pool: nowhere}
outputs: {step: '{{ steps.step.status }}', group: '{{ steps.group.status }}', inner: '{{ steps.inner.status }}'}
"""

STOPPED = """
name: inner
inputs: {type: object, properties: {pool: {type: string}}, required: [pool]}
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: '{{ [inputs.pool, inputs.pool, inputs.pool] }}'
    with: {poolId: '{{ item }}'}
"""


def test_a_failing_item_ends_the_others_where_its_failure_is_a_value(run, org):
    done = run(STOPS, inner=STOPPED)
    assert done.success, steps(done)
    assert outputs(done, "stops__outputs") == {"step": "failed", "group": "failed", "inner": "failed"}
    assert len(org.received()) == 3  # the first item of each


NOTHING = """
name: nothing
inputs: {type: object, properties: {values: {}, goes: {type: boolean}}, required: [values, goes]}
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: '{{ inputs.values }}'}
    continueOnError: true
    with: {poolId: '{{ item }}'}
  - id: inner
    if: '{{ inputs.goes }}'
    continueOnError: true
    workflow: inner.yaml
    with: {pool: nowhere}
  - id: after
    task: okta.list_agent_pools
outputs: {each: '{{ steps.each.status }}', inner: '{{ steps.inner.status }}', after: '{{ steps.after.status }}'}
"""

REPEATING = """
name: inner
inputs: {type: object, properties: {pool: {type: string}}, required: [pool]}
steps:
  - id: first
    task: okta.get_agent_pools_update_settings
    with: {poolId: '{{ inputs.pool }}'}
  - id: each
    task: okta.list_agent_pools_updates
    forEach: {items: '{{ [1, 2] }}'}
    with: {poolId: '{{ item }}'}
"""


@pytest.mark.parametrize(
    ("given", "came"),
    [
        ({"values": [], "goes": False}, ("succeeded", "skipped", 1)),
        ({"values": "no list", "goes": False}, ("failed", "skipped", 1)),
        ({"values": [], "goes": True}, ("succeeded", "failed", 2)),
    ],
    ids=["empty", "a list that failed", "a workflow that failed before its forEach"],
)
def test_what_follows_a_for_each_without_items_is_run(run, org, given, came):
    each, inner, sent = came
    done = run(NOTHING, given, inner=REPEATING)
    assert done.success, steps(done)
    assert outputs(done, "nothing__outputs") == {"each": each, "inner": inner, "after": "succeeded"}
    assert len(org.received()) == sent


TRUTH = """
name: truth
steps:
  - id: look
    task: okta.list_agent_pools
    outputs: {good: '{{ response.status == 200 }}', none: '{{ none }}'}
outputs: {good: '{{ steps.look.outputs.good }}', bad: '{{ not steps.look.outputs.good }}', none: '{{ steps.look.outputs.none }}'}
"""


def test_truths_and_nothing_are_outputs_and_their_request_is_sent_once(run, org):
    done = run(TRUTH)
    assert done.success, steps(done)
    assert outputs(done, "truth__outputs") == {"good": True, "bad": False, "none": None}
    assert len(org.received()) == 1


CAUGHT = """
name: caught
steps:
  - id: inner
    workflow: inner.yaml
    continueOnError: true
    with: {pool: nowhere}
  - id: both
    continueOnError: true
    parallel:
      - {id: left, task: okta.get_agent_pools_update_settings, with: {poolId: nowhere}}
      - {id: right, task: okta.list_agent_pools}
outputs: {inner: '{{ steps.inner.status }}', both: '{{ steps.both.status }}', right: '{{ steps.right.status }}'}
"""


def test_what_fails_within_a_step_that_may_fail_is_a_value_and_ends_only_that_step(run, org):
    done = run(CAUGHT, inner=INNER.replace("okta.list_agent_pools_updates", LOOK, 1))
    assert done.success, steps(done)
    assert outputs(done, "caught__outputs") == {"inner": "failed", "both": "failed", "right": "succeeded"}
    assert len(org._control("GET", "requests")["received"]) == 3  # `second` was not begun


def test_a_failure_ends_the_run_with_its_kind_and_outcome(run):
    done = run(ITEMS.replace("    forEach: {items: \"{{ ['nowhere', 'neither'] }}\"MORE}\n", "").replace("{{ item }}", "nowhere"))
    event = next(event for event in done.all_events if event.is_step_failure)
    metadata = event.step_failure_data.user_failure_data.metadata
    assert metadata["kind"].value == "notFound"
    assert metadata["outcome"].value["failure"]["kind"] == "notFound"
    assert "after" not in steps(done)


def test_the_timeout_of_a_workflow_counts_from_its_run(run):
    done = run("name: t\ntimeout: 3s\nsteps:\n  - {id: first, wait: 2s}\n  - {id: second, wait: 2s}\n")
    assert "deadline" in told(done, "second")


def test_what_dagster_has_no_words_for_is_refused_when_the_code_is_loaded(environment):
    (environment / "workflow.yaml").write_text(
        "name: r\nsteps:\n  - {id: sure, approve: 'Sure?'}\nonFailure:\n  - {id: look, task: okta.list_agent_pools}\n"
    )
    with pytest.raises(WorkflowInvalid) as caught:
        job_from_workflow(environment / "workflow.yaml")
    assert [problem.message for problem in caught.value.problems] == [
        "Dagster cannot run the steps of onFailure",
        "step 'sure' uses approve, which Dagster has no counterpart for",
    ]


SECRET = """
name: secret
inputs:
  type: object
  properties:
    pin: {type: string, format: password}
    count: {type: integer, default: 2}
    kind: {type: string, default: AD}
steps:
  - id: look
    task: okta.list_agent_pools
    with: {poolType: '{{ inputs.kind }}', limitPerPoolType: '{{ inputs.count }}'}
    headers: {X-Pin: '{{ inputs.pin }}'}
"""


def test_a_secret_input_is_the_name_of_a_variable_and_stored_nowhere(run, home, monkeypatch):
    monkeypatch.setenv("THE_PIN", "pin-which-nobody-sees")
    done = run(SECRET, {"pin": {"env": "THE_PIN"}})
    assert done.success
    assert [file for file in home.rglob("*") if file.is_file() and b"pin-which-nobody-sees" in file.read_bytes()] == []


def test_a_secret_in_run_config_is_refused_before_there_is_a_run(run, instance):
    before = len(instance.get_runs())
    with pytest.raises(DagsterInvalidConfigError):
        run(SECRET, {"pin": "pin-which-nobody-sees"})
    assert len(instance.get_runs()) == before


POLL = """
name: poll
steps:
  - {id: ask, task: okta.list_agent_pools, until: '{{ response.status == 201 }}', every: 200ms, timeout: 5s}
"""


def test_a_poll_is_no_attempt_and_waits_in_place(run, org):
    done = run(POLL)
    assert not done.success
    assert len(org.sent("GET /api/v1/agentPools")) >= 2
    assert not any(event.event_type_value == "STEP_UP_FOR_RETRY" for event in done.all_events)


@pytest.fixture(params=["begun", "marked"])
def ended_at(request, instance, monkeypatch):
    """End each run as soon as a turn is told to be begun, or over; return when, and the ledgers that told something."""
    told, ledgers = Ledger.tell, []

    def tell(ledger, use, kind, *rest):
        told(ledger, use, kind, *rest)
        ledgers.append(ledger)
        if kind == request.param:
            instance.report_run_failed(ledger.run)

    monkeypatch.setattr(Ledger, "tell", tell)
    return request.param, ledgers


def test_nothing_is_sent_once_the_run_was_ended_and_the_next_one_knows_it(run, org, ended_at):
    kind, ledgers = ended_at
    assert not run(POLL).success
    assert len(org.sent("GET /api/v1/agentPools")) == (0 if kind == "begun" else 1)
    assert not ledgers[0].past("ask").is_open
