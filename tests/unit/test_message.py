import dataclasses

import pytest

from httptask.message import Headers, Request, Response, Timeouts
from httptask.secrets import Secret

HEADERS = Headers((("Link", "a"), ("X-One", "1"), ("link", "b")))


def test_names_are_compared_without_case_and_kept_as_written():
    assert "LINK" in HEADERS
    assert "Missing" not in HEADERS
    assert 1 not in HEADERS
    assert list(HEADERS) == [("Link", "a"), ("X-One", "1"), ("link", "b")]
    assert len(HEADERS) == 3


def test_get_gives_the_first_value_and_all_gives_every_value_in_order():
    assert HEADERS.get("LINK") == "a"
    assert HEADERS.all("LINK") == ("a", "b")
    assert HEADERS.get("Missing") is None
    assert HEADERS.get("Missing", "default") == "default"


def test_an_empty_value_is_a_value():
    assert Headers.of({"X-Empty": ""}).get("x-empty", "default") == ""


def test_a_secret_value_is_present_but_is_not_given_out_as_text():
    headers = Headers.of({"Authorization": Secret("c4n4ry")})
    assert "authorization" in headers
    assert headers.get("Authorization") is None
    assert headers.all("Authorization") == ()
    assert "c4n4ry" not in repr(headers)


def test_replace_keeps_the_place_of_the_first_and_drops_repeats():
    assert list(HEADERS.replace("LINK", "c")) == [("LINK", "c"), ("X-One", "1")]


def test_replace_puts_a_new_name_last():
    assert list(HEADERS.replace("X-Two", "2"))[-1] == ("X-Two", "2")
    assert len(HEADERS) == 3


def test_without_drops_every_field_of_the_name():
    assert list(HEADERS.without("LINK")) == [("X-One", "1")]
    assert HEADERS.without("Missing") == HEADERS


@pytest.mark.parametrize(
    ("url", "origin", "target"),
    [
        ("https://acme.okta.com", "https://acme.okta.com", "/"),
        ("https://acme.okta.com/a%2Fb?x=1&x=%20", "https://acme.okta.com", "/a%2Fb?x=1&x=%20"),
        ("http://[::1]:8080/p", "http://[::1]:8080", "/p"),
    ],
)
def test_a_request_knows_its_origin_and_target(url, origin, target):
    request = Request("GET", url, Headers())
    assert request.origin == origin
    assert request.target == target


def test_with_header_returns_another_request():
    request = Request("GET", "https://acme.okta.com/", Headers())
    assert request.with_header("Accept", "*/*").headers.get("accept") == "*/*"
    assert len(request.headers) == 0


@pytest.mark.parametrize("message", [Request("GET", "https://a.example/", Headers()), Response(200), HEADERS, Timeouts()])
def test_messages_cannot_be_changed(message):
    first = dataclasses.fields(message)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(message, first, None)


def test_no_body_differs_from_an_empty_body():
    assert Request("POST", "https://a.example/", Headers()) != Request("POST", "https://a.example/", Headers(), b"")


def test_two_responses_do_not_share_their_timings():
    assert Response(200).timings is not Response(200).timings
