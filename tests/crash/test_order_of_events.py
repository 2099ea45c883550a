"""A kill cannot show that something was not forced to the disk, but the order of events can: the commit, then the first byte."""

import contextlib
import sqlite3

import pytest

from builders import connection
from httptask.clock import SystemClock
from httptask.halting import Halt
from httptask.journal import Journal
from httptask.lanes import ThreadLanes
from httptask.model import ForEach
from httptask.recording import RunRecorder
from httptask.runner import Runner
from httptask.transport import RequestsTransport
from httptask.workflow import WorkflowRunner
from journals import record
from loopback.servers import RawServer
from model_server import REGISTRY, TASKS, step, workflow

ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 21\r\n\r\n{"did":1,"name": "a"}'
)


class Watching:
    """Notes each commit that the journal begins, and at the first byte of each request what another reader finds committed."""

    def __init__(self, path):
        self.path = path
        self.events = []

    def statement(self, text):
        if text in {"COMMIT", "ROLLBACK"}:
            self.events.append(text)

    def serve(self, server, sock):
        first = sock.recv(1)
        with contextlib.closing(sqlite3.connect(self.path)) as reader:
            self.events.append(self.committed(reader))
        asked = first + sock.recv(65536)
        server.received.append(asked.split(b" ")[1].decode())
        sock.sendall(ANSWER)

    def committed(self, reader):
        query = "SELECT count(*) FROM entries WHERE kind = ?"
        return tuple(reader.execute(query, (kind,)).fetchone()[0] for kind in ("intent", "result"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


def executed(path, flow, watching):
    clock = SystemClock()
    with RawServer(watching.serve) as server, Journal(path) as journal, RequestsTransport() as transport:
        held = journal.create(record(), b"")
        journal._opened[0].set_trace_callback(watching.statement)
        lanes = ThreadLanes(Halt(), clock)
        recorder = RunRecorder(held, clock)
        world = Runner(transport, clock, tasks=TASKS), REGISTRY, lambda task: connection(base_url=server.url), clock
        result = WorkflowRunner(*world, lanes=lanes, recorder=recorder).run(flow, {})
        held.close()
        return result, server.received


def test_the_intention_is_committed_before_the_first_byte_and_the_result_before_the_next_step(path):
    watching = Watching(path)
    result, received = executed(path, workflow(step("a"), step("b", "put"), step("c", "get")), watching)
    assert (result.status, received) == ("succeeded", ["/make/a", "/put/b", "/get/c"])
    assert watching.events == [
        *("COMMIT", (1, 0), "COMMIT"),
        *("COMMIT", (2, 1), "COMMIT"),
        *("COMMIT", (3, 2), "COMMIT"),
    ]


def test_side_by_side_no_request_leaves_before_its_own_intention_is_committed(path):
    watching = Watching(path)
    items = ForEach("{{ ['a', 'b', 'c', 'd', 'e', 'f'] }}", max_parallel=3)
    result, _ = executed(path, workflow(step("m", for_each=items, inputs={"name": "{{ item }}"})), watching)
    assert result.status == "succeeded"
    seen = [event[0] for event in watching.events if isinstance(event, tuple)]
    assert all(intents >= number for number, intents in enumerate(seen, start=1))
