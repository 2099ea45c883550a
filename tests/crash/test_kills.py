"""Processes that are killed at every point of the journal, and at any time, and resumed until the run has ended.

What a server is asked to do may be done once only; the servers count. Each class of requests is told by itself:

    HTTPTASK_SLOW=1 python -m pytest tests/crash --log-cli-level=INFO                         at least 300 kills
    HTTPTASK_KILLS=1000 HTTPTASK_SLOW=1 python -m pytest tests/crash --log-cli-level=INFO     at least 1000
"""

import http.client
import itertools
import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crash.flows import FLOWS
from httptask.clock import SystemClock
from httptask.journal import Journal
from httptask.message import Headers, Request
from httptask.ports import Entry
from httptask.recording import ASSUMED, INTENT, RESULT
from model_server import ModelServer

pytestmark = pytest.mark.broad

HERE = Path(__file__).resolve()
FEW = 3
MANY = int(os.environ.get("HTTPTASK_KILLS", "300")) // len(FLOWS) + 1
log = logging.getLogger(__name__)


class CountingServer(ModelServer):
    """The model server on a socket."""

    def __enter__(self):
        model, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                url = f"https://api.example.com{self.path}"
                with lock:
                    found = model.send(Request(self.command, url, Headers(tuple(self.headers.items()))), None)
                self.send_response(found.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(found.body)))
                self.end_headers()
                self.wfile.write(found.body)

            do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - the names that http.server calls

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


def started(*command, **more):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (HERE.parents[2] / "plugin", HERE.parents[1])))}
    return subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=env, **more)


@pytest.fixture(scope="module")
def sandbox():
    command = ("-m", "httptask", "sandbox", "--rate-limit", "1000000/1", "--speed", "0.0001")
    with started(*command, stderr=subprocess.DEVNULL) as process:
        yield json.loads(process.stdout.readline())
        process.terminate()


@pytest.fixture(scope="module")
def nursery():
    with started(str(HERE.with_name("nursery.py")), stdin=subprocess.PIPE) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def bench(sandbox, nursery, tmp_path):
    with CountingServer(SystemClock()) as model, Journal(tmp_path / "runs.db") as journal:
        yield Bench(sandbox, nursery, model, journal)


@dataclass
class Bench:
    """The servers, the nursery, and the journal that all runs of a test share."""

    sandbox: dict
    nursery: subprocess.Popen
    model: CountingServer
    journal: Journal
    runs: int = 0

    def ask(self, method, path, value=None):
        connection = http.client.HTTPConnection(self.sandbox["url"].removeprefix("http://"), timeout=5)
        headers = {"Authorization": f"SSWS {self.sandbox['token']}", "Content-Type": "application/json"}
        connection.request(method, path, None if value is None else json.dumps(value), headers)
        answer = json.loads(connection.getresponse().read() or b"null")
        connection.close()
        return answer

    def begin(self, flow):
        """Begin a run on servers that have done nothing yet, beside an update that can be moved."""
        self.ask("POST", "/_sandbox/reset")
        self.model.did, self.model.keys = Counter(), {}
        pool = self.ask("GET", "/api/v1/agentPools?poolType=AD")[0]
        agents = [{"id": agent["id"], "poolId": pool["id"]} for agent in pool["agents"]]
        update = {"name": "u", "agentType": "AD", "agents": agents}
        made = self.ask("POST", f"/api/v1/agentPools/{pool['id']}/updates", update)
        self.runs += 1
        return Run(self, f"r{self.runs}", flow, {"pool": pool["id"], "update": made["id"], "agents": agents})


