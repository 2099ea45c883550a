import pytest

from builders import body, parameter, provider, template
from httptask import reference
from httptask.model import ResponseSpec

PART = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"type": "string", "readOnly": True}, "n": {"type": "integer"}},
}
THING = {
    "allOf": [
        {"$ref": "#/$defs/Base"},
        {"required": ["kind"]},
        {"properties": {"parts": {"type": "array", "description": "Parts", "items": {"$ref": "#/$defs/Part"}}}},
    ]
}
BASE = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "size": {"type": ["integer", "null"]},
        "any": True,
    },
}
DEFINITIONS = {"Thing": THING, "Base": BASE, "Part": PART}


def fields(schema):
    task = template(method="POST", body=body(schema=schema), definitions=DEFINITIONS)
    return {field.name: field for field in reference.body_fields(task)}


def test_body_fields_are_flattened_through_references_and_combinations():
    found = fields({"$ref": "#/$defs/Thing"})
    assert {name: (field.type, field.required) for name, field in found.items()} == {
        "kind": ("String", True),
        "size": ("Integer or Null", False),
        "any": ("Any", False),
        "parts[]": ("Array", False),
        "parts[].id": ("String", True),
        "parts[].n": ("Integer", False),
    }


def test_a_field_keeps_what_its_schema_says():
    found = fields({"$ref": "#/$defs/Thing"})
    assert (found["kind"].values, found["kind"].default) == (("a", "b"), "a")
    assert found["parts[].id"].read_only
    assert found["parts[]"].description == "Parts"
    assert found["kind"].to_json() == {
        "name": "kind",
        "type": "String",
        "format": None,
        "required": True,
        "description": "",
        "enum": ["a", "b"],
        "default": "a",
        "readOnly": False,
    }


@pytest.mark.parametrize(
    "recursive",
    [
        {"type": "object", "properties": {"part": {"$ref": "#/$defs/R"}}},
        {"type": "array", "items": {"$ref": "#/$defs/R"}},
        {"type": "object", "properties": {"parts": {"type": "array", "items": {"$ref": "#/$defs/R"}}}},
    ],
    ids=["object in object", "list of lists", "list in object"],
)
def test_a_recursive_schema_is_cut_at_a_depth(recursive):
    task = template(method="POST", body=body(schema={"$ref": "#/$defs/R"}), definitions={"R": recursive})
    assert len(reference.body_fields(task)) <= reference.MAX_DEPTH + 1


def test_an_array_at_the_root_shows_its_items():
    task = template(responses={"200": ResponseSpec("ok", {"type": "array", "items": PART}), "204": ResponseSpec("none")})
    assert [field.name for field in reference.response_fields(task, "200")] == ["[].id", "[].n"]
    assert reference.response_fields(task, "204") == ()


def test_parameters_are_shown_by_place():
    task = template(
        path="/{{ id }}",
        parameters=(parameter("id", "path", description="Which"), parameter("colour", schema={"$ref": "#/$defs/C"})),
        definitions={"C": {"type": "string", "enum": ["red"]}},
    )
    assert [(row.name, row.required, row.description) for row in reference.parameters(task, "path")] == [("id", True, "Which")]
    assert [(row.name, row.values) for row in reference.parameters(task, "query")] == [("colour", ("red",))]
    assert reference.parameters(task, "cookie") == ()


def test_headers_are_those_of_the_definition_and_those_that_callers_give():
    task = template(
        method="POST",
        provider=provider(headers={"X-P": "1"}),
        headers={"Accept": "application/xml"},
        body=body(),
        parameters=(parameter("If-Match", "header"),),
    )
    assert [row.name for row in reference.headers(task)] == ["Content-Type", "Accept", "X-P", "If-Match"]
    assert reference.headers(task)[1].description == 'Default value: "application/xml"'


def test_a_task_without_a_body_has_no_body_fields():
    assert reference.body_fields(template()) == ()
