"""Types and keys that the schemas of tasks, inputs and sub-workflows tell before anything is sent."""

import pytest

from builders import body, parameter, provider, template
from httptask.errors import WorkflowInvalid
from httptask.loader import load_workflow
from httptask.model import Output, Paging, ResponseSpec
from httptask.registry import Registry

THING = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "size": {"type": "integer"}, "owner": {"$ref": "#/$defs/owner"}},
    "additionalProperties": False,
}
DEFINITIONS = {"thing": THING, "owner": {"type": "object", "properties": {"name": {"type": "string"}}}}
LIST = {
    "type": "object",
    "properties": {"things": {"type": "array", "items": {"$ref": "#/$defs/thing"}}, "next": {"type": "string"}},
}
TASKS = {
    "acme.list": template(
        id="acme.list",
        provider=provider(paging=Paging("cursor", "things", "next", "next")),
        parameters=(parameter("limit", schema={"type": "integer"}), parameter("tags", schema={"type": "array"})),
        responses={"200": ResponseSpec("", LIST), "404": ResponseSpec("", {"type": "string"})},
        outputs={
            "things": Output("{{ response.body.things }}", {"type": "array", "items": {"$ref": "#/$defs/thing"}}),
            "more": Output("{{ response.body.next is defined }}", {"type": "boolean"}),
            "any": Output("{{ response.body }}", {}),
        },
        definitions=DEFINITIONS,
    ),
    "acme.make": template(
        id="acme.make",
        method="POST",
        path="/{{ id }}",
        parameters=(parameter("id", "path"),),
        body=body(schema={"type": "object", "properties": {"size": {"type": "number"}, "names": {"items": {"type": "string"}}}}),
        responses={"200": ResponseSpec("", {"$ref": "#/$defs/thing"}), "204": ResponseSpec("")},
        definitions=DEFINITIONS,
    ),
}
REGISTRY = Registry(dict.fromkeys(TASKS, None), None)
REGISTRY._loaded = dict(TASKS)
INPUTS = """\
name: w
inputs:
  type: object
  properties:
    name: {type: string}
    count: {type: integer}
    flag: {type: [boolean, 'null']}
    names: {type: array, items: {type: string}}
    plan: {type: object, properties: {id: {type: string}}, additionalProperties: false}
"""
SUB = """\
name: sub
inputs: {type: object, properties: {size: {type: integer}, plan: {type: object, properties: {x: {type: array}}}}}
steps:
  - {id: a, task: acme.list}
outputs: {things: '{{ steps.a.outputs.things }}', size: '{{ inputs.size }}', text: 'a{{ inputs.size }}', plan: {deep: [1, x]}}
"""


@pytest.fixture
def faults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def found(*lines, rest=""):
        (tmp_path / "sub.yaml").write_text(SUB, encoding="utf-8")
        text = INPUTS + "steps:\n  - id: a\n    task: acme.list\n" + "".join(f"  - {{{line}}}\n" for line in lines) + rest
        (tmp_path / "flow.yaml").write_text(text, encoding="utf-8")
        try:
            load_workflow(tmp_path / "flow.yaml", REGISTRY)
        except WorkflowInvalid as error:
            return error.problems
        return ()

    return found


@pytest.fixture
def problems(faults):
    """The problems as text, without the advice to convert a value."""

    def found(*lines, rest=""):
        return [str(one).removeprefix("flow.yaml:").partition(" (convert it")[0] for one in faults(*lines, rest=rest)]

    return found


def given(name, path):
    return f"id: b, task: acme.list, with: {{{name}: '{{{{ {path} }}}}'}}"


