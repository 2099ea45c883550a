import json

import pytest

from builders import body, connection, parameter, template
from httptask.clock import FakeClock
from httptask.documents import parse
from httptask.errors import ConnectionLost, InputInvalid
from httptask.message import Headers, Response
from httptask.model import Output
from httptask.registry import Registry
from httptask.runner import Runner
from httptask.workflow import WorkflowRunner
from httptask.workflow_file import workflow_from

TASKS = {
    "acme.find": template(
        id="acme.find",
        parameters=(parameter("limit", schema={"type": "integer"}),),
        outputs={"ids": Output("{{ response.body.ids }}", {})},
    ),
    "acme.make": template(
        id="acme.make",
        method="POST",
        body=body(schema={"type": "object"}),
        outputs={"made": Output("{{ response.body.id }}", {})},
    ),
}
REGISTRY = Registry(dict.fromkeys(TASKS, None), None)
REGISTRY._loaded = dict(TASKS)
FIND = "- {id: find, task: acme.find}\n"
LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")


class Script:
    """A transport that answers with these statuses or bodies, one after the other."""

    def __init__(self, *plays):
        self.plays = list(plays)
        self.requests = []

    def send(self, request, timeouts):
        self.requests.append(request)
        play = self.plays.pop(0)
        if isinstance(play, BaseException):
            raise play
        status, data = (play, {}) if isinstance(play, int) else (200, play)
        return Response(status, Headers.of({"Content-Type": "application/json"}), json.dumps(data).encode())


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def run(clock):
    def ran(steps, *plays, outputs="{}", inputs="{type: object}", given=None):
        text = f"name: w\ninputs: {inputs}\noutputs: {outputs}\nsteps:\n{steps}"
        workflow = workflow_from(parse(text.encode(), file="flow.yaml"), REGISTRY)
        ran.script = Script(*plays)
        runner = WorkflowRunner(Runner(ran.script, clock), REGISTRY, lambda _: connection(), clock, ran.events.append)
        return runner.run(workflow, given or {}, "r1")

    ran.events = []
    return ran


def sent(run):
    return [request.body.decode() if request.body else request.url for request in run.script.requests]


def test_outputs_are_passed_on_with_their_types(run):
    steps = FIND + "- {id: make, task: acme.make, with: {body: {of: '{{ steps.find.outputs.ids }}', n: '{{ inputs.n }}'}}}\n"
    result = run(
        steps,
        {"ids": [1, {"a": None}]},
        {"id": "m"},
        inputs="{type: object, properties: {n: {type: number, default: 1.5}}}",
        outputs="{made: '{{ steps.make.outputs.made }}', first: '{{ steps.find.outputs.ids[0] }}', text: 'n={{ inputs.n }}'}",
    )
    assert (result.status, result.outputs) == ("succeeded", {"made": "m", "first": 1, "text": "n=1.5"})
    assert sent(run)[1] == '{"of":[1,{"a":null}],"n":1.5}'


def test_the_json_form_is_the_contract(run):
    document = json.loads(json.dumps(run(FIND, {"ids": []}, outputs="{x: '{{ steps.find.outputs.ids }}'}").to_json()))
    assert {key: value for key, value in document.items() if key != "steps"} == {
        "schemaVersion": 1,
        "runId": "r1",
        "workflow": "w",
        "status": "succeeded",
        "outputs": {"x": []},
        "failure": None,
    }
    (step,) = document["steps"]
    assert (step["id"], step["status"], step["items"], step["outcome"]["task"]) == ("find", "succeeded", None, "acme.find")


def test_a_step_whose_condition_is_false_is_skipped_and_sends_nothing(run):
    result = run("- {id: find, task: acme.find, if: '{{ 1 == 2 }}'}\n")
    assert (result.status, result.steps[0].status, sent(run)) == ("succeeded", "skipped", [])


SKIPPED = "- {id: find, task: acme.find, if: '{{ 1 == 2 }}'}\n"


