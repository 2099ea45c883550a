import pytest

from httptask.path_types import Absent, Shape, cannot_fit, follow, named, type_of_value, types_of

ROOT = {
    "$defs": {
        "id": {"type": "string"},
        "pool": {"type": "object", "properties": {"id": {"$ref": "#/$defs/id"}, "next": {"$ref": "#/$defs/pool"}}},
        "closed": {"type": "object", "properties": {"id": {"type": "string"}, "size": {}}, "additionalProperties": False},
        "loop": {"$ref": "#/$defs/loop"},
        "either": {"anyOf": [{"$ref": "#/$defs/either"}, {"type": "string"}]},
    }
}


def shape(schema):
    return Shape(schema, ROOT)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, ""),
        (True, ""),
        (False, ""),
        ({"type": "string"}, "string"),
        ({"type": ["null", "integer"]}, "integer or null"),
        ({"type": "number"}, "number"),
        ({"enum": ["a", 1, None]}, "string or number or null"),
        ({"enum": [1.5]}, "number"),
        ({"const": True}, "boolean"),
        ({"const": []}, "array"),
        ({"const": {}}, "object"),
        ({"$ref": "#/$defs/id"}, "string"),
        ({"$ref": "#/$defs/nowhere"}, ""),
        ({"$ref": "#/$defs/loop"}, ""),
        ({"$ref": "#/$defs/either"}, ""),
        ({"allOf": [{"type": ["string", "null"]}, {"type": ["string", "array"]}]}, "string"),
        ({"type": "number", "allOf": [{"type": "integer"}]}, "integer"),
        ({"type": "string", "allOf": [{"type": "array"}]}, ""),
        ({"anyOf": [{"type": "string"}, {"$ref": "#/$defs/pool"}]}, "string or object"),
        ({"oneOf": [{"type": "string"}, {}]}, ""),
        ({"type": ["string", "array"], "oneOf": [{"type": "string"}, {"type": "null"}]}, "string"),
        ({"not": {"type": "string"}}, ""),
        ({"properties": {"a": {}}}, ""),
        ({"type": 5}, ""),
    ],
)
def test_the_types_of_a_schema_are_told_where_it_leaves_no_others(schema, expected):
    assert named(types_of(shape(schema))) == expected


@pytest.mark.parametrize(
    ("schema", "path", "expected"),
    [
        ({"$ref": "#/$defs/pool"}, ["id"], "string"),
        ({"$ref": "#/$defs/pool"}, ["next", "next", "id"], "string"),
        ({"$ref": "#/$defs/pool"}, ["unheard"], ""),
        ({"$ref": "#/$defs/pool"}, ["unheard", "of"], ""),
        ({"type": "array", "items": {"$ref": "#/$defs/pool"}}, ["0", "id"], "string"),
        ({"type": "array", "items": {"$ref": "#/$defs/pool"}}, ["id"], ""),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "string"}}, ["0"], "null"),
        ({"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "string"}}, ["1"], "string"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ["any"], "integer"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, ["7"], "integer"),
        ({"additionalProperties": {"type": "integer"}, "patternProperties": {"^x": {}}}, ["xy"], ""),
        ({"allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"enum": ["x"]}}}]}, ["a"], "string"),
        (
            {"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "null"}}}]},
            ["a"],
            "string or null",
        ),
        ({"anyOf": [{"properties": {"a": {"type": "string"}}}, {}]}, ["a"], ""),
        ({"anyOf": [{"properties": {"a": {"type": "string"}}}, {"type": "null"}]}, ["a"], "string"),
        ({"type": "string"}, ["a"], ""),
        ({"$ref": "#/$defs/either"}, ["a"], ""),
    ],
)
def test_a_path_is_followed_through_references_items_and_combinations(schema, path, expected):
    look = follow(shape(schema), path)
    assert not isinstance(look, Absent)
    assert named(types_of(look)) == expected


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"$ref": "#/$defs/closed"}, ["ids"]),
        ({"type": "array", "items": {"$ref": "#/$defs/closed"}}, ["3", "ids", "deeper"]),
        ({"anyOf": [{"$ref": "#/$defs/closed"}, {"type": "null"}]}, ["ids"]),
        ({"allOf": [{"$ref": "#/$defs/closed"}, {"type": "object"}]}, ["ids"]),
        ({"type": "object", "properties": {"id": {}, "size": {}}, "additionalProperties": False}, ["0"]),
    ],
)
def test_a_closed_object_cannot_have_other_keys(schema, path):
    assert follow(shape(schema), path) == Absent("0" if path == ["0"] else "ids", ("id", "size"))


@pytest.mark.parametrize(
    ("schema", "key"),
    [
        ({"properties": {"id": {}}}, "ids"),
        ({"properties": {"id": {}}, "additionalProperties": True}, "ids"),
        ({"properties": {"id": {}}, "additionalProperties": False, "patternProperties": {"s$": {}}}, "ids"),
        ({"anyOf": [{"$ref": "#/$defs/closed"}, {"type": "object"}]}, "ids"),
        ({"allOf": [{"$ref": "#/$defs/closed"}, {"properties": {"ids": {}}}]}, "ids"),
        ({"properties": {}, "additionalProperties": False}, "0"),
    ],
)
def test_an_object_that_may_be_open_may_have_any_key(schema, key):
    assert not isinstance(follow(shape(schema), [key]), Absent)


@pytest.mark.parametrize(
    ("given", "wanted", "certain"),
    [
        ({"type": "string"}, {"type": "integer"}, True),
        ({"type": "integer"}, {"type": "number"}, False),
        ({"type": "number"}, {"type": "integer"}, False),
        ({"const": 1.5}, {"type": "integer"}, True),
        ({"const": 2.0}, {"type": "integer"}, False),
        ({"type": "boolean"}, {"type": "number"}, True),
        ({"type": ["string", "null"]}, {"type": ["array", "null"]}, False),
        ({"type": ["string", "null"]}, {"type": ["array", "object"]}, True),
        ({}, {"type": "integer"}, False),
        ({"type": "string"}, {}, False),
    ],
)
def test_shapes_without_a_common_type_cannot_fit(given, wanted, certain):
    assert cannot_fit(shape(given), shape(wanted)) is certain


def test_what_is_not_known_fits():
    assert not cannot_fit(None, Shape.of("string"))
    assert not cannot_fit(Shape.of("string"), Absent("a", ()))


@pytest.mark.parametrize(
    ("value", "expected"),
    [("x", "string"), (1, "number"), (1.5, "number"), (True, "boolean"), (None, "null"), ([1], "array"), ({"a": 1}, "object")],
)
def test_a_literal_has_the_type_that_it_is(value, expected):
    assert named(types_of(type_of_value(value))) == expected


@pytest.mark.parametrize("width", [2, 5])
def test_combinations_of_combinations_end(width):
    levels = {f"l{level}": {"anyOf": [{"$ref": f"#/$defs/l{level + 1}"}] * width} for level in range(15)}
    root = {"$defs": {**levels, "l15": {"type": "string"}, "self": {"oneOf": [{"$ref": "#/$defs/self"}] * width}}}
    for name in ("l0", "self"):
        look = Shape({"$ref": f"#/$defs/{name}"}, root)
        assert types_of(look) is None
        assert follow(look, ["a", "b"]) is None


def test_a_long_chain_of_references_is_followed():
    root = {"$defs": {f"l{level}": {"$ref": f"#/$defs/l{level + 1}"} for level in range(3000)} | {"l3000": {"type": "null"}}}
    assert named(types_of(Shape({"$ref": "#/$defs/l0"}, root))) == "null"
