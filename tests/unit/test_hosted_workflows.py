"""Whole workflows from their outline, each unit handed over as JSON: the same end as `httptask run` gives."""

import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from engines.everything import EVERYTHING, INNER
from hosting import TOKEN, MemoryEngine
from httptask.errors import WorkflowInvalid
from httptask.hosted import decisions
from httptask.hosted.outline import Outline, outlined
from httptask.hosted.packed import packed, unit_from
from httptask.hosted.units import Unit
from httptask.hosted.walking import walk
from httptask.loader import Library, load_workflow

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
REGISTRY = Library().registry()


def workflow(tmp_path, text, name="flow.yaml"):
    file = tmp_path / name
    file.write_text(text)
    return load_workflow(file, REGISTRY)


def test_the_agent_roll_out_ends_as_on_the_command_line():
    engine = MemoryEngine(faults=[("GET /api/v1/agentPools", "ok, 429(Retry-After=1)")])
    end = engine.run_workflow(load_workflow(EXAMPLES / "roll_out_agent_update.yaml", engine.registry), ROLL_OUT)
    assert end.status == "succeeded", end.told
    assert end.outputs["retried"] != []
    assert end.outputs["notOperational"] == []
    assert 1.0 in engine.waits


ROLL_OUT = {"poolType": "AD", "targetVersion": "", "cron": "0 3 * * WED", "timezone": "America/New_York"}


TWO_AT_ONCE = """
name: twoAtOnce
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: both
    parallel:
      - id: left
        task: okta.get_agent_pools_update_settings
        forEach: '{{ steps.pools.outputs.pools[:2] }}'
        with: {poolId: '{{ item.id }}'}
      - id: right
        task: okta.get_agent_pools_update_settings
        forEach: '{{ steps.pools.outputs.pools[:2] }}'
        with: {poolId: '{{ item.id }}'}
outputs: {seen: '{{ [steps.left.outputs | length, steps.right.outputs | length] }}'}
"""


class Interrupted(tuple):
    """What a step reads; whoever looks into it is interrupted by other work, as a thread may be at any moment."""

    __slots__ = ()
    works: ClassVar = []

    def __contains__(self, path):
        while self.works:
            self.works.pop()()
        return super().__contains__(path)


def test_what_one_member_of_a_group_leaves_does_not_disturb_another_one_that_reads(tmp_path):
    outline = outlined(workflow(tmp_path, TWO_AT_ONCE), REGISTRY, engine="Memory")
    pools, both = outline.nodes
    left, right = both.members
    members = (replace(left, reads=Interrupted(left.reads)), right)
    walking = walk(replace(outline, nodes=(pools, replace(both, members=members))))
    next(walking)
    walking.send(succeeded())  # pools; then the group is entered
    one, other = (start() for start in walking.send(succeeded()).walks)
    next(other)  # lists
    other.send({"items": [{"index": 0}]})
    Interrupted.works.append(lambda: other.send([succeeded()]))
    assert next(one).action == "list"
    assert Interrupted.works == []


def succeeded():
    return {"status": "succeeded", "goesOn": True, "result": {"status": "succeeded"}, "outputs": {}, "failure": None}


def test_what_the_members_of_a_group_leave_is_read_after_it(tmp_path):
    end = MemoryEngine().run_workflow(workflow(tmp_path, TWO_AT_ONCE), {})
    assert (end.status, end.outputs) == ("succeeded", {"seen": [2, 2]})


def everything(tmp_path):
    (tmp_path / "inner.yaml").write_text(INNER)
    return workflow(tmp_path, EVERYTHING.replace("wait: 1s", "wait: 7s"))


def test_every_construct_is_walked(tmp_path):
    engine = MemoryEngine()
    end = engine.run_workflow(everything(tmp_path), {})
    assert end.status == "succeeded", end.told
    assert end.outputs["status"] == "succeeded"
    assert end.outputs["lists"] == 5
    assert end.outputs["of"].endswith(": succeeded")
    assert end.outputs["skipped"] == "skipped"
    assert engine.waits == [7.0]


