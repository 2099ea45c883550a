import json

import pytest

from builders import provider, template
from httptask.message import Headers, Response
from httptask.model import Output, Paging, ResponseSpec, Success
from httptask.results import MAX_WARNINGS, documented, read

COLOUR = {"type": "string", "enum": ["red", "green"]}
PART = {"type": "object", "properties": {"id": {"type": "string"}, "colour": {"$ref": "#/$defs/Colour"}}}
THING = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "size": {"type": "integer"},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "free": {"type": "object"},
        "any": True,
    },
}
DEFINITIONS = {"Colour": COLOUR, "Part": PART, "Thing": THING}


def reading(body, *, status=200, outputs=None, schema=None, responses=None, **headers):
    task = template(
        responses=responses or {"200": ResponseSpec("ok", schema or {"$ref": "#/$defs/Thing"})},
        outputs={name: Output(value, {"type": kind} if kind else {}) for name, (value, kind) in (outputs or {}).items()},
        definitions=DEFINITIONS,
    )
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(task, {"name": "n"}, Response(status, Headers.of({"Content-Type": "application/json", **headers}), raw))


def drift(body, **more):
    return [(warning.code, warning.path) for warning in reading(body, **more).warnings]


def test_outputs_keep_their_types():
    outputs = {
        "id": ("{{ response.body.id }}", "string"),
        "parts": ("{{ response.body.parts }}", "array"),
        "count": ("{{ response.body.parts | length }}", "integer"),
        "etag": ("{{ response.headers.etag }}", "string"),
        "text": ("{{ inputs.name }}-{{ response.status }}", "string"),
    }
    found = reading({"id": "a", "parts": [{"id": "p"}]}, outputs=outputs, ETag="w1")
    assert found.outputs == {"id": "a", "parts": [{"id": "p"}], "count": 1, "etag": "w1", "text": "n-200"}
    assert found.warnings == ()


def test_an_output_without_a_value_is_absent_and_reported():
    found = reading({}, outputs={"id": ("{{ response.body.id }}", "string"), "status": ("{{ response.status }}", "integer")})
    assert found.success
    assert found.outputs == {"status": 200}
    assert [(warning.code, warning.path) for warning in found.warnings] == [("outputMissing", "outputs.id")]
    assert found.warnings[0].message == "this output has no value: {{ response.body.id }}: 'id' is not defined"


def test_an_output_of_another_type_is_kept_and_reported():
    found = reading({"size": 5}, outputs={"size": ("{{ response.body.size }}", "string")})
    assert found.outputs == {"size": 5}
    assert [str(warning.message) for warning in found.warnings] == ["must be string, is integer"]
    assert [(warning.code, warning.path) for warning in found.warnings] == [("outputMismatch", "outputs.size")]


def test_a_failure_has_no_outputs():
    found = reading({"id": "a"}, status=500, outputs={"id": ("{{ response.body.id }}", "string")})
    assert (found.success, found.outputs, found.warnings) == (False, {}, ())


def test_an_answer_as_documented_warns_of_nothing():
    assert drift({"id": "a", "size": 1, "parts": [{"id": "p", "colour": "red"}], "free": {"x": 1}, "any": {"y": [1]}}) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 5}, [("schemaMismatch", "response.body.id")]),
        ({"size": "5"}, [("schemaMismatch", "response.body.size")]),
        ({"size": None}, [("schemaMismatch", "response.body.size")]),
        ({"parts": [{"colour": "blue"}]}, [("unknownEnumValue", "response.body.parts[0].colour")]),
        ([], [("schemaMismatch", "response.body")]),
        ({"new": 1}, [("unlistedField", "response.body.new")]),
        (
            {"parts": [{"x": 1}, {"x": 2}, {"y": 3}]},
            [("unlistedField", "response.body.parts[].x"), ("unlistedField", "response.body.parts[].y")],
        ),
        ({"free": {"anything": 1}}, []),
        (b"", [("emptyBody", "response.body")]),
    ],
)
def test_what_differs_from_the_document_is_a_warning_and_not_a_failure(body, expected):
    assert drift(body) == expected


def test_the_message_of_a_drift_names_rules_and_not_values():
    messages = [warning.message for warning in reading({"id": 5, "parts": [{"colour": "canary"}]}).warnings]
    assert messages == ["must be string, is integer", "must be one of red, green"]


def test_a_status_that_is_not_documented_is_a_warning_and_the_documented_schema_still_counts():
    found = reading({"id": 5}, responses={"201": ResponseSpec("made", {"$ref": "#/$defs/Thing"})})
    assert [(warning.code, warning.path) for warning in found.warnings] == [
        ("undocumentedStatus", "response.status"),
        ("schemaMismatch", "response.body.id"),
    ]
    assert found.warnings[0].message == "the server answered 200, the document says 201"


def test_warnings_of_drift_are_bounded():
    assert len(reading({f"new{number}": 1 for number in range(100)}).warnings) == MAX_WARNINGS


def test_fields_are_unlisted_only_where_no_branch_of_the_schema_lists_them():
    schema = {"allOf": [{"$ref": "#/$defs/Part"}, {"properties": {"extra": {"type": "integer"}}}]}
    assert drift({"id": "a", "extra": 1, "other": 2}, schema=schema) == [("unlistedField", "response.body.other")]


def test_a_schema_that_admits_more_keys_lists_them_all():
    schema = {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "integer"}}
    assert drift({"a": 1, "b": 2}, schema=schema) == []


SPECS = {code: ResponseSpec(code) for code in ("201", "4XX", "404", "default")}


@pytest.mark.parametrize(
    ("status", "expected"), [(201, "201"), (200, "201"), (204, "201"), (404, "404"), (400, "4XX"), (500, "default")]
)
def test_a_status_finds_its_response_exactly_then_by_class_then_any_success_then_the_default(status, expected):
    assert documented(template(responses=SPECS), status).description == expected


def test_without_a_documented_response_anything_may_come():
    assert documented(template(), 200) is None
    assert read(template(success=Success()), {}, Response(200, Headers(), b"x")).success


@pytest.mark.parametrize(
    ("link", "warned"),
    [
        ('<https://a/b?after=x>; rel="next"', True),
        ("<https://a/b?after=x>; rel=next", True),
        ('<https://a/b>; title="x"; rel="prev next"', True),
        ('<https://a/b>; rel="self"', False),
        ('<https://a/b>; rel="nextish"', False),
        ('<https://a/b?rel=next>; rel="self"', False),
    ],
)
def test_a_list_that_goes_on_is_a_warning_because_only_one_page_was_read(link, warned):
    task = template(provider=provider(paging=Paging("link")))
    response = Response(200, Headers.of({"Content-Type": "application/json", "Link": link}), b"[]")
    codes = [warning.code for warning in read(task, {}, response).warnings]
    assert ("morePages" in codes) is warned
