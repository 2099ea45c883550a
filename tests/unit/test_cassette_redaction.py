"""What a cassette may not hold: a canary in every place that the project knows, searched for in every form."""

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import body, parameter, provider, template
from httptask.cassette.exchanges import Cassette, Exchange, Server, asked, came
from httptask.cassette.file import text_of
from httptask.cassette.redaction import PLACEHOLDER, redacted
from httptask.errors import ConnectionLost
from httptask.message import Headers, Request, Response
from httptask.model import ResponseSpec
from httptask.secrets import Redactor, Secret

CANARY = "Kn8rQ+z/xV=~w'y&T\"\\Lm7"
OTHER = "Zp4jKé😀-b-9Qd"
SERVERS = {"acme": Server("https://api.example.com")}
PASSWORD = {"type": "string", "format": "password"}
LOGIN = template(
    id="acme.login",
    method="POST",
    path="/login/{{ pin }}/x",
    parameters=(
        parameter("pin", "path", schema=PASSWORD),
        parameter("code", schema=PASSWORD),
        parameter("X-Key", "header", schema=PASSWORD),
    ),
    body=body(schema={"properties": {"user": {}, "pass": PASSWORD}}),
    responses={"200": ResponseSpec("", {"properties": {"session": {"properties": {"id": PASSWORD}}}})},
)


def exchange(method="GET", target="/things", *, headers=(), sent=None, answer=None, back=()):  # noqa: PLR0913 - parts of a message
    fields = (("Content-Type", "application/json"), *headers)
    request = Request(method, f"https://api.example.com{target}", Headers(fields), None if sent is None else encoded(sent))
    response = Response(200, Headers((("Content-Type", "application/json"), *back)), encoded(answer))
    return Exchange(asked(request, SERVERS), came(response))


def encoded(value):
    return value if isinstance(value, bytes) else b"" if value is None else json.dumps(value, ensure_ascii=False).encode()


def kept(*exchanges, known=(), tasks=(LOGIN,)):
    """The exchanges as they are written, and the file's text."""
    found = redacted(exchanges, tasks, Redactor(known))
    return found, text_of(Cassette(0.0, SERVERS, found))


def forms(value):
    raw = value.encode()
    yield from (value, quote(value, safe=""), quote_plus(value), html.escape(value), raw.hex(), json.dumps(value)[1:-1])
    yield from (json.dumps(value, ensure_ascii=False)[1:-1], base64.b64encode(raw).decode().rstrip("="))


def leaks(text, value=CANARY):
    return [form for form in forms(value) if form in text]


def placeholders(text):
    return list(dict.fromkeys(PLACEHOLDER.findall(text)))


