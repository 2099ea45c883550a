"""What a hostile server may send, how it ends, and how little it costs."""

import itertools
import time
import tracemalloc
import zlib

import pytest

from httptask import wire
from httptask.errors import ConnectionLost, TimedOut
from httptask.message import Timeouts
from httptask.transport import RequestsTransport
from loopback.servers import OK, RawServer, failure, get, read_request

pytestmark = pytest.mark.broad

CAP = 1_000_000
PATIENT = Timeouts(connect=2, read=5, total=20)
NOT_HTTP = (ConnectionLost, "protocolError", "sentWithoutAnswer")
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def transport():
    with RequestsTransport(max_body=CAP) as made:
        yield made


class Flood:
    """A handler that answers one request with pieces until they end or the client hangs up; counts what it got rid of."""

    def __init__(self, *pieces, gap=0.0):
        self.pieces = pieces
        self.gap = gap
        self.sent = 0

    def __call__(self, server, sock):
        read_request(server, sock)
        for piece in itertools.chain.from_iterable(self.pieces):
            if self.gap and server.stopping.wait(self.gap):
                return
            sock.sendall(piece)
            self.sent += len(piece)


def measured(transport, server):
    """Return the response and the peak of memory that reading it took, once everything that is loaded once is loaded."""
    tracemalloc.start()
    try:
        response = transport.send(get(server.url), PATIENT)
        return response, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def compressed(wbits):
    """Return a stream's beginning and a block of a megabyte of zeros that may follow it any number of times."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, wbits)
    beginning = squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return beginning, squeeze.compress(bytes(1 << 20)) + squeeze.flush(zlib.Z_FULL_FLUSH)


CODINGS = [("gzip", 31), ("x-gzip", 31), ("deflate", 15), ("deflate", -15)]


@pytest.mark.parametrize(("coding", "wbits"), CODINGS)
def test_a_bomb_of_ten_gigabytes_stops_at_the_cap_with_flat_memory(transport, coding, wbits):
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nConnection: close\r\n\r\n".encode()
    beginning, block = compressed(wbits)
    bomb = Flood([head, beginning], itertools.repeat(block, 10 * 1024 - 1))
    with RawServer(bomb) as server:
        response, peak = measured(transport, server)
    assert (response.status, len(response.body), response.incomplete) == (200, CAP, "tooLarge")
    assert peak < 5 * CAP
    assert bomb.sent < 10 * 1024 * len(block) / 2, "the server was stopped long before its end"


def test_the_block_of_the_bomb_really_is_a_megabyte():
    beginning, block = compressed(31)
    assert len(zlib.decompressobj(31).decompress(beginning + block * 3)) == 4 << 20


def empty_member():
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    return squeeze.compress(b"") + squeeze.flush()


ZEROS = bytes(100_000)
ENDLESS = [
    # what comes for ever, how the body ends
    ("chunks", [CHUNKED], b"186a0\r\n" + ZEROS + b"\r\n", "tooLarge"),
    ("a body without a length", [b"HTTP/1.1 200 OK\r\n\r\n"], ZEROS, "tooLarge"),
    ("chunk extensions", [CHUNKED], b"1;" + b"e" * 60_000 + b"\r\nx\r\n", "tooLarge"),
    ("trailers", [CHUNKED + b"1\r\nx\r\n0\r\n"], b"X-T: " + b"t" * 60_000 + b"\r\n", "tooLarge"),
    ("one chunk size without an end", [CHUNKED], b"0" * 60_000, "truncated"),
    ("empty gzip members", [b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"], empty_member() * 1000, "undecodable"),
    (
        "empty deflate blocks",
        [b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n"],
        b"\x00\x00\x00\xff\xff" * 10_000,
        "tooLarge",
    ),
]


@pytest.mark.parametrize(("beginning", "piece", "ending"), [row[1:] for row in ENDLESS], ids=[row[0] for row in ENDLESS])
def test_an_endless_body_is_cut_off_after_bounded_bytes_with_flat_memory(transport, beginning, piece, ending):
    flood = Flood(beginning, itertools.repeat(piece))
    with RawServer(flood) as server:
        response, peak = measured(transport, server)
    assert (response.status, response.incomplete) == (200, ending)
    assert len(response.body) <= CAP
    assert peak < 5 * CAP
    # what stands in the buffers of two sockets was sent without ever being read
    assert flood.sent < wire.WIRE_FACTOR * CAP + wire.WIRE_SPARE + 16_000_000


def test_a_body_in_chunks_of_one_byte_is_whole(transport):
    with RawServer(Flood([CHUNKED], itertools.repeat(b"1\r\nx\r\n", 20_000), [b"0\r\n\r\n"])) as server:
        response = transport.send(get(server.url), PATIENT)
    assert (len(response.body), response.incomplete) == (20_000, None)


HEADS = [
    # what follows the status line or stands before it, how the exchange ends
    ("more than 100 headers", [b"HTTP/1.1 200 OK\r\n"], [b"X: 1\r\n" * 101 + b"\r\n"], NOT_HTTP),
    ("endless headers", [b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: 1\r\n" * 1000), NOT_HTTP),
    ("a header line of 70 KB", [b"HTTP/1.1 200 OK\r\n"], [b"X: " + b"x" * 70_000 + b"\r\n\r\n"], NOT_HTTP),
    ("an endless header line", [b"HTTP/1.1 200 OK\r\nX: "], itertools.repeat(b"x" * 10_000), NOT_HTTP),
    ("300 KB of headers in all", [b"HTTP/1.1 200 OK\r\n"], [b"X: " + b"x" * 60_000 + b"\r\n"] * 5 + [b"\r\n"], NOT_HTTP),
    ("an endless status line", [b"HTTP/1.1 200 "], itertools.repeat(b"x" * 10_000), NOT_HTTP),
    ("endless interim answers", [], itertools.repeat(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"), NOT_HTTP),
    ("interim answers with 300 KB of headers", [], [b"HTTP/1.1 103 E\r\nX: " + b"x" * 60_000 + b"\r\n\r\n"] * 5 + [OK], NOT_HTTP),
    ("bytes that are not HTTP", [], itertools.repeat(b"\x00" * 10_000), NOT_HTTP),
]


@pytest.mark.parametrize(("beginning", "rest", "ending"), [row[1:] for row in HEADS], ids=[row[0] for row in HEADS])
def test_a_flood_before_the_body_is_no_http(transport, beginning, rest, ending):
    flood = Flood(beginning, rest)
    with RawServer(flood) as server:
        assert failure(transport, get(server.url), PATIENT) == ending
    assert flood.sent < wire.MAX_HEAD + 16_000_000


def test_headers_of_an_ordinary_size_pass(transport):
    head = b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"x" * 60_000 + b"\r\n" + b"X-B: 1\r\n" * 90 + b"Content-Length: 2\r\n\r\nok"
    with RawServer(Flood([head])) as server:
        assert transport.send(get(server.url), PATIENT).body == b"ok"


DRIPS = [
    ("a status line", [], itertools.repeat(b"H"), None),
    ("headers", [b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X"), None),
    ("interim answers", [], itertools.repeat(b"HTTP/1.1 100 C\r\n\r\n"), None),
    ("a body", [b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"], itertools.repeat(b"x"), "timedOut"),
    ("chunks", [CHUNKED], itertools.repeat(b"1\r\nx\r\n"), "timedOut"),
    ("a chunk size", [CHUNKED], itertools.repeat(b"0"), "timedOut"),
    ("trailers", [CHUNKED + b"0\r\n"], itertools.repeat(b"X: 1\r\n"), "timedOut"),
]


@pytest.mark.parametrize(("beginning", "rest", "ending"), [row[1:] for row in DRIPS], ids=[row[0] for row in DRIPS])
def test_a_slow_drip_is_stopped_by_the_total_time_and_not_prolonged_by_each_byte(transport, beginning, rest, ending):
    limits = Timeouts(connect=1, read=1, total=0.4)
    with RawServer(Flood(beginning, rest, gap=0.05)) as server:
        started = time.monotonic()
        if ending is None:
            assert failure(transport, get(server.url), limits) == (TimedOut, "deadline", "sentWithoutAnswer")
        else:
            assert transport.send(get(server.url), limits).incomplete == ending
        assert 0.3 < time.monotonic() - started < 0.9
