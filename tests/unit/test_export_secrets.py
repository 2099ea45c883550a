# No form that a call is copied in holds a secret, in whatever shape, whatever made it secret; each has a variable instead.
import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import body, connection, parameter, provider, template
from httptask.auth import ApiToken, Basic, Bearer, CookieKey, QueryKey
from httptask.auth.client import ClientSecret
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.oauth2 import ClientCredentials
from httptask.errors import InputInvalid
from httptask.export import EXPORTERS
from httptask.export.gathering import Call, subject_of
from httptask.export.subject import Reference, Text, variables_in
from httptask.model import SecurityRequirement
from httptask.outcome import Answer, Attempt, Outcome
from httptask.runner import Options
from httptask.secrets import Redactor, Secret

pytestmark = pytest.mark.broad

CANARY = "canary-7f3a9b+/x=Q"
PLAIN = "canary-7f3a9bxQ"
SECRET = {"type": "string", "format": "password"}


def subject(task, inputs=None, auth=None, **options):
    return subject_of(Call(task, inputs or {}, connection(auth=auth, name=options.pop("name", "test")), Options(**options)))


def texts(found):
    return dict(_written(found))


def _written(found):
    for name, exporter in EXPORTERS.items():
        try:
            yield name, exporter.export(found).text
        except InputInvalid as refused:  # a form that would be kept where everybody can read it
            yield name, str(refused)


def names(found):
    return [variable.name for variable in found.message.variables]


def assert_free(found, *secrets):
    """Assert that neither the value that exporters see nor what they write holds a secret, or half of one, in any form."""
    redactor = Redactor(Secret(secret) for secret in secrets)
    for text in (repr(found), *texts(found).values()):
        assert redactor.text(text) == text
        assert "canary" not in text


@pytest.mark.parametrize(
    ("auth", "name"),
    [
        (ApiToken("key", Secret(CANARY, reference="env:KEY")), "KEY"),
        (Bearer("bearer", Secret(CANARY, reference="file:/run/token")), "HTTPTASK_TOKEN"),
        (Basic("login", "amy", Secret(CANARY, reference="env:PASS")), "PASS"),
        (Basic("login", Secret("canary-name"), Secret(CANARY)), "HTTPTASK_USERNAME"),
        (QueryKey("query", Secret(CANARY, reference="env:KEY"), "api_key"), "KEY"),
        (CookieKey("cookie", Secret(PLAIN, reference="env:KEY"), "sid"), "KEY"),
        (
            ClientCredentials("oauth2", TokenEndpoint("https://acme.test/token", ClientSecret("id", Secret(CANARY)), dpop=True)),
            "HTTPTASK_TOKEN",
        ),
    ],
    ids=["key", "bearer", "basic", "secret-name", "query", "cookie", "oauth2"],
)
def test_no_form_holds_the_credential(auth, name):
    found = subject(template(method="POST", body=body()), {"body": {"a": 1}}, auth)
    assert_free(found, CANARY, base64.b64encode(f"amy:{CANARY}".encode()).decode())
    assert name in names(found)
    written = texts(found)  # a step and the engines have connections of their own
    assert all(name in written[form] for form in ("curl", "python", "har"))


PLACES = {
    "path": ("path", "HTTPTASK_INPUT_ID"),
    "query": ("query", "HTTPTASK_INPUT_Q"),
    "list": ("query", "HTTPTASK_INPUT_LIST_1"),
    "named-query": ("query", "HTTPTASK_INPUT_TOKEN"),
    "header": ("header", "HTTPTASK_INPUT_X_IN"),
    "named-header": ("header", "HTTPTASK_INPUT_X_AUTH_TOKEN"),
}
EVERYWHERE = template(
    method="POST",
    path="/a/{{ id }}/b",
    parameters=(
        *(parameter("id", "path", schema=SECRET), parameter("q", schema=SECRET), parameter("token"), parameter("plain")),
        *(
            parameter("list", schema={"type": "array", "items": SECRET}),
            parameter("joined", schema={"type": "array"}, explode=False),
        ),
        *(parameter("X-In", "header", schema=SECRET), parameter("X-Auth-Token", "header"), parameter("X-Plain", "header")),
    ),
    body=body(schema={"type": "object", "properties": {"pin": SECRET, "deep": {"properties": {"pins": {"items": SECRET}}}}}),
)