def test_what_a_person_rejects_ends_the_run(tmp_path):
    end = MemoryEngine(approves=False).run_workflow(everything(tmp_path), {})
    assert (end.status, end.told["failure"]["kind"]) == ("failed", "rejected")


def test_an_outline_survives_json(tmp_path):
    outline = outlined(everything(tmp_path), REGISTRY, engine="Memory")
    assert Outline.from_json(json.loads(json.dumps(outline.to_json()))) == outline


def test_a_step_is_handed_what_it_reads_and_no_more(tmp_path):
    nodes = {node.path: node for node in outlined(everything(tmp_path), REGISTRY, engine="Memory").every()}
    assert nodes["pause"].reads == ()
    assert nodes["left"].reads == ("pools",)
    assert nodes["inner/first"].reads == ("pools",)
    assert nodes["inner/second"].reads == ("pools", "inner/first")


def test_everything_that_an_engine_lacks_is_told_at_once(tmp_path):
    with pytest.raises(WorkflowInvalid) as caught:
        outlined(everything(tmp_path), REGISTRY, engine="Memory", lacks={"approve", "parallel", "workflow"})
    assert [problem.message for problem in caught.value.problems] == [
        "step 'sure' uses approve, which Memory has no counterpart for",
        "step 'both' uses parallel, which Memory has no counterpart for",
        "step 'inner' uses workflow, which Memory has no counterpart for",
    ]
    assert all(":" in problem.where for problem in caught.value.problems)


LATE = """
name: late
timeout: 60
steps:
  - {id: pause, wait: 40}
  - {id: sure, approve: 'Go on?'}
  - {id: each, task: okta.list_agent_pools, forEach: '{{ [] }}'}
  - {id: group, parallel: [{id: one, task: okta.list_agent_pools}]}
"""


@pytest.mark.parametrize(
    ("decide", "path"),
    [(decisions.wait, "pause"), (decisions.ask, "sure"), (decisions.items_of, "each"), (decisions.enter, "group")],
)
def test_nothing_is_begun_after_the_time_of_the_workflow(tmp_path, decide, path):
    engine, late = MemoryEngine(), workflow(tmp_path, LATE)
    unit = Unit(late, REGISTRY, path, {}, began=engine.clock.now())
    engine.clock.advance(61)
    ended = decide(unit, engine.host, key="run")
    assert (ended.status, ended.message) == (
        "failed",
        f"the timeout of workflow 'late' passed before step '{path}' (nothing was sent for it)",
    )


def test_a_wait_that_would_go_past_the_time_of_the_workflow_is_not_begun(tmp_path):
    engine, late = MemoryEngine(), workflow(tmp_path, LATE)
    unit = Unit(late, REGISTRY, "pause", {}, began=engine.clock.now())
    assert decisions.wait(unit, engine.host, key="run").seconds == 40
    engine.clock.advance(30)
    assert "waits 40 s, which is longer than" in decisions.wait(unit, engine.host, key="run").message


def test_a_timeout_over_several_steps_is_refused(tmp_path):
    group = "{id: both, timeout: 1m, parallel: [{id: a, task: okta.list_agent_pools}]}"
    with pytest.raises(WorkflowInvalid, match="step 'both' has a timeout over several steps, which Memory cannot keep"):
        outlined(workflow(tmp_path, f"name: w\nsteps:\n  - {group}\n"), REGISTRY, engine="Memory")


ON_FAILURE = """
name: undone
steps:
  - id: made
    task: okta.list_agent_pools
  - id: broken
    task: okta.get_agent_pools_update_settings
    with: {poolId: nowhere}
onFailure:
  - id: look
    if: '{{ steps.broken.status == "failed" and steps.made.status == "succeeded" }}'
    task: okta.list_agent_pools
"""


def test_the_steps_of_on_failure_run_after_a_failure_and_the_run_has_failed(tmp_path):
    engine = MemoryEngine()
    end = engine.run_workflow(workflow(tmp_path, ON_FAILURE), {})
    assert (end.status, end.told["failure"]["kind"]) == ("failed", "notFound")
    assert len(engine.wire.sent) == 3


