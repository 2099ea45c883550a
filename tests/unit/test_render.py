import datetime as dt
import json

import pytest

from builders import body, connection, parameter, template
from httptask.errors import ExpressionError, RenderError, UnsupportedStyle
from httptask.render import build, check_body_kind, path_parts

INTEGER = {"type": "integer"}
ONE = {"path": "/pools/{{ poolId }}/updates", "parameters": (parameter("poolId", "path"), parameter("after"), parameter("limit"))}


def post(**changes):
    return template(method="POST", body=body(**changes))


def filled(tree, inputs, *, required=()):
    schemas = {name: {} for name in ("a", "b", "c")}
    task = post(template=tree, inputs=schemas, required_inputs=required)
    return json.loads(build(task, inputs, connection()).body)


def problems(task, inputs, to=None, **headers):
    with pytest.raises(RenderError) as caught:
        build(task, inputs, to or connection(), headers or None)
    return [(problem.where, problem.message) for problem in caught.value.problems]


# Where it goes


def test_values_go_to_their_slots():
    request = build(template(**ONE), {"poolId": "a/b", "limit": 5, "after": "x y"}, connection())
    assert request.method == "GET"
    assert request.url == "https://api.example.com/pools/a%2Fb/updates?after=x%20y&limit=5"
    assert request.body is None


def test_query_pairs_follow_the_template_and_not_the_caller():
    urls = [
        build(template(**ONE), {"poolId": "p", **given}, connection()).url
        for given in ({"after": "1", "limit": 2}, {"limit": 2, "after": "1"})
    ]
    assert urls == ["https://api.example.com/pools/p/updates?after=1&limit=2"] * 2


def test_an_omitted_optional_parameter_is_absent():
    assert build(template(**ONE), {"poolId": "p"}, connection()).url == "https://api.example.com/pools/p/updates"


@pytest.mark.parametrize(
    ("value", "query"), [("", "?after="), (0, "?after=0"), (False, "?after=false"), ([], ""), (["a", "b"], "?after=a&after=b")]
)
def test_a_falsy_value_is_a_value(value, query):
    assert build(template(parameters=(parameter("after"),)), {"after": value}, connection()).target == "/things" + query


def test_a_default_of_the_api_is_not_sent():
    task = template(parameters=(parameter("limit", schema={"type": "integer", "default": 5}),))
    assert build(task, {}, connection()).target == "/things"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://api.example.com", "https://api.example.com/things"),
        ("https://api.example.com/v1", "https://api.example.com/v1/things"),
        ("http://[::1]:8080/a/b", "http://[::1]:8080/a/b/things"),
    ],
)
def test_the_path_is_appended_to_the_base_url(base, url):
    assert build(template(), {}, connection(base_url=base)).url == url


def test_names_that_collide_are_told_apart_by_their_place():
    task = template(path="/t/{{ id }}", parameters=(parameter("id", "path"), parameter("id"), parameter("id", "header")))
    request = build(task, {"path_id": "p", "query_id": "q", "header_id": "h"}, connection())
    assert request.target == "/t/p?id=q"
    assert request.headers.get("id") == "h"


def test_a_path_parameter_may_share_its_segment_with_literal_text():
    task = template(path="/t/v{{ a }}.{{ inputs['b-c'] }}", parameters=(parameter("a", "path"), parameter("b-c", "path")))
    assert build(task, {"a": "1", "b-c": "x/y"}, connection()).target == "/t/v1.x%2Fy"


def test_literal_dots_and_a_value_make_no_dot_segment_together():
    task = template(path="/t/.{{ a }}", parameters=(parameter("a", "path"),))
    assert build(task, {"a": "x"}, connection()).target == "/t/.x"
    assert problems(task, {"a": "."})[0][0] == "a"


@pytest.mark.parametrize(
    "path",
    ["/t/{{ missing }}", "/t/{{ a | upper }}", "/t/{{ a ~ 'x' }}", "/t/{{ inputs.missing }}", "/t/{{ other.a }}", "/t/{{ 'a' }}"],
)
def test_a_placeholder_is_one_path_parameter(path):
    with pytest.raises(ExpressionError, match="a placeholder in a path must be one path parameter"):
        path_parts(template(path=path, parameters=(parameter("a", "path"),)))


def test_inputs_are_never_compiled():
    task = template(
        method="POST",
        path="/t/{{ a }}",
        parameters=(parameter("a", "path"), parameter("q"), parameter("X-H", "header")),
        body=body(),
    )
    hostile = "{{ inputs.a }}{% raw %}"
    request = build(task, {"a": hostile, "q": hostile, "X-H": hostile, "body": {"k": hostile}}, connection())
    encoded = "%7B%7B%20inputs.a%20%7D%7D%7B%25%20raw%20%25%7D"
    assert request.target == f"/t/{encoded}?q={encoded}"
    assert request.headers.get("X-H") == hostile
    assert json.loads(request.body) == {"k": hostile}


def test_every_problem_is_reported_at_once():
    task = template(
        path="/{{ a }}/{{ b }}",
        parameters=(
            *(parameter("a", "path"), parameter("b", "path"), parameter("q"), parameter("r")),
            *(parameter("X-H", "header"), parameter("X-I", "header")),
        ),
        method="POST",
        body=body(),
    )
    inputs = {"a": "..", "b": "", "q": None, "r": "\ud800", "X-H": "a\r\nb", "X-I": "\x00", "body": float("nan")}
    found = problems(task, inputs, connection(headers={"X-Bad": "é"}), Host="evil")
    assert [where for where, _ in found] == ["a", "b", "q", "r", "body", "X-Bad", "call header 'Host'", "X-H", "X-I"]


