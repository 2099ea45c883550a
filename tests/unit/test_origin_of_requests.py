"""Whatever the inputs are, a rendered request goes to the connection's own origin and below its path."""

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import body, connection, parameter, provider, template
from httptask.errors import RenderError
from httptask.origins import credential_allowed
from httptask.render import build

HOSTILE = st.sampled_from(
    [
        *("https://evil.example/x", "//evil.example", "\\\\evil.example", "@evil.example", ":443@evil.example", ".evil.example"),
        *("/../..", "..", "%2e%2e", "#", "?", "?x#y", "\r\nHost: evil.example", "\x00", "\u3002evil.example", "[::1]"),
        *("{{ 7*7 }}", ""),
    ]
)
VALUES = st.one_of(HOSTILE, st.text(max_size=20), st.tuples(HOSTILE, HOSTILE).map("".join))
BASES = ["https://api.example.com", "https://gw.example.com:8443/base", "http://127.0.0.1:8080", "https://[2606::1]/a"]
TASK = template(
    method="POST",
    path="/{{ first }}/x/{{ second }}",
    parameters=(
        parameter("first", "path"),
        parameter("second", "path"),
        parameter("q", "query"),
        parameter("X-H", "header"),
    ),
    body=body(schema={"type": "string"}),
    # a server variable fills the documented URL only, which no connection uses
    provider=provider(server_url="https://{host}", server_variables={"host": {"default": "evil.example"}}),
)


INPUTS = st.fixed_dictionaries(dict.fromkeys(("first", "second", "q", "X-H", "body"), VALUES))


@pytest.mark.parametrize("base", BASES)
@given(INPUTS)
@example({"first": "https://evil.example/x", "second": "//evil.example", "q": "https://evil.example/x", "X-H": "evil.example"})
@example({"first": "a", "second": "@evil.example", "q": "@evil.example"})
def test_no_input_moves_the_request(base, inputs):
    try:
        request = build(TASK, inputs, connection(base_url=base))
    except RenderError:
        return
    assert request.origin == urlsplit(base)._replace(path="").geturl()
    assert credential_allowed(base, request.url)
    assert request.url.startswith(f"{base}/")
    assert urlsplit(request.url).path.count("/") == urlsplit(base).path.count("/") + 3
    assert "Host" not in request.headers