@pytest.mark.parametrize("secret", [CANARY, "pw1", "1", "a b"], ids=["long", "short", "digit", "spaced"])
def test_inputs_that_a_schema_or_a_name_calls_secret_are_references(secret):
    given = {"id": secret, "q": secret, "list": ["", secret], "token": secret, "X-In": secret, "X-Auth-Token": secret}
    given["body"] = {"pin": secret, "deep": {"pins": [secret]}, "password": secret, "x": 5}
    found = subject(EVERYWHERE, given)
    assert names(found) == [
        *("HTTPTASK_INPUT_ID", "HTTPTASK_INPUT_Q", "HTTPTASK_INPUT_TOKEN", "HTTPTASK_INPUT_LIST_1"),
        *("HTTPTASK_INPUT_X_IN", "HTTPTASK_INPUT_X_AUTH_TOKEN"),
        *("HTTPTASK_INPUT_BODY_PIN", "HTTPTASK_INPUT_BODY_DEEP_PINS_0", "HTTPTASK_INPUT_BODY_PASSWORD"),
    ]
    assert {variable.key for variable in variables_in(found.inputs)} == {variable.key for variable in found.message.variables}
    if secret == CANARY:
        assert_free(found, CANARY)


def test_a_short_secret_is_not_searched_for_where_it_is_not():
    found = subject(EVERYWHERE, {"id": "1", "plain": "1", "body": {"x": "1", "n": 1}})
    assert found.message.url.literals == ("https://api.example.com/a/", "/b?plain=1")
    assert found.message.content.text.literal == '{"x":"1","n":1}'


def test_a_known_secret_is_a_reference_wherever_somebody_put_it():
    given = {
        "id": "x",
        "plain": CANARY,
        "joined": ["a", CANARY, CANARY[:12]],
        "X-Plain": f"see {PLAIN}",
        "body": {"note": f"it is {CANARY}"},
    }
    found = subject(EVERYWHERE, given, Bearer("b", Secret(CANARY, reference="env:KEY")), headers={"X-Call": f"with {CANARY}"})
    assert_free(found, CANARY)
    assert {"HTTPTASK_INPUT_PLAIN", "HTTPTASK_INPUT_JOINED_1", "HTTPTASK_HEADER_X_CALL", "HTTPTASK_INPUT_BODY_NOTE"} <= set(
        names(found)
    )


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("X-Vault-Token", CANARY, ""),
        ("X-Auth-Token", f"Bearer {CANARY}", "Bearer "),
        ("Cookie", f"sid={CANARY}", ""),
        ("X-Note", f"password={CANARY}", ""),
        ("X-Forwarded", "Bearer canary7f3a9b1234", ""),
    ],
)
def test_a_header_that_a_dry_run_masks_is_a_reference(name, value, word):
    found = subject(template(), headers={name: value})
    header = dict(found.message.headers)[name]
    assert header.literals == ((word,) if word else ())
    assert [reference.variable.key for reference in header.references] == [f"header_{name.lower().replace('-', '_')}"]
    assert found.said.headers[name] == header
    assert_free(found)


def test_headers_of_provider_and_connection_are_masked_by_name_too():
    task = template(provider=provider(headers={"X-Api-Key": CANARY}), headers={"X-Other-Token": f"{CANARY}2"})
    found = subject_of(Call(task, {}, connection(headers={"X-Vault-Token": f"{CANARY}3"})))
    assert "canary" not in repr((found.message, texts(found)))
    assert names(found) == ["HTTPTASK_HEADER_X_API_KEY", "HTTPTASK_HEADER_X_OTHER_TOKEN", "HTTPTASK_HEADER_X_VAULT_TOKEN"]


def test_a_sensitive_header_shows_no_more_than_a_scheme_word_beside_a_reference():
    headers = {
        "X-Auth-Token": "Bearer {{ inputs.key }}",
        "X-Api-Key": "canary-{{ inputs.key }}",
        "X-Plain": "canary-{{ inputs.key }}",
    }
    found = subject(template(headers=headers, parameters=(parameter("key", schema=SECRET),)), {"key": "k3y"})
    shown = dict(found.message.headers)
    assert (shown["X-Auth-Token"].literals, shown["X-Api-Key"].literals, shown["X-Plain"].literals) == (
        ("Bearer ",),
        (),
        ("canary-",),
    )


