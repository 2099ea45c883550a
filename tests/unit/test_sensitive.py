"""What a task's schemas and field names call secret, masked in requests and outcomes."""

import base64
import json
import random
import string
import time
from dataclasses import replace

import pytest

from builders import body, parameter, template
from httptask import masking
from httptask.events import StepFinished, StepStarted, TaskFinished
from httptask.message import Headers, Request
from httptask.model import Output, ResponseSpec
from httptask.outcome import Answer, Failure, FailureKind, Outcome, Warn
from httptask.secrets import Redactor, Secret
from httptask.sensitive import inputs, mark

PASSWORD = {"type": "string", "format": "password"}
WRITE_ONLY = {"type": "string", "writeOnly": True}
DEFINITIONS = {"Pin": PASSWORD, "Tree": {"properties": {"pin": PASSWORD, "below": {"$ref": "#/$defs/Tree"}}}}


@pytest.mark.parametrize(
    ("schema", "value", "shown"),
    [
        (PASSWORD, "hunter22", "***"),
        ({"properties": {"a": WRITE_ONLY}}, {"a": "x", "b": "y"}, {"a": "***", "b": "y"}),
        ({"properties": {"a": {"$ref": "#/$defs/Pin"}}}, {"a": "x"}, {"a": "***"}),
        ({"$ref": "#/$defs/Tree"}, {"below": {"below": {"pin": "x"}}}, {"below": {"below": {"pin": "***"}}}),
        ({"items": PASSWORD}, ["x", "y"], ["***", "***"]),
        ({"prefixItems": [{}, PASSWORD]}, ["x", "y"], ["x", "***"]),
        ({"additionalProperties": PASSWORD, "properties": {"a": {}}}, {"a": "x", "b": "y"}, {"a": "x", "b": "***"}),
        ({"patternProperties": {"^s_": PASSWORD}}, {"s_a": "x", "t": "y"}, {"s_a": "***", "t": "y"}),
        ({"anyOf": [{"type": "null"}, PASSWORD]}, "x", "***"),
        ({"allOf": [{"if": {}, "then": {"properties": {"a": PASSWORD}}}]}, {"a": "x"}, {"a": "***"}),
        ({"properties": {"a": {"type": "object", "writeOnly": True}}}, {"a": {"k": 5}}, {"a": "***"}),
        (
            {},
            {"client_secret": "x", "apiKey": 5, "Access-Token": ["x"]},
            {"client_secret": "***", "apiKey": "***", "Access-Token": "***"},
        ),
        ({}, {"password": None, "token": "", "secret": True}, {"password": None, "token": "", "secret": True}),
        (
            {},
            {"token_type": "Bearer", "next_token": "x", "expires": 5},
            {"token_type": "Bearer", "next_token": "x", "expires": 5},
        ),
        (True, {"a": 1}, {"a": 1}),
    ],
)
def test_what_a_schema_or_a_name_calls_secret_is_masked(schema, value, shown):
    assert mark(value, schema, DEFINITIONS).value == shown


def test_the_secrets_found_are_returned_to_be_masked_elsewhere():
    found = mark({"a": {"k": "value-one", "n": 123456}, "b": "plain"}, {"properties": {"a": WRITE_ONLY}}, {}).secrets
    assert found == (Secret("value-one"), Secret("123456"))


TASK = template(
    method="POST",
    path="/things",
    parameters=(parameter("pass", schema=PASSWORD), parameter("X-Pin", "header", schema=PASSWORD), parameter("page")),
    body=body(schema={"properties": {"login": PASSWORD, "name": {"type": "string"}}}),
    responses={"200": ResponseSpec("OK", {"properties": {"seed": WRITE_ONLY}})},
    outputs={"copy": Output("{{ 1 }}", {}), "pin": Output("{{ 1 }}", PASSWORD)},
)


def test_inputs_that_the_schema_calls_secret_are_found():
    found = inputs(TASK, {"pass": "pass-word", "page": "plain-page", "body": {"login": "log-in-word", "name": "plain-name"}})
    assert found.secrets == (Secret("pass-word"), Secret("log-in-word"))


