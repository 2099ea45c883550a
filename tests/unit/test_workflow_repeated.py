import json

import pytest

from builders import body, connection, template
from httptask.clock import FakeClock
from httptask.documents import parse
from httptask.errors import ConnectionLost
from httptask.events import ItemFinished, PollWaiting, StepFinished, StepStarted
from httptask.message import Headers, Response
from httptask.model import Output
from httptask.registry import Registry
from httptask.runner import Runner
from httptask.workflow import WorkflowRunner
from httptask.workflow_file import workflow_from

TASKS = {
    "acme.ask": template(id="acme.ask", outputs={"state": Output("{{ response.body.state }}", {})}),
    "acme.make": template(id="acme.make", method="POST", body=body(), outputs={"id": Output("{{ response.body.id }}", {})}),
}
REGISTRY = Registry(dict.fromkeys(TASKS, None), None)
REGISTRY._loaded = dict(TASKS)
LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")


class Script:
    def __init__(self, clock, *plays, takes=0.0):
        self.clock = clock
        self.plays = list(plays)
        self.takes = takes
        self.requests = []

    def send(self, request, timeouts):
        self.requests.append(request)
        self.clock.advance(self.takes)
        play = self.plays.pop(0)
        if isinstance(play, BaseException):
            raise play
        status, data = (play, {}) if isinstance(play, int) else (200, play)
        return Response(status, Headers.of({"Content-Type": "application/json"}), json.dumps(data).encode())


class ImpatientClock(FakeClock):
    """A clock at whose second wait the user presses Ctrl-C."""

    def sleep(self, seconds):
        if self.sleeps:
            raise KeyboardInterrupt
        super().sleep(seconds)


class Bench:
    """Runs steps against a script, and keeps script and events for the test to look at."""

    def __init__(self, clock):
        self.clock = clock
        self.events = []
        self.script = None

    def __call__(self, steps, *plays, outputs="{}", takes=0.0):
        workflow = workflow_from(parse(f"name: w\noutputs: {outputs}\nsteps:\n{steps}".encode(), file="flow.yaml"), REGISTRY)
        self.script = Script(self.clock, *plays, takes=takes)
        runner = Runner(self.script, self.clock)
        return WorkflowRunner(runner, REGISTRY, lambda _: connection(), self.clock, self.events.append).run(workflow, {})

    @property
    def bodies(self):
        return [json.loads(request.body) for request in self.script.requests if request.body]


@pytest.fixture
def run():
    return Bench(FakeClock())


def each(items, more=""):
    inputs = "{body: {n: '{{ item }}', i: '{{ index }}'}}"
    return f"- {{id: each, task: acme.make, forEach: '{{{{ {items} }}}}', with: {inputs}{more}}}\n"


def test_items_are_done_in_order_and_their_outputs_are_a_list(run):
    result = run(
        each("[5, 6]"), {"id": "a"}, {"id": "b"}, outputs="{ids: \"{{ steps.each.outputs | map(attribute='id') | list }}\"}"
    )
    assert run.bodies == [{"n": 5, "i": 0}, {"n": 6, "i": 1}]
    assert (result.status, result.outputs) == ("succeeded", {"ids": ["a", "b"]})
    assert (result.steps[0].outcome, [item.status for item in result.steps[0].items]) == (None, ["succeeded", "succeeded"])


def test_a_skipped_item_is_null_in_the_outputs_and_a_later_step_may_go_over_them(run):
    later = "- {id: later, task: acme.make, forEach: '{{ steps.each.outputs | select | list }}', with: {body: '{{ item.id }}'}}\n"
    result = run(each("[1, 2, 3]", ", if: '{{ item != 2 }}'") + later, {"id": "a"}, {"id": "c"}, {"id": "x"}, {"id": "y"})
    assert result.steps[0].outputs == [{"id": "a"}, None, {"id": "c"}]
    assert [item.status for item in result.steps[0].items] == ["succeeded", "skipped", "succeeded"]
    assert run.bodies[2:] == ["a", "c"]


@pytest.mark.parametrize(("items", "more", "outputs"), [("[]", "", []), ("[1, 2]", ", if: '{{ 1 == 2 }}'", [None, None])])
def test_a_step_without_anything_to_do_has_succeeded_and_its_outputs_can_be_read(run, items, more, outputs):
    result = run(each(items, more), outputs="{all: '{{ steps.each.outputs }}'}")
    assert (result.status, result.steps[0].status, result.outputs) == ("succeeded", "succeeded", {"all": outputs})


