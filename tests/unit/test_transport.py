import gzip

import pytest
import requests
import responses
from urllib3.exceptions import NameResolutionError

from httptask.errors import ConfigurationError, ConnectFailed, ConnectionLost, RenderError, TimedOut, TlsFailed, TransportError
from httptask.message import Headers, Request, Timeouts
from httptask.secrets import Secret
from httptask.transport import RequestsTransport
from httptask.wire import Call

URL = "https://example.test/a%2Fb?q=1"


@pytest.fixture
def transport():
    with RequestsTransport(max_body=100) as made:
        yield made


@pytest.fixture
def wire():
    with responses.RequestsMock() as mock:
        yield mock


def request(method="GET", body=None, **headers):
    return Request(method, URL, Headers.of(headers), body)


def test_a_mocked_answer_comes_back_as_a_response(transport, wire):
    wire.get(URL, status=201, body=b"ok", headers={"X-A": "1"})
    response = transport.send(request(), Timeouts())
    assert (response.status, response.body, response.incomplete) == (201, b"ok", None)
    assert response.headers.get("x-a") == "1"


def test_repeated_headers_and_secrets_reach_the_adapter(transport, wire):
    wire.get(URL)
    transport.send(Request("GET", URL, Headers((("X", "1"), ("X", "2"), ("Authorization", Secret("word"))))), Timeouts())
    sent = wire.calls[0].request.headers
    assert (sent.getlist("X"), sent["Authorization"]) == (["1", "2"], "word")


def test_the_url_is_not_normalised_on_its_way_to_the_adapter(transport, wire):
    wire.get("https://example.test/%2e%2e/x")
    transport.send(Request("GET", "https://example.test/%2e%2e/x", Headers()), Timeouts())
    assert wire.calls[0].request.url == "https://example.test/%2e%2e/x"


def test_a_mocked_gzip_body_is_decoded_and_capped(transport, wire):
    wire.get(URL, body=gzip.compress(b"x" * 101), headers={"Content-Encoding": "gzip"})
    response = transport.send(request(), Timeouts())
    assert (response.body, response.incomplete) == (b"x" * 100, "tooLarge")


def test_a_body_shorter_than_its_length_is_truncated(transport, wire):
    wire.get(URL, body=b"ok", headers={"Content-Length": "9"}, auto_calculate_content_length=False)
    assert transport.send(request(), Timeouts()).incomplete == "truncated"


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (requests.ConnectTimeout(), (TimedOut, "connectTimeout", "notSent")),
        (requests.ReadTimeout(), (TimedOut, "readTimeout", "sentWithoutAnswer")),
        (requests.ConnectionError(ConnectionRefusedError()), (ConnectFailed, "refused", "notSent")),
        (requests.ConnectionError(NameResolutionError("h", None, OSError())), (ConnectFailed, "dns", "notSent")),
        (requests.ConnectionError("Connection aborted."), (ConnectionLost, "connectionLost", "sentWithoutAnswer")),
        (requests.exceptions.ProxyError(), (ConnectFailed, "proxy", "notSent")),
        (requests.exceptions.SSLError(), (TlsFailed, "tlsHandshake", "notSent")),
    ],
)
def test_an_error_that_no_connection_watched_is_not_taken_for_unsent_unless_its_type_proves_it(transport, wire, raised, expected):
    wire.get(URL, body=raised)
    with pytest.raises(TransportError) as caught:
        transport.send(request(), Timeouts())
    assert (type(caught.value), caught.value.code, caught.value.phase) == expected


def test_an_error_the_caller_is_handling_does_not_colour_ours(transport, wire):
    wire.get(URL, body=requests.ReadTimeout())
    try:
        raise ConnectionRefusedError  # noqa: TRY301  # what the caller is handling
    except ConnectionRefusedError:
        with pytest.raises(TimedOut) as caught:
            transport.send(request(), Timeouts())
    assert caught.value.code == "readTimeout"


@pytest.mark.parametrize("value", ["planted\r\nX: 1", "planted\n", "planted\0", "planted\x7f", "planted \u20ac"])
@pytest.mark.parametrize("wrap", [str, Secret])
def test_a_header_value_that_cannot_be_written_is_refused_without_showing_it(transport, value, wrap):
    with pytest.raises(RenderError) as caught:
        transport.send(request(**{"X-Key": wrap(value)}), Timeouts())
    assert "headers.X-Key" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "\xe9"])
def test_a_header_name_that_is_not_a_token_is_refused(transport, name):
    with pytest.raises(RenderError):
        transport.send(request(**{name: "1"}), Timeouts())


@pytest.mark.parametrize(("body", "length"), [(b"abc", "2"), (b"abc", None), (None, "1"), (b"", "1")])
def test_a_content_length_that_does_not_fit_the_body_is_refused(transport, body, length):
    with pytest.raises(RenderError):
        transport.send(request("POST", body, **({"Content-Length": length} if length else {})), Timeouts())


def test_a_missing_ca_bundle_is_a_configuration_error(tmp_path):
    with RequestsTransport(verify=str(tmp_path / "none.pem")) as transport, pytest.raises(ConfigurationError) as caught:
        transport.send(request(), Timeouts())
    assert str(tmp_path) not in str(caught.value)


class Ticking:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_patience_is_the_connect_time_left_then_the_read_time_and_never_past_the_total():
    clock = Ticking()
    call = Call(request(), Timeouts(connect=5, read=30, total=40), clock)
    clock.now += 2
    assert (call.patience(), call.total_rules) == (3, False)
    call.stage = "exchange"
    assert (call.patience(), call.total_rules) == (30, False)
    clock.now += 18
    assert (call.patience(), call.total_rules) == (20, True)
    clock.now += 20
    with pytest.raises(TimeoutError):
        call.patience()


def test_a_short_read_time_after_a_connect_ruled_by_the_total_is_not_the_total():
    call = Call(request(), Timeouts(connect=5, read=1, total=3), Ticking())
    assert (call.patience(), call.total_rules) == (3, True)
    call.stage = "exchange"
    assert (call.patience(), call.total_rules) == (1, False)


def test_laps_are_milliseconds_since_the_mark():
    clock = Ticking()
    call = Call(request(), Timeouts(), clock)
    clock.now += 1
    call.mark()
    clock.now += 0.25
    call.lap("dns")
    clock.now += 0.5
    call.lap("connect")
    assert call.timings == {"dns": 250, "connect": 500}
