# Every value of a request is explained, in the words of whoever gave it, and nothing secret is told.
import json

import pytest

from builders import body, connection, parameter, provider, template
from golden.examples import REGISTRY, TASKS, example_inputs
from httptask.auth import ApiToken, Basic, CookieKey, QueryKey
from httptask.explaining import Explainer
from httptask.model import IdempotencyKey
from httptask.runner import Options, prepare
from httptask.secrets import Redactor, Secret
from httptask.uri import ENCODERS, described

CANARY = "canary-7f3a9b+/x=Q"
SECRET = {"type": "string", "format": "password"}


def parts(task, inputs=None, to=None, options=None, **said):
    to, inputs = to or connection(), inputs or {}
    redactor = Redactor(to.auth.secrets if to.auth else ())
    return Explainer(task, to, redactor, **said).parts(inputs, prepare(task, inputs, to, options))


def rows(found, slot):
    return [(part.name, part.value, part.origin, part.detail) for part in found if part.slot == slot]


def header(found, name):
    return next((part.value, part.origin, part.detail) for part in found if (part.slot, part.name) == ("header", name))


@pytest.mark.parametrize("task", TASKS)
def test_nothing_that_is_sent_goes_unexplained(task):
    inputs, to = example_inputs(REGISTRY[task]), connection()
    request = prepare(REGISTRY[task], inputs, to).request
    found = parts(REGISTRY[task], inputs, to)
    path, query = ("".join(value for _, value, *_ in rows(found, "path")), [f"{n}={v}" for n, v, *_ in rows(found, "query")])
    assert to.base_url + path + ("?" + "&".join(query) if query else "") == request.url
    assert [(name, value) for name, value, *_ in rows(found, "header")] == list(request.headers)
    fields = {name: json.loads(value) for name, value, *_ in rows(found, "body")}
    assert fields == (json.loads(request.body) if request.body else {})


def test_method_and_base_url_come_from_the_template_and_the_connection():
    found = parts(template(), to=connection(source="connection prod in connections.toml"))
    assert rows(found, "method") == [("", "GET", "template", "acme.do_thing (things.yaml:1:1)")]
    assert rows(found, "baseUrl") == [("", "https://api.example.com", "connection", "connection prod in connections.toml")]


def test_an_input_is_told_with_who_gave_it_and_how_it_was_encoded():
    task = template(path="/a/{{ id }}.json", parameters=(parameter("id", "path"), parameter("tags", schema={"type": "array"})))
    found = parts(task, {"id": "é", "tags": ["x", "y"]}, inputs_from={"id": "-i", "tags": "steps.list.outputs.tags"})
    assert rows(found, "path") == [
        ("", "/a/", "template", ""),
        ("id", "%C3%A9", "input", "id (-i)"),
        ("", ".json", "template", ""),
    ]
    assert rows(found, "query") == [("tags", item, "input", "tags (steps.list.outputs.tags)") for item in ("x", "y")]
    encoders = {part.name: part.encoder for part in found if part.origin == "input"}
    assert encoders == {
        "id": "style simple: within one path segment, percent-encoded",
        "tags": "style form, explode: percent-encoded",
    }


def test_every_encoder_can_be_described():
    for location, style in ENCODERS:
        assert described(parameter("x", location, style=style)).startswith(f"style {style}")


def test_a_header_tells_which_layer_won_over_which():
    task = template(
        provider=provider(headers={"Accept": "a/a", "X-P": "1"}),
        headers={"accept": "{{ inputs.kind }}", "X-T": "fixed"},
        parameters=(parameter("kind"), parameter("X-In", "header")),
    )
    to = connection(headers={"X-C": "2"}, source="profile")
    found = parts(task, {"kind": "b/b", "X-In": "3"}, to, Options(headers={"X-Call": "4"}), headers_from="-H")
    assert header(found, "accept") == ("b/b", "template", "{{ inputs.kind }}: kind; over provider, httptask")
    assert header(found, "X-P") == ("1", "provider", "acme")
    assert header(found, "X-T") == ("fixed", "template", "")
    assert header(found, "X-C") == ("2", "connection", "profile")
    assert header(found, "X-Call") == ("4", "call", "-H")
    assert header(found, "X-In") == ("3", "input", "X-In")
    assert header(found, "Accept-Encoding") == ("gzip", "httptask", "built in")


def test_what_frames_the_body_is_told_as_ours():
    found = parts(template(method="POST", body=body()), {"body": {"a": 1}})
    assert header(found, "Content-Type") == ("application/json", "template", "requestBody")
    assert header(found, "Content-Length") == ("7", "httptask", "length of the body")


def test_an_idempotency_key_is_told_as_made_or_as_given():
    task = template(method="POST", body=body(), provider=provider(idempotency_key=IdempotencyKey("Idempotency-Key")))
    assert header(parts(task, options=Options(idempotency_key="k-1")), "Idempotency-Key") == (
        "k-1",
        "httptask",
        "idempotency key, the same in every attempt",
    )
    given = parts(task, options=Options(headers={"Idempotency-Key": "k-2"}))
    assert header(given, "Idempotency-Key") == ("k-2", "call", "the call")