def test_a_workflow_within_on_failure_reads_its_own_steps(tmp_path):
    (tmp_path / "inner.yaml").write_text(INNER)
    text = ON_FAILURE + "  - id: back\n    workflow: inner.yaml\n    with: {pool: '{{ steps.made.outputs.pools[0].id }}'}\n"
    engine = MemoryEngine()
    end = engine.run_workflow(workflow(tmp_path, text), {})
    assert (end.status, end.told["failure"]["kind"]) == ("failed", "notFound")
    assert engine.turns[-1].outputs["of"].endswith(": succeeded")


def test_outputs_that_cannot_be_made_are_a_failure_that_is_undone(tmp_path):
    text = ON_FAILURE.replace("poolId: nowhere", "poolId: '{{ steps.made.outputs.pools[0].id }}'")
    text = text.replace('steps.broken.status == "failed" and ', "") + "outputs: {x: '{{ steps.made.outputs.pools[99].id }}'}\n"
    engine = MemoryEngine()
    end = engine.run_workflow(workflow(tmp_path, text), {})
    assert (end.status, end.told["failure"]["kind"]) == ("failed", "expression")
    assert len(engine.wire.sent) == 3


STOPS = """
name: stops
steps:
  - id: each
    task: okta.get_agent_pools_update_settings
    forEach: {items: "{{ ['nowhere', 'neither'] }}"MORE}
    with: {poolId: '{{ item }}'}
"""


@pytest.mark.parametrize(("more", "sent"), [("", 1), (", onError: continue", 2)])
def test_a_failing_item_ends_the_others_unless_they_go_on(tmp_path, more, sent):
    engine = MemoryEngine()
    end = engine.run_workflow(workflow(tmp_path, STOPS.replace("MORE", more)), {})
    assert end.status == "failed"
    assert len(engine.wire.sent) == sent


def test_a_failed_step_that_may_fail_is_a_value(tmp_path):
    text = ON_FAILURE.partition("onFailure")[0].replace(
        "with: {poolId: nowhere}", "with: {poolId: nowhere}\n    continueOnError: true"
    )
    end = MemoryEngine().run_workflow(workflow(tmp_path, text + "outputs: {was: '{{ steps.broken.status }}'}"), {})
    assert (end.status, end.outputs) == ("succeeded", {"was": "failed"})


BIG = """
name: big
steps:
  - id: pools
    task: okta.list_agent_pools
  - id: next
    task: okta.get_agent_pools_update_settings
    with: {poolId: '{{ steps.pools.response.body[0].id }}'}
"""


def test_a_body_too_large_to_pass_names_the_expression_that_wants_it(tmp_path):
    engine = MemoryEngine(host_options={"most_passed": 1000})
    end = engine.run_workflow(workflow(tmp_path, BIG), {})
    assert end.status == "failed"
    message = end.told["failure"]["message"]
    assert "steps.pools.response.body has" in message
    assert "Memory passes at most 1000 on: {{ steps.pools.response.body[0].id }} reads it" in message


def test_a_response_that_nothing_reads_is_not_passed(tmp_path):
    engine = MemoryEngine()
    engine.run_workflow(workflow(tmp_path, BIG), {})
    passed = engine.turns[-1].result
    assert "body" not in passed["response"]["value"]


def test_a_secret_is_passed_to_nobody_and_known_to_the_engines_masker(tmp_path):
    engine = MemoryEngine()
    engine.run_workflow(workflow(tmp_path, BIG), {})
    assert TOKEN in engine.masked
    assert TOKEN not in repr(engine.turns)


def test_a_definition_is_one_text_without_any_bracket(tmp_path):
    text = packed(everything(tmp_path), REGISTRY)
    assert not set(text) & set("${}")
    unit = unit_from({"definition": text, "path": "pools", "inputs": {}})
    assert unit.workflow.name == "everything"


@pytest.mark.parametrize(
    "text", ["", "x", "eJw=", "é", packed(load_workflow(EXAMPLES / "update_one_pool.yaml", REGISTRY), REGISTRY)[:-8]]
)
def test_what_is_no_definition_is_told_as_such(text):
    from httptask.errors import DefinitionError

    with pytest.raises(DefinitionError, match="no definition that httptask packed"):
        unit_from({"definition": text, "path": "pools", "inputs": {}})
