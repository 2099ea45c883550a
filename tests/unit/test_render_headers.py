import itertools

import pytest

from builders import body, connection, parameter, provider, template
from httptask.auth import ApiToken
from httptask.errors import RenderError
from httptask.render import LOCKED_HEADERS, USER_AGENT, build
from httptask.secrets import Secret

LAYERS = ("provider", "template", "connection", "call", "parameter")


def layered(values):
    """Return what `build` takes so that each named layer sets the header `X-Who`, each in its own spelling."""
    task = template(
        provider=provider(headers={"X-Who": values["provider"]} if "provider" in values else {}),
        headers={"x-who": values["template"]} if "template" in values else {},
        parameters=(parameter("x-WHO", "header"),) if "parameter" in values else (),
    )
    to = connection(headers={"X-WHO": values["connection"]} if "connection" in values else {})
    inputs = {"x-WHO": values["parameter"]} if "parameter" in values else {}
    return task, inputs, to, {"x-Who": values["call"]} if "call" in values else None


def failing(task, inputs=None, to=None, headers=None):
    with pytest.raises(RenderError) as caught:
        build(task, inputs or {}, to or connection(), headers)
    return [str(problem) for problem in caught.value.problems]


def headers_of(task, inputs=None, **call):
    return dict(build(task, inputs or {}, connection(), call).headers)


@pytest.mark.parametrize("layers", [c for n in range(1, 6) for c in itertools.combinations(LAYERS, n)])
def test_the_highest_layer_wins_and_names_merge_without_case(layers):
    headers = build(*layered({layer: layer for layer in layers})).headers
    assert headers.all("X-Who") == (layers[-1],)


def test_without_anything_to_say_these_headers_are_sent():
    assert list(build(template(), {}, connection()).headers) == [
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip"),
        ("User-Agent", USER_AGENT),
    ]


@pytest.mark.parametrize("name", ["Accept", "accept-encoding", "USER-AGENT"])
def test_our_own_defaults_can_be_replaced(name):
    headers = build(template(), {}, connection(), {name: "mine"}).headers
    assert headers.all(name) == ("mine",)
    assert len(headers) == 3


def test_headers_stand_in_the_order_of_their_layers():
    task = template(
        provider=provider(headers={"A": "1"}),
        headers={"B": "2"},
        parameters=(parameter("E", "header"),),
        method="POST",
        body=body(),
    )
    request = build(task, {"E": "5", "body": {}}, connection(headers={"C": "3"}), {"D": "4"})
    names = [name for name, _ in request.headers]
    assert names == ["Accept", "Accept-Encoding", "User-Agent", "A", "B", "C", "D", "E", "Content-Type", "Content-Length"]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", sorted(LOCKED_HEADERS))
def test_a_locked_header_is_refused_in_every_layer(layer, name):
    shown = name.title()
    task = template(
        provider=provider(headers={shown: "1"} if layer == "provider" else {}),
        headers={shown: "1"} if layer == "template" else {},
        parameters=(parameter(shown, "header"),) if layer == "parameter" else (),
    )
    to = connection(headers={shown: "1"} if layer == "connection" else {})
    inputs = {shown: "1"} if layer == "parameter" else {}
    assert failing(task, inputs, to, {shown: "1"} if layer == "call" else {}) == [
        f"{layer} header '{shown}': this header is set by httptask alone (remove it; credentials belong in the connection)"
    ]


def test_the_header_of_the_connections_credential_is_locked_too():
    to = connection(auth=ApiToken("apiToken", Secret("s3cr3t-token"), header="X-Api-Key", prefix=""))
    assert "call header 'x-api-key'" in failing(template(), to=to, headers={"x-api-key": "other"})[0]
    assert build(template(), {}, connection(), {"x-api-key": "other"}).headers.get("X-Api-Key") == "other"


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "\x00", "é", " a", "a\t"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_value_that_breaks_its_line_is_refused_in_every_layer(layer, value):
    task, inputs, to, call = layered({layer: value})
    if layer == "template":
        task = template(headers={"X-Who": "{{ inputs.q }}"}, parameters=(parameter("q"),))
        inputs = {"q": value}
    [problem] = failing(task, inputs, to, call)
    assert "a header value must be visible ASCII" in problem


@pytest.mark.parametrize("name", ["a b", "a:b", "a\r\n", "", "é"])
def test_a_name_that_is_no_token_is_refused(name):
    assert "a header name must be a token" in failing(template(), headers={name: "1"})[0]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_method_that_may_have_a_body_says_that_it_has_none(method):
    headers = headers_of(template(method=method))
    assert headers["Content-Length"] == "0"
    assert "Content-Type" not in headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
def test_other_methods_without_a_body_say_nothing_of_it(method):
    assert not {"Content-Length", "Content-Type"} & set(headers_of(template(method=method)))


def test_an_omitted_optional_body_leaves_no_content_type():
    task = template(method="POST", body=body(), headers={"Content-Type": "application/json"})
    assert "Content-Type" not in headers_of(task)
    assert headers_of(task)["Content-Length"] == "0"


def test_an_empty_text_body_is_a_body():
    headers = headers_of(template(method="POST", body=body(content_type="text/plain")), {"body": ""})
    assert (headers["Content-Type"], headers["Content-Length"]) == ("text/plain", "0")


def test_the_length_counts_bytes_and_not_characters():
    task = template(method="POST", body=body())
    assert headers_of(task, {"body": "é"})["Content-Length"] == "4"


def test_a_more_exact_content_type_of_the_caller_stays():
    request = build(template(method="POST", body=body()), {"body": 1}, connection(), {"content-type": "application/json; v=2"})
    assert request.headers.all("Content-Type") == ("application/json; v=2",)


@pytest.mark.parametrize(
    ("text", "inputs", "expected"),
    [
        ("fixed", {}, "fixed"),
        ("{{ inputs.q }}", {"q": 5}, "5"),
        ("{{ inputs.q }}", {"q": True}, "true"),
        ("v{{ inputs.q }}", {"q": "1"}, "v1"),
        ("{{ inputs.q }}", {}, None),
        ("{{ inputs.q | upper }}", {}, None),
        ("{{ inputs.q | default('none') }}", {}, "none"),
    ],
)
def test_a_header_of_the_template_is_an_expression_over_the_inputs(text, inputs, expected):
    task = template(headers={"X-Q": text}, parameters=(parameter("q"),))
    assert build(task, inputs, connection()).headers.get("X-Q") == expected


@pytest.mark.parametrize("value", [None, ["a"], {"a": "c4n4ry"}])
def test_a_header_of_the_template_needs_a_text_form(value):
    task = template(headers={"X-Q": "{{ inputs.body }}"}, method="POST", body=body())
    [problem] = failing(task, {"body": value})
    assert "cannot be put into text" in problem
    assert "c4n4ry" not in problem


def test_headers_of_provider_connection_and_call_are_never_compiled():
    hostile = "{{ inputs.q }}"
    task = template(provider=provider(headers={"A": hostile}))
    headers = build(task, {}, connection(headers={"B": hostile}), {"C": hostile}).headers
    assert [headers.get(name) for name in "ABC"] == [hostile] * 3
