import itertools
from urllib.parse import unquote

import pytest

from builders import parameter
from httptask.errors import RenderError, UnsupportedStyle
from httptask.uri import (
    ENCODERS,
    check_header_name,
    check_header_value,
    check_wire_path,
    encode_header,
    encode_path,
    encode_query,
    encoder_for,
)

INTEGER = {"type": "integer"}
PATH = parameter("id", "path")
EXPLODED = parameter("tag", "query", explode=True)
JOINED = parameter("tag", "query", explode=False)
HEADER = parameter("X-Tags", "header")
LOCATIONS = ("path", "query", "header", "cookie")
STYLES = ("simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject", "made-up")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0oa1", "0oa1"),
        ("AZaz09-._~", "AZaz09-._~"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("a b+c", "a%20b%2Bc"),
        ("a?b#c", "a%3Fb%23c"),
        ("a;b=c", "a%3Bb%3Dc"),
        ("a:b@c", "a%3Ab%40c"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("é", "%C3%A9"),
        ("\U0001f600", "%F0%9F%98%80"),
        ("{{ x }}", "%7B%7B%20x%20%7D%7D"),
        ("\r\n", "%0D%0A"),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("a..b", "a..b"),
        ("v1.2", "v1.2"),
        (5, "5"),
        (True, "true"),
        (False, "false"),
        (1.5, "1.5"),
        (0, "0"),
        (["a", "b,c"], "a,b%2Cc"),
        ([1, True], "1,true"),
    ],
)
def test_a_path_value_is_percent_encoded_into_its_segment(value, expected):
    assert encode_path(PATH, value) == expected


@pytest.mark.parametrize(
    "value",
    [
        *(".", "..", "%2e", "%2E%2e", ".%2e", "%2e.", "%252e%252e", ".%252e", "%25252e."),
        *("../x", "x/..", "x/../y", "./x", "..%2f", "..%2F..%2Fetc", "..%252f", "%2e%2e%2f", "x%2f..%2fy"),
        *("..\\x", "x\\..", "..%5c", "..%255c", ".\\."),
        *("..;x", ".;jsessionid=1", "%2e%2e;x", "..%3bx", "x/..;/y"),
        *(["a", ".."], [".", "b"], ["%2e%2e"]),
    ],
)
def test_a_dot_segment_is_refused_in_any_encoding(value):
    with pytest.raises(RenderError, match=r"id: a path parameter must not be or hold a dot segment"):
        encode_path(PATH, value)


@pytest.mark.parametrize("value", ["", [], [""], ["a", ""]])
def test_an_empty_path_value_is_refused(value):
    with pytest.raises(RenderError, match="id: a path parameter must not be empty"):
        encode_path(PATH, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", (("tag", ""),)),
        ("a b&c=d+e", (("tag", "a%20b%26c%3Dd%2Be"),)),
        ("%", (("tag", "%25"),)),
        ("é\n", (("tag", "%C3%A9%0A"),)),
        ("..", (("tag", ".."),)),
        (0, (("tag", "0"),)),
        (False, (("tag", "false"),)),
        ([], ()),
        (["a", "b"], (("tag", "a"), ("tag", "b"))),
        ([""], (("tag", ""),)),
        (["a,b", 1, True], (("tag", "a%2Cb"), ("tag", "1"), ("tag", "true"))),
    ],
)
def test_an_exploded_query_value_is_one_pair_for_each_item(value, expected):
    assert encode_query(EXPLODED, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a,b", (("tag", "a%2Cb"),)),
        ([], ()),
        (["a"], (("tag", "a"),)),
        (["a,b", "c&d", 1], (("tag", "a%2Cb,c%26d,1"),)),
    ],
)
def test_a_joined_query_value_is_one_pair_with_commas(value, expected):
    assert encode_query(JOINED, value) == expected


def test_a_query_name_is_encoded_too():
    assert encode_query(parameter("filter[a&b]", "query"), "x") == (("filter%5Ba%26b%5D", "x"),)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a", "a"),
        ("", ""),
        (5, "5"),
        (True, "true"),
        (["a", "b"], "a,b"),
        ("a\tb", "a\tb"),
        ("%0d%0a", "%0d%0a"),
        ("/ ?&", "/ ?&"),
    ],
)
def test_a_header_value_is_sent_as_it_is(value, expected):
    assert encode_header(HEADER, value) == expected


BAD_HEADERS = [
    *("a\r\nX: y", "a\nb", "a\rb", "a\n", "\na", "a\x00b", "\x00", "a\x0bb", "a\x0c", "a\x1fb", "a\x7f"),
    *("é", "\x80", "\u2028", "\ud800", " a", "a ", "\ta", "a\t", " ", "a\u0085b", "\ufeffa"),
]


