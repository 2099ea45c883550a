import pytest

from builders import body, parameter, template
from httptask.errors import InputInvalid
from httptask.inputs import check, coerce, faults, from_json, input_schema, parameter_names, property_schema
from httptask.outcome import Warn

INTEGER = {"type": "integer"}
WORD = {"enum": ["AD", "LDAP"], "type": "string"}
CANARY = "c4n4ry-9f27d1"
TASK = template(
    method="POST",
    path="/t/{{ id }}",
    parameters=(
        parameter("id", "path", description="Id of the thing\nand more"),
        parameter("limit", schema=INTEGER, example=5),
        parameter("kind", schema=WORD),
    ),
    body=body(schema={"$ref": "#/$defs/Thing"}, required=True, description="The thing"),
    definitions={"Thing": {"type": "object", "properties": {"n": INTEGER, "kind": WORD}, "required": ["n"]}},
)


def problems(task, inputs, **options):
    with pytest.raises(InputInvalid) as caught:
        check(task, inputs, **options)
    return [(problem.where, problem.message, problem.hint) for problem in caught.value.problems]


def test_the_schema_is_closed_and_has_a_property_for_each_input():
    assert input_schema(TASK) == {
        "type": "object",
        "properties": {
            "id": {"type": "string", "description": "Id of the thing\nand more"},
            "limit": {"type": "integer", "examples": [5]},
            "kind": WORD,
            "body": {"$ref": "#/$defs/Thing", "description": "The thing"},
        },
        "required": ["id", "body"],
        "additionalProperties": False,
        "$defs": TASK.definitions,
    }


def test_named_inputs_of_a_body_template_take_the_place_of_the_body():
    task = template(method="POST", body=body(template={}, inputs={"title": WORD, "note": {}}, required_inputs=("title",)))
    schema = input_schema(task)
    assert list(schema["properties"]) == ["title", "note"]
    assert schema["required"] == ["title"]
    assert "$defs" not in schema


@pytest.mark.parametrize("example", [0, False, "", [], {}])
def test_a_falsy_example_is_an_example(example):
    task = template(parameters=(parameter("a", example=example),))
    assert input_schema(task)["properties"]["a"]["examples"] == [example]


def test_a_name_in_two_places_says_which():
    task = template(
        method="POST",
        path="/{{ id }}",
        parameters=(parameter("id", "path"), parameter("id"), parameter("other"), parameter("body")),
        body=body(),
    )
    assert list(parameter_names(task)) == ["path_id", "query_id", "other", "query_body"]
    assert list(input_schema(task)["properties"]) == ["path_id", "query_id", "other", "query_body", "body"]


def test_a_parameter_called_body_keeps_its_name_where_there_is_no_body():
    assert list(parameter_names(template(parameters=(parameter("body"),)))) == ["body"]


def test_a_parameter_and_an_input_of_a_body_template_are_told_apart():
    task = template(method="POST", parameters=(parameter("title"),), body=body(template={}, inputs={"title": {}}))
    assert list(input_schema(task)["properties"]) == ["query_title", "title"]


@pytest.mark.parametrize("value", [{"n": 1}, {"n": 0, "extra": None}])
def test_right_inputs_pass_without_warning(value):
    assert check(TASK, {"id": "x", "body": value}) == ()


def test_every_problem_is_reported_at_once_and_no_value_is_shown():
    inputs = {"limit": CANARY, "body": {"n": CANARY, "kind": CANARY}, "lmit": CANARY, "zzz": CANARY}
    found = problems(TASK, inputs)
    assert found == [
        ("id", "this input is required", "Id of the thing"),
        ("lmit", "unknown input of acme.do_thing", "did you mean 'limit'?"),
        ("zzz", "unknown input of acme.do_thing", "it takes id, limit, kind, body"),
        ("body.kind", "must be one of AD, LDAP", ""),
        ("body.n", "must be integer, is string", ""),
        ("limit", "must be integer, is string", ""),
    ]
    assert CANARY not in str(found)


def test_null_is_a_value_and_not_an_omission():
    assert problems(template(parameters=(parameter("q"),)), {"q": None}) == [("q", "must be string, is null", "")]


def test_a_body_for_a_task_that_takes_none_is_explained():
    assert problems(template(), {"body": {}}) == [("body", "acme.do_thing takes no body", "its request is GET without content")]


def test_a_task_without_inputs_says_so():
    assert problems(template(), {"qqq": 1}) == [("qqq", "unknown input of acme.do_thing", "it takes no inputs")]


def test_a_missing_key_of_the_body_is_named_where_it_is_missing():
    assert problems(TASK, {"id": "x", "body": {}}) == [("body", "'n' is missing", "")]


def test_inputs_nested_too_deep_are_refused():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    assert problems(TASK, {"id": "x", "body": {"n": 1, "deep": deep}}) == [("inputs", "nested deeper than 200 levels", "")]


