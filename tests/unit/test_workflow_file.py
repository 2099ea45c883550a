import pytest

from builders import body, parameter, template
from httptask.errors import WorkflowInvalid
from httptask.loader import load_workflow
from httptask.model import ForEach, Output, Until
from httptask.registry import Registry
from httptask.workflow_file import seconds

COLOUR = {"type": "string", "enum": ["red", "green"]}
TASKS = {
    "acme.find": template(
        id="acme.find",
        parameters=(parameter("limit", schema={"type": "integer"}), parameter("colour", schema=COLOUR)),
        outputs={"ids": Output("{{ response.body }}", {})},
    ),
    "acme.make": template(
        id="acme.make",
        method="POST",
        path="/things/{{ id }}",
        parameters=(parameter("id", "path"),),
        body=body(schema={"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}),
        outputs={"made": Output("{{ response.body.id }}", {})},
    ),
    "acme.drop": template(id="acme.drop", method="DELETE"),
}
REGISTRY = Registry(dict.fromkeys(TASKS, None), None)
REGISTRY._loaded = dict(TASKS)
INPUTS = "inputs: {type: object, properties: {name: {type: string}}}\n"


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        (tmp_path / "flow.yaml").write_text("name: w\n" + INPUTS + text, encoding="utf-8")
        return load_workflow(tmp_path / "flow.yaml", REGISTRY)

    return loaded


@pytest.fixture
def problems(load, tmp_path):
    def found(text):
        with pytest.raises(WorkflowInvalid) as caught:
            load(text)
        return [str(problem).removeprefix(f"{tmp_path}/flow.yaml:") for problem in caught.value.problems]

    return found


FIND = "steps:\n  - {id: a, task: acme.find}\n"


def step(text):
    """Return two steps: `a`, which finds, and after it this one, on line 5."""
    return f"{FIND}  - {{id: b, {text}}}\n"


def test_a_workflow_is_read_with_its_defaults(load):
    workflow = load(FIND)
    assert (workflow.name, workflow.connection, dict(workflow.outputs)) == ("w", None, {})
    (only,) = workflow.steps
    assert (only.id, only.task, dict(only.inputs), only.condition, only.for_each, only.until) == (
        "a",
        "acme.find",
        {},
        None,
        None,
        None,
    )
    assert only.continue_on_error is False
    assert str(only.source).endswith("flow.yaml:4:5")


def test_everything_a_step_can_say_is_read(load):
    text = (
        "task: acme.make, forEach: '{{ steps.a.outputs.ids }}', if: '{{ item == 1 }}', with: {id: '{{ item }}', body: {size: 1}},"
        " headers: {X-A: '{{ index }}'}, until: '{{ response.body.ok }}', failIf: '{{ response.status == 202 }}', every: 500ms,"
        " timeout: 2m, outputs: {x: '{{ response.body.x }}'}, retry: {maxAttempts: 2}, continueOnError: true, summary: Make it"
    )
    made = load(step(text)).steps[1]
    assert (made.for_each, made.condition) == (ForEach("{{ steps.a.outputs.ids }}", on_error="continue"), "{{ item == 1 }}")
    assert made.until == Until("{{ response.body.ok }}", "{{ response.status == 202 }}", 0.5, 120.0)
    assert (made.retry, made.continue_on_error, made.summary) == ({"maxAttempts": 2}, True, "Make it")


def test_polling_has_defaults(load):
    assert load(step("task: acme.find, until: '{{ true }}'")).steps[1].until == Until("{{ true }}", None, 5.0, 600.0)


@pytest.mark.parametrize(("text", "expected"), [("500ms", 0.5), ("2s", 2), ("1.5m", 90), ("1h", 3600), (3, 3), (0.25, 0.25)])
def test_a_duration_is_seconds_or_text_with_a_unit(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "5 s", "5d", "s", "-5s"])
def test_a_text_that_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"^"):
        seconds(text)