def test_what_a_scheme_sets_beside_its_secret_is_shown():
    class Signed(Bearer):
        headers = frozenset({"authorization", "x-date", "accept"})

        def preview(self, request):
            return super().preview(request).with_header("X-Date", "today").with_header("User-Agent", "signer")

    found = subject(template(), {}, Signed("signed", Secret(CANARY, reference="env:KEY")))
    shown = dict(found.message.headers)
    assert (shown["X-Date"].literal, shown["User-Agent"].literal) == ("today", "signer")
    assert_free(found, CANARY)


def test_inputs_that_go_to_sensitive_names_are_secret_in_a_step_too():
    task = template(
        method="POST",
        headers={"X-Auth-Token": "Bearer {{ inputs.key }}"},
        parameters=(parameter("key"), parameter("other")),
        body=body(
            template={"login": {"password": "{{ inputs.word }}", "by": ["{{ inputs.who }}"]}}, inputs={"word": {}, "who": {}}
        ),
    )
    found = subject(task, {"key": CANARY, "other": "o", "word": f"{CANARY}2", "who": "amy"})
    assert_free(found)
    assert [variable.key for variable in variables_in(found.inputs)] == ["key", "word"]
    assert found.inputs["who"] == "amy"


def test_a_template_body_that_changes_a_secret_is_hidden_where_it_is_changed():
    made = {
        "same": "{{ inputs.pw }}",
        "within": "for {{ inputs.pw }}",
        "up": "{{ inputs.pw | upper }}",
        "size": "{{ inputs.pw | length }}",
        "is": "{{ (inputs.pw | length) > 15 }}",
        "plain": "{{ inputs.name }}",
        "list": "{{ [inputs.pw, inputs.name] }}",
        "password": "fixed",
    }
    task = template(method="POST", body=body(template=made, inputs={"pw": SECRET, "name": {}}))
    found = subject(task, {"pw": CANARY, "name": "n"})
    pw = Reference(variables := next(variables_in(found.inputs)))
    data = found.message.content.data
    assert data["same"] == Text.of(pw)
    assert data["within"] == Text.of("for ", pw)
    assert data["list"] == [Text.of(pw), "n"]
    assert data["plain"] == "n"
    assert [variable.name for variable in variables_in(data) if variable != variables] == [
        *("HTTPTASK_BODY_UP", "HTTPTASK_BODY_SIZE", "HTTPTASK_BODY_IS", "HTTPTASK_BODY_PASSWORD"),
    ]
    assert_free(found, CANARY, CANARY.upper())


def test_what_an_expression_cannot_do_with_a_stand_in_is_hidden_whole():
    task = template(
        method="POST",
        headers={"X-Sum": "{{ inputs.pin + 1 }}", "X-Plain": "fixed"},
        parameters=(parameter("q", schema=SECRET),),
        body=body(template={"more": "{{ inputs.pin + 1 }}"}, inputs={"pin": {"type": "integer", "format": "password"}}),
    )
    found = subject(task, {"pin": 1234567, "q": CANARY})
    assert names(found) == ["HTTPTASK_INPUT_Q", "HTTPTASK_HEADER_X_SUM", "HTTPTASK_BODY"]
    assert dict(found.message.headers)["X-Plain"].literal == "fixed"
    assert_free(found, CANARY, "1234567", "1234568")


@pytest.mark.parametrize("text", [f"password={CANARY}", f'{{"password" : "{CANARY}"}}', f"see Bearer {PLAIN}1234"])
def test_a_text_body_that_a_dry_run_masks_is_a_reference_whole(text):
    found = subject(template(method="POST", body=body(content_type="text/plain")), {"body": text})
    assert names(found) == ["HTTPTASK_BODY"]
    assert_free(subject(template(method="POST", body=body(content_type="text/plain")), {"body": "x"}))
    assert "canary" not in repr(found.message)