def test_an_unknown_enumeration_value_is_an_error_unless_allowed():
    inputs = {"id": "x", "kind": "RADIUS", "body": {"n": 1, "kind": "IWA"}}
    assert {where for where, _, _ in problems(TASK, inputs)} == {"kind", "body.kind"}
    assert check(TASK, inputs, allow_unknown_enum=True) == (
        Warn("unknownEnumValue", "body.kind", "must be one of AD, LDAP"),
        Warn("unknownEnumValue", "kind", "must be one of AD, LDAP"),
    )


def test_allowing_unknown_values_allows_no_other_mistake():
    inputs = {"id": "x", "kind": 5, "body": {"n": "1"}}
    assert [where for where, _, _ in problems(TASK, inputs, allow_unknown_enum=True)] == ["body.n", "kind"]


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "string"}, "5", "5"),
        ({"type": "string"}, "true", "true"),
        ({"type": ["string", "null"]}, "null", "null"),
        ({}, "5", "5"),
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, "-5", -5),
        ({"type": "integer"}, "5.5", "5.5"),
        ({"type": "integer"}, "five", "five"),
        ({"type": "integer"}, "", ""),
        ({"type": "integer"}, "true", "true"),
        ({"type": "integer"}, "007", "007"),
        ({"type": "integer"}, "9" * 5000, "9" * 5000),
        ({"type": "number"}, "5", 5),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "NaN", "NaN"),
        ({"type": "number"}, "-Infinity", "-Infinity"),
        ({"type": "boolean"}, "true", True),
        ({"type": "boolean"}, "false", False),
        ({"type": "boolean"}, "True", "True"),
        ({"type": "boolean"}, "1", "1"),
        ({"type": "null"}, "null", None),
        ({"type": ["integer", "null"]}, "null", None),
        ({"type": ["integer", "null"]}, "3", 3),
        ({"type": "array"}, '["a", 1]', ["a", 1]),
        ({"type": "array"}, "a,b", "a,b"),
        ({"type": "array"}, '{"a": 1}', '{"a": 1}'),
        ({"type": "array"}, "[" * 100_000, "[" * 100_000),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"type": "object"}, "[]", "[]"),
        ({"$ref": "#/$defs/Word"}, "5", "5"),
        ({"$ref": "#/$defs/Number"}, "5", 5),
        ({"$ref": "#/$defs/Missing"}, "5", "5"),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, "true", True),
        ({"oneOf": [{"type": "integer"}, {"$ref": "#/$defs/Word"}]}, "5", "5"),
        ({"allOf": [{"$ref": "#/$defs/Number"}, {"minimum": 1}]}, "5", 5),
        ({"enum": [1, 2]}, "1", 1),
        ({"enum": ["1", 2]}, "1", "1"),
        ({"const": True}, "true", True),
    ],
)
def test_text_of_a_command_line_becomes_what_the_schema_asks_for(schema, text, value):
    got = coerce(schema, {"Word": {"type": "string"}, "Number": {"type": "integer"}}, text)
    assert got == value
    assert type(got) is type(value)


def test_one_input_has_its_schema_and_the_definitions_it_may_refer_to():
    schema, definitions = property_schema(TASK, "body")
    assert schema["$ref"] == "#/$defs/Thing"
    assert definitions is TASK.definitions


def test_an_unknown_input_has_an_empty_schema_and_stays_text():
    assert property_schema(TASK, "idd") == ({}, TASK.definitions)


FIELDS = {"properties": {"title": {"type": "string"}}, "required": ["title"], "type": "object"}


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({}, "give it with --body JSON, --body @FILE or --body -"),
        ({"body": {"title": "x"}, "title": "x"}, "'title' is a field of the body: give it in --body"),
        ({"body": {"titel": "x"}}, "it holds 'titel': did you mean 'title'?"),
    ],
)
def test_a_hint_says_where_the_body_is_given_and_what_is_misspelled_in_it(given, hint):
    task = template(method="POST", body=body(required=True, schema=FIELDS))
    with pytest.raises(InputInvalid) as caught:
        check(task, given)
    assert [problem.hint for problem in caught.value.problems] == [hint]


def test_a_fault_names_the_field_that_it_concerns_one_that_is_missing_or_unknown_too():
    schema = {
        "type": "object",
        "required": ["a b"],
        "properties": {"n": {"type": "array", "items": {"type": "integer"}}, "a b": {}},
        "additionalProperties": False,
    }
    task = template(method="POST", body=body(schema=schema), parameters=(parameter("id", required=True),))
    found, _ = faults(task, {"body": {"n": [1, "x"], "more": 1}})
    assert [fault.at for fault in found] == ["id", "body['a b']", "body.more", "body.n[1]"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON at line 1 column 2"),
        ('{"a":\n oops}', "not JSON at line 2 column 2"),
        ("[" * 100_000, "nested too deeply"),
        ("1" * 5000, "not JSON at a number"),
        ("NaN", "not JSON at a number"),
    ],
)
def test_a_text_that_is_no_json_says_where(text, message):
    with pytest.raises(InputInvalid) as refused:
        from_json(text, "body", hint="mend it")
    assert refused.value.problems[0].where == "body"
    assert refused.value.problems[0].message == message


def test_a_text_that_is_json_is_its_value():
    assert from_json('{"a": [1, null, "x"]}', "body") == {"a": [1, None, "x"]}