@pytest.mark.parametrize("items", ["5", "'text'", "{}", "none"])
def test_what_is_no_list_cannot_be_gone_over(run, items):
    result = run(each(items).replace("'text'", "''text''"))
    assert (result.status, result.failure.kind, run.script.requests) == ("failed", "expression", [])
    assert result.failure.message.startswith("step 'each' (flow.yaml:")
    assert "forEach needs a list, this is" in result.failure.message
    assert "needs a list, this is " in result.failure.message


def test_a_failing_item_stops_the_step_and_its_outcome_is_kept(run):
    result = run(each("[1, 2, 3]"), {"id": "a"}, 400)
    (step,) = result.steps
    assert (result.status, [item.status for item in step.items]) == ("failed", ["succeeded", "failed"])
    assert (step.items[1].outcome.response.status, step.items[1].failure.kind) == (400, "badRequest")
    assert (result.failure.message, step.outputs) == ("item 1: 400 Bad Request", [{"id": "a"}, None])


def test_the_json_of_a_repeated_step_holds_an_outcome_per_item(run):
    step = run(each("[1, 2]", ", if: '{{ item == 2 }}'"), 400).to_json()["steps"][0]
    assert (step["outcome"], step["status"]) == (None, "failed")
    assert [(item["index"], item["status"]) for item in step["items"]] == [(0, "skipped"), (1, "failed")]
    assert step["items"][0]["outcome"] is None
    assert step["items"][1]["outcome"]["failure"] == step["items"][1]["failure"]
    assert step["failure"] == {**step["items"][1]["failure"], "message": "item 1: 400 Bad Request"}


def test_with_continue_on_error_every_item_is_tried_and_failed_ones_are_null(run):
    result = run(
        each("[1, 2, 3]", ", continueOnError: true"), {"id": "a"}, 400, {"id": "c"}, outputs="{all: '{{ steps.each.outputs }}'}"
    )
    assert (result.status, result.steps[0].status) == ("succeeded", "failed")
    assert result.outputs == {"all": [{"id": "a"}, None, {"id": "c"}]}


def test_an_unknown_item_stops_the_run_even_with_continue_on_error(run):
    result = run(each("[1, 2, 3]", ", continueOnError: true"), {"id": "a"}, LOST)
    assert (result.status, [item.status for item in result.steps[0].items]) == ("unknown", ["succeeded", "unknown"])


def test_an_item_whose_inputs_cannot_be_made_fails_alone(run):
    step = (
        "- {id: each, task: acme.make, forEach: '{{ [{}, {\"x\": 1}] }}', with: {body: '{{ item.x }}'}, continueOnError: true}\n"
    )
    items = run(step, {"id": "b"}).steps[0].items
    assert [(item.status, item.outcome is None) for item in items] == [("failed", True), ("succeeded", False)]
    assert items[0].failure.message == "step 'each' (flow.yaml:4:3): {{ item.x }}: 'x' is not defined"


def poll(more=""):
    return f"- {{id: wait, task: acme.ask, until: \"{{{{ response.body.state == 'done' }}}}\", every: 2s, timeout: 10s{more}}}\n"


BUSY, DONE, BROKEN = {"state": "busy"}, {"state": "done"}, {"state": "broken"}


def test_a_poll_asks_again_until_its_condition_holds(run):
    result = run(poll(), BUSY, BUSY, DONE)
    assert (result.status, result.steps[0].outputs, run.clock.sleeps) == ("succeeded", {"state": "done"}, (2, 2))


def test_a_poll_whose_condition_holds_at_once_waits_for_nothing(run):
    assert run(poll(), DONE).status == "succeeded"
    assert run.clock.sleeps == ()


def test_fail_if_ends_a_poll_early(run):
    result = run(poll(", failIf: \"{{ response.body.state == 'broken' }}\""), BUSY, BROKEN)
    assert (result.status, result.failure.kind, result.failure.status) == ("failed", "condition", 200)
    assert result.failure.message == "failIf of step 'wait' holds: {{ response.body.state == 'broken' }}"
    assert result.steps[0].outcome.response.body == BROKEN