def test_a_shown_request_is_masked_in_query_headers_and_body_even_where_the_value_is_short():
    sent = Request(
        "POST",
        "https://api.example.com/things?pass=x1&page=2&access_token=y2",
        Headers((("Content-Type", "application/json"), ("X-Pin", "z3"), ("Content-Length", "27"))),
        b'{"login":"w4","name":"plain"}',
    )
    shown = masking.request(TASK, sent, Redactor())
    assert shown.url == "https://api.example.com/things?pass=***&page=2&access_token=***"
    assert dict(shown.headers) == {"Content-Type": "application/json", "X-Pin": "***", "Content-Length": "27"}
    assert json.loads(shown.body) == {"login": "***", "name": "plain"}


def test_a_key_in_the_query_is_shown_masked():
    sent = Request("GET", "https://api.example.com/things?page=2", Headers(), secret_query=(("apikeyq", Secret("c4n4ry")),))
    shown = masking.request(TASK, sent, Redactor())
    assert shown.shown_url == "https://api.example.com/things?page=2&apikeyq=***"


def outcome(body, kind="json", status=200, **more):
    answer = Answer(status, (("Location", "https://x/?access_token=abc"), ("X-Auth-Thing-Token", "abc")), body, kind)
    return Outcome("acme.do_thing", "succeeded", answer, **more)


def test_a_shown_outcome_is_masked_by_schema_name_and_by_the_values_found_there():
    given = outcome({"seed": "the-seed-value", "said": "it is the-seed-value!"}, outputs={"copy": "the-seed-value", "pin": "1"})
    shown = masking.outcome(TASK, given, Redactor())
    assert shown.response.body == {"seed": "***", "said": "it is ***!"}
    assert shown.response.headers == (("Location", "https://x/?access_token=***"), ("X-Auth-Thing-Token", "***"))
    assert shown.outputs == {"copy": "***", "pin": "***"}


def test_a_field_stays_secret_in_the_answer_of_another_status():
    assert masking.outcome(TASK, outcome({"seed": "the-seed"}, status=400), Redactor()).response.body == {"seed": "***"}


def test_what_a_server_says_cannot_mask_the_shape_of_our_own_json():
    shown = masking.outcome(TASK, outcome({"password": "schemaVersion", "a": 1}), Redactor()).to_json()
    assert "schemaVersion" in shown


@pytest.mark.parametrize("token", ["c4n4ry/To+ken=value", 'c4n4ry"\\To/ken="value'])
@pytest.mark.parametrize("written", [str, lambda token: json.dumps(token)[1:-1]])
def test_a_secret_cut_off_by_the_length_of_a_message_is_masked(token, written):
    whole = written(token)
    for length in range(8, len(whole)):
        failure = Failure(FailureKind.BAD_REQUEST, f"400 Bad Request: no {whole[:length]}…")
        assert masking.failure(failure, Redactor([Secret(token)])).message == "400 Bad Request: no ***…"


def test_a_cut_off_body_that_ends_in_half_a_secret_is_masked():
    answer = Answer(200, (), '{"said": "c4n4ry-tok', "text", truncated=True)
    shown = masking.outcome(TASK, Outcome("acme.do_thing", "failed", answer), Redactor([Secret("c4n4ry-token")]))
    assert shown.response.body == '{"said": "***'


def test_a_text_that_ends_like_the_beginning_of_a_secret_is_left_alone_where_nothing_was_cut():
    assert Redactor([Secret("sandbox-token")]).text("from the sandbox") == "from the sandbox"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a=1&access_token=abc&b=2", "a=1&access_token=***&b=2"),
        ('{"refresh_token": "abc", "a": 1', '{"refresh_token": "***", "a": 1'),
        ("got header: 'Authorization': 'SSWS 00abcdefgh12'", "got header: 'Authorization': '***'"),
        ("sent Bearer eyJhbGciOi.J9abc-def", "sent Bearer ***"),
        ('WWW-Authenticate: Bearer realm="https://x1", error="x"', 'WWW-Authenticate: Bearer realm="https://x1", error="x"'),
        ("got 'password': 'two words', then more", "got 'password': '***', then more"),
        ('{"password": "a\\"b c", "name": "x"', '{"password": "***", "name": "x"'),
        ("password: it must have 8 characters", "password: it must have 8 characters"),
        ("the token is not valid", "the token is not valid"),
    ],
)
def test_free_text_is_masked_by_what_it_names_itself(text, shown):
    assert Redactor().free(text) == shown


