"""What a worker says of a delivery, without a server: inputs, lost turns, and outputs that Conductor has no room for."""

from collections import defaultdict
from dataclasses import replace

import pytest

pytest.importorskip("conductor", reason="conductor-python is not installed: tests/engines/run conductor installs it")

from hosting import MemoryEngine
from httptask.engines.conductor.compiling import workflow_definition
from httptask.engines.conductor.deliveries import Delivery
from httptask.engines.conductor.names import OWN
from httptask.engines.conductor.server import ConductorError
from httptask.engines.conductor.working import MOST_KEPT, Workbench, _ended, _Job
from httptask.hosted.one_task import OneTask
from httptask.hosted.packed import sealed
from httptask.hosted.passing import size
from httptask.hosted.turns import Ended
from httptask.hosted.units import Item
from httptask.loader import load_workflow

WORKFLOW = """
name: secret
inputs: {type: object, properties: {ticket: {type: string, format: password}}}
steps:
  - {id: ask, task: okta.list_agent_pools, headers: {X-Ticket: '{{ inputs.ticket }}'}}
  - id: change
    task: okta.create_agent_pools_update
    with: {poolId: '1', body: {name: '{{ inputs.ticket }}', agentType: AD, agents: []}}
  - id: each
    forEach: {items: '{{ [1, 2] }}', onError: continue}
    continueOnError: true
    task: okta.create_agent_pools_update
    with: {poolId: '1', body: {name: '{{ inputs.ticket }}', agentType: AD, agents: []}}
"""


@pytest.fixture
def engine():
    return MemoryEngine()


@pytest.fixture
def worked(engine, tmp_path):
    """Gives what becomes of a step's delivery."""
    (tmp_path / "secret.yaml").write_text(WORKFLOW)
    definition = workflow_definition(load_workflow(tmp_path / "secret.yaml", engine.registry), engine.registry)
    every = [inner for task in definition["tasks"] for inner in (task, *task.get("loopOver", ()))]
    tasks = {task["taskReferenceName"]: task["inputParameters"] for task in every}
    log = defaultdict(list)
    bench = Workbench(engine.registry, engine.host, {}.__getitem__, log.__getitem__, lambda *_: None)

    def work(step, ticket, polls=1, told=(), **more):
        log["a"] = list(told)
        inputs = {**tasks[step], "inputs": {"ticket": ticket}, "results": [], **more}
        return bench.work(Delivery("a", "run", "task", step, polls, None, inputs, {}))

    work.tasks = tasks
    return work


def test_a_secret_in_clear_is_refused_and_not_repeated(engine, worked):
    report = worked("ask", "written-in-clear")
    assert report.status == "FAILED_WITH_TERMINAL_ERROR"
    assert report.output[OWN]["status"] == "failed"
    assert "written-in-clear" not in repr(report)
    assert not engine.wire.sent


def test_a_secret_is_read_from_its_reference(monkeypatch, worked):
    monkeypatch.setenv("CANARY", "canary-0123456789")
    assert worked("ask", "env:CANARY").status == "COMPLETED"


@pytest.mark.parametrize(("step", "status"), [("ask", "failed"), ("change", "unknown")])
def test_after_a_lost_worker_only_what_may_have_changed_something_is_unknown(worked, step, status):
    assert worked(step, "env:NOWHERE_TO_BE_FOUND", polls=2).output[OWN]["status"] == status


@pytest.fixture
def alone(engine):
    """Gives what becomes of the delivery of a task that is used alone."""
    bench = Workbench(engine.registry, engine.host, {}.__getitem__, lambda _: [], lambda *_: None)
    return lambda **inputs: bench.work(Delivery("a", "run", "okta.list_agent_pools", "ref", 1, None, inputs, {}))


@pytest.mark.parametrize("odd", [True, False, "canary", "", 1, ["until"], {"definition": None}, {"definition": 5}])
def test_a_use_that_is_no_object_of_options_is_refused_by_its_name_and_not_repeated(engine, alone, odd):
    own = alone(**{OWN: odd}).output[OWN]
    assert own["error"] == "inputInvalid"
    assert own["message"].startswith(f"{OWN}: ")
    assert "canary" not in own["message"]
    assert not engine.wire.sent