@pytest.mark.parametrize("duration", ["0s", "-1", "0", "5 s", "5d", "soon", "'5'", "1e999"])
def test_a_wrong_duration_is_refused_with_its_place(problems, duration):
    found = problems(step(f"task: acme.find, until: '{{{{ true }}}}', every: {duration}"))
    assert found[0].startswith("5:")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FIND + "x: 1\n", "5:1: unknown key 'x'"),
        ("", "1:1: 'steps' is missing"),
        ("steps: []\n", "3:8: steps must have at least 1 items"),
        (step("task: acme.find, wiht: {}"), "5:30: unknown key 'wiht' in steps[1] (did you mean 'with'?)"),
        (step("task: acme.find, every: 5"), "5:5: steps[1] needs other keys beside it: 'every' needs until"),
        (step("task: acme.find, if: yes"), "5:34: steps[1].if is not written as it must be (write one expression in quotes"),
        (step("task: acme.find, retry: {maxAttempts: 0}"), "5:51: steps[1].retry.maxAttempts must be at least 1"),
        (FIND.replace("id: a", "id: 5a"), "4:10: steps[0].id is not written as it must be (only letters, digits and _"),
    ],
)
def test_a_file_of_the_wrong_shape_is_refused_with_its_place(problems, text, message):
    assert problems(text)[0].startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("task: acme.fin", "5:19: acme.fin: no such task (did you mean 'acme.find'?)"),
        ("task: acme.find, with: {limt: 1}", "5:37: acme.find has no input 'limt' (did you mean 'limit'?)"),
        ("task: acme.drop, with: {zzz: 1}", "5:37: acme.drop has no input 'zzz' (it takes no inputs)"),
        ("task: acme.make, with: {body: {size: 1}}", "5:36: acme.make needs the input 'id'"),
        ("task: acme.make", "5:19: acme.make needs the input 'id'"),
        ("task: acme.find, with: {limit: ten}", "5:44: limit must be integer, is string"),
        ("task: acme.find, with: {limit: 'a{{ inputs.name }}'}", "5:44: limit must be integer, is string"),
        ("task: acme.find, with: {colour: blue}", "5:45: colour must be one of red, green"),
        ("task: acme.make, with: {id: x, body: {size: big}}", "5:57: body.size must be integer, is string"),
        ("task: acme.make, with: {id: x, body: {}}", "5:50: body 'size' is missing"),
        ("task: acme.find, with: {limit: '{{ steps.c.outputs.x }}'}", "5:44: unknown step 'c' (steps: a, b)"),
        (
            "task: acme.find, with: {limit: '{{ steps.b.outputs.x }}'}",
            "5:44: step 'b' has not run yet here (a step can read only steps above it)",
        ),
        (
            "task: acme.find, with: {limit: '{{ steps.a.outputs.idz }}'}",
            "5:44: step 'a' has no output 'idz' (did you mean 'ids'?)",
        ),
        (
            "task: acme.find, with: {limit: '{{ steps.a.output.ids }}'}",
            "5:44: unknown name 'steps.a.output' (known: outputs, response, status)",
        ),
        (
            "task: acme.find, with: {limit: '{{ steps.a.response.bdy }}'}",
            "5:44: unknown name 'steps.a.response.bdy' (known: status, headers, body)",
        ),
        ("task: acme.find, with: {limit: '{{ inputs.nam }}'}", "5:44: the workflow has no input 'nam' (did you mean 'name'?)"),
        ("task: acme.find, with: {limit: '{{ input.name }}'}", "5:44: unknown name 'input' (did you mean 'inputs'?)"),
        ("task: acme.find, with: {limit: '{{ response.body }}'}", "5:44: unknown name 'response' (known here: inputs, steps)"),
        (
            "task: acme.find, with: {limit: '{{ item }}'}",
            "5:44: 'item' is known only in a step with forEach (add forEach, or read steps.<id>.outputs)",
        ),
        ("task: acme.find, forEach: '{{ item }}'", "5:39: 'item' is known only in a step with forEach"),
        ("task: acme.find, if: '{{ index == 1 }}'", "5:34: 'index' is known only in a step with forEach"),
        ("task: acme.find, if: '{{ response.status == 1 }}'", "5:34: unknown name 'response'"),
        ("task: acme.find, until: '{{ response.bod }}'", "5:37: unknown name 'response.bod' (known: status, headers, body)"),
        ("task: acme.find, with: {limit: '{{ 1 + }}'}", "5:44: {{ 1 + }}: not an expression:"),
        ("task: acme.find, with: {limit: '{{ 1'}", "5:44: an expression is not closed"),
        ("task: acme.find, with: {limit: '{% if 1 %}'}", "5:44: {% %} blocks are not supported"),
        (
            "task: acme.find, headers: {Authorization: x}",
            "5:40: header 'Authorization' is set by httptask alone (credentials belong in the connection)",
        ),
        ("task: acme.find, headers: {CONTENT-LENGTH: '5'}", "5:40: header 'CONTENT-LENGTH' is set by httptask alone"),
        ("task: acme.find, headers: {X-A: '\u00fc'}", "5:45: X-A: a header value must be visible ASCII"),
        ("task: acme.find, headers: {X-A: '{{ inputs.x }}'}", "5:45: the workflow has no input 'x'"),
        ("task: acme.find, outputs: {x: '{{ steps.b.outputs.ids }}'}", "5:43: step 'b' has not run yet here"),
        ("task: acme.find, outputs: {x: [{y: '{{ respons }}'}]}", "5:48: unknown name 'respons'"),
    ],
)
def test_what_only_the_meaning_shows_is_refused_with_its_place(problems, text, message):
    assert problems(step(text))[0].startswith(message)


@pytest.mark.parametrize(
    "text",
    [
        "task: acme.find, with: {limit: '{{ steps.a.outputs.ids[0] }}', colour: '{{ inputs.name }}'}",
        "task: acme.find, with: {colour: 'r{{ inputs.name }}'}",
        "task: acme.make, with: {id: x, body: '{{ steps.a.response.body }}'}",
        "task: acme.make, with: {id: x, body: {size: '{{ steps.a.outputs.ids | length }}'}}",
        "task: acme.find, if: \"{{ steps.a.status == 'succeeded' and steps['a'].response.headers.etag is defined }}\"",
        "task: acme.find, forEach: '{{ steps.a.outputs.ids }}', outputs: {x: '{{ item }}-{{ index }}-{{ response.status }}'}",
        "task: acme.find, headers: {X-A: 'a{{ inputs.name }}'}",
    ],
)
def test_what_is_right_is_not_refused(load, text):
    assert len(load(step(text)).steps) == 2


