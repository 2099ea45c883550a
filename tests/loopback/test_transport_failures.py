import contextlib
import socket
import threading

import pytest

from httptask import wire
from httptask.errors import ConnectFailed, ConnectionLost, TimedOut, TlsFailed, TransportError
from httptask.message import Timeouts
from httptask.secrets import Secret
from httptask.transport import RequestsTransport
from loopback.servers import (
    OK,
    OPENSSL,
    QUICK,
    RawServer,
    answering,
    closed_port,
    failure,
    full_backlog,
    get,
    hold,
    make_certificate,
    post,
    proxy,
    reset,
    server_context,
)

needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="the openssl command makes the certificates")


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def transport():
    with RequestsTransport() as made:
        yield made


@pytest.fixture
def connected(monkeypatch):
    """Set once the client's connect is through; a reset that comes sooner is a failed connect."""
    event, connect = threading.Event(), wire.create_connection

    def tell(*place):
        sock = connect(*place)
        event.set()
        return sock

    monkeypatch.setattr(wire, "create_connection", tell)
    return event


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate):
    return server_context(*certificate)


@pytest.fixture
def trusting(certificate):
    with RequestsTransport(verify=str(certificate[0])) as made:
        yield made


def here(_host, _port):
    return ("127.0.0.1",)


# What goes wrong before an answer


def test_an_unknown_host_is_dns(transport):
    assert failure(transport, get("http://host.invalid/")) == (ConnectFailed, "dns", "notSent")


def test_a_closed_port_is_refused(transport):
    assert failure(transport, get(f"http://127.0.0.1:{closed_port()}/")) == (ConnectFailed, "refused", "notSent")


def test_an_address_without_a_route_is_unreachable(transport, monkeypatch):
    def no_route(*_):
        raise OSError(113, "No route to host")

    monkeypatch.setattr(wire, "create_connection", no_route)
    assert failure(transport, get("http://127.0.0.1:9/")) == (ConnectFailed, "unreachable", "notSent")


def test_a_connect_that_hangs_is_a_connect_timeout(transport):
    with full_backlog() as port:
        request = get(f"http://127.0.0.1:{port}/")
        assert failure(transport, request, Timeouts(connect=0.2)) == (TimedOut, "connectTimeout", "notSent")


def test_a_connect_that_hangs_past_the_total_is_the_deadline(transport):
    with full_backlog() as port:
        request = get(f"http://127.0.0.1:{port}/")
        assert failure(transport, request, Timeouts(connect=5, total=0.2)) == (TimedOut, "deadline", "notSent")


def test_the_next_address_is_tried_within_the_connect_timeout(transport, monkeypatch):
    resolve, connect = socket.getaddrinfo, wire.create_connection
    with full_backlog() as hanging, RawServer(answering(OK)) as server:
        ports = iter([hanging, server.port])
        monkeypatch.setattr(wire, "create_connection", lambda _, *rest: connect(("127.0.0.1", next(ports)), *rest))
        monkeypatch.setattr(
            "socket.getaddrinfo",
            lambda host, *rest: resolve("127.0.0.1", *rest) * 2 if host == "two.invalid" else resolve(host, *rest),
        )
        response = transport.send(get("http://two.invalid/"), QUICK)
    assert response.status == 200
    assert 200 < response.timings["connect"] < 450


def test_a_reset_before_the_request_is_read_is_a_lost_connection(transport, connected):
    with RawServer(lambda _, sock: connected.wait(5) and reset(sock)) as server:
        assert failure(transport, post(server.url))[:2] == (ConnectionLost, "connectionLost")


@pytest.mark.parametrize("end", [reset, socket.socket.close])
def test_a_connection_lost_after_the_request_was_read_is_sent_without_answer(transport, end):
    with RawServer(answering(then=end)) as server:
        assert failure(transport, post(server.url)) == (ConnectionLost, "connectionLost", "sentWithoutAnswer")


def test_silence_is_a_read_timeout(transport):
    with RawServer(hold) as server:
        assert failure(transport, get(server.url), Timeouts(read=0.2)) == (TimedOut, "readTimeout", "sentWithoutAnswer")


def test_silence_past_the_total_is_the_deadline(transport):
    with RawServer(hold) as server:
        assert failure(transport, get(server.url), Timeouts(read=5, total=0.2)) == (TimedOut, "deadline", "sentWithoutAnswer")


