import gzip
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
from contextlib import closing

import pytest

from httptask.errors import ConfigurationError
from httptask.sandbox.options import FaultRule, RateLimit, SandboxOptions
from httptask.sandbox.server import running

POOLS = "/api/v1/agentPools"
TOKEN = {"Authorization": "SSWS sandbox-token"}


def connect(server, timeout=5):
    return closing(http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=timeout))


def ask(connection, method, target, value=None, headers=TOKEN):
    content = {"Content-Type": "application/json"} if value is not None else {}
    connection.request(method, target, json.dumps(value) if value is not None else None, {**headers, **content})
    response = connection.getresponse()
    return response, response.read()


def faulty(script):
    return running(SandboxOptions(faults=(FaultRule.parse(script),)))


@pytest.fixture(scope="module")
def server():
    with running(SandboxOptions(rate_limit=RateLimit(10**6, 60))) as server:
        yield server


@pytest.fixture
def connection(server):
    with connect(server) as connection:
        yield connection


def received(server):
    with connect(server) as connection:
        return json.loads(ask(connection, "GET", "/_sandbox/requests")[1])["received"]


def test_many_requests_share_a_connection(connection):
    for _ in range(3):
        response, body = ask(connection, "GET", POOLS)
        assert response.status == 200
        assert json.loads(body)
    assert connection.sock is not None


def test_answers_do_not_wait_for_acknowledgements(connection):
    start = time.perf_counter()
    for _ in range(25):
        ask(connection, "GET", f"{POOLS}?poolType=Radius")
    assert time.perf_counter() - start < 0.5


def test_a_compressed_answer_can_be_unpacked(connection):
    response, body = ask(connection, "GET", POOLS, headers={**TOKEN, "Accept-Encoding": "gzip"})
    assert response.getheader("content-encoding") == "gzip"
    assert len(json.loads(gzip.decompress(body))) > 5


def test_pages_can_be_followed_by_their_links(server, connection):
    target, pages = f"{POOLS}?limitPerPoolType=3&poolType=AD", []
    for _ in range(5):
        response, body = ask(connection, "GET", target)
        pages.append(len(json.loads(body)))
        links = response.headers.get_all("link")
        assert links[0].endswith('; rel="self"')
        if len(links) == 1:
            break
        target = re.fullmatch(rf'<{re.escape(server.base_url)}(.+)>; rel="next"', links[1])[1]
    assert pages == [3, 3, 1]


def test_deleting_answers_204_with_a_length_of_zero(connection):
    pool = json.loads(ask(connection, "GET", POOLS)[1])[0]
    agents = [{"id": pool["agents"][0]["id"], "poolId": pool["id"]}]
    path = f"{POOLS}/{pool['id']}/updates"
    _, body = ask(connection, "POST", path, {"name": "n", "agentType": "AD", "agents": agents})
    response, body = ask(connection, "DELETE", f"{path}/{json.loads(body)['id']}")
    assert (response.status, body) == (204, b"")
    assert response.getheader("content-length") == "0"
    assert response.getheader("content-type") is None


def test_repeated_headers_stay_apart(connection):
    response, _ = ask(connection, "GET", POOLS)
    assert len(response.headers.get_all("set-cookie")) == 2
    assert len(response.headers.get_all("date")) == 1


def test_a_body_that_is_too_large_is_answered_and_not_kept(connection):
    response, _ = ask(connection, "POST", f"{POOLS}/x/updates", {"name": "x" * 3_000_000})
    assert response.status == 413


def test_the_window_of_the_rate_limit_passes():
    with running(SandboxOptions(rate_limit=RateLimit(2, 1))) as server, connect(server) as connection:
        time.sleep(1 - time.time() % 1)  # so that three calls fall in one window
        statuses = [ask(connection, "GET", POOLS)[0].status for _ in range(3)]
        response, _ = ask(connection, "GET", POOLS)
        wait = int(response.getheader("x-rate-limit-reset")) - time.time()
        assert (statuses, response.status) == ([200, 200, 429], 429)
        assert 0 < wait <= 1
        time.sleep(wait)
        assert ask(connection, "GET", POOLS)[0].status == 200