REPEATED = "steps:\n  - {id: a, task: acme.find, forEach: '{{ [1, 2] }}'}\n"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("steps.a.outputs.ids", "step 'a' has forEach: its outputs are a list (write steps.a.outputs | map(attribute='ids'))"),
        ("steps.a.response.body", "step 'a' has forEach, so it has no one response (name what you need in its outputs)"),
        ("steps.a.outputs", None),
        ("steps.a.outputs[0].ids", None),
        ("steps.a.outputs[-1].ids", None),
        ("steps.a.outputs | map(attribute='ids') | list", None),
        ("steps.a.status", None),
    ],
)
def test_a_repeated_step_is_read_as_a_list(load, problems, expression, message):
    text = f'{REPEATED}outputs: {{x: "{{{{ {expression} }}}}"}}\n'
    if message is None:
        load(text)
    else:
        assert problems(text) == [f"5:14: {message}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outputs: {x: '{{ steps.a.outputs.nope }}'}", "5:14: step 'a' has no output 'nope' (its outputs: ids)"),
        ("outputs: {x: '{{ steps.z.outputs.nope }}'}", "5:14: unknown step 'z' (steps: a)"),
        ("outputs: {x: '{{ item }}'}", "5:14: 'item' is known only in a step with forEach"),
        ("outputs: {x: '{{ response.body }}'}", "5:14: unknown name 'response'"),
        ("connection: '{{ steps.a.outputs.ids }}'", "5:13: unknown name 'steps' (known here: inputs)"),
        ("connection: '{{ inputs.nope }}'", "5:13: the workflow has no input 'nope'"),
    ],
)
def test_outputs_and_connection_are_checked_too(problems, text, message):
    assert problems(f"{FIND}{text}\n")[0].startswith(message)


def test_a_step_without_outputs_has_none_to_read(problems):
    text = "steps:\n  - {id: a, task: acme.drop}\noutputs: {x: '{{ steps.a.outputs.x }}'}\n"
    assert problems(text) == ["5:14: step 'a' has no output 'x' (its outputs: none)"]


def test_two_steps_of_one_id_are_refused(problems):
    assert problems(FIND + "  - {id: a, task: acme.drop}\n") == ["5:10: step 'a' stands here twice (give each step its own id)"]


@pytest.fixture
def input_problems(tmp_path):
    def found(schema):
        (tmp_path / "flow.yaml").write_text(f"name: w\ninputs: {schema}\n{FIND}")
        with pytest.raises(WorkflowInvalid) as caught:
            load_workflow(tmp_path / "flow.yaml", REGISTRY)
        return [str(problem).removeprefix(f"{tmp_path}/flow.yaml:") for problem in caught.value.problems]

    return found


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("{type: array}", "2:16: inputs.type must be object"),
        ("{type: object, properties: {a: {type: strin}}}", "2:47: inputs.properties.a.type must be one of"),
        ("{type: object, properties: {a: {type: integer, default: x}}}", "2:65: the default must be integer, is string"),
        ("{type: object, properties: {a: {enum: [x], default: y}}}", "2:61: the default must be one of x"),
        (
            "{type: object, properties: {a: {type: object, properties: {b: {type: integer}}, default: {b: x}}}}",
            "2:102: the default must be integer, is string",
        ),
        ("{type: object, properties: {a: {$ref: '#/$defs/n', default: x}}, $defs: {n: {type: integer}}}", "2:69: the default"),
        ("{type: object, properties: {a: {$ref: '#/properties/b', default: x}, b: {type: integer}}}", "2:74: the default"),
        ("{type: object, properties: {a: {$ref: '#/$defs/n', default: x}}}", "2:47: this $ref leads nowhere"),
        ("{type: object, properties: {a: {items: {$ref: 'x.yaml#/n'}}}}", "2:55: this $ref leads nowhere"),
        ("{type: object, required: [b], properties: {a: {}}}", "2:34: required input 'b' is not among the properties"),
    ],
)
def test_a_wrong_schema_of_the_inputs_is_refused_with_its_place(input_problems, schema, message):
    assert input_problems(schema)[0].startswith(message)


def test_several_faults_are_reported_at_once(problems):
    text = step("task: acme.find, with: {limit: ten, limt: 1}, headers: {Host: x}, if: '{{ item }}'")
    text += "  - {id: c, task: acme.nope}\n  - {id: c, task: acme.drop}\n"
    text += "outputs: {x: '{{ steps.zz.outputs }}', y: '{{ steps.a.outputs.zz }}'}\n"
    found = problems(text)
    assert sorted(int(line.partition(":")[0]) for line in found) == [5, 5, 5, 5, 6, 7, 8, 8]


def test_a_fault_is_reported_once(problems):
    assert len(problems(step("task: acme.find, with: {colour: '{{ item }}{{ item }}'}"))) == 1