# Bodies


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({}, b"{}"),
        ([], b"[]"),
        (0, b"0"),
        ("", b'""'),
        (False, b"false"),
        (None, b"null"),
        ({"b": 1, "a": [1.0, True, None]}, b'{"b":1,"a":[1.0,true,null]}'),
        ({"text": "é\u2028\U0001f600"}, '{"text":"é\u2028\U0001f600"}'.encode()),
        ({"a": '\x00\n"'}, b'{"a":"\\u0000\\n\\""}'),
        (10**30, b"1" + b"0" * 30),
    ],
)
def test_json_is_compact_utf_8_in_the_callers_order(value, sent):
    request = build(post(), {"body": value}, connection())
    assert request.body == sent
    assert request.headers.get("Content-Type") == "application/json"
    assert request.headers.get("Content-Length") == str(len(sent))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "NaN, Infinity"),
        ({"a": [float("inf")]}, "NaN, Infinity"),
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (dt.date(2020, 1, 1), "Object of type date is not JSON serializable"),
        ({"a": {1, 2}}, "Object of type set is not JSON serializable"),
        (b"bytes", "Object of type bytes is not JSON serializable"),
    ],
)
def test_a_body_that_is_no_json_is_refused(value, message):
    [(where, text)] = problems(post(), {"body": value})
    assert where == "body"
    assert message in text


def test_a_body_nested_too_deep_is_refused():
    value = []
    for _ in range(5_000):
        value = [value]
    assert problems(post(), {"body": value}) == [("body", "it is nested too deep to be written as JSON")]


@pytest.mark.parametrize("kind", ["text/plain", "text/csv; charset=utf-8", "Text/Plain"])
def test_a_text_body_is_sent_as_it_is(kind):
    request = build(post(content_type=kind), {"body": 'é "x"\r\n'}, connection())
    assert request.body == 'é "x"\r\n'.encode()
    assert request.headers.get("Content-Type") == kind


@pytest.mark.parametrize(("value", "sent"), [("", b""), (5, b"5"), (True, b"true")])
def test_a_scalar_in_a_text_body_is_written_as_json_writes_it(value, sent):
    assert build(post(content_type="text/plain"), {"body": value}, connection()).body == sent


@pytest.mark.parametrize("value", [None, {"a": 1}, ["a"]])
def test_a_value_without_text_form_is_no_text_body(value):
    [(where, message)] = problems(post(content_type="text/plain"), {"body": value})
    assert (where, message.endswith("cannot be put into text")) == ("body", True)


@pytest.mark.parametrize("kind", ["application/json", "APPLICATION/JSON; a=b", "application/merge-patch+json", "text/plain"])
def test_body_kinds_with_an_encoder(kind):
    check_body_kind(kind, "here")


@pytest.mark.parametrize("kind", ["application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "", "json"])
def test_other_body_kinds_are_refused(kind):
    with pytest.raises(UnsupportedStyle, match=r"here: a body of type .* has no encoder yet"):
        check_body_kind(kind, "here")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "TRACE"])
def test_a_method_without_content_takes_no_body(method):
    assert problems(template(method=method, body=body()), {"body": {}}) == [("body", f"{method} takes no body")]


# Body templates


@pytest.mark.parametrize(
    ("tree", "inputs", "expected"),
    [
        ({"x": "{{ inputs.a }}"}, {"a": {"deep": [1]}}, {"x": {"deep": [1]}}),
        ({"x": "n-{{ inputs.a }}"}, {"a": 5}, {"x": "n-5"}),
        ({"x": "{{ inputs.a }}", "y": 1}, {}, {"y": 1}),
        ({"x": {"y": "{{ inputs.a }}"}}, {}, {"x": {}}),
        (["{{ inputs.a }}", "{{ inputs.b }}"], {"b": 0}, [0]),
        ({"x": "{{ inputs.a }}"}, {"a": None}, {"x": None}),
        ({"x": "{{ inputs.a }}"}, {"a": ""}, {"x": ""}),
        ({"x": "{{ inputs['a'] }}"}, {}, {}),
        ({"x": "{{ inputs.a.deep }}"}, {}, {}),
        ({"x": "{{ inputs.a | upper }}"}, {}, {}),
        ({"x": "{{ inputs.a | default(5) }}"}, {}, {"x": 5}),
        ({"x": "{{ inputs.a | default(5) }}"}, {"a": 6}, {"x": 6}),
        ({"x": "{{ inputs.a is defined }}"}, {}, {"x": False}),
        ({"x": True, "y": None, "z": 1.5}, {}, {"x": True, "y": None, "z": 1.5}),
        ({"{{ inputs.a }}": 1}, {"a": "k"}, {"{{ inputs.a }}": 1}),
    ],
)
def test_a_body_template_is_filled_and_omitted_inputs_leave_their_place_out(tree, inputs, expected):
    assert filled(tree, inputs) == expected


@pytest.mark.parametrize("tree", [{"x": "n-{{ inputs.a }}"}, {"x": "{{ inputs.a ~ inputs.b }}"}])
def test_text_around_an_omitted_input_is_an_error(tree):
    with pytest.raises(RenderError, match="'a' is not defined"):
        filled(tree, {})


def test_a_failing_expression_over_a_given_input_is_an_error():
    with pytest.raises(RenderError, match="is not text"):
        filled({"x": "{{ inputs.a | upper }}"}, {"a": 5})


def test_a_body_template_without_any_input_is_sent_all_the_same():
    assert filled({"fixed": 1}, {}) == {"fixed": 1}