@pytest.mark.parametrize("value", BAD_HEADERS)
def test_a_header_value_that_could_break_its_line_is_refused(value):
    with pytest.raises(RenderError, match="X-Tags: a header value must be visible ASCII"):
        encode_header(HEADER, value)
    with pytest.raises(RenderError, match="X-One: a header value must be visible ASCII"):
        check_header_value("X-One", value)


def test_a_line_break_in_an_item_of_a_header_list_is_refused():
    with pytest.raises(RenderError, match="visible ASCII"):
        encode_header(HEADER, ["a", "b\r\nc"])


@pytest.mark.parametrize("name", ["X-One", "a", "!#$%&'*+-.^_`|~09"])
def test_a_header_name_is_a_token(name):
    assert check_header_name(name) == name


@pytest.mark.parametrize("name", ["", " ", "a b", "a:", "a\r\n", "a\n", "\x00", "é", "a/b", '"a"', "(a)", "a,b", "a=b", "[a]"])
def test_a_header_name_that_is_no_token_is_refused(name):
    with pytest.raises(RenderError, match="headers: a header name must be a token"):
        check_header_name(name)


@pytest.mark.parametrize("encode", [encode_path, encode_query])
@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", ["a", "\ud83d"]])
def test_a_lone_surrogate_is_refused_where_text_becomes_utf_8(encode, value):
    with pytest.raises(RenderError, match="lone surrogate"):
        encode(PATH, value)


@pytest.mark.parametrize("encode", [encode_path, encode_query, encode_header])
@pytest.mark.parametrize("value", [None, {}, {"a": "c4n4ry"}, [["a"]], [None], [{}], float("nan"), float("-inf"), b"a"])
def test_a_value_without_text_form_is_refused_without_showing_it(encode, value):
    with pytest.raises(RenderError, match="cannot be sent in path") as caught:
        encode(PATH, value)
    assert "c4n4ry" not in str(caught.value)


def test_a_number_of_thousands_of_digits_is_refused():
    with pytest.raises(RenderError, match="an integer cannot be sent in path"):
        encode_path(PATH, 10**5000)


def test_a_whole_number_in_an_integer_parameter_is_written_without_fraction():
    assert encode_path(parameter("n", "path", schema=INTEGER), 5.0) == "5"
    assert encode_query(parameter("n", "query", schema={"type": "number"}), 5.0) == (("n", "5.0"),)


@pytest.mark.parametrize(("location", "style"), list(itertools.product(LOCATIONS, STYLES)))
def test_every_style_without_an_encoder_is_refused(location, style):
    asked = parameter("p", location, style=style)
    if (location, style) in {("path", "simple"), ("query", "form"), ("header", "simple")}:
        assert encoder_for(asked) is ENCODERS[location, style]
        return
    with pytest.raises(UnsupportedStyle, match="has no encoder yet") as caught:
        encoder_for(asked, "t.yaml:3:1")
    problem = caught.value.problems[0]
    assert problem.where == "t.yaml:3:1"
    assert f"style '{style}' in {location}" in problem.message
    assert problem.hint == "supported: path simple, query form, header simple"


@pytest.mark.parametrize("location", ["path", "query", "header"])
def test_an_object_outside_the_body_is_refused(location):
    with pytest.raises(UnsupportedStyle, match=f"p: parameter 'p': an object in {location} has no encoder yet"):
        encoder_for(parameter("p", location, schema={"type": "object"}))


@pytest.mark.parametrize("path", ["/a/b", "/a/b%2Fc", "/a/", "/a/.b", "/a/..b", "/a/..."])
def test_a_path_of_the_templates_shape_passes(path):
    assert check_wire_path(path, 3) == path


@pytest.mark.parametrize("path", ["/a", "/a/b/c", "/a/..", "/a/.", "/./b", "/%2e%2e/b", "/a/.%2E", "a"])
def test_a_path_of_another_shape_is_refused(path):
    with pytest.raises(RenderError, match="path: the rendered path does not have the shape"):
        check_wire_path(path, 3)


@pytest.mark.parametrize("character", [chr(code) for code in range(128) if not chr(code).isalnum()])
def test_every_ascii_character_stays_in_its_slot(character):
    (_, sent), *more = encode_query(EXPLODED, f"a{character}b")
    assert not more
    assert unquote(sent) == unquote(encode_path(PATH, f"a{character}b")) == f"a{character}b"
    assert not set(sent) & set("/?#&=+;@:\\ \"<>|{}[]'(),*!$")