@pytest.mark.parametrize(
    ("name", "path", "told"),
    [
        ("limit", "inputs.name", "limit must be integer, inputs.name is string"),
        ("limit", "inputs.flag", "limit must be integer, inputs.flag is boolean or null"),
        ("limit", "inputs.names[0]", "limit must be integer, inputs.names[0] is string"),
        ("limit", "inputs", "limit must be integer, inputs is object"),
        ("limit", "inputs.count", None),
        ("limit", "inputs.names | length", None),
        ("limit", "steps.a.outputs.things", "limit must be integer, steps.a.outputs.things is array"),
        ("limit", "steps.a.outputs.things[0].size", None),
        ("limit", "steps.a.outputs.things[0].id", "limit must be integer, steps.a.outputs.things[0].id is string"),
        (
            "limit",
            "steps.a.outputs.things[0].owner.name",
            "limit must be integer, steps.a.outputs.things[0].owner.name is string",
        ),
        ("limit", "steps.a.outputs.things[0].owner.age", None),
        ("limit", "steps.a.outputs.any", None),
        ("limit", "steps.a.outputs", "limit must be integer, steps.a.outputs is object"),
        ("limit", "steps.a.status", "limit must be integer, steps.a.status is string"),
        ("limit", "steps.a.response.status", None),
        ("tags", "steps.a.response.status", "tags must be array, steps.a.response.status is integer"),
        ("tags", "steps.a.response.headers.etag", None),
        ("tags", "steps.a.response.body.things", None),
        ("tags", "steps.a.response.body.next", "tags must be array, steps.a.response.body.next is string"),
        ("tags", 'steps["a"].response.body["next"]', "tags must be array, steps.a.response.body.next is string"),
    ],
)
def test_a_plain_path_must_be_able_to_fit_its_input(problems, name, path, told):
    assert problems(given(name, path)) == ([] if told is None else [f"13:{39 + len(name)}: {told}"])


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        (given("limit", "inputs.name"), "convert it: {{ inputs.name | int }}"),
        (given("limit", "inputs.names[0]"), "convert it: {{ inputs.names[0] | int }}"),
        (given("limit", "inputs.flag"), ""),
        (given("tags", "inputs.name"), ""),
        ("id: b, task: acme.make, with: {id: '{{ inputs.count }}'}", "convert it: {{ inputs.count | string }}"),
        ("id: b, task: acme.make, with: {id: x, body: {size: '{{ inputs.name }}'}}", "convert it: {{ inputs.name | float }}"),
    ],
)
def test_where_a_filter_converts_the_value_it_is_named(faults, line, hint):
    assert [problem.hint for problem in faults(line)] == [hint]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{size: '{{ inputs.name }}'}", "body.size must be number, inputs.name is string"),
        ("{size: '{{ inputs.count }}'}", None),
        ("{names: ['{{ inputs.count }}']}", "body.names[0] must be string, inputs.count is integer"),
        ("{names: ['{{ inputs.name }}']}", None),
        ("'{{ inputs.name }}'", "body must be object, inputs.name is string"),
    ],
)
def test_parts_of_a_body_are_checked_at_their_place(problems, body, told):
    found = problems(f"id: b, task: acme.make, with: {{id: x, body: {body}}}")
    assert [problem.partition(": ")[2] for problem in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("task: acme.list, forEach: '{{ inputs.name }}'", "forEach must be array, inputs.name is string"),
        ("task: acme.list, forEach: {items: '{{ inputs.name }}'}", "forEach must be array, inputs.name is string"),
        ("task: acme.list, forEach: '{{ steps.a.outputs.things }}'", None),
        (
            "task: acme.list, if: '{{ inputs.name }}'",
            "the condition `if` must be boolean, inputs.name is string (compare explicitly",
        ),
        ("task: acme.list, if: '{{ inputs.flag }}'", None),
        (
            "task: acme.list, until: '{{ response.body.next }}'",
            "the condition `until` must be boolean, response.body.next is string",
        ),
        (
            "task: acme.list, until: '{{ steps.a.outputs.more }}', failIf: '{{ response.status }}'",
            "the condition `failIf` must be",
        ),
        ("wait: 1, if: '{{ steps.a.outputs.things }}'", "the condition `if` must be boolean, steps.a.outputs.things is array"),
    ],
)
def test_lists_and_conditions_must_be_able_to_be_that(problems, line, told):
    found = problems(f"id: b, {line}")
    assert len(found) == (1 if told else 0)
    assert all(problem.partition(": ")[2].startswith(told) for problem in found)


THINGS = "forEach: '{{ steps.a.outputs.things }}'"
EACH = f"id: b, task: acme.make, {THINGS}, with: {{id: '{{{{ item.id }}}}'}}, outputs: {{n: '{{{{ item.size }}}}'}}"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("item.size", "id must be string, item.size is integer"),
        ("item", "id must be string, item is object"),
        ("index", "id must be string, index is integer"),
        ("item.ids", "there is no 'ids' in item (did you mean 'id'?)"),
        ("item.owner.name", None),
    ],
)
def test_an_item_has_the_type_of_the_lists_items(problems, path, told):
    found = problems(EACH.replace("item.id ", f"{path} "))
    assert [problem.partition(": ")[2] for problem in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("steps.b.outputs", "limit must be integer, steps.b.outputs is array"),
        ("steps.b.outputs[0]", "limit must be integer, steps.b.outputs[0] is object or null"),
        ("steps.b.outputs[0].n", None),
    ],
)
def test_a_repeated_steps_outputs_are_a_list_of_objects(problems, path, told):
    found = problems(EACH, given("limit", path).replace("id: b", "id: c"))
    assert [problem.partition(": ")[2] for problem in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("outputs", "path", "told"),
    [
        ("{x: '{{ response.body.next }}'}", "x", "string"),
        ("{x: '{{ steps }}'}", "x", None),
        ("{x: 'a {{ response.status }}'}", "x", "string"),
        ("{x: [1, '{{ response.body.next }}']}", "x[1]", "string"),
        ("{x: {y: '{{ inputs.name }}'}}", "x.y", "string"),
        ("{x: {y: 1}}", "x", "object"),
        ("{x: '{{ response.body.things | length }}'}", "x", None),
    ],
)
def test_a_steps_own_outputs_have_the_types_of_what_they_read(problems, outputs, path, told):
    found = problems(
        f"id: b, task: acme.list, outputs: {outputs}", given("limit", f"steps.b.outputs.{path}").replace("id: b", "id: c")
    )
    expected = [f"limit must be integer, steps.b.outputs.{path} is {told}"] if told else []
    assert [problem.partition(": ")[2] for problem in found] == expected


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("items", "limit must be integer, steps.b.outputs.items is array"),
        ("items[0].id", "limit must be integer, steps.b.outputs.items[0].id is string"),
        ("items[0].size", None),
        ("items[0].seize", "there is no 'seize' in steps.b.outputs.items[0] (did you mean 'size'?)"),
    ],
)
def test_the_joined_items_have_the_types_of_one_pages_items(problems, path, told):
    found = problems("id: b, task: acme.list, paginate: {}", given("limit", f"steps.b.outputs.{path}").replace("id: b", "id: c"))
    assert [problem.partition(": ")[2] for problem in found] == ([told] if told else [])