def test_secrets_too_short_to_be_searched_for_are_told_by_reference():
    assert Redactor([Secret("abc", reference="env:SHORT"), Secret("long-enough", reference="env:LONG")]).unsearched == (
        "env:SHORT",
    )


def letters(count, seed):
    return "".join(random.Random(seed).choices(string.ascii_letters, k=count))  # noqa: S311 - test data


def test_of_one_answer_the_first_hundred_values_are_learned_and_all_are_masked_in_their_place():
    values = [letters(16, seed) for seed in range(2000)]
    given = outcome({"token": values, "first": values[0], "last": values[-1]})
    assert masking.secrets_of(TASK, given) == tuple(map(Secret, values[:100]))
    assert masking.outcome(TASK, given, Redactor()).response.body == {"token": "***", "first": "***", "last": values[-1]}


def test_what_an_answer_holds_is_searched_for_as_it_stands_alone():
    """Encodings of each value would be thousands of expressions that a server chooses."""
    redactor = Redactor(masking.secrets_of(TASK, outcome({"token": 'quo"te-secret'})))
    assert redactor.text('raw quo"te-secret, json quo\\"te-secret') == "raw ***, json ***"
    encoded = base64.b64encode(b'quo"te-secret').decode()
    assert redactor.text(f"{encoded} quo%22te-secret") == f"{encoded} quo%22te-secret"
    assert redactor.text('no quo"te-sec…') == "no ***…"
    assert Redactor(masking.secrets_of(TASK, outcome({"token": 12345678}))).body({"said": 12345678}) == {"said": "***"}


def test_a_credential_that_an_answer_holds_too_is_searched_for_in_every_form():
    answered = masking.secrets_of(TASK, outcome({"token": "c4n4ry/token"}))
    for redactor in (Redactor((*answered, Secret("c4n4ry/token"))), Redactor([Secret("c4n4ry/token")]).extended(answered)):
        assert redactor.text("c4n4ry%2Ftoken") == "***"


def test_a_redactor_keeps_the_latest_answers_values():
    redactor = Redactor()
    for seed in range(0, 1000, 100):
        redactor = redactor.extended(masking.secrets_of(TASK, outcome({"token": [letters(16, seed + n) for n in range(100)]})))
    assert redactor.text(letters(16, 999)) == "***"
    assert redactor.text(letters(16, 0)) == letters(16, 0)


HOSTILE = {
    "many long": [{"token": [letters(5000, seed) for seed in range(100)], "x": letters(500_000, 1)}],
    "many short": [{"token": [letters(16, seed) for seed in range(20_000)]}, *[letters(6, seed) for seed in range(60_000)]],
    "alike": [{"token": ["a" * 4000 + letters(4, seed) for seed in range(150)]}, "a" * 400_000],
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_that_a_server_made_to_take_long_does_not(body):
    began = time.process_time()
    masking.outcome(TASK, outcome(body), Redactor([Secret("c4n4ry/To+ken")]))
    assert time.process_time() - began < 2  # far from the 51 s it took, on a slow machine too


def test_names_warnings_and_advice_in_an_outcome_are_masked():
    given = outcome({"token": "the-token-value"}, warnings=(Warn("w", "outputs.the-token-value", "no the-token-value"),))
    failed = Failure(FailureKind.BAD_REQUEST, "no", "try the-token-value")
    answer = replace(given.response, headers=(("X-the-token-value", "1"),))
    shown = masking.outcome(TASK, replace(given, failure=failed, response=answer), Redactor())
    assert shown.response.headers == (("X-***", "1"),)
    assert shown.warnings == (Warn("w", "outputs.***", "no ***"),)
    assert shown.failure.hint == "try ***"


def test_events_are_told_without_what_the_answers_before_them_call_secret():
    failed = replace(outcome({"token": "the-token"}), status="failed", failure=Failure(FailureKind.BAD_REQUEST, "no the-token"))
    learner = masking.Learner()
    told = learner.shown(TaskFinished(failed, masking.secrets_of(TASK, failed)))
    assert told.outcome.failure.message == "no ***"
    assert learner.shown(StepFinished("step", "failed", "no the-token")).message == "no ***"
    assert learner.shown(StepStarted("the-token", "a.b", None)) == StepStarted("the-token", "a.b", None)