def test_fields_of_a_body_are_told_one_by_one():
    task = template(method="POST", body=body())
    assert rows(parts(task, {"body": {"a": {"b": [1]}, "c": "x"}}, inputs_from={"body": "--body"}), "body") == [
        ("a", '{"b":[1]}', "input", "body (--body)"),
        ("c", '"x"', "input", "body (--body)"),
    ]
    assert rows(parts(task, {"body": [1, 2]}), "body") == [("", "[1,2]", "input", "body")]
    assert rows(parts(task, {"body": {}}), "body") == [("", "{}", "input", "body")]


def test_a_text_body_is_one_part():
    found = parts(template(method="POST", body=body(content_type="text/plain")), {"body": "two\nlines"})
    assert rows(found, "body") == [("", "two\nlines", "input", "body")]


def test_leaves_of_a_body_template_are_told_with_their_expressions():
    made = {
        "name": "{{ inputs.name }}",
        "audit": {"reason": "{{ inputs.reason }}", "by": "us", "kept": True, "note": "for {{ inputs.name }}"},
        "tags": ["{{ inputs.reason }}", "{{ inputs.name | upper }}"],
        "none": [],
    }
    task = template(method="POST", body=body(template=made, inputs={"name": {}, "reason": {}}, required_inputs=("name",)))
    assert rows(parts(task, {"name": "n"}, inputs_from={"name": "-i"}), "body") == [
        ("name", '"n"', "input", "{{ inputs.name }}: name (-i)"),
        ("audit.by", '"us"', "template", ""),
        ("audit.kept", "true", "template", ""),
        ("audit.note", '"for n"', "input", "for {{ inputs.name }}: name (-i)"),
        ("tags[0]", '"N"', "input", "{{ inputs.name | upper }}: name (-i)"),
        ("none", "[]", "template", ""),
    ]


@pytest.mark.parametrize(
    ("auth", "place", "shown"),
    [
        (ApiToken("key", Secret(CANARY, reference="env:KEY")), ("header", "Authorization"), "SSWS ***"),
        (Basic("login", "amy", Secret(CANARY, reference="env:KEY")), ("header", "Authorization"), "Basic ***"),
        (CookieKey("cookie", Secret("canary-7f3a9bxQ", reference="env:KEY"), "sid"), ("header", "Cookie"), "***"),
        (QueryKey("query", Secret(CANARY, reference="env:KEY"), "api_key"), ("query", "api_key"), "***"),
    ],
    ids=["token", "basic", "cookie", "query"],
)
def test_a_credential_is_told_by_its_reference_and_scheme(auth, place, shown):
    found = parts(template(), to=connection(auth=auth))
    told = next(part for part in found if (part.slot, part.name) == place)
    assert (told.value, told.origin, told.detail) == (shown, "credential", f"env:KEY, scheme {auth.scheme}")
    assert "canary" not in str(found)


def test_what_a_scheme_sets_beside_its_secret_is_its_own():
    class Signed(ApiToken):
        headers = frozenset({"authorization", "x-date"})

        def preview(self, request):
            return super().preview(request).with_header("X-Date", "today").with_header("User-Agent", "signer")

    found = parts(template(), to=connection(auth=Signed("signed", Secret(CANARY, reference="env:KEY"))))
    assert header(found, "X-Date") == ("today", "credential", "scheme signed")
    assert header(found, "User-Agent") == ("signer", "credential", "scheme signed")


@pytest.mark.parametrize("secret", [CANARY, "pw1"], ids=["long", "short"])
def test_secret_inputs_are_masked_wherever_they_went(secret):
    task = template(
        method="POST",
        path="/a/{{ id }}",
        headers={"X-Made": "v {{ inputs.note }}"},
        parameters=(
            *(parameter("id", "path", schema=SECRET), parameter("q", schema=SECRET), parameter("X-In", "header", schema=SECRET)),
            *(parameter("token"), parameter("items", schema={"type": "array", "items": SECRET})),
        ),
        body=body(template={"a": "{{ inputs.note }}", "b": ["x{{ inputs.note }}"]}, inputs={"note": SECRET}),
    )
    given = {"id": secret, "q": secret, "X-In": secret, "token": secret, "items": [secret], "note": secret}
    found = parts(task, given)
    assert secret not in json.dumps([part.to_json() for part in found])
    assert sum(part.value == "***" for part in found) == 8


def test_a_body_is_masked_as_the_request_is():
    schema = {"type": "object", "properties": {"pin": SECRET}}
    found = parts(template(method="POST", body=body(schema=schema)), {"body": {"pin": CANARY, "password": CANARY, "x": CANARY}})
    assert rows(found, "body") == [(name, '"***"', "input", "body") for name in ("pin", "password", "x")]