def test_a_server_that_stops_taking_the_body_is_a_read_timeout(transport):
    with RawServer(hold) as server:
        request = post(server.url, bytes(20_000_000))
        assert failure(transport, request, Timeouts(read=0.2)) == (TimedOut, "readTimeout", "sentWithoutAnswer")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_http_is_a_protocol_error(transport, answer):
    def linger(sock):
        with contextlib.suppress(OSError):
            sock.recv(1)

    with RawServer(answering(answer, then=linger)) as server:
        assert failure(transport, get(server.url)) == (ConnectionLost, "protocolError", "sentWithoutAnswer")


def test_an_error_shows_neither_query_nor_header_and_keeps_no_trace_of_them(transport):
    request = get(f"http://127.0.0.1:{closed_port()}/p?key=planted-query", Authorization=Secret("planted-header"))
    with pytest.raises(TransportError) as caught:
        transport.send(request, QUICK)
    assert "planted" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_the_query_is_not_in_the_logs_below(transport, caplog):
    caplog.set_level("DEBUG")
    with RawServer(answering(OK)) as server:
        transport.send(get(f"{server.url}/p?key=planted"), QUICK)
    assert "/p" in caplog.text
    assert "planted" not in caplog.text


# TLS


@needs_openssl
def test_a_trusted_server_answers_over_tls(trusting, tls):
    with RawServer(answering(OK), tls=tls) as server:
        first, second = (trusting.send(get(server.url), QUICK) for _ in range(2))
        assert server.connections == 1
    assert (first.body, first.timings.keys() - second.timings.keys()) == (b"ok", {"dns", "connect", "tls"})


@needs_openssl
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_environments_ca_bundle_is_trusted(transport, tls, certificate, monkeypatch, name):
    monkeypatch.setenv(name, str(certificate[0]))
    with RawServer(answering(OK), tls=tls) as server:
        assert transport.send(get(server.url), QUICK).body == b"ok"


@needs_openssl
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_verification_can_be_switched_off_and_then_the_environment_has_no_say(tls, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    with RequestsTransport(verify=False) as careless, RawServer(answering(OK), tls=tls) as server:
        assert careless.send(get(server.url), QUICK).body == b"ok"


@needs_openssl
def test_an_untrusted_certificate_is_refused(transport, tls):
    with RawServer(answering(OK), tls=tls) as server:
        assert failure(transport, get(server.url)) == (TlsFailed, "tlsCertificate", "notSent")
    assert server.received == []


@needs_openssl
def test_a_certificate_for_another_host_is_refused(tmp_path):
    other = make_certificate(tmp_path, alt="DNS:other.example")
    with RequestsTransport(verify=str(other[0])) as trusting, RawServer(answering(OK), tls=server_context(*other)) as server:
        assert failure(trusting, get(server.url)) == (TlsFailed, "tlsCertificate", "notSent")
    assert server.received == []


@pytest.mark.parametrize(
    "handle",
    [
        lambda _, sock: sock.recv(1) and reset(sock),
        lambda _, sock: sock.recv(9999) and None,
        lambda _, sock: sock.recv(9999) and sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ],
    ids=["reset", "closed", "plain HTTP"],
)
def test_a_broken_handshake_is_not_sent(transport, handle):
    with RawServer(handle) as server:
        assert failure(transport, get(f"https://127.0.0.1:{server.port}/")) == (TlsFailed, "tlsHandshake", "notSent")


def test_a_hanging_handshake_is_a_connect_timeout_and_not_sent(transport):
    with RawServer(hold) as server:
        request = get(f"https://127.0.0.1:{server.port}/")
        assert failure(transport, request, Timeouts(connect=0.3, read=9)) == (TimedOut, "connectTimeout", "notSent")


@needs_openssl
@pytest.mark.parametrize("end", [reset, socket.socket.close])
def test_a_reset_over_tls_after_the_request_was_read_is_sent_without_answer(trusting, tls, end):
    with RawServer(answering(then=end), tls=tls) as server:
        assert failure(trusting, post(server.url)) == (ConnectionLost, "connectionLost", "sentWithoutAnswer")


# Proxies


def test_a_plain_request_goes_to_the_environments_proxy_with_its_exact_target(transport, monkeypatch):
    with RawServer(proxy()) as middle:
        monkeypatch.setenv("HTTP_PROXY", middle.url.replace("//", "//user:word@"))
        response = transport.send(get("http://origin.invalid/a%2Fb/%2e%2E?q=%c3%a9"), QUICK)
    assert response.body == b"proxy"
    assert middle.received == [
        (
            b"GET http://origin.invalid/a%2Fb/%2e%2E?q=%c3%a9 HTTP/1.1\r\nHost: origin.invalid\r\nUser-Agent: t\r\n"
            b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n\r\n"
        )
    ]


def test_no_proxy_is_honoured(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "name.invalid")
    with RawServer(answering(OK)) as server, RequestsTransport(resolve=here) as transport:
        assert transport.send(get(f"http://name.invalid:{server.port}/"), QUICK).body == b"ok"


@needs_openssl
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "127.1"])
def test_this_machine_is_never_reached_through_a_proxy(trusting, tls, monkeypatch, host):
    with RawServer(proxy()) as middle, RawServer(answering(OK)) as plain, RawServer(answering(OK), tls=tls) as secure:
        monkeypatch.setenv("ALL_PROXY", middle.url)
        assert trusting.send(get(f"http://{host}:{plain.port}/"), QUICK).body == b"ok"
        assert not trusting.send(get(f"https://127.0.0.1:{secure.port}/"), QUICK).proxied
        assert middle.connections == 0