def test_variables_of_one_name_are_told_apart():
    task = template(parameters=(parameter("a.b", schema=SECRET), parameter("a-b", schema=SECRET), parameter("é", schema=SECRET)))
    found = subject(task, {"a.b": "1", "a-b": "2", "é": "3"})
    assert names(found) == ["HTTPTASK_INPUT_A_B", "HTTPTASK_INPUT_A_B_2", "HTTPTASK_INPUT_VALUE"]
    assert [variable.key for variable in found.message.variables] == ["a_b", "a_b_2", "value"]


@pytest.mark.parametrize(
    ("reference", "connected", "name", "command", "holds"),
    [
        ("env:ACME_TOKEN", "prod", "ACME_TOKEN", "", "the token of the connection prod"),
        ("file:/run/my token", "prod", "HTTPTASK_TOKEN", "cat '/run/my token'", "the token of the connection prod"),
        ("file:token", "call", "HTTPTASK_TOKEN", "cat token", "the token of the connection"),
        ("file:token", "prod", "HTTPTASK_TOKEN", "", "the token of the connection prod, which stands in file:token"),
        ("keyring:a/b/amy", "prod", "HTTPTASK_TOKEN", "keyring get a/b amy", "the token of the connection prod"),
        ("vault:x", "prod", "HTTPTASK_TOKEN", "", "the token of the connection prod, which stands in vault:x"),
    ],
)
def test_a_variable_says_where_its_value_is(reference, connected, name, command, holds):
    found = subject(template(), {}, Bearer("b", Secret("token", reference=reference)), name=connected)
    (variable,) = found.message.variables
    assert (variable.name, variable.command, variable.holds) == (name, command, holds)


def test_a_derived_token_says_how_it_is_got():
    endpoint = TokenEndpoint("https://acme.test/token", ClientSecret("id", Secret(CANARY)))
    task = template(security=(SecurityRequirement("oauth2", ("read", "write")),))
    found = subject(task, {}, ClientCredentials("oauth2", endpoint))
    proving = TokenEndpoint("https://acme.test/token", ClientSecret("id", Secret(CANARY)), dpop=True)
    headers = dict(subject(task, {}, ClientCredentials("oauth2", proving)).message.headers)
    assert [headers["Authorization"].literals, headers["DPoP"].literals] == [("DPoP ",), ()]
    assert headers["DPoP"].references[0].variable.name == "HTTPTASK_DPOP_PROOF"
    assert found.message.variables[0].holds == "an access token from https://acme.test/token that allows read, write"
    assert any("asked for before" in note.message for note in found.notes)
    assert any(note.kind == "loss" and "DPoP" in note.message for note in found.notes)


def test_an_outcome_is_masked_before_an_exporter_sees_it():
    answer = Answer(200, (("Set-Cookie", CANARY), ("X-Echo", CANARY)), {"token": "canary-other", "echo": CANARY}, "json")
    outcome = Outcome("acme.do_thing", "succeeded", answer, attempts=(Attempt(1, "answered", 0.0, 0.1, 200),))
    call = Call(template(), {}, connection(auth=Bearer("b", Secret(CANARY))))
    found = subject_of(call, outcome=outcome)
    assert_free(found, CANARY, "canary-other")
    entry = json.loads(texts(found)["har"])["log"]["entries"][0]
    assert json.loads(entry["response"]["content"]["text"]) == {"token": "***", "echo": "***"}


#: Begins as nothing else does: Hypothesis also tries words of the programs that it tests.
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20).map(lambda text: f"q9Жw'{text}")


@settings(max_examples=60, derandomize=True, deadline=None, database=None)
@given(SECRETS)
def test_any_secret_of_any_letters_stays_out_of_every_form(secret):
    task = template(
        method="POST",
        parameters=(parameter("q", schema=SECRET), parameter("list", schema={"type": "array", "items": SECRET}, explode=False)),
        body=body(schema={"properties": {"pin": SECRET}}),
    )
    found = subject(task, {"q": secret, "list": ["a", secret], "body": {"pin": secret, "token": [secret]}})
    assert len(found.message.variables) == 5
    for text in texts(found).values():
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text
        assert base64.b64encode(secret.encode()).decode() not in text
