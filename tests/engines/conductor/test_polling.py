"""What a worker does when Conductor's answers, or its SDK, are not what they should be: it says so, and goes on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("conductor", reason="conductor-python is not installed: tests/engines/run conductor installs it")

from httptask.clock import SystemClock
from httptask.engines.conductor import polling
from httptask.engines.conductor.deliveries import Report
from httptask.engines.conductor.polling import Worker
from httptask.engines.conductor.server import Server

TASK = {"taskId": "a", "workflowInstanceId": "run", "taskDefName": "task", "referenceTaskName": "ref", "pollCount": 1}
TASK |= {"responseTimeoutSeconds": 0.1}


class OddClient:
    """Stands in for the SDK's: hands out one task, and does once at each of these paths what nobody expects."""

    def __init__(self, **odd):
        self.odd, self.left, self.said, self.told = odd, [TASK], [], threading.Event()

    def call_api(self, path, _method, *, body, **_):
        word = "poll" if path.startswith("/tasks/poll") else "extend" if body.get("extendLease") else "report"
        odd = self.odd.pop(word, None)
        if isinstance(odd, Exception):
            raise odd
        if odd is not None or word == "poll":
            return odd or ([self.left.pop()] if self.left else [])
        self.said.append("extended" if word == "extend" else body["status"])
        if word == "report":
            self.told.set()
        return None


@pytest.fixture
def server():
    return Server("http://127.0.0.1:1")


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(polling, "PAUSE", 0.01)
    monkeypatch.setattr(polling, "BEAT", 0.01)


@pytest.mark.parametrize(
    ("word", "odd"),
    [
        ("poll", KeyError("canary-0123456789")),
        ("poll", [{"canary-0123456789": 1}]),
        ("poll", "canary-0123456789"),
        ("extend", RuntimeError("canary-0123456789")),
        ("report", TypeError("canary-0123456789")),
    ],
)
def test_a_worker_goes_on_after_what_nobody_expects_of_conductor_and_repeats_none_of_it(server, caplog, word, odd):
    server._client = client = OddClient(**{word: odd})
    over = threading.Event()

    def work(_delivery):
        while "extended" not in client.said and not over.wait(0.01):
            pass
        return Report("COMPLETED")

    with Worker(server, ["task"], "worker", SystemClock()).doing(work):
        told = client.told.wait(5)
        over.set()
    assert told
    assert client.said[-1] == "COMPLETED"
    assert "canary" not in caplog.text


def test_a_worker_that_fails_at_asking_says_so_and_asks_again(server, caplog, monkeypatch):
    server._client = client = OddClient()
    submit, fails = ThreadPoolExecutor.submit, [RuntimeError("canary-0123456789")]

    def failing(*arguments):
        if fails:
            client.left.append({**TASK, "taskId": "b"})
            raise fails.pop()
        return submit(*arguments)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", failing)
    with Worker(server, ["task"], "worker", SystemClock()).doing(lambda _: Report("COMPLETED")):
        assert client.told.wait(5)
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text