def test_no_use_is_the_use_as_its_template_says(alone):
    assert alone(**{OWN: None}).status == alone().status == "COMPLETED"


@pytest.mark.parametrize(
    "odd",
    [{"inputs": "canary"}, {"results": 5}, {"results": [5]}, {"item": 5}, {"items": {"a": {OWN: {"result": {}}}}}],
)
def test_what_the_steps_of_a_workflow_did_not_hand_on_is_refused(engine, worked, odd):
    report = worked("change", "env:CANARY", **odd)
    assert report.output[OWN]["status"] == "failed"
    assert "canary" not in repr(report)
    assert not engine.wire.sent


@pytest.mark.parametrize("left_out", ["path", "action"])
def test_a_definition_without_its_place_is_refused_by_the_name_of_its_key(engine, worked, left_out):
    own = {key: value for key, value in worked.tasks["change"][OWN].items() if key != left_out}
    told = worked("change", "env:CANARY", **{OWN: own}).output[OWN]
    assert told["error"] == "inputInvalid"
    assert told["message"].startswith(f"{OWN}: ")


def test_an_item_whose_worker_lacks_a_secret_is_gathered_as_one_that_failed_unsent(engine, worked, monkeypatch):
    item = sealed(Item(0, {"value": 1}).to_json())
    refused = worked("each", "env:NOWHERE_TO_BE_FOUND", item=item).output
    assert refused[OWN]["ends"] is False
    monkeypatch.setenv("CANARY", "canary-0123456789")
    own = {**worked.tasks["each_gather"][OWN], "expected": 1, "over": None}
    gathered = worked("each_gather", "env:CANARY", items={"iteration": 1, "1": {"each": refused}}, **{OWN: own})
    assert gathered.status == "COMPLETED"
    assert gathered.output[OWN]["status"] == "failed"
    assert not engine.wire.sent


@pytest.mark.parametrize("error", ["expression", "OutcomeUnknown"])
def test_what_the_log_says_was_not_to_be_sent_again_is_not_sent_when_it_is_rerun(engine, worked, monkeypatch, error):
    monkeypatch.setenv("CANARY", "canary-0123456789")
    report = worked("change", "env:CANARY", told=["something", f"not to be sent again: {error}: no name"])
    assert report.output[OWN]["error"] == error
    assert report.logs[-1].startswith(f"not to be sent again: {error}: ")
    assert not [line for line in engine.wire.sent if line.startswith("POST")]


@pytest.mark.parametrize(
    ("retry", "longest"), [({}, 300 + 35), ({"maxElapsed": 1800}, 1800 + 35), ({"connectTimeout": 1, "readTimeout": 2}, 300 + 3)]
)
def test_what_a_turn_leaves_before_it_sends_is_handed_out_again_when_no_turn_can_last_any_longer(engine, retry, longest):
    stored = []
    bench = Workbench(engine.registry, engine.host, {}.__getitem__, lambda _: [], lambda _, report: stored.append(report))
    body = {"name": "spring", "agentType": "AD", "agents": []}
    inputs = {"poolId": "1", "body": body, OWN: {"verifyBefore": True, "retry": retry}}
    bench.work(Delivery("a", "run", "okta.create_agent_pools_update", "ref", 1, None, inputs, {}, lease=60))
    assert [report.callback for report in stored] == [60 + longest]


