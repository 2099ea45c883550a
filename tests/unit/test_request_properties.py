# Whatever an input holds, the request keeps the shape of its template, or nothing is sent.
import json
from urllib.parse import unquote, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from builders import body, connection, parameter, template
from httptask.errors import UsageError
from httptask.inputs import check
from httptask.message import Request
from httptask.render import build

TASK = template(
    method="POST",
    path="/api/{{ first }}/updates/{{ second }}",
    parameters=(
        *(parameter("first", "path"), parameter("second", "path"), parameter("after"), parameter("q&a")),
        *(parameter("tags", schema={"type": "array"}), parameter("ids", schema={"type": "array"}, explode=False)),
        *(parameter("X-One", "header"), parameter("If-Match", "header")),
    ),
    body=body(),
)
TO = connection(base_url="https://api.example.com/base")
NAMED = build(TASK, {"first": "a", "second": "b", "X-One": "1", "If-Match": "2", "body": {}}, TO).headers

#: Characters and words that have a meaning to some parser between here and a server.
HOSTILE = st.sampled_from(
    [
        *("/", "\\", "?", "#", "&", "=", "+", "%", ";", ":", "@", ",", " ", "\t", "\r", "\n", "\x00", "\x7f", "\ud800", "é"),
        *("..", ".", "%2e", "%2E", "%2f", "%5c", "%25", "%00", "%0d%0a", "..;", "//", "{{", "}}", "{%", "${", "\u2028", "\uff0e"),
    ]
)
TEXT = st.one_of(st.lists(st.one_of(HOSTILE, st.sampled_from(["a", "b1"])), max_size=6).map("".join), st.text(max_size=12))
PLAIN = st.text("ab1 /%?&=#+", min_size=1, max_size=8).map(lambda text: f"x{text}x")
LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXT)
TREE = st.recursive(
    LEAF, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)), max_leaves=6
)
BASE = {"first": "a", "second": "b"}

quick = settings(max_examples=100, derandomize=True, deadline=None, database=None)


def attempt(inputs):
    """Return the request, or the error that was raised before anything could be sent."""
    try:
        check(TASK, inputs)
        return build(TASK, inputs, TO)
    except UsageError as error:
        return error


def segments(request):
    return urlsplit(request.url).path.split("/")[1:]


def pairs(request):
    """Return the query as a server reads it, without form decoding's `+`."""
    query = urlsplit(request.url).query
    return [tuple(map(unquote, part.split("=", 1))) for part in query.split("&")] if query else []


def assert_in_shape(request):
    """Assert what holds for every request of the task, whatever was put in."""
    parts = urlsplit(request.url)
    assert request.url.isascii()
    assert request.url.isprintable()
    assert " " not in request.url
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "api.example.com", "")
    base, api, _, updates, _ = segments(request)
    assert (base, api, updates) == ("base", "api", "updates")
    for name, value in request.headers:
        assert name.isascii()
        assert not set(value) & set("\r\n\x00")
        assert value == value.strip()
    assert request.headers.get("Content-Length") == (str(len(request.body)) if request.body is not None else "0")


@quick
@given(TEXT, TEXT)
def test_path_values_stay_in_their_segments(first, second):
    request = attempt({"first": first, "second": second})
    if isinstance(request, Request):
        assert_in_shape(request)
        assert [unquote(segments(request)[place]) for place in (2, 4)] == [first, second]
        assert urlsplit(request.url).query == ""


@quick
@given(TEXT)
def test_no_path_value_is_a_dot_segment_however_often_it_is_decoded(value):
    request = attempt({"first": value, "second": "b"})
    if isinstance(request, Request):
        text = urlsplit(request.url).path
        for _ in range(4):
            text = unquote(text)
            assert not {"..", "."} & set(text.replace("\\", "/").split("/"))


@quick
@given(PLAIN)
def test_ordinary_path_values_are_sent(value):
    assert isinstance(attempt({"first": value, "second": value}), Request)


@quick
@given(st.fixed_dictionaries({}, optional={"after": TEXT, "q&a": TEXT, "tags": st.lists(TEXT, max_size=3)}))
def test_query_values_stay_in_their_pairs(given_values):
    request = attempt(BASE | given_values)
    if isinstance(request, Request):
        assert_in_shape(request)
        expected = [(name, given_values[name]) for name in ("after", "q&a") if name in given_values]
        assert pairs(request) == expected + [("tags", tag) for tag in given_values.get("tags", [])]


@quick
@given(st.lists(TEXT, min_size=1, max_size=4))
def test_items_of_a_joined_query_value_stay_apart(items):
    request = attempt(BASE | {"ids": items})
    if isinstance(request, Request):
        assert_in_shape(request)
        name, _, joined = urlsplit(request.url).query.partition("=")
        assert name == "ids"
        assert [unquote(item) for item in joined.split(",")] == items


@quick
@given(TEXT, TEXT)
def test_header_values_make_no_other_header(one, match):
    request = attempt(BASE | {"X-One": one, "If-Match": match, "body": {}})
    if isinstance(request, Request):
        assert_in_shape(request)
        assert [name for name, _ in request.headers] == [name for name, _ in NAMED]
        assert (request.headers.get("X-One"), request.headers.get("If-Match")) == (one, match)


@quick
@given(st.dictionaries(TEXT, TEXT, max_size=3))
def test_headers_of_a_call_add_themselves_and_nothing_else(headers):
    try:
        request = build(TASK, BASE, TO, headers)
    except UsageError:
        return
    assert_in_shape(request)
    assert len(request.headers) == 4 + len({name.lower() for name in headers})


@quick
@given(TREE)
def test_a_json_body_is_read_back_as_it_was_given(value):
    request = attempt(BASE | {"body": value})
    if isinstance(request, Request):
        assert_in_shape(request)
        assert json.loads(request.body) == value
        assert urlsplit(request.url).path == "/base/api/a/updates/b"


@quick
@given(TEXT, st.sampled_from(["first", "after", "tags", "X-One", "body", "unknown", "number"]))
def test_no_message_holds_a_value(text, place):
    canary = f"c4n4ry-9f27d1{text}"
    bad = {"tags": [canary, None], "body": {"k": [canary, float("nan")]}, "number": {canary: 1}, "first": f"../{canary}"}
    request = attempt(BASE | {place: bad.get(place, f"\ud800\r{canary}")})
    assert isinstance(request, UsageError)
    assert "c4n4ry" not in str(request)
    assert "c4n4ry" not in json.dumps([problem.to_json() for problem in request.problems])