def test_reading_the_outputs_of_a_skipped_step_is_an_error_that_says_so(run):
    result = run(SKIPPED + "- {id: make, task: acme.make, with: {body: {of: '{{ steps.find.outputs.ids }}'}}}\n")
    assert (result.status, result.failure.kind, sent(run)) == ("failed", "expression", [])
    assert result.failure.message == ("step 'make' (flow.yaml:6:3): {{ steps.find.outputs.ids }}: 'outputs' is not defined")
    assert result.failure.hint == "nothing was sent for it; step 'find' has no outputs, its status is skipped"


def test_a_step_may_ask_whether_another_was_skipped(run):
    condition = "if: \"{{ steps.find.status != 'skipped' }}\""
    make = f"- {{id: make, task: acme.make, {condition}, with: {{body: '{{{{ steps.find.outputs.ids }}}}'}}}}\n"
    assert [step.status for step in run(SKIPPED + make).steps] == ["skipped", "skipped"]


def test_a_workflow_output_that_reads_a_skipped_step_fails_the_run_and_keeps_its_steps(run):
    result = run(SKIPPED, outputs="{ids: '{{ steps.find.outputs.ids }}'}")
    assert (result.status, result.outputs, len(result.steps)) == ("failed", {}, 1)
    assert result.failure.message == "output 'ids' of the workflow: {{ steps.find.outputs.ids }}: 'outputs' is not defined"
    assert result.failure.hint == "step 'find' has no outputs, its status is skipped"


def test_a_condition_that_is_no_boolean_fails_the_step(run):
    result = run("- {id: find, task: acme.find, if: '{{ 1 }}'}\n")
    assert (result.status, result.failure.kind, sent(run)) == ("failed", "expression", [])
    assert "a condition must be true or false, this is an integer" in result.failure.message


def test_a_failing_step_stops_the_run_and_everything_done_so_far_is_kept(run):
    result = run(FIND + "- {id: make, task: acme.make}\n- {id: last, task: acme.find}\n", {"ids": [1]}, 400)
    assert (result.status, [step.status for step in result.steps]) == ("failed", ["succeeded", "failed"])
    assert result.steps[0].outputs == {"ids": [1]}
    assert (result.failure.kind, result.steps[1].outcome.response.status) == ("badRequest", 400)


def test_a_run_may_go_on_after_a_failure_and_read_what_was_answered(run):
    steps = (
        "- {id: find, task: acme.find, continueOnError: true}\n"
        "- {id: make, task: acme.make, if: '{{ steps.find.response.status == 404 }}', with: {body: {}}}\n"
    )
    result = run(steps, 404, {"id": "m"}, outputs="{status: '{{ steps.find.status }}'}")
    assert (result.status, [step.status for step in result.steps]) == ("succeeded", ["failed", "succeeded"])
    assert result.outputs == {"status": "failed"}


def test_a_failed_step_has_no_outputs_to_read(run):
    steps = "- {id: find, task: acme.find, continueOnError: true}\n"
    steps += "- {id: make, task: acme.make, with: {body: '{{ steps.find.outputs.ids }}'}}\n"
    assert run(steps, 404).failure.hint == "nothing was sent for it; step 'find' has no outputs, its status is failed"


def test_an_unknown_step_stops_the_run_even_if_it_may_go_on_after_errors(run):
    result = run("- {id: make, task: acme.make, continueOnError: true}\n" + FIND, LOST)
    assert (result.status, [step.status for step in result.steps]) == ("unknown", ["unknown"])
    assert (result.failure.kind, len(sent(run))) == ("connectionLost", 1)


def test_an_input_of_a_wrong_type_at_run_time_fails_the_step_and_nothing_is_sent(run):
    result = run(FIND + "- {id: b, task: acme.find, with: {limit: '{{ steps.find.outputs.ids }}'}}\n", {"ids": ["canary"]})
    assert (result.status, result.failure.kind, len(sent(run))) == ("failed", "input", 1)
    assert result.failure.message == "step 'b' (flow.yaml:6:3): limit: must be integer, is array"
    assert result.failure.hint == "nothing was sent for it"