class Conductor:
    """Conductor's records of one task: what is read and stored of it fails as often as it is told to."""

    def __init__(self, engine):
        self.fails, self.lines, self.task = {}, [], None
        self.bench = Workbench(engine.registry, engine.host, self.earlier, self.log, self.store)

    def _fail(self, word):
        if statuses := self.fails.get(word):
            raise ConductorError("Conductor answered 503", statuses.pop(0))

    def earlier(self, _id):
        self._fail("earlier")
        return Delivery("0", "run", self.task.task, "ref", 1, None, {}, {})

    def log(self, _id):
        self._fail("log")
        return self.lines

    def store(self, _delivery, _report):
        self._fail("store")

    def deliver(self, task, inputs, retried=None):
        self.task = Delivery("a", "run", task, "ref", 1, retried, inputs, {}, 60)
        return self.bench.work(self.task)

    def again(self, report):
        """Hand it out once more after what was reported."""
        self.task = replace(self.task, polls=self.task.polls + 1, output={**self.task.output, **report.output})
        return self.bench.work(self.task)


@pytest.fixture
def conductor(engine):
    return Conductor(engine)


GET = ("okta.list_agent_pools", {})
BODY = {"name": "spring", "agentType": "AD", "agents": []}
POST = ("okta.create_agent_pools_update", {"poolId": "1", "body": BODY, OWN: {"verifyBefore": True}})


@pytest.mark.parametrize("word", ["log", "store"])
def test_what_could_not_be_asked_or_stored_before_a_request_hands_the_task_back_and_it_is_sent_once(engine, conductor, word):
    conductor.fails = {word: [503, None]}
    report = conductor.deliver(*POST)
    for _ in range(2):
        assert (report.status, report.callback > 0) == ("IN_PROGRESS", True)
        assert "Conductor answered 503" in report.reason
        assert not [line for line in engine.wire.sent if line.startswith("POST")]
        report = conductor.again(report)
    assert report.output[OWN]["outcome"]["attempts"]
    assert report.output[OWN]["status"] != "unknown"
    assert len([line for line in engine.wire.sent if line.startswith("POST")]) == 1


def test_what_could_not_be_read_of_an_earlier_attempt_is_read_when_the_task_comes_again(engine, conductor):
    for (task, inputs), status in ((GET, "succeeded"), (POST, "unknown")):
        conductor.fails = {"earlier": [503]}
        report = conductor.deliver(task, inputs, retried="0")
        assert report.status == "IN_PROGRESS"
        assert conductor.again(report).output[OWN]["status"] == status
    assert not [line for line in engine.wire.sent if line.startswith("POST")]


def test_what_the_log_says_counts_after_it_could_not_be_read(engine, conductor):
    conductor.fails, conductor.lines = {"log": [503]}, ["not to be sent again: expression: no name"]
    report = conductor.again(conductor.deliver(*POST))
    assert report.output[OWN]["error"] == "expression"
    assert not engine.wire.sent


def test_an_earlier_attempt_that_is_gone_leaves_unknown_only_what_may_have_changed_something(conductor):
    conductor.fails = {"earlier": [404, 404]}
    assert conductor.deliver(*GET, retried="0").output[OWN]["error"] == "conductorError"
    assert conductor.deliver(*POST, retried="0").output[OWN]["error"] == "OutcomeUnknown"


def test_outputs_that_find_no_room_are_named(engine):
    large = "x" * (MOST_KEPT - 10_000)
    unit = OneTask(engine.registry["okta.list_agent_pools"]).unit(engine.registry)
    outcome = {"status": "succeeded", "outputs": {"small": 1, "large": large, "more": large}}
    ended = Ended("succeeded", {"status": "succeeded"}, {"small": 1, "large": large, "more": large}, ("hidden",), outcome)
    report = _ended(_Job(unit, "key"), ended)
    assert set(report.output) == {"small", "large", OWN}
    assert report.output[OWN]["withheld"] == ["hidden", "more"]
    assert [line.split("'")[1] for line in report.logs] == ["hidden", "more"]
    assert size(report.output) < MOST_KEPT + 1000


def test_what_failed_after_the_server_had_acted_says_so(engine):
    unit = OneTask(engine.registry["okta.list_agent_pools"]).unit(engine.registry)
    for result, told in (({"final": True}, True), ({}, None)):
        report = _ended(_Job(unit, "key"), Ended("failed", {"status": "failed", **result}))
        assert report.output[OWN].get("final") is told
