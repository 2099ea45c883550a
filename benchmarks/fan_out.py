"""What a `forEach` over 1 000 items, 32 at a time, costs beside a bare pool of requests: `python benchmarks/fan_out.py`.

Every variant sends the same requests to the same server on loopback, which keeps its connections, in another process. Rounds
alternate, so that what disturbs one variant disturbs all; the figures are medians. CPU seconds are this process's alone.
`--profile VARIANT` prints instead where one round of a variant spends its time, over all of its threads.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "plugin"))

ITEMS, WIDTH, ROUNDS = 1000, 32, 7
TOKEN = "00Qx7bKfRz2mWv9TnYp4LsHd6JgEcAu3XiOe8MtNC8"
WORKFLOW = """
name: fan-out
inputs: {type: object, properties: {items: {type: array}}}
steps:
  - id: each
    task: TASK
    forEach: {items: "{{ inputs.items }}", maxParallel: WIDTH}
    with: WITH
"""
GET = ("okta.get_agent_pools_update_instance", '{poolId: p1, updateId: "{{ item }}"}')
POST = (
    "okta.create_agent_pools_update",
    '{poolId: p1, body: {name: "{{ item }}", agentType: AD, agents: [{id: a1, poolId: p1}]}}',
)
SERVER = """
import asyncio, json
BODY = json.dumps({"id": "u1", "name": "n", "agentType": "AD", "status": "Scheduled", "enabled": False}).encode()
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(BODY), BODY)
class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.received = transport, b""
    def data_received(self, data):
        self.received += data
        while b"\\r\\n\\r\\n" in self.received:
            head, _, rest = self.received.partition(b"\\r\\n\\r\\n")
            _, sign, value = head.lower().partition(b"content-length:")
            length = int(value.split(b"\\r\\n")[0]) if sign else 0
            if len(rest) < length:
                return
            self.received = rest[length:]
            self.transport.write(ANSWER)
async def main():
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


@contextmanager
def server() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def bare_pool(url: str, method: str) -> None:
    """Send with what anybody would write: one Session, one ThreadPoolExecutor."""
    import requests
    from requests.adapters import HTTPAdapter

    headers = {"Authorization": f"SSWS {TOKEN}"}
    path = f"{url}/api/v1/agentPools/p1/updates"

    def send(number: int) -> Any:
        if method == "GET":
            answer = session.get(f"{path}/u{number}", headers=headers, timeout=(5, 30))
        else:
            body = {"name": f"u{number}", "agentType": "AD", "agents": [{"id": "a1", "poolId": "p1"}]}
            answer = session.post(path, json=body, headers=headers, timeout=(5, 30))
        return answer.json()["id"]

    with requests.Session() as session, ThreadPoolExecutor(WIDTH) as pool:
        session.mount("http://", HTTPAdapter(pool_maxsize=WIDTH))
        assert len(list(pool.map(send, range(ITEMS)))) == ITEMS