@needs_openssl
def test_tls_goes_through_a_tunnel_and_the_proxy_sees_no_request(trusting, tls, monkeypatch):
    with RawServer(proxy()) as middle, RawServer(answering(OK), tls=tls) as server:
        monkeypatch.setenv("HTTPS_PROXY", middle.url)
        response = trusting.send(get(f"https://origin.invalid:{server.port}/"), QUICK)
        assert (response.body, "proxy" in response.timings) == (b"ok", True)
        assert len(middle.received) == len(server.received) == 1
        trusting.close()
    assert middle.received[0].startswith(b"CONNECT origin.invalid:")


@needs_openssl
def test_an_https_proxy_is_trusted_like_a_server(trusting, tls, monkeypatch):
    with RawServer(proxy(), tls=tls) as middle:
        monkeypatch.setenv("HTTP_PROXY", middle.url)
        assert trusting.send(get("http://origin.invalid/x"), QUICK).body == b"proxy"


@needs_openssl
def test_an_untrusted_certificate_behind_a_proxy_is_the_servers(transport, tls, monkeypatch):
    with RawServer(proxy()) as middle, RawServer(answering(OK), tls=tls) as server:
        monkeypatch.setenv("HTTPS_PROXY", middle.url)
        outside = get(f"https://origin.invalid:{server.port}/")
        assert failure(transport, outside) == (TlsFailed, "tlsCertificate", "notSent")
        assert len(middle.received) == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"garbage\r\n\r\n", b""])
def test_a_refused_tunnel_is_not_sent(transport, monkeypatch, answer):
    with RawServer(proxy(refuse=answer)) as middle:
        monkeypatch.setenv("HTTPS_PROXY", middle.url)
        assert failure(transport, post("https://origin.invalid/")) == (ConnectFailed, "proxy", "notSent")


def test_a_proxy_that_hangs_is_the_proxy(transport, monkeypatch):
    with RawServer(hold) as middle:
        monkeypatch.setenv("HTTPS_PROXY", middle.url)
        assert failure(transport, get("https://origin.invalid/"), Timeouts(connect=0.2)) == (ConnectFailed, "proxy", "notSent")


@pytest.mark.parametrize("address", ["http://127.0.0.1:{port}", "http://proxy.invalid:1", "socks5://127.0.0.1:1", "http://"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_cannot_be_used_is_the_proxy(transport, monkeypatch, address, scheme):
    monkeypatch.setenv(f"{scheme}_proxy", address.format(port=closed_port()))
    assert failure(transport, get(f"{scheme}://origin.invalid/")) == (ConnectFailed, "proxy", "notSent")


def test_the_proxy_of_an_origin_is_looked_up_once(monkeypatch):
    asked = []
    monkeypatch.setattr("requests.utils.get_environ_proxies", lambda url, no_proxy: asked.append(url) or {})
    with RawServer(answering(OK)) as server, RequestsTransport(resolve=here) as transport:
        for path in ("/a", "/b"):
            transport.send(get(f"http://name.invalid:{server.port}{path}"), QUICK)
    assert asked == [f"http://name.invalid:{server.port}"]
