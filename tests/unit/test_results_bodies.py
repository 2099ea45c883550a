import warnings

import pytest

from builders import template
from httptask.message import Headers, Response
from httptask.model import ResponseSpec
from httptask.outcome import FailureKind
from httptask.results import parse, read

OBJECT = ResponseSpec("ok", {"type": "object"})


def response(body, content_type="application/json", status=200, **more):
    return Response(status, Headers.of({"Content-Type": content_type} if content_type else {}), body, **more)


def parsed(body, content_type="application/json"):
    answer = parse(response(body, content_type))
    return answer.body_kind, answer.body


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b'{"a":1}', "application/json", ("json", {"a": 1})),
        (b'{"a":1}', "APPLICATION/JSON; Charset=UTF-8", ("json", {"a": 1})),
        (b'{"a":1}', "application/problem+json", ("json", {"a": 1})),
        (b'{"a":1}', "application/octet-stream", ("json", {"a": 1})),
        (b'{"a":1}', "text/json", ("json", {"a": 1})),
        (b'{"a":1}', "", ("json", {"a": 1})),
        (b'{"a":1}', "text/html", ("json", {"a": 1})),
        (b" [1]\n", "text/plain", ("json", [1])),
        (b"false", "application/json", ("json", False)),
        (b"0", "application/json", ("json", 0)),
        (b'""', "application/json", ("json", "")),
        (b"null", "application/json", ("json", None)),
        (b"{}", "application/json", ("json", {})),
        (b"", "application/json", ("empty", None)),
        (b"", "", ("empty", None)),
        (b"hello", "text/plain", ("text", "hello")),
        (b"hello", "application/json", ("text", "hello")),
        (b"1e5", "text/plain", ("text", "1e5")),
        (b"true", "text/plain", ("text", "true")),
        (b"<p>", "text/html", ("text", "<p>")),
        (b"a,b", "text/csv", ("text", "a,b")),
        (b'{"a":1}', "text/csv", ("text", '{"a":1}')),
        (b"{a:1}", "application/json", ("text", "{a:1}")),
        (b"\x89PNG\r\n\x00\xff", "image/png", ("base64", "iVBORw0KAP8=")),
        (b"a\x00b", "text/plain", ("base64", "YQBi")),
        (b"\xff\xfe", "application/json", ("base64", "//4=")),
    ],
)
def test_a_body_is_read_by_what_it_is_helped_by_what_it_is_said_to_be(body, content_type, expected):
    assert parsed(body, content_type) == expected


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ('"ü"'.encode(), "application/json"),
        ('"ü"'.encode("latin-1"), "application/json; charset=iso-8859-1"),
        ('"ü"'.encode("latin-1"), 'application/json; x=y; CHARSET="ISO-8859-1"'),
        ('"ü"'.encode("utf-16"), "application/json; charset=utf-16"),
        ('"ü"'.encode("utf-8-sig"), "application/json"),
        ('"ü"'.encode(), "application/json; charset=no-such-charset"),
        ('"ü"'.encode(), "application/json; charset="),
        ('"ü"'.encode(), "application/json; charset=hex"),
        ('"ü"'.encode(), "application/json; charset=ascii"),
        ('"ü"'.encode(), "application/json; charset=a\x00b"),
        ('"ü"'.encode(), "application/json; charset=\u00fc"),
        ('"ü"'.encode(), "application/json; charset=../../etc/passwd"),
        ('"ü"'.encode(), "application/json; charset=undefined"),
    ],
)
def test_the_charset_is_honoured_and_a_wrong_one_is_not_believed(body, content_type):
    assert parsed(body, content_type) == ("json", "ü")


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape", "rot13", "zlib", "idna", "mbcs", "x" * 10_000])
def test_no_charset_name_raises_or_warns(charset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parsed(b"\\d", f"text/plain; charset={charset}") == ("text", "\\d")


@pytest.mark.parametrize(
    "body",
    [
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[-1e999]",
        b"1" * 5000,
        b"[" * 100_000,
        b"[" * 300 + b"]" * 300,
        b'{"a":',
    ],
    ids=["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "huge integer", "open brackets", "deep", "cut off"],
)
def test_what_no_strict_json_reader_takes_stays_text(body):
    assert parsed(body) == ("text", body.decode())


def test_numbers_keep_their_kind_and_their_digits():
    kind, body = parsed(b"[1, 1.0, 12345678901234567890, 0.1]")
    assert (kind, body) == ("json", [1, 1.0, 12345678901234567890, 0.1])
    assert [type(number) for number in body] == [int, float, int, float]


def test_headers_are_kept_in_order_with_repetitions():
    headers = Headers((("Link", "a"), ("X", "1"), ("link", "b")))
    assert parse(Response(200, headers)).headers == (("Link", "a"), ("X", "1"), ("link", "b"))


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"<html>sign in</html>", "text/html"),
        (b"<html>sign in</html>", "application/json"),
        (b"gateway says hello", ""),
        (b"\x89PNG\xff", "image/png"),
        (b'{"a":', "application/json"),
    ],
)
def test_a_success_that_is_not_the_promised_json_is_a_failure(body, content_type):
    reading = read(template(responses={"200": OBJECT}), {}, response(body, content_type))
    assert (reading.success, reading.readable, reading.failure.kind) == (False, False, FailureKind.UNREADABLE_BODY)
    assert reading.failure.message == "status 200, but the body is not the JSON that was expected"
    assert reading.answer.body


@pytest.mark.parametrize(
    ("incomplete", "message"),
    [
        ("truncated", "status 200, but the body was cut off"),
        ("timedOut", "status 200, but the body did not arrive in time"),
        ("tooLarge", "status 200, but the body is larger than the limit"),
        ("undecodable", "status 200, but the body could not be decompressed"),
    ],
)
def test_a_body_that_is_not_whole_is_a_failure_even_if_what_came_is_json(incomplete, message):
    reading = read(template(), {}, response(b"[1]", incomplete=incomplete))
    assert (reading.readable, reading.answer.truncated, reading.failure.message) == (False, True, message)


@pytest.mark.parametrize("spec", [ResponseSpec("ok"), ResponseSpec("ok", {"type": "string"})], ids=["no content", "text"])
def test_text_is_a_success_where_no_json_is_promised(spec):
    reading = read(template(responses={"200": spec}), {}, response(b"hello", "text/plain"))
    assert (reading.success, reading.answer.body, reading.warnings) == (True, "hello", ())
