import pytest

from httptask.schemas import Validator, Violation, json_path

CANARY = "c4n4ry-9f27d1"


def found(schema, value):
    return [(violation.path, violation.message) for violation in Validator(schema).violations(value)]


def only(schema, value):
    [violation] = Validator(schema).violations(value)
    return violation


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 5, "must be string, is integer"),
        ({"type": ["string", "null"]}, True, "must be string or null, is boolean"),
        ({"type": "integer"}, 1.5, "must be integer, is number"),
        ({"type": "object"}, [CANARY], "must be object, is array"),
        ({"type": "array"}, {"k": CANARY}, "must be array, is object"),
        ({"type": "number"}, CANARY, "must be number, is string"),
        ({"type": "boolean"}, None, "must be boolean, is null"),
        ({"type": "string"}, (1,), "must be string, is no JSON type"),
        ({"enum": ["AD", "LDAP"]}, CANARY, "must be one of AD, LDAP"),
        ({"enum": [None, True, 1, "x", {"k": 1}]}, CANARY, 'must be one of null, true, 1, x, {"k": 1}'),
        ({"const": True}, CANARY, "must be true"),
        ({"const": ""}, CANARY, "must be empty text"),
        ({"const": "on"}, CANARY, "must be on"),
        ({"minimum": 5}, 4, "must be at least 5"),
        ({"maximum": 5}, 6, "must be at most 5"),
        ({"exclusiveMinimum": 5}, 5, "must be more than 5"),
        ({"exclusiveMaximum": 5}, 5, "must be less than 5"),
        ({"multipleOf": 2}, 3, "must be a multiple of 2"),
        ({"minLength": 99}, CANARY, "must have at least 99 characters"),
        ({"maxLength": 2}, CANARY, "must have at most 2 characters"),
        ({"minItems": 2}, [CANARY], "must have at least 2 items"),
        ({"maxItems": 0}, [CANARY], "must have at most 0 items"),
        ({"uniqueItems": True}, [CANARY, CANARY], "must not repeat an item"),
        ({"minProperties": 2}, {"k": CANARY}, "must have at least 2 keys"),
        ({"maxProperties": 0}, {"k": CANARY}, "must have at most 0 keys"),
        ({"pattern": "^{a}$"}, CANARY, "does not match the pattern ^{a}$"),
        ({"format": "int32"}, 2**31, "is not a valid int32"),
        ({"format": "date-time"}, CANARY, "is not a valid date-time"),
        ({"format": "ipv4"}, CANARY, "is not a valid ipv4"),
        ({"not": {"type": "string"}}, CANARY, "is not allowed here"),
        (False, CANARY, "is not allowed here"),
        ({"dependentRequired": {"a": ["b", "c"], "x": ["y"]}}, {"a": CANARY}, "needs other keys beside it: 'a' needs b, c"),
        ({"contains": {"const": 1}}, [CANARY], "breaks the rule 'contains'"),
        ({"oneOf": [{"type": "string"}, {"minLength": 1}]}, CANARY, "breaks the rule 'oneOf'"),
        ({"unevaluatedProperties": False}, {"k": CANARY}, "breaks the rule 'unevaluatedProperties'"),
        ({"required": ["k"]}, {"other": CANARY}, "'k' is missing"),
        ({"additionalProperties": False}, {"k": CANARY}, "unknown key 'k'"),
        ({"propertyNames": {"pattern": "^a"}}, {"k": CANARY}, "the key 'k' does not match the pattern ^a"),
        ({"propertyNames": {"maxLength": 1}}, {"key": CANARY}, "the key 'key' must have at most 1 characters"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, CANARY, "must be integer, is string"),
    ],
)
def test_each_keyword_has_a_message_that_names_the_rule_and_not_the_value(schema, value, message):
    inner = schema if isinstance(schema, dict) else {"properties": {"v": schema}}
    violation = only(inner, value if isinstance(schema, dict) else {"v": value})
    assert violation.message == message
    assert CANARY not in str(violation.problem("body"))


@pytest.mark.parametrize(
    ("key", "hint"),
    [("naem", "did you mean 'name'?"), ("NAME", "did you mean 'name'?"), ("zzz", "known keys: name, agentType")],
)
def test_an_unknown_key_gets_a_suggestion(key, hint):
    schema = {"properties": {"name": {}, "agentType": {}}, "additionalProperties": False}
    assert only(schema, {"name": 1, key: CANARY}) == Violation((), "additionalProperties", f"unknown key '{key}'", hint, key)


def test_an_unknown_key_where_none_is_known_has_no_hint():
    assert only({"additionalProperties": False}, {"k": 1}).hint == ""


def test_every_unknown_and_every_missing_key_is_reported():
    schema = {"properties": {"a": {}, "b": {}}, "required": ["a", "b"], "additionalProperties": False}
    keys = {(violation.keyword, violation.key) for violation in Validator(schema).violations({"x": 1, "y": 2})}
    assert keys == {("required", "a"), ("required", "b"), ("additionalProperties", "x"), ("additionalProperties", "y")}