def test_a_poll_ends_before_a_wait_would_go_past_its_timeout(run):
    result = run(poll(), *[BUSY] * 9)
    assert (result.status, result.failure.kind) == ("failed", "pollTimeout")
    assert run.clock.sleeps == (2, 2, 2, 2)
    assert result.failure.message == ("after 5 polls in 10 s the condition does not hold: {{ response.body.state == 'done' }}")
    assert result.steps[0].outcome.response.body == BUSY


def test_the_time_that_requests_take_counts_for_the_timeout_of_a_poll(run):
    run(poll(), *[BUSY] * 9, takes=3.0)
    assert (len(run.script.requests), run.clock.monotonic()) == (2, 8.0)


def test_a_failing_request_ends_a_poll_after_its_retries(run):
    result = run(poll(), BUSY, 500, BUSY, 404)
    assert (result.status, result.failure.kind) == ("failed", "notFound")
    assert run.clock.sleeps == (2, 0.25, 2)


def test_the_record_of_a_poll_keeps_the_retries_of_every_asking(run):
    attempts = run(poll(), 500, BUSY, DONE).steps[0].outcome.attempts
    assert [(attempt.status, attempt.decision.action) for attempt in attempts] == [(500, "retry"), (200, "stop")]


def test_outputs_of_a_polled_step_are_made_of_the_last_answer_only(run):
    result = run(poll(", outputs: {url: '{{ response.body.url }}'}"), BUSY, {**DONE, "url": "/x"})
    assert (result.status, result.steps[0].outputs) == ("succeeded", {"state": "done", "url": "/x"})


@pytest.mark.parametrize(
    "condition", ["until: '{{ response.body.x.y }}'", "until: '{{ 1 == 2 }}', failIf: '{{ response.body.state }}'"]
)
def test_a_polls_condition_that_does_not_fit_the_answer_fails_the_step_and_keeps_the_answer(run, condition):
    result = run(f"- {{id: wait, task: acme.ask, {condition}}}\n", BUSY)
    assert (result.status, result.failure.kind, result.failure.status) == ("failed", "expression", 200)
    assert result.steps[0].outcome.response.body == BUSY
    assert result.failure.hint == "the request was sent and answered; look at the response"


def test_each_item_is_polled_until_it_is_done(run):
    step = (
        "- {id: wait, task: acme.ask, forEach: '{{ [1, 2] }}', until: \"{{ response.body.state == 'done' }}\", every: 1,"
        " outputs: {n: '{{ item }}'}}\n"
    )
    result = run(step, BUSY, DONE, BUSY, BUSY, DONE)
    assert result.steps[0].outputs == [{"state": "done", "n": 1}, {"state": "done", "n": 2}]
    assert run.clock.sleeps == (1, 1, 1)


def test_ctrl_c_between_two_polls_cancels_the_run_and_keeps_what_was_done():
    run = Bench(ImpatientClock())
    result = run(each("[1]") + poll(), {"id": "a"}, BUSY, BUSY)
    assert (result.status, [step.status for step in result.steps]) == ("cancelled", ["succeeded", "cancelled"])
    assert (result.failure.kind, result.steps[1].outcome.response.body) == ("interrupted", BUSY)


def test_ctrl_c_while_an_unsafe_request_is_out_makes_the_run_unknown(run):
    result = run(each("[1, 2, 3]"), {"id": "a"}, KeyboardInterrupt())
    assert (result.status, [item.status for item in result.steps[0].items]) == ("unknown", ["succeeded", "unknown"])
    assert result.failure.kind == "interrupted"


def test_ctrl_c_while_a_safe_request_is_out_cancels_the_run(run):
    result = run(poll(), KeyboardInterrupt())
    assert (result.status, result.steps[0].status) == ("cancelled", "cancelled")


def test_the_observer_is_told_of_steps_items_and_polls_in_order(run):
    run(each("[1]") + poll(), {"id": "a"}, BUSY, DONE)
    assert run.events == [
        StepStarted("each", "acme.make", 1),
        ItemFinished("each", 0, "succeeded"),
        StepFinished("each", "succeeded"),
        StepStarted("wait", "acme.ask", None),
        PollWaiting("wait", 1, 2.0),
        StepFinished("wait", "succeeded"),
    ]