PLACES = {
    "authorization": exchange(headers=[("Authorization", Secret(f"Bearer {CANARY}"))]),
    "any header that is a secret": exchange(headers=[("X-Anything", Secret(CANARY))]),
    "cookie": exchange(headers=[("Cookie", f"sid={CANARY}")]),
    "proof": exchange(headers=[("DPoP", CANARY)]),
    "header named so": exchange(headers=[("X-Vault-Token", CANARY)]),
    "header that the schema calls secret": exchange("POST", "/login/1/x", headers=[("x-key", CANARY)]),
    "query named so": exchange(target=f"/things?access_token={quote(CANARY, safe='')}"),
    "signature of a link": exchange(target=f"/things?X-Amz-Signature={quote(CANARY, safe='')}"),
    "query that the schema calls secret": exchange("POST", f"/login/1/x?code={quote(CANARY, safe='')}"),
    "path that the schema calls secret": exchange("POST", f"/login/{quote(CANARY, safe='')}/x"),
    "field named so": exchange("POST", sent={"a": [{"client_secret": CANARY}]}),
    "field that the schema calls secret": exchange("POST", "/login/1/x", sent={"user": "u", "pass": CANARY}),
    "form": exchange("POST", sent=f"user=u&password={CANARY}".encode(), headers=[("content-type", "text/plain")]),
    "answered field named so": exchange(answer={"items": [{"token": CANARY}]}),
    "answered field that the schema calls secret": exchange("POST", "/login/1/x", answer={"session": {"id": CANARY}}),
    "below a field named so": exchange(answer={"secret": {"parts": [CANARY, {"more": CANARY}]}}),
    "key below a field named so": exchange(answer={"token": {CANARY: 1}}),
    "answered cookie": exchange(back=[("Set-Cookie", f"sid={CANARY}; Path=/")]),
    "answered link": exchange(back=[("Link", f'</next?token={quote(CANARY, safe="")}>; rel="next"')]),
    "answered header named so": exchange(back=[("X-Auth-Token", CANARY)]),
    "answered text": exchange(answer=f"access_token={CANARY}".encode(), back=[("content-type", "text/plain")]),
    "text within a field": exchange(answer={"next": f"/things?api_key={quote(CANARY, safe='')}"}),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_secret_is_withheld_in_every_place_that_is_one(place):
    _, text = kept(PLACES[place])
    assert leaks(text) == []
    assert placeholders(text)


@pytest.mark.parametrize("place", PLACES)
def test_what_was_met_in_any_place_is_withheld_as_a_copy_elsewhere_before_and_after(place):
    copies = exchange(
        "PUT",
        f"/things/{quote(CANARY, safe='')}?q={quote_plus(CANARY)}",
        headers=[("X-Note", "plain")],
        sent={"note": CANARY, "deep": [[CANARY]]},
        answer={"note": CANARY, "said": f"it was {CANARY}!", CANARY: 1},
    )
    _, text = kept(copies, PLACES[place], copies)
    assert leaks(text) == []


def test_a_known_secret_is_withheld_in_every_form():
    echo = {str(index): form for index, form in enumerate(forms(CANARY))}
    wrapped = base64.b64encode(f"user:{CANARY}:after".encode()).decode()
    found, text = kept(
        exchange(answer={**echo, "basic": wrapped}, back=[("X-Echo", CANARY)]),
        exchange(answer=f"<p>{html.escape(CANARY)}</p>".encode(), back=[("content-type", "text/html")]),
        exchange(answer=b"\x00\x01" + CANARY.encode() + b"\xff", back=[("content-type", "image/png")]),
        exchange(answer=b"\x00\xff" + CANARY.encode("utf-16-le"), back=[("content-type", "image/png")]),
        known=[Secret(f"SSWS {CANARY}", roots=(CANARY,))],
    )
    assert leaks(text) == []
    assert CANARY[4:16] not in text
    assert b"withheld" in base64.b64decode(found[2].came.content.value)
    assert CANARY.encode("utf-16-le") not in base64.b64decode(found[3].came.content.value)


def test_long_pieces_of_a_known_secret_are_masked():
    _, text = kept(exchange(answer={"beginning": CANARY[:14]}), known=[Secret(CANARY)])
    assert CANARY[:14] not in text


def test_a_body_that_was_cut_off_keeps_no_beginning_of_a_secret():
    cut = Response(200, Headers((("Content-Type", "application/json"),)), f'{{"copy": "{CANARY[:8]}'.encode(), "truncated")
    asking = asked(Request("GET", "https://api.example.com/things", Headers()), SERVERS)
    _, text = kept(exchange(answer={"token": CANARY}), Exchange(asking, came(cut)))
    assert CANARY[:8] not in text


def test_what_cannot_be_decompressed_is_not_kept():
    broken = came(Response(200, Headers((("Content-Encoding", "gzip"),)), b"\x1f\x8b-whatever", "undecodable"))
    assert (broken.content, broken.incomplete) == (None, "undecodable")


def test_an_error_in_words_is_searched_too():
    lost = ConnectionLost(f"closed while sending {CANARY}", phase="sentWithoutAnswer", code="connectionLost")
    asking = asked(Request("GET", "https://api.example.com/things", Headers()), SERVERS)
    _, text = kept(Exchange(asking, came(lost)), known=[Secret(CANARY)])
    assert leaks(text) == []


def test_one_secret_has_one_placeholder_all_over_the_cassette():
    _, text = kept(
        exchange("POST", "/login/1/x", answer={"session": {"id": OTHER}, "token": CANARY}),
        exchange(target=f"/things/{quote(CANARY, safe='')}?session={quote(OTHER, safe='')}", headers=[("X-Api-Key", CANARY)]),
        exchange("POST", sent={"session": OTHER, "was": f"{CANARY}:{OTHER}"}, answer={"copies": [CANARY, OTHER]}),
        known=[Secret("the-credential-1234")],
    )
    one, other = "__withheld_3__", "__withheld_2__"
    assert f"target: /things/{one}?session={other}" in text
    assert f"X-Api-Key: {one}" in text
    assert f"was: {one}:{other}" in text
    assert f"token: {one}" in text
    assert len(placeholders(text)) == 3, "the path parameter of the login is the third"


def test_a_credential_is_shown_with_its_scheme_word_wherever_it_stands():
    secret = Secret(CANARY).derive(lambda token: f"SSWS {token}")
    _, text = kept(exchange(headers=[("Authorization", secret)], answer={"echo": f"SSWS {CANARY}"}), known=[secret])
    assert text.count("SSWS __withheld_1__") == 2


def test_a_short_secret_is_withheld_in_its_place_and_as_a_whole_value():
    found, _ = kept(
        exchange("POST", "/login/4711/x", sent={"user": "u", "pass": "Wq9Z"}, answer={"token": "ab1"}),
        exchange(target="/things/Wq9Z?a=ab1&b=4711", answer={"is": "Wq9Z", "in": "xWq9Zx", "short": "ab1"}),
    )
    assert found[0].asked.target == "/login/__withheld_1__/x"
    assert found[1].asked.target == "/things/__withheld_2__?a=__withheld_3__&b=__withheld_1__"
    assert found[1].came.content.value == {"is": "__withheld_2__", "in": "xWq9Zx", "short": "ab1"}


def test_numbers_that_are_secrets_become_text():
    found, _ = kept(
        exchange(answer={"token": 12345678}), exchange("POST", sent={"n": 12345678, "m": 5}, answer={"n": 12345678, "m": 5})
    )
    assert found[0].came.content.value == {"token": "__withheld_1__"}
    assert found[1].asked.content.value == {"n": "__withheld_1__", "m": 5}
    assert found[1].came.content.value == {"n": "__withheld_1__", "m": 5}


def test_a_short_number_in_an_answer_stays_a_number():
    found, _ = kept(exchange(answer={"token": "2024", "year": 2024, "text": "2024"}))
    assert found[0].came.content.value == {"token": "__withheld_1__", "year": 2024, "text": "__withheld_1__"}


def test_the_shape_of_a_secret_value_stays_so_that_a_flow_can_go_into_it():
    value = {"type": "bcrypt", "hash": {"value": CANARY, "rounds": 10, "old": None, "on": True, "tags": []}, CANARY[:4] + "1": ""}
    found, _ = kept(exchange(answer={"password": value}))
    shown = found[0].came.content.value["password"]
    assert [key for key in shown if not PLACEHOLDER.fullmatch(key)] == ["type", "hash"]
    assert shown["hash"]["old"] is None
    assert shown["hash"]["on"] is True
    assert shown["hash"]["tags"] == []
    assert PLACEHOLDER.fullmatch(shown["hash"]["value"])
    assert PLACEHOLDER.fullmatch(shown["hash"]["rounds"])


def test_a_word_that_an_answer_gives_a_secret_name_stays_in_other_places():
    found, _ = kept(
        exchange(answer={"password": "EXPIRED", "status": "EXPIRED", "authorization": "required", "required": ["required"]})
    )
    assert found[0].came.content.value["status"] == "EXPIRED"
    assert found[0].came.content.value["required"] == ["required"]
    assert PLACEHOLDER.fullmatch(found[0].came.content.value["password"])


def test_what_holds_no_secret_stays_as_it_is():
    plain = exchange(
        "POST",
        "/a%2Fb/c+d?q=1%2C2&r=&s",
        headers=[("Accept", "application/json"), ("Idempotency-Key", "k-1")],
        sent={"b": [1, 1.0, None, True, "x"], "a": {"": {}}},
        answer={"token": None, "password": "", "secret": [], "total": 10**30},
        back=[("Date", "Tue, 01 Jan 2030 00:00:00 GMT")],
    )
    assert redacted([plain], (LOGIN,), Redactor([Secret("the-credential-1234")])) == (plain,)


def test_a_query_keeps_its_plus_signs_beside_a_secret():
    found, _ = kept(exchange(target="/things?q=a+b+known-secret-1", answer={"token": "known-secret-1"}))
    assert found[0].asked.target == "/things?q=a+b+__withheld_1__"


def test_schemas_of_all_tasks_of_an_api_hold_where_no_task_has_such_a_path():
    found, _ = kept(exchange(target="/cursor/2", answer={"session": {"id": CANARY}}))
    assert found[0].came.content.value == {"session": {"id": "__withheld_1__"}}


def test_a_base_path_before_the_templates_path_does_not_matter():
    other = template(id="other.x", provider=provider(id="other"), path="/v2/login/{{ pin }}/x")
    found, _ = kept(exchange("POST", "/v2/login/1234/x"), tasks=(LOGIN, other))
    assert found[0].asked.target == "/v2/login/__withheld_1__/x"


def test_a_server_that_names_thousands_of_secrets_does_not_make_it_slow():
    tokens = [f"tok-{index:06}-{'x' * 20}" for index in range(3000)]
    answer = exchange(
        answer=[{"id": index, "token": token, "note": "nothing of interest here"} for index, token in enumerate(tokens)]
    )
    uses = [exchange(target=f"/things/{token}") for token in tokens]
    began = time.perf_counter()
    _, text = kept(answer, *uses, known=[Secret("the-credential-1234")])
    assert time.perf_counter() - began < 20
    assert "tok-" not in text


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=4, max_size=30).filter(lambda text: text.strip() == text and not text.isalnum()), st.integers(0, 10**6))
def test_whatever_the_secret_is_the_written_form_is_the_same(secret, salt):
    """So that a body's digest tells nothing of a secret, and a flow that passes one on finds its exchange again."""

    def flow(value):
        return kept(
            exchange(answer={"token": value, "n": salt}),
            exchange("POST", f"/things/{quote(value, safe='')}", sent={"again": value, "n": salt}),
        )[1]

    assume_plain = quote(secret.encode("utf-8", "replace"), safe="") not in {".", ".."} and "withheld" not in secret
    if assume_plain and str(salt) != secret and secret not in {"application/json", "/things/"}:
        assert flow(secret) == flow(f"another-{len(secret)}-1")