def test_an_undefined_name_at_run_time_fails_the_step_and_nothing_is_sent(run):
    result = run(FIND + "- {id: b, task: acme.find, with: {limit: '{{ steps.find.outputs.ids[0].x }}'}}\n", {"ids": [{}]})
    assert (result.failure.kind, len(sent(run))) == ("expression", 1)
    assert result.failure.message.endswith("{{ steps.find.outputs.ids[0].x }}: 'x' is not defined")


@pytest.mark.parametrize("value", ["steps.find.outputs.ids", "none", "{}", "'nan' | float"])
def test_a_header_that_yields_no_text_fails_the_step_and_nothing_is_sent(run, value):
    result = run(FIND + f'- {{id: b, task: acme.find, headers: {{X-A: "{{{{ {value} }}}}"}}}}\n', {"ids": []})
    assert (result.status, result.failure.kind, len(sent(run))) == ("failed", "expression", 1)


def test_headers_of_a_step_are_filled_in_and_sent_as_text(run):
    run(
        FIND + "- {id: b, task: acme.find, headers: {X-A: '{{ steps.find.outputs.ids[0] }}', X-B: 'n{{ 1 }}'}}\n",
        {"ids": [5]},
        {},
    )
    assert [run.script.requests[1].headers.get(name) for name in ("X-A", "X-B")] == ["5", "n1"]


def test_outputs_of_a_step_stand_beside_those_of_its_task(run):
    outputs = "{count: '{{ response.body.ids | length }}', fixed: [a, '{{ response.status }}']}"
    assert run(f"- {{id: find, task: acme.find, outputs: {outputs}}}\n", {"ids": [1, 2]}).steps[0].outputs == {
        "ids": [1, 2],
        "count": 2,
        "fixed": ["a", 200],
    }


def test_outputs_that_do_not_fit_the_answer_fail_the_step_and_the_answer_is_kept(run):
    result = run("- {id: make, task: acme.make, outputs: {x: '{{ response.body.x }}'}}\n", {"id": "m"})
    (step,) = result.steps
    assert (step.status, step.failure.kind, step.outcome.response.body) == ("failed", "expression", {"id": "m"})
    assert step.failure.message == "step 'make' (flow.yaml:5:3): {{ response.body.x }}: 'x' is not defined"
    assert step.failure.hint == "the request was sent and answered; look at the response"
    assert len(step.outcome.attempts) == 1


def test_a_step_may_override_the_retry_bounds(run):
    result = run("- {id: find, task: acme.find, retry: {maxAttempts: 2}}\n", 500, 500)
    assert (result.status, len(result.steps[0].outcome.attempts)) == ("failed", 2)


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        ({}, ["name"]),
        ({"name": 5}, ["name"]),
        ({"name": "n", "nmae": 1}, ["nmae"]),
        ({"count": "x", "other": 1}, ["count", "name", "other"]),
    ],
)
def test_wrong_inputs_of_a_workflow_are_raised_all_at_once_before_anything_is_sent(run, given, problems):
    schema = "{type: object, required: [name], properties: {name: {type: string}, count: {type: integer, default: 1}}}"
    with pytest.raises(InputInvalid) as caught:
        run(FIND, given=given, inputs=schema)
    assert sorted(problem.where for problem in caught.value.problems) == problems
    assert run.script.requests == []


def test_given_inputs_win_over_defaults_even_if_they_are_false(run):
    schema = "{type: object, properties: {flag: {default: true}, other: {default: 7}}}"
    result = run(
        FIND, {}, given={"flag": False}, inputs=schema, outputs="{flag: '{{ inputs.flag }}', other: '{{ inputs.other }}'}"
    )
    assert result.outputs == {"flag": False, "other": 7}


def test_a_run_has_an_id_of_its_own():
    from httptask.identity import new_id

    assert len(new_id()) == 16
    assert new_id() != new_id()