@dataclass(frozen=True)
class Engine:
    """Runs the workflow with the engine; `folder` is where journals go, None keeps them in memory."""

    registry: Any
    url: str
    folder: Path | None

    def __call__(self, task: tuple[str, str]) -> None:
        from httptask import Connection, RequestsTransport, Runner, SystemClock, WorkflowRunner
        from httptask.auth import auth_for
        from httptask.documents import parse
        from httptask.halting import Halt, HaltableClock
        from httptask.lanes import ThreadLanes
        from httptask.recording import RunRecorder
        from httptask.secrets import Redactor, Secret
        from httptask.workflow_file import workflow_from

        text = WORKFLOW.replace("TASK", task[0]).replace("WIDTH", str(WIDTH)).replace("WITH", task[1])
        workflow = workflow_from(parse(text.encode(), file="fan_out.yaml"), self.registry)
        auth = auth_for(self.registry[task[0]].provider, None, secret=Secret(TOKEN))
        connection, redactor = Connection("benchmark", self.url, auth), Redactor(auth.secrets)
        halt = Halt()
        clock = HaltableClock(SystemClock(), halt)
        with ExitStack() as stack:
            runner = Runner(stack.enter_context(RequestsTransport()), clock, tasks=self.registry)
            recorder = RunRecorder(self._journal(stack), clock, lambda: redactor, halt)
            lanes = ThreadLanes(halt, clock)
            running = WorkflowRunner(runner, self.registry, lambda _: connection, clock, None, lanes, recorder)
            result = running.run(workflow, {"items": [f"u{number}" for number in range(ITEMS)]})
        items = result.steps[0].items or ()
        assert result.status == "succeeded", result.failure
        assert [item.index for item in items] == list(range(ITEMS))
        assert workflow.steps[0].for_each.max_parallel == WIDTH

    def _journal(self, stack: ExitStack) -> Any:
        from httptask.identity import new_id
        from httptask.journal import Journal, RunRecord
        from httptask.memory_journal import MemoryJournal

        if self.folder is None:
            return MemoryJournal(new_id())
        now = time.time()
        record = RunRecord(new_id(), "fan-out", "fan_out.yaml", "running", now, now, 0.0, "none")
        held = stack.enter_context(Journal(self.folder / f"{record.id}.sqlite")).create(record, b"")
        stack.callback(held.close)
        return held


def measured(variants: dict[str, Callable[[], None]], rounds: int) -> dict[str, tuple[float, float]]:
    """Return of each variant the median seconds and CPU seconds of a round."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for round_number in range(rounds + 1):
        for name, variant in variants.items():
            began, cpu = time.perf_counter(), time.process_time()
            variant()
            if round_number:  # the first one loads modules
                found[name].append((time.perf_counter() - began, time.process_time() - cpu))
    return {name: tuple(map(statistics.median, zip(*values, strict=True))) for name, values in found.items()}


def profiled(variant: Callable[[], None]) -> None:
    """Print where all threads of one round spend their CPU."""
    import cProfile
    import pstats
    import threading

    profiles: list[cProfile.Profile] = []
    run = threading.Thread.run

    def watched(thread: threading.Thread) -> None:
        profiles.append(profile := cProfile.Profile(time.thread_time))
        profile.runcall(run, thread)

    variant()
    threading.Thread.run = watched
    own = cProfile.Profile(time.thread_time)
    own.runcall(variant)
    threading.Thread.run = run
    stats = pstats.Stats(own)
    for profile in profiles:
        stats.add(profile)
    stats.sort_stats("cumulative").print_stats(70)
    stats.sort_stats("tottime").print_stats(45)


@contextmanager
def variants() -> Iterator[dict[str, Callable[[], None]]]:
    """Yield what is compared, with a server to send to."""
    from httptask import open_registry

    with server() as url, tempfile.TemporaryDirectory() as folder:
        registry = open_registry()
        journaled, in_memory = Engine(registry, url, Path(folder)), Engine(registry, url, None)
        yield {
            "GET bare pool": partial(bare_pool, url, "GET"),
            "GET in memory": partial(in_memory, GET),
            "GET journal": partial(journaled, GET),
            "POST bare pool": partial(bare_pool, url, "POST"),
            "POST in memory": partial(in_memory, POST),
            "POST journal": partial(journaled, POST),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--profile", metavar="VARIANT")
    options = parser.parse_args()
    with variants() as compared:
        if options.profile:
            profiled(compared[options.profile])
            return
        found = measured(compared, options.rounds)
    for name, (seconds, cpu) in found.items():
        bare = found[f"{name.partition(' ')[0]} bare pool"]
        print(
            f"{name:<15} {seconds:6.2f} s  {ITEMS / seconds:5.0f} requests/s  {seconds / bare[0]:4.2f} x bare"
            f"  CPU {cpu:5.2f} s, {cpu / bare[1]:4.2f} x bare"
        )
    print(f"\n{ITEMS} items, {WIDTH} at a time, medians of {options.rounds} rounds, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
