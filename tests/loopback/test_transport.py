import gzip
import socket
import threading
import time
import tracemalloc
import zlib

import pytest

from httptask.errors import ConnectionLost, EgressRefused, TimedOut
from httptask.message import Headers, Request, Timeouts
from httptask.secrets import Secret
from httptask.transport import RequestsTransport
from loopback.servers import (
    OK,
    QUICK,
    RawServer,
    answering,
    failure,
    get,
    post,
    read_request,
    reset,
)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def transport():
    with RequestsTransport() as made:
        yield made


# What goes out


def test_the_bytes_on_the_socket_are_the_request_and_a_host_header(transport):
    with RawServer(answering(OK)) as server:
        request = Request(
            "POST",
            f"{server.url}/a%2Fb/%2E%2e/%c3%A9/~x;v=1?q=%20a+b&q=%2f&empty=&t={{}}|",
            Headers(
                (("user-agent", "t/1"), ("X-Two", "1"), ("X-Key", Secret("k\xe9y")), ("X-Two", "2"), ("Content-Length", "3"))
            ),
            b"a\x00b",
        )
        assert transport.send(request, QUICK).body == b"ok"
    assert server.received == [
        b"POST /a%2Fb/%2E%2e/%c3%A9/~x;v=1?q=%20a+b&q=%2f&empty=&t={}| HTTP/1.1\r\nHost: 127.0.0.1:"
        + str(server.port).encode()
        + b"\r\n"
        b"user-agent: t/1\r\nX-Two: 1\r\nX-Two: 2\r\nX-Key: k\xe9y\r\nContent-Length: 3\r\n\r\na\x00b"
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST", "PUT"])
def test_nothing_but_host_is_added_to_a_request_without_headers(transport, method):
    with RawServer(answering(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        transport.send(Request(method, f"{server.url}/x", Headers()), QUICK)
    assert server.received == [f"{method} /x HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()]


def test_netrc_is_not_consulted(transport, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password planted\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with RawServer(answering(OK)) as server:
        transport.send(get(server.url), QUICK)
    assert b"authorization" not in server.received[0].lower()


def test_a_cookie_is_not_sent_back(transport):
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nContent-Length: 0\r\n\r\n")) as server:
        for _ in range(2):
            transport.send(get(server.url), QUICK)
    assert b"cookie" not in server.received[1].lower()


def test_a_redirect_is_returned_and_not_followed(transport):
    with RawServer(answering(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")) as server:
        assert transport.send(get(server.url), QUICK).status == 302
    assert len(server.received) == 1


def test_a_server_error_is_sent_for_once(transport):
    with RawServer(answering(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")) as server:
        assert transport.send(get(server.url), QUICK).status == 503
    assert len(server.received) == 1


# What comes back


def test_repeated_response_headers_stay_apart(transport):
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nLink: <a>\r\nContent-Length: 0\r\nlink: <b>\r\n\r\n")) as server:
        assert transport.send(get(server.url), QUICK).headers.all("Link") == ("<a>", "<b>")


def test_a_new_connection_has_all_timings_and_a_reused_one_only_the_exchange(transport):
    with RawServer(answering(OK)) as server:
        first, second = (transport.send(get(server.url), QUICK) for _ in range(2))
        assert server.connections == 1
    assert set(first.timings) == {"dns", "connect", "wait", "body"}
    assert set(second.timings) == {"wait", "body"}


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Encoding: gzip\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_an_answer_without_content_is_whole_and_keeps_the_connection(transport, method, answer):
    with RawServer(answering(answer)) as server:
        for _ in range(2):
            response = transport.send(Request(method, server.url, Headers()), QUICK)
            assert (response.body, response.incomplete) == (b"", None)
        assert server.connections == 1


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Wait\r\n\r\n"]
)
def test_an_interim_answer_is_passed_over(transport, interim):
    with RawServer(answering(interim * 2 + OK)) as server:
        response = transport.send(get(server.url), QUICK)
    assert (response.status, response.body, len(response.headers)) == (200, b"ok", 1)


def test_a_chunked_body_is_joined_and_its_connection_reused(transport):
    chunks = b"".join(b"%x;ext=1\r\n%b\r\n" % (size, b"x" * size) for size in range(1, 700)) + b"0\r\nTrailer: 1\r\n\r\n"
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)) as server:
        responses = [transport.send(get(server.url), QUICK) for _ in range(2)]
        assert server.connections == 1
    assert {(len(response.body), response.incomplete) for response in responses} == {(sum(range(1, 700)), None)}


def encoded(coding, data):
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (coding, len(data), data)


RAW_DEFLATE = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW_DEFLATE.compress(b"hello") + RAW_DEFLATE.flush()


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (b"gzip", gzip.compress(b"hello", mtime=0)),
        (b"X-GZIP", gzip.compress(b"hello", mtime=0)),
        (b"gzip", gzip.compress(b"hel", mtime=0) + gzip.compress(b"lo", mtime=0) + b"\0\0"),
        (b"deflate", zlib.compress(b"hello")),
        (b"deflate", RAW_DEFLATE),
        (b"identity", b"hello"),
    ],
)
def test_content_codings_are_decoded(transport, coding, data):
    with RawServer(answering(encoded(coding, data))) as server:
        response = transport.send(get(server.url), QUICK)
    assert (response.body, response.incomplete) == (b"hello", None)


@pytest.mark.parametrize(
    ("coding", "data", "body"),
    [
        (b"gzip", b"not gzip", b""),
        (b"gzip", gzip.compress(b"hello", mtime=0)[:-4], b"hello"),
        (b"br", b"?", b"?"),
        (b"gzip, gzip", b"?", b"?"),
    ],
)
def test_content_that_cannot_be_decoded_is_undecodable(transport, coding, data, body):
    with RawServer(answering(encoded(coding, data))) as server:
        response = transport.send(get(server.url), QUICK)
    assert (response.status, response.body, response.incomplete) == (200, body, "undecodable")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", b"hello"),
        *(
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n", b"")
            for size in (b"zz", b"-5", b"+5", b" 5", b"0x5", b"0_5", b"", b"5\x0b", b"1" * 17)
        ),
    ],
)
@pytest.mark.parametrize("end", [socket.socket.close, reset])
def test_a_body_cut_short_is_truncated_and_what_came_is_kept(transport, answer, body, end):
    cut = end if end is socket.socket.close else lambda sock: (time.sleep(0.05), reset(sock))
    with RawServer(answering(answer, then=cut)) as server:
        response = transport.send(get(server.url), QUICK)
    assert (response.status, response.body, response.incomplete) == (200, body, "truncated")


@pytest.mark.parametrize("size", [b"5", b"005", b"5 ", b"5;a=b", b"5 ; a", b"5;\xff"])
def test_a_chunk_size_may_be_padded_and_extended(transport, size):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\nhello\r\n0\r\n\r\n"
    with RawServer(answering(answer)) as server:
        response = transport.send(get(server.url), QUICK)
    assert (response.body, response.incomplete) == (b"hello", None)


def test_a_body_that_stalls_has_timed_out_and_what_came_is_kept(transport):
    with RawServer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", b"lo", gap=0.05)) as server:
        response = transport.send(get(server.url), Timeouts(read=0.2))
        assert (response.status, response.body, response.incomplete) == (200, b"hello", "timedOut")


def test_a_dripping_body_is_stopped_by_the_total(transport):
    drip = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", *[b"x"] * 99, gap=0.05)
    with RawServer(drip) as server:
        started = time.monotonic()
        response = transport.send(get(server.url), Timeouts(read=0.5, total=0.3))
        assert time.monotonic() - started < 0.6
    assert (response.status, response.incomplete) == (200, "timedOut")
    assert 2 <= len(response.body) <= 6


def test_dripping_headers_are_stopped_by_the_total(transport):
    drip = answering(b"HTTP/1.1 200 OK\r\n", *[b"x"] * 99, gap=0.05)
    with RawServer(drip) as server:
        started = time.monotonic()
        assert failure(transport, get(server.url), Timeouts(read=0.5, total=0.3)) == (TimedOut, "deadline", "sentWithoutAnswer")
        assert time.monotonic() - started < 0.6


@pytest.mark.parametrize("framing", [b"Content-Length: 200000\r\n\r\n", b"Connection: close\r\n\r\n"])
def test_a_body_over_the_cap_is_cut_and_its_connection_not_reused(framing):
    with (
        RequestsTransport(max_body=1000) as small,
        RawServer(answering(b"HTTP/1.1 200 OK\r\n" + framing + b"x" * 200_000)) as server,
    ):
        responses = [small.send(get(server.url), QUICK) for _ in range(2)]
        assert server.connections == 2
    assert {(response.body, response.incomplete) for response in responses} == {(b"x" * 1000, "tooLarge")}


def test_a_gzip_bomb_stops_at_the_cap_with_flat_memory():
    bomb = encoded(b"gzip", gzip.compress(bytes(100_000_000)))
    with RequestsTransport(max_body=1_000_000) as small, RawServer(answering(bomb)) as server:
        small.send(get(server.url), QUICK)
        tracemalloc.start()
        response = small.send(get(server.url), QUICK)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (len(response.body), response.incomplete) == (1_000_000, "tooLarge")
    assert peak < 5_000_000


def test_a_body_of_exactly_the_cap_is_whole():
    with RequestsTransport(max_body=2) as small, RawServer(answering(OK)) as server:
        assert small.send(get(server.url), QUICK).incomplete is None


# Pool


def close_then_tell(closed):
    def end(sock):
        sock.close()
        closed.set()

    return end


def test_a_connection_closed_while_idle_is_replaced(transport):
    closed = threading.Event()
    with RawServer(answering(OK, then=close_then_tell(closed))) as server:
        for _ in range(2):
            assert transport.send(post(server.url), QUICK).status == 200
            assert closed.wait(5)
            closed.clear()
        assert server.connections == 2


def test_a_stale_connection_that_looked_alive_and_took_bytes_is_sent_without_answer(transport, monkeypatch):
    closed = threading.Event()
    with RawServer(answering(OK, then=close_then_tell(closed))) as server:
        transport.send(post(server.url), QUICK)
        assert closed.wait(5)
        monkeypatch.setattr("urllib3.connectionpool.is_connection_dropped", lambda _: False)
        assert failure(transport, post(server.url)) == (ConnectionLost, "connectionLost", "sentWithoutAnswer")


def test_a_stale_connection_that_refuses_the_first_byte_is_not_sent(transport, monkeypatch):
    closed = threading.Event()

    def cut(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        close_then_tell(closed)(sock)

    with RawServer(answering(OK, then=cut)) as server:
        transport.send(post(server.url), QUICK)
        assert closed.wait(5)
        monkeypatch.setattr("urllib3.connectionpool.is_connection_dropped", lambda _: False)
        assert failure(transport, post(server.url)) == (ConnectionLost, "connectionLost", "notSent")


def test_an_interrupted_exchange_leaves_no_connection_in_the_pool(transport, monkeypatch):
    with RawServer(answering(OK)) as server:
        with monkeypatch.context() as patch:
            patch.setattr("httptask.transport.read_body", interrupt)
            with pytest.raises(KeyboardInterrupt):
                transport.send(get(server.url), QUICK)
        assert transport.send(get(server.url), QUICK).body == b"ok"
        assert server.connections == 2


def interrupt(*_):
    raise KeyboardInterrupt


def test_threads_share_one_transport(transport):
    def echo(server, sock):
        while request := read_request(server, sock):
            body = request.split(b" ")[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

    wrong = []

    def work(number):
        for turn in range(10):
            target = f"/{number}/{turn}"
            if transport.send(get(server.url + target), Timeouts()).body != target.encode():
                wrong.append(target)

    with RawServer(echo) as server:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert len(server.received) == 320
        assert server.connections <= 32
    assert wrong == []


# URLs


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/",
        "http:///x",
        "http://user:word@127.0.0.1/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/a\nb",
        "http://127.0.0.1/\xe9",
        "http://127.0.0.1/#part",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:/",
        "http://[::zz]/",
        "http://[1::2::3]/",
        "http://127.0.0.1\\@host.invalid/",
        "http://" + "a" * 70 + ".invalid/",
    ],
)
def test_a_url_that_cannot_be_sent_as_it_stands_is_refused(transport, url):
    assert failure(transport, get(url)) == (EgressRefused, "invalidUrl", "notSent")
