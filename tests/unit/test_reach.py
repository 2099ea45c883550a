import pytest

from httptask.expressions import compile_text
from httptask.loader import load_workflow, open_registry, shipped
from httptask.model import ForEach, Place, Step, Until, Workflow
from httptask.reach import Reach, reachable

HERE = Place("flow.yaml")


def flow(*steps, outputs=None, on_failure=()):
    first = Step("a", HERE, task="acme.get")
    return Workflow("w", "", {}, None, (first, *steps), outputs or {}, HERE, on_failure=on_failure)


def read(**fields):
    return Step("b", HERE, task="acme.get", **fields)


def paths(*found):
    return Reach(frozenset(found))


EVERYTHING = Reach(whole=True)


@pytest.mark.parametrize(
    "step",
    [
        read(inputs={"x": [{"y": "{{ steps.a.outputs.id }}"}]}),
        read(headers={"X-A": "id {{ steps.a.outputs.id }}"}),
        read(condition="{{ steps.a.outputs.id == 1 }}"),
        read(for_each=ForEach("{{ steps.a.outputs.id }}")),
        read(until=Until("{{ steps.a.outputs.id }}", None, 1, 2)),
        read(until=Until("{{ true }}", "{{ steps.a.outputs.id }}", 1, 2)),
        read(outputs={"x": "{{ steps.a.outputs.id }}"}),
        Step("b", HERE, approve="Go on with {{ steps.a.outputs.id }}?"),
        Step("g", HERE, parallel=(read(inputs={"x": "{{ steps.a.outputs.id }}"}),)),
    ],
)
def test_whatever_a_later_step_says_is_looked_at(step):
    assert reachable(flow(step))["a"] == paths(("outputs", "id"))


def test_outputs_and_failure_steps_are_looked_at():
    assert reachable(flow(outputs={"x": "{{ steps.a.status }}"}))["a"] == paths(("status",))
    assert reachable(flow(on_failure=(read(condition="{{ steps.a.status }}"),)))["a"] == paths(("status",))


def test_what_is_not_read_is_not_reached():
    found = reachable(flow(read(), Step("g", HERE, parallel=(Step("c", HERE, wait=1),)), on_failure=(Step("f", HERE, wait=1),)))
    assert found == dict.fromkeys(["a", "b", "g", "c", "f"], Reach())


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("steps.a.outputs.id ~ steps.a.response.body.items", paths(("outputs", "id"), ("response", "body", "items"))),
        ("steps.a.outputs.id.x ~ steps.a.outputs.id", paths(("outputs", "id"))),
        ("steps.a.outputs | map(attribute='id') | list", paths(("outputs",))),
        ("steps.a.outputs[0].id", paths(("outputs",))),
        ("steps.a.outputs[-1].id", paths(("outputs",))),
        ("steps.a.outputs.ids[1:2]", paths(("outputs", "ids"))),
        ("steps['a']['outputs']['the id']", paths(("outputs", "the id"))),
        ("steps.a.response.headers.etag", paths(("response", "headers"))),
        ("steps.a.response.headers.all('Link')", paths(("response", "headers"))),
        ("steps.a.outputs[inputs.name].x", paths(("outputs",))),
        ("steps.a.outputs['b' ~ inputs.c]", paths(("outputs",))),
        ("steps.a.outputs['x' if inputs.c else 'y']", paths(("outputs",))),
        ("(steps.a.outputs if inputs.c else inputs.d).id", paths(("outputs",))),
        ("[steps.a.outputs.x, {'k': steps.a.outputs.y}]", paths(("outputs", "x"), ("outputs", "y"))),
        ("steps.a.outputs.x is defined and 1 in steps.a.outputs.y", paths(("outputs", "x"), ("outputs", "y"))),
        ("inputs.x | default(steps.a.status)", paths(("status",))),
        ("range(steps.a.outputs.n) | list", paths(("outputs", "n"))),
        ("steps.a['out' ~ 'puts']", EVERYTHING),
        ("steps.a", EVERYTHING),
        ("steps.a | tojson", EVERYTHING),
        ("steps[inputs.name].outputs.id", EVERYTHING),
        ("steps['a' ~ '']", EVERYTHING),
        ("steps", EVERYTHING),
        ("steps | tojson", EVERYTHING),
        ("steps.other.outputs.id", Reach()),
        ("inputs.steps.a", Reach()),
    ],
)
def test_a_path_is_reached_as_far_as_it_is_literal(expression, expected):
    assert reachable(flow(outputs={"x": f"{{{{ {expression} }}}}"}))["a"] == expected


def test_steps_as_a_whole_reach_every_step():
    found = reachable(flow(read(), outputs={"x": "{{ steps }}"}))
    assert set(found.values()) == {EVERYTHING}


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        (("outputs",), True),
        (("outputs", "id"), True),
        (("outputs", "id", "deeper"), True),
        (("outputs", "other"), False),
        (("response",), False),
        ((), True),
    ],
)
def test_a_reach_covers_what_leads_to_a_path_and_what_is_below_it(path, covered):
    assert paths(("outputs", "id")).covers(*path) is covered
    assert EVERYTHING.covers(*path)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("steps[x].y", {("steps",), ("x",)}),
        ("steps.a['b' ~ c]", {("steps", "a"), ("c",)}),
        ("steps.a[b.c].d[e]", {("steps", "a"), ("b", "c"), ("e",)}),
        ("steps.a[1:n]", {("steps", "a"), ("n",)}),
        ("(steps if x else y).a", {("steps",), ("x",), ("y",)}),
        ("x | default(steps.a, boolean=y)", {("x",), ("steps", "a"), ("y",)}),
    ],
)
def test_references_end_where_a_key_is_computed(expression, expected):
    assert set(compile_text(f"{{{{ {expression} }}}}").references) == expected


def test_the_examples_steps_are_read_by_their_outputs():
    example = load_workflow(shipped("task_templates").parent / "examples" / "roll_out_agent_update.yaml", open_registry())
    found = reachable(example)
    assert found["pools"] == paths(("outputs", "pools"))
    assert found["wait_again"] == Reach()
