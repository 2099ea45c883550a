import pytest

from golden.examples import TASKS, golden_file, on_the_wire, rendered
from httptask.transport import RequestsTransport
from loopback.servers import OK, QUICK, RawServer, answering


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(scope="module")
def server():
    with RawServer(answering(OK)) as made:
        yield made


@pytest.fixture(scope="module")
def transport():
    with RequestsTransport() as made:
        yield made


@pytest.mark.parametrize("task", TASKS)
def test_the_bytes_on_the_socket_are_those_of_the_golden_request(task, server, transport):
    server.received.clear()
    assert transport.send(rendered(task, server.url), QUICK).status == 200
    assert server.received == [on_the_wire(golden_file(task).read_bytes(), f"127.0.0.1:{server.port}")]
