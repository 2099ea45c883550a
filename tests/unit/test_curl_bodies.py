# The body that was pasted becomes a schema and an example, without what is secret.
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curls import problems
from httptask.curl.bodies import LARGEST_EXAMPLE, NOTHING, body_of, secrets_in
from httptask.curl.signs import Watch
from httptask.schemas import Validator

SECRET = {"type": "string", "format": "password"}
JSON = "application/json"


def found(value, secrets=(), kind=JSON):
    raw = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return body_of(raw, kind, Watch(secrets))


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({}, {"type": "object"}),
        ([], {"type": "array"}),
        ("a", {"type": "string"}),
        (1, {"type": "integer"}),
        (1.5, {"type": "number"}),
        (True, {"type": "boolean"}),
        (None, {}),
        ({"a": 1}, {"type": "object", "properties": {"a": {"type": "integer"}}}),
        ({"a": None}, {"type": "object", "properties": {"a": {}}}),
        ([1, 2], {"type": "array", "items": {"type": "integer"}}),
        ([1, 2.5], {"type": "array", "items": {"type": "number"}}),
        ([1, "a", None], {"type": "array", "items": {"type": ["integer", "string", "null"]}}),
        ([True, 1], {"type": "array", "items": {"type": ["boolean", "integer"]}}),
        (
            [{"a": 1}, {"b": [{"c": "x"}, {"c": None}]}],
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "a": {"type": "integer"},
                        "b": {
                            "type": "array",
                            "items": {"type": "object", "properties": {"c": {"type": ["string", "null"]}}},
                        },
                    },
                },
            },
        ),
        ({"password": "x"}, {"type": "object", "properties": {"password": SECRET}}),
        ({"password": {"value": "x"}}, {"type": "object", "properties": {"password": {"format": "password"}}}),
        (
            [{"token": None}, {"token": "x"}],
            {"type": "array", "items": {"type": "object", "properties": {"token": {"format": "password"}}}},
        ),
    ],
)
def test_the_schema_describes_what_was_pasted_and_requires_nothing(value, schema):
    assert dict(found(value).schema) == schema


@pytest.mark.parametrize(
    ("value", "example", "told"),
    [
        ({"name": "a", "password": "s3cr3t-1"}, {"name": "a"}, ["body.password"]),
        ({"a": [{"clientSecret": "s"}, {"clientSecret": "t", "b": 1}]}, {"a": [{}, {"b": 1}]}, ["body.a[*].clientSecret"]),
        ({"password": {"value": "s3cr3t-1"}}, {}, ["body.password"]),
        ({"note": "it is tk7-Zq9x4Lm2", "b": "tk7"}, {"b": "tk7"}, ["body.note"]),
        ({"n": 12345678, "m": 1}, {"m": 1}, ["body.n"]),
        (["tk7-Zq9x4Lm2", "b"], ["b"], ["body[*]"]),
        ({"a": "ghp_abcdefghijklmnopqrstuvwx"}, {}, ["body.a"]),
        ({"token": None, "secret": False}, {}, ["body.token", "body.secret"]),
        ({"a": "{{ b }}", "c": "{% d %}"}, {"a": "{{ b }}", "c": "{% d %}"}, []),
    ],
)
def test_what_is_secret_is_left_out_of_the_example_and_told(value, example, told):
    body = found(value, secrets=["tk7-Zq9x4Lm2", "12345678"])
    assert body.example == example
    assert [note.subject for note in body.notes] == told
    assert Validator(body.schema).violations(example) == ()
    assert Validator(body.schema).violations(value) == ()


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"{a: 1}", "body, line 1 column 2: it is not JSON (its Content-Type says JSON: "),
        (b"", "body, line 1 column 1: it is not JSON"),
        (b'{"a": s3cr3t}', "body, line 1 column 7: it is not JSON"),
        (b'{"a": 1, "a": 2}', "body: a key stands there twice, or a number that JSON cannot hold"),
        (b"[NaN]", "body: a key stands there twice, or a number that JSON cannot hold"),
        (b"[1e999]", "body: a key stands there twice, or a number that JSON cannot hold"),
        (b"1" * 5000, "body: a key stands there twice, or a number that JSON cannot hold"),
        (b"\xff", "body: it is not UTF-8 text"),
        (b"[" * 90 + b"]" * 90, "body: it is nested deeper than 80 levels"),
        (b"[" * 10**6, "body: it is nested deeper than 80 levels"),
        ("\ufdd0A\ufdd1".encode(), "body, line 1 column 1: a variable that is not in quotes stands in the body"),
        ('{"a": {"b": "x\ufdd0A\ufdd1"}}'.encode(), "body.a.b: a variable stands in the body, and none is looked up"),
        ('{"\ufdd0A\ufdd1": 1}'.encode(), "body: a key of the body is a variable or a credential"),
        (b'{"x": {"tk7-Zq9x4Lm2": 1}}', "body.x: a key of the body is a variable or a credential"),
    ],
)
def test_what_is_no_json_is_refused_without_repeating_it(raw, problem):
    (message,) = problems(found, raw, ["tk7-Zq9x4Lm2"])
    assert message.startswith(problem)
    assert "s3cr3t" not in message
    assert "tk7" not in message