def test_a_key_that_a_pattern_allows_is_not_unknown():
    schema = {"properties": {"a": {}}, "patternProperties": {"^x-": {}}, "additionalProperties": False}
    assert found(schema, {"x-a": 1, "b": 2}) == [((), "unknown key 'b'")]


def test_a_word_near_an_allowed_one_gets_a_suggestion():
    assert only({"enum": ["InProgress", "Failed"]}, "inprogres").hint == "did you mean 'InProgress'?"
    assert only({"enum": ["InProgress", 5]}, CANARY).hint == ""
    assert only({"enum": ["5"]}, 5).hint == ""


def test_violations_stand_in_the_order_of_their_places():
    schema = {"properties": {"a": {"items": {"type": "string"}}, "b": {"type": "string"}}, "required": ["z"]}
    paths = [violation.path for violation in Validator(schema).violations({"b": 1, "a": list(range(11))})]
    assert paths == [(), *(("a", index) for index in range(11)), ("b",)]


def test_every_problem_is_reported_and_each_once():
    schema = {
        "allOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "string"}, "b": {"minimum": 1}}}]
    }
    assert found(schema, {"a": 1, "b": 0}) == [(("a",), "must be string, is integer"), (("b",), "must be at least 1")]


def test_the_nearest_branch_of_a_choice_is_explained():
    schema = {"oneOf": [{"type": "string"}, {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}]}
    assert found(schema, {"id": 5}) == [(("id",), "must be string, is integer")]


def test_references_resolve_inside_the_schema():
    schema = {"$ref": "#/$defs/Word", "$defs": {"Word": {"type": "string"}}}
    assert found(schema, 1) == [((), "must be string, is integer")]


@pytest.mark.parametrize(
    ("number_format", "value", "valid"),
    [
        ("int32", 2**31 - 1, True),
        ("int32", 2**31, False),
        ("int32", -(2**31), True),
        ("int32", -(2**31) - 1, False),
        ("int64", 2**63 - 1, True),
        ("int64", 2**63, False),
        ("int64", -(2**63), True),
        ("int64", -(2**63) - 1, False),
        ("int32", "99999999999", True),
        ("int64", True, True),
    ],
)
def test_integer_formats_are_ranges(number_format, value, valid):
    assert found({"format": number_format}, value) is not valid


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("2024-01-01T00:00:00Z", True),
        ("2024-01-01t00:00:00z", True),
        ("2024-02-29T23:59:59.123456789+05:30", True),
        ("2024-12-31T23:59:60Z", True),
        ("2024-01-01T00:00:00-00:00", True),
        ("2024-01-01T00:00:00", False),
        ("2024-01-01 00:00:00Z", False),
        ("2024-01-01", False),
        ("2024-02-30T00:00:00Z", False),
        ("2024-01-01T24:00:00Z", False),
        ("2024-01-01T00:00:61Z", False),
        ("20240101T000000Z", False),
        ("2024-W01-1T00:00:00Z", False),
        ("2024-01-01T00Z", False),
        ("2024-01-01T00:00:00Z\n", False),
        ("٢٠٢٤-01-01T00:00:00Z", False),
        ("", False),
        (5, True),
    ],
)
def test_a_date_time_is_one_of_rfc_3339(text, valid):
    assert found({"format": "date-time"}, text) is not valid


@pytest.mark.parametrize(
    ("pattern", "text", "valid"),
    [
        ("^a$", "a", True),
        ("^a$", "a\n", False),
        ("^a\\$", "a$", True),
        ("a", "xay", True),
        ("^[^.]+$", "a\nb", True),
        ("^a$", 5, True),
    ],
)
def test_a_pattern_ends_where_the_text_ends(pattern, text, valid):
    assert found({"pattern": pattern}, text) is not valid


def test_a_property_called_property_names_is_a_property():
    schema = {"properties": {"propertyNames": {"type": "integer"}}}
    assert found(schema, {"propertyNames": CANARY}) == [(("propertyNames",), "must be integer, is string")]


@pytest.mark.parametrize("keys", [{"a\n": 1}, {"b": 1}])
def test_names_of_keys_are_checked(keys):
    violation = only({"propertyNames": {"pattern": "^a$"}}, keys)
    assert (violation.path, violation.keyword, violation.key) == ((), "propertyNames", next(iter(keys)))


@pytest.mark.parametrize(
    ("path", "root", "text"),
    [
        ((), "", ""),
        ((), "body", "body"),
        (("a",), "", "a"),
        (("a", "b_c-d"), "body", "body.a.b_c-d"),
        (("agents", 0, "id"), "body", "body.agents[0].id"),
        ((0,), "", "[0]"),
        (("If Match", "a.b", ""), "", "['If Match']['a.b']['']"),
    ],
)
def test_a_path_is_written_as_a_json_path(path, root, text):
    assert json_path(path, root) == text