@pytest.mark.parametrize(("word", "applied"), [("reset-before", False), ("reset-after", True)])
def test_a_reset_breaks_the_connection(word, applied):
    with faulty(word) as server:
        with connect(server) as connection, pytest.raises(ConnectionResetError):
            ask(connection, "GET", POOLS)
        assert received(server)[0]["applied"] is applied


def test_a_truncated_answer_ends_early():
    with faulty("truncated") as server:
        with connect(server) as connection, pytest.raises(http.client.IncompleteRead) as caught:
            ask(connection, "GET", POOLS)
        assert caught.value.partial
        with connect(server) as connection:
            assert ask(connection, "GET", POOLS)[0].status == 200


def test_a_slow_answer_takes_its_time():
    with faulty("slow(150ms)") as server, connect(server) as connection:
        start = time.perf_counter()
        assert ask(connection, "GET", POOLS)[0].status == 200
        assert 0.15 <= time.perf_counter() - start < 2


def test_a_read_timeout_never_answers():
    with faulty("read-timeout") as server:
        with connect(server, timeout=0.1) as connection, pytest.raises(TimeoutError):
            ask(connection, "GET", POOLS)
        with connect(server) as connection:
            assert ask(connection, "GET", POOLS)[0].status == 200


@pytest.mark.parametrize("word", ["read-timeout", "slow(60s)"])
def test_a_server_stops_while_a_fault_holds_a_caller(word):
    with faulty(word) as server:
        connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=5)
        connection.request("GET", POOLS, headers=TOKEN)
        while not received(server):
            time.sleep(0.01)
        start = time.perf_counter()
    assert time.perf_counter() - start < 1
    with closing(connection), pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        connection.getresponse()


def test_a_server_stops_while_a_connection_is_kept_alive():
    with running() as server:
        connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=5)
        ask(connection, "GET", POOLS)
        start = time.perf_counter()
    with closing(connection):
        assert time.perf_counter() - start < 1


def test_a_request_whose_body_breaks_off_is_not_carried_out(server):
    before = len(received(server))
    address = server.base_url.removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1])), timeout=5) as raw:
        raw.sendall(b"POST /api/v1/agentPools/x/updates HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.05)
    assert len(received(server)) == before


def test_a_server_is_up_in_less_than_half_a_second():
    with running():
        pass
    start = time.perf_counter()
    with running() as server, connect(server) as connection:
        assert ask(connection, "GET", POOLS)[0].status == 200
        assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", ""])  # noqa: S104 - the refusal is the point
def test_another_address_than_loopback_is_refused(host):
    with pytest.raises(ConfigurationError, match="loopback only"), running(host=host):
        pass


def test_a_port_in_use_is_named(server):
    port = int(server.base_url.rpartition(":")[2])
    with pytest.raises(ConfigurationError, match="cannot listen"), running(port=port):
        pass


def test_a_missing_server_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigurationError, match=re.escape("pip install 'httptask[serve]'")), running():
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_standalone_server_says_where_it_is_and_ends_cleanly_on_a_signal(number):
    program = textwrap.dedent(
        """
        import json
        from httptask.sandbox.server import serve_forever
        serve_forever(ready=lambda server: print(json.dumps(server.to_json()), flush=True))
        """
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        ready = json.loads(process.stdout.readline())
        connection = http.client.HTTPConnection(ready["url"].removeprefix("http://"), timeout=5)
        with closing(connection):
            headers = {"Authorization": f"SSWS {ready['token']}"}
            assert ask(connection, "GET", POOLS, headers=headers)[0].status == 200
            assert ready["pid"] == process.pid
            process.send_signal(number)
            rest, errors = process.communicate(timeout=10)
    assert (process.returncode, rest, errors) == (0, "", "")
