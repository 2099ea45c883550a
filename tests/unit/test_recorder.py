"""A recorder around a transport: order, interrupts, and what it gives back."""

import threading
from dataclasses import replace

import pytest

from httptask.cassette import Recorder, Replay, load
from httptask.cassette.exchanges import Cassette, Server
from httptask.clock import FakeClock
from httptask.errors import CassetteInvalid
from httptask.message import Headers, Response, Timeouts
from httptask.ports import Means
from studio import TASKS, Studio, asking, get, named, plays, reply, same, steps

TIMEOUTS = Timeouts()


@pytest.fixture
def make(tmp_path):
    return lambda answer=named, **more: Studio(tmp_path, answer, **more)


class Waiting:
    """A transport whose answers the test lets go, each by the name in its URL."""

    def __init__(self):
        self.gates, self.arrived = {}, threading.Semaphore(0)

    def send(self, request, timeouts):
        name = request.url.rpartition("/")[2]
        gate = self.gates[name] = threading.Event()
        self.arrived.release()
        assert gate.wait(10)
        return reply(200, {"name": name})

    def let_go(self, *names):
        for name in names:
            self.gates[name].set()


def test_exchanges_are_in_the_order_in_which_they_were_sent_and_late_ones_do_not_count(make):
    made, server = make(), Waiting()
    recorder = Recorder(made.file, TASKS, FakeClock())
    recorder.connected(made.connections)
    transport = recorder.wrap(server)
    threads = []
    for name in ("one", "two", "late"):
        threads.append(threading.Thread(target=transport.send, args=(asking(name), TIMEOUTS)))
        threads[-1].start()
        assert server.arrived.acquire(timeout=10)
    server.let_go("two")
    threads[1].join()
    server.let_go("one")
    threads[0].join()
    assert recorder.finish() == 2
    server.let_go("late")
    threads[2].join()
    assert [each.asked.path for each in load(made.file).exchanges] == ["/get/one", "/get/two"]
    assert recorder.finish() == 0


def test_what_was_recorded_before_an_interrupt_is_kept_and_what_was_cut_off_is_not(make):
    def answer(request, times):
        return KeyboardInterrupt() if request.url.endswith("/b") else reply(200, {})

    made = make(answer)
    recorder = Recorder(made.file, TASKS, made.clock)
    recorder.connected(made.connections)
    transport = recorder.wrap(made)
    transport.send(asking("a"), TIMEOUTS)
    with pytest.raises(KeyboardInterrupt):
        transport.send(asking("b"), TIMEOUTS)
    assert recorder.finish() == 1


def test_without_an_exchange_nothing_is_written(make):
    made = make()
    assert Recorder(made.file, TASKS, FakeClock()).finish() == 0
    assert not made.file.exists()


def test_a_place_that_is_taken_is_refused_before_anything_is_sent(make):
    made = make()
    made.file.write_text("name: flow\n", encoding="utf-8")
    with pytest.raises(CassetteInvalid):
        made.record(steps(get("a")))
    assert made.asked == {}


def test_an_answer_through_a_proxy_is_played_as_one(make):
    answer = replace(reply(200, {"name": "a"}), proxied=True, timings={"wait": 3.0})
    made = make(plays(answer))
    recorded = made.record(steps(get("a")))
    assert "proxyUnchecked" in [warning.code for warning in recorded.steps[0].outcome.warnings]
    assert same(made.replay(steps(get("a"))), recorded)


def test_a_truncated_answer_is_truncated_again(make):
    made = make(plays(*[Response(200, Headers((("Content-Type", "application/json"),)), b'{"na', "truncated")] * 4))
    recorded = made.record(steps(get("a")))
    assert recorded.status == "failed"
    assert same(made.replay(steps(get("a"))), recorded)


def test_a_task_alone_is_replayed_by_a_runner(make):
    made = make()
    made.record(steps(get("a")))
    assert made.task("acme.get", {"name": "a"}, once=True).outputs["body"]["name"] == "a"


def test_an_auth_of_a_replay_asks_nobody():
    replay = Replay(Cassette(0.0, {"acme": Server("https://api.example.com", "key", refreshable=True)}, ()), TASKS, FakeClock())
    auth = replay.connect(TASKS["acme.get"]).auth
    assert (auth.scheme, auth.headers, auth.refreshable, auth.endpoints) == ("key", frozenset({"authorization"}), True, ())
    means = Means((), None, FakeClock(), TIMEOUTS)
    request = asking("a")
    assert auth.apply(request, means) == auth.preview(request)
    assert auth.refresh(request, reply(401)) is None
