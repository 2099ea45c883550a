"""Asking for inputs that are missing: answers are read from a made-up terminal."""

import pytest
from click.testing import CliRunner

from builders import body, parameter, template
from httptask.cli.console import Console
from httptask.cli.prompting import completed


def asked(task, inputs, *answers):
    """Return the inputs after the answers were given, and what stood on the screen."""
    with CliRunner().isolation(input="".join(f"{answer}\n" for answer in answers)) as streams:
        found = completed(task, inputs, Console())
    return found, streams[1].getvalue().decode()


def taking(name, schema, **changes):
    return template(parameters=(parameter(name, required=True, schema=schema, **changes),))


def test_only_required_inputs_that_are_missing_are_asked_for():
    task = template(parameters=(parameter("a", required=True), parameter("b", required=True), parameter("c")))
    found, screen = asked(task, {"a": "given"}, "typed")
    assert found == {"a": "given", "b": "typed"}
    assert "c:" not in screen


@pytest.mark.parametrize(
    ("schema", "answer", "value"),
    [
        ({"type": "integer"}, "7", 7),
        ({"type": "boolean"}, "true", True),
        ({"type": "string", "enum": ["AD", "IWA"]}, "IWA", "IWA"),
        ({"type": "array", "items": {"type": "string"}}, '["a"]', ["a"]),
        ({"type": "string"}, "007", "007"),
    ],
)
def test_an_answer_has_the_type_of_its_schema(schema, answer, value):
    assert asked(taking("x", schema), {}, answer)[0] == {"x": value}


def test_choices_are_shown():
    assert "AD, IWA" in asked(taking("x", {"type": "string", "enum": ["AD", "IWA"]}), {}, "AD")[1]


def test_a_description_says_what_is_asked_for():
    assert "Which one" in asked(taking("x", {"type": "string", "description": "Which one\nof them"}), {}, "a")[1]


def test_an_answer_that_does_not_fit_is_told_and_asked_for_again():
    found, screen = asked(taking("x", {"type": "integer", "minimum": 3}), {}, "many", "1", "3")
    assert found == {"x": 3}
    assert screen.count("x: ") >= 4


def test_text_that_is_no_json_is_asked_for_again():
    found, screen = asked(taking("x", {"type": "object"}), {}, "{", "{}")
    assert found == {"x": {}}
    assert "no JSON" in screen


def test_a_password_is_not_shown():
    assert "hunter22" not in asked(taking("x", {"type": "string", "format": "password"}), {}, "hunter22")[1]


def test_the_required_fields_of_a_body_are_asked_for_one_by_one():
    schema = {
        "type": "object",
        "required": ["name", "size"],
        "properties": {"name": {"type": "string"}, "size": {"type": "integer"}, "more": {"type": "string"}},
    }
    task = template(method="POST", body=body(required=True, schema=schema))
    assert asked(task, {}, "spring", "3")[0] == {"body": {"name": "spring", "size": 3}}


def test_a_body_without_required_fields_is_asked_for_as_json():
    task = template(method="POST", body=body(required=True, schema={"type": "object"}))
    assert asked(task, {}, '{"a": 1}')[0] == {"body": {"a": 1}}
