import base64
import copy
import html
import json
import pickle
from urllib.parse import quote, quote_plus

import pytest

from httptask.secrets import MASK, Redactor, Secret

TOKEN = 'c4n4ry/To+ken="q" \\é😀~end'


@pytest.mark.parametrize(
    "leak",
    [
        str,
        "{}".format,
        "%s".__mod__,
        json.dumps,
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        lambda secret: json.dumps([secret], default=str),
    ],
)
def test_a_secret_refuses_to_become_text(leak):
    with pytest.raises(TypeError) as caught:
        leak(Secret(TOKEN))
    assert TOKEN not in str(caught.value)


def test_repr_shows_the_reference_and_never_the_value():
    assert repr(Secret(TOKEN, reference="env:OKTA_TOKEN")) == "Secret(env:OKTA_TOKEN)"
    assert repr([Secret(TOKEN)]) == "[Secret(***)]"


def test_secrets_compare_by_value_and_never_equal_text():
    assert Secret("a") == Secret("a", reference="env:A")
    assert hash(Secret("a")) == hash(Secret("a", reference="env:A"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_a_derived_secret_keeps_the_reference_and_remembers_every_step():
    basic = Secret("pass word", reference="env:P").derive(lambda word: f"user:{word}").derive(lambda pair: f"Basic {pair}")
    assert basic.reveal() == "Basic user:pass word"
    assert basic.reference == "env:P"
    assert set(basic.parts()) == {"Basic user:pass word", "user:pass word", "pass word"}


def test_every_step_of_a_derived_secret_is_masked_on_its_own():
    secret = Secret("hunter22").derive(lambda word: base64.b64encode(f"user:{word}".encode()).decode()).derive("Basic {}".format)
    assert Redactor([secret]).text("credentials dXNlcjpodW50ZXIyMg== sent") == "credentials *** sent"


FORMS = {
    "raw": TOKEN,
    "percent": quote(TOKEN, safe=""),
    "percent with a bare slash": quote(TOKEN),
    "percent as a browser does it": quote(TOKEN, safe="/+=~\"'"),
    "form": quote_plus(TOKEN),
    "json": json.dumps(TOKEN)[1:-1],
    "json in utf-8": json.dumps(TOKEN, ensure_ascii=False)[1:-1],
    "json with escaped slashes": json.dumps(TOKEN)[1:-1].replace("/", "\\/"),
    "html": html.escape(TOKEN),
    "base64": base64.b64encode(TOKEN.encode()).decode().rstrip("="),
    "base64url": base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_masked_in_each_form_it_may_take(form):
    assert Redactor([Secret(TOKEN)]).text(f"before {form} after") == "before *** after"


def test_a_percent_encoded_secret_is_masked_with_lower_case_digits_too():
    assert Redactor([Secret("To/Ken+Value")]).text("a=To%2fKen%2bValue&b") == "a=***&b"


def test_the_whole_value_is_masked_before_a_part_of_it():
    redactor = Redactor([Secret("abcdefgh"), Secret("abcdefgh-and-more")])
    assert redactor.text("abcdefgh-and-more, abcdefgh") == "***, ***"


def test_a_short_value_is_left_alone_in_text_and_masked_in_its_own_slot():
    short = Secret("true")
    redactor = Redactor([short])
    assert redactor.text("it is true") == "it is true"
    assert redactor.header("X-Flag", short) == MASK


def test_a_redactor_without_secrets_changes_nothing():
    assert Redactor().text("plain") == "plain"


@pytest.mark.parametrize("name", ["Authorization", "COOKIE", "set-cookie", "X-Api-Key", "DPoP"])
def test_a_sensitive_header_is_masked_whatever_its_value(name):
    assert Redactor().header(name, "unknown to us") == MASK


def test_another_header_is_masked_only_where_it_holds_a_secret():
    redactor = Redactor([Secret("c4n4ry-token")])
    assert redactor.header("X-Echo", "got c4n4ry-token!") == "got ***!"
    assert redactor.header("Accept", "application/json") == "application/json"


def test_json_is_masked_in_values_keys_and_nested_places_and_keeps_its_types():
    secret = Secret("c4n4ry-token")
    value = {"c4n4ry-token": ["x c4n4ry-token", 1, None, True, {"deep": ("c4n4ry-token", 2.5)}], "slot": secret}
    expected = {"***": ["x ***", 1, None, True, {"deep": ["***", 2.5]}], "slot": "***"}
    assert Redactor([secret]).json(value) == expected