def test_a_variable_under_a_secret_name_needs_no_value():
    body = found('{"password": "\ufdd0A\ufdd1", "b": 1}'.encode())
    assert body.example == {"b": 1}
    assert body.schema["properties"]["password"] == SECRET


def test_text_is_text():
    body = found(b"a {{ b }}\n", kind="text/plain")
    assert (dict(body.schema), body.example) == ({"type": "string"}, "a {{ b }}\n")


@pytest.mark.parametrize("text", [b"see tk7-Zq9x4Lm2", b"user=a&password=hunter2", b'x{"access_token": "a"}'])
def test_text_with_a_credential_has_no_example(text):
    body = found(text, ["tk7-Zq9x4Lm2"], "text/plain")
    assert (dict(body.schema), body.example) == (SECRET, NOTHING)
    assert problems(found, "\ufdd0A\ufdd1".encode(), (), "text/plain")[0].startswith("body: a variable stands in the body")


@pytest.mark.parametrize("kind", [JSON, "text/plain"])
def test_a_body_that_nobody_would_read_has_no_example(kind):
    begin = time.process_time()
    value = {f"key{number}": "eyJ" * 1000 for number in range(400)}
    body = found(value, kind=kind)
    assert body.example is NOTHING
    assert [note.subject for note in body.notes if note.kind == "changed"] == ["body"]
    assert time.process_time() - begin < 10
    assert found("a" * LARGEST_EXAMPLE, kind=kind).example is NOTHING
    assert found("a" * (LARGEST_EXAMPLE - 10), kind=kind).example is not NOTHING


def test_a_schema_names_no_more_fields_than_anybody_reads():
    value = {f"k{number}": {"a": number} for number in range(251)}
    body = found(value)
    assert (body.schema, body.example) == ({"type": "object"}, value)
    assert body.notes[0].message == "it has more than 500 fields, so that the schema names none"


def test_deep_bodies_are_described_as_far_as_anybody_reads():
    value = "x"
    for _ in range(70):
        value = [value]
    assert found(value).example == value
    assert str(found(value).schema).count("items") == 20


def test_secrets_are_found_in_any_depth():
    raw = b'{"a": [{"password": "p1"}], "credentials": {"x": ["p2", {"y": "p3"}], "n": 1}, "b": "no"}'
    assert sorted(secrets_in(raw)) == ["p1", "p2", "p3"]
    assert list(secrets_in(b"password=p1")) == []
    assert list(secrets_in(b"[" * 10**6)) == []


JSONS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("abXé {}$0", max_size=6), inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(JSONS)
def test_the_schema_admits_the_example(value):
    body = found(value)
    assert body.example == value
    assert Validator(body.schema).violations(value) == ()