@dataclass
class Run:
    """One run over all its processes."""

    bench: Bench
    id: str
    flow: str
    inputs: dict
    kills: int = 0

    def process(self, kill=None, after=None, *, warm=False):
        """Let a process run; return how the run ended, or None if it was killed."""
        model, sandbox, journal = self.bench.model.url, self.bench.sandbox, self.bench.journal
        order = {
            "run": self.id,
            "flow": self.flow,
            "inputs": self.inputs,
            "urls": {"acme": model, "keyed": model, "okta": sandbox["url"]},
            "token": sandbox["token"],
            "journal": str(journal.path),
            "resumed": any(found.id == self.id for found in journal.records(1)),
            "kill": kill,
            "after": after,
            "warm": warm,
        }
        self.bench.nursery.stdin.write(json.dumps(order) + "\n")
        self.bench.nursery.stdin.flush()
        result = json.loads(self.bench.nursery.stdout.readline())
        self.kills += result is None
        return result

    def to_the_end(self, *ends):
        """Kill processes as planned, then resume until the run has ended; return that, and whether a person had to help."""
        helped = False
        for end in (*ends, *[{}] * 5):
            result = self.process(**end)
            if result is not None and result["status"] != "unknown":
                return result, helped
            if result is not None:
                helped = True
                self.say_what_the_servers_know()
        raise AssertionError(f"the run does not end: {result}")

    def applied(self):
        """Return how often each thing was done."""
        applied = self.bench.ask("GET", "/_sandbox/requests")["applied"]
        return {**{what: times for what, times in applied.items() if not what.startswith("GET ")}, **+self.bench.model.did}

    def say_what_the_servers_know(self):
        held = self.bench.journal.hold(self.id)
        calls = dict.fromkeys(entry.path.rpartition("/")[0] for entry in held.below("", INTENT) if not entry.data["safe"])
        for path in calls:
            result = held.last(path, RESULT)
            if result is None or result.data["status"] != "succeeded":
                held.commit(self.word(path, len(list(held.below(f"{path}/attempt:", INTENT)))))
        held.close()

    def word(self, path, attempts):
        outputs = self.found(path)
        if outputs is None:
            return Entry(path, ASSUMED, {"attempts": attempts})
        return Entry(path, RESULT, {"status": "succeeded", "outputs": {"value": outputs}})

    def found(self, path):
        """Return the outputs of what a server did for a call, or None if it did nothing."""
        if path.startswith("m["):
            name = "xyz"[int(path[2])]
            return {"did": 1, "name": name} if self.bench.model.did[name] else None
        updates = self.bench.ask("GET", f"/api/v1/agentPools/{self.inputs['pool']}/updates")
        made = next((update for update in updates if update["name"] == path), None)
        return made and {"updateId": made["id"], "status": made["status"], "update": made}


def ends(chance, points, seconds):
    """Yield plans of how processes end: at each point of the journal in turn, and at any time; some twice."""
    for point in itertools.cycle(range(1, points + 1)):
        first = {"kill": point} if chance.random() < 0.6 else {"after": chance.random() * seconds}
        yield [first, {"kill": chance.randint(1, points)}] if chance.random() < 0.3 else [first]


def held(bench, flow, wanted):
    """Kill processes of a workflow until there were as many kills as wanted; return how the runs ended."""
    whole = (run := bench.begin(flow)).process(warm=True)
    assert whole["status"] == "succeeded", whole
    applied, began = run.applied(), time.monotonic()
    assert bench.begin(flow).process()["outputs"] == whole["outputs"]
    seconds, tally = time.monotonic() - began, Counter()
    for plan in ends(random.Random(flow), whole["points"], seconds):  # noqa: S311 - a seed must give the same plans
        if tally["kills"] >= wanted:
            return tally
        result, helped = (run := bench.begin(flow)).to_the_end(*plan)
        assert run.applied() == applied, plan
        assert (result["status"], result["outputs"]) == (whole["status"], whole["outputs"]), plan
        tally += {"kills": run.kills, "runs": 1, "ended unknown first": helped}
    return tally


def hold(bench, flow, wanted):
    tally = held(bench, flow, wanted)
    log.info("%s: %s", flow, dict(tally))
    assert tally["kills"] >= wanted
    assert flow == "POST with neither" or not tally["ended unknown first"]


@pytest.mark.parametrize("flow", FLOWS)
def test_a_run_that_is_killed_does_nothing_twice_and_ends_as_one_that_was_not(bench, flow):
    hold(bench, flow, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("flow", FLOWS)
def test_a_run_that_is_killed_anywhere_does_nothing_twice_and_ends_as_one_that_was_not(bench, flow):
    hold(bench, flow, MANY)
