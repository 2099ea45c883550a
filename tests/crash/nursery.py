"""A program that starts a process for each order it reads, so that none has to import everything again.

An order is one line of JSON. `kill`: the process kills itself before or after that operation of its journal; `after`: it is
killed from outside after so many seconds; `warm`: the run is executed here, so that what is learned once is known to all later
processes. The answer is a line of JSON: how the run ended, or null.
"""

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path

from crash.flows import FLOWS, connect
from httptask.clock import SystemClock
from httptask.egress import policy_of
from httptask.halting import Halt
from httptask.journal import Journal
from httptask.lanes import ThreadLanes
from httptask.loader import open_registry
from httptask.recording import RunRecorder
from httptask.registry import Registry
from httptask.runner import Runner
from httptask.transport import RequestsTransport
from httptask.workflow import WorkflowRunner
from journals import record
from model_server import TASKS


class Mortal:
    """The journal of a run that kills its process before or after its n-th operation, whatever its threads do meanwhile."""

    durable = True

    def __init__(self, held, kill):
        self.held = held
        self.kill = kill
        self.run_id, self.last, self.below = held.run_id, held.last, held.below
        self.points = 0
        self.lock = threading.Lock()

    def point(self):
        with self.lock:
            self.points += 1
            if self.points == self.kill:
                os.kill(os.getpid(), signal.SIGKILL)

    def append(self, *entries):
        self.point()
        self.held.append(*entries)
        self.point()

    def commit(self, *entries):
        self.point()
        self.held.commit(*entries)
        self.point()


class ByServer:
    """One transport for all servers, each of which may be on this machine."""

    def __init__(self, order):
        self.transports = {url: RequestsTransport(egress=policy_of(connect(order, name))) for name, url in order["urls"].items()}

    def send(self, request, timeouts):
        return self.transports[request.origin].send(request, timeouts)


def tasks():
    shipped = open_registry()
    both = {**TASKS, **{name: shipped[name] for name in shipped if name.startswith("okta.")}}
    registry = Registry(dict.fromkeys(both, None), None)
    registry._loaded = both
    return registry


def execute(order, registry):
    journal = Journal(Path(order["journal"]))
    held = journal.hold(order["run"]) if order["resumed"] else journal.create(record(order["run"]), b"")
    ran = max((entry.ran for kind in ("intent", "conclusion", "result", "wait") for entry in held.below("", kind)), default=0.0)
    mortal, clock = Mortal(held, order["kill"]), SystemClock()
    recorder = RunRecorder(mortal, clock, resumed=order["resumed"], ran_before=ran)
    runner = Runner(ByServer(order), clock, tasks=registry)
    lanes = ThreadLanes(Halt(), clock)
    flow = FLOWS[order["flow"]]
    whole = WorkflowRunner(runner, registry, lambda task: connect(order, task.provider.id), clock, lanes=lanes, recorder=recorder)
    result = whole.run(flow, order["inputs"])
    journal.close()
    return {"status": result.status, "outputs": result.outputs, "points": mortal.points, "failure": str(result.failure)}


def born(order, registry):
    """Start a process for an order; return what it said before it ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, json.dumps(execute(order, registry)).encode())
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child must never go on as its parent
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(writing)
    if order["after"] is not None:
        timer = threading.Timer(order["after"], os.kill, (child, signal.SIGKILL))
        timer.start()
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    if order["after"] is not None:
        timer.cancel()
        timer.join()
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and status:
        raise RuntimeError("a process ended by an error of its own")
    return said or "null"


def serve():
    registry = tasks()
    for line in sys.stdin:
        order = json.loads(line)
        said = json.dumps(execute(order, registry)) if order["warm"] else born(order, registry)
        sys.stdout.write(said + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