USE = "id: s, workflow: sub.yaml"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("things", "limit must be integer, steps.s.outputs.things is array"),
        ("things[0].size", None),
        ("things[0].sise", "there is no 'sise' in steps.s.outputs.things[0] (did you mean 'size'?)"),
        ("size", None),
        ("text", "limit must be integer, steps.s.outputs.text is string"),
        ("plan.deep[1]", "limit must be integer, steps.s.outputs.plan.deep[1] is string"),
        ("plan.deep[0]", None),
        ("plan.deep[9]", None),
    ],
)
def test_outputs_of_a_workflow_have_the_types_of_what_they_read(problems, path, told):
    found = problems(USE, given("limit", f"steps.s.outputs.{path}"))
    assert [problem.partition(": ")[2] for problem in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ("{size: '{{ inputs.name }}'}", "size must be integer, inputs.name is string"),
        ("{plan: {x: '{{ inputs.name }}'}}", "plan.x must be array, inputs.name is string"),
        ("{size: '{{ inputs.count }}'}", None),
    ],
)
def test_what_is_given_to_a_workflow_must_be_able_to_fit(problems, values, told):
    found = problems(f"{USE}, with: {values}")
    assert [problem.partition(": ")[2] for problem in found] == ([told] if told else [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{ inputs.plan.ids }}", "there is no 'ids' in inputs.plan (did you mean 'id'?)"),
        ("{{ inputs.plan.zzz | default(1) }}", "there is no 'zzz' in inputs.plan (known: id)"),
        ("a{{ steps.a.outputs.things[0].sizes.x }}b", "there is no 'sizes' in steps.a.outputs.things[0] (did you mean 'size'?)"),
        ("{{ steps.a.response.body.unheard }}", None),
        ("{{ inputs.plan.id }}", None),
    ],
)
def test_a_key_that_a_closed_object_cannot_have_is_found_anywhere(problems, text, told):
    found = problems(rest=f"outputs: {{x: ['{text}']}}\n")
    assert found == ([f"13:15: {told}"] if told else [])


def test_the_answer_of_a_step_that_may_have_failed_is_not_judged(problems):
    read = "with: {tags: '{{ steps.b.response.body.next }}'}"
    assert problems("id: b, task: acme.list, continueOnError: true", f"id: c, task: acme.list, {read}") == []
    group = "id: g, parallel: [{id: b, task: acme.list}]"
    assert len(problems(group, f"id: c, task: acme.list, {read}")) == 1
    assert problems(f"{group}, continueOnError: true", f"id: c, task: acme.list, {read}") == []
    assert problems(rest=f"onFailure:\n  - {{id: f, task: acme.list, {read.replace('.b.', '.a.')}}}\n") == []


def test_an_answer_that_may_be_empty_is_not_judged(problems):
    assert (
        problems(
            "id: b, task: acme.make, with: {id: x}", "id: c, task: acme.list, with: {limit: '{{ steps.b.response.body.id }}'}"
        )
        == []
    )


def test_names_in_a_circle_are_refused_without_an_end(problems):
    circle = [f"id: {one}, task: acme.list, outputs: {{x: '{{{{ steps.{other}.outputs.x }}}}'}}" for one, other in ("bc", "cb")]
    assert [problem.partition(": ")[2] for problem in problems(*circle)] == [
        "step 'c' has not run yet here (a step can read only steps above it)"
    ]


@pytest.mark.parametrize("condition", ["{{ false }}", "{{False}}", " {{- not true -}} "])
def test_a_step_whose_condition_is_never_true_is_refused(problems, condition):
    assert problems(f"id: b, wait: 1, if: '{condition}'") == [
        "13:26: step 'b' never runs: its condition is always false (take the step out, or mend the condition)"
    ]


def test_a_step_that_never_succeeds_hides_those_below_it(problems):
    line = "id: b, task: acme.list, until: '{{ false }}'"
    assert problems(line) == [
        "13:37: step 'b' never succeeds: its condition is always false, and no step below it runs (mend the condition)"
    ]
    assert problems(f"{line}, continueOnError: true") == [
        "13:37: step 'b' never succeeds: its condition is always false (mend the condition)"
    ]


@pytest.mark.parametrize("condition", ["{{ true }}", "{{ inputs.flag }}", "{{ false or inputs.flag }}", "{{ not false }}"])
def test_a_condition_that_may_hold_is_not_refused(problems, condition):
    assert problems(f"id: b, wait: 1, if: '{condition}'") == []
