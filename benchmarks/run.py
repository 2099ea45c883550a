"""What a call, a rendering and a start cost: `python benchmarks/run.py` prints one table.

Network figures are medians over calls to a server on loopback, which keeps its connections, in another process. Ratios compare
with the bare adapter that the transport drives, on the same machine in the same minute.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "plugin"))

ROUNDS, CALLS, STARTS = 15, 60, 9
TASK = "okta.list_agent_pools"
PATH = "/api/v1/agentPools?poolType=AD"
SERVER = """
import socket, threading
ANSWER = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 2\\r\\n\\r\\n[]"
def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    while part := connection.recv(65536):
        received += part
        while b"\\r\\n\\r\\n" in received:
            received = received.partition(b"\\r\\n\\r\\n")[2]
            connection.sendall(ANSWER)
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@contextmanager
def server():
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def seconds(call: Callable[[], object], times: int = 1) -> float:
    began = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - began) / times


def side_by_side(calls: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median seconds of each call; rounds alternate, so that what disturbs one disturbs all."""
    for call in calls.values():
        seconds(call, 20)
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            found[name].append(seconds(call, CALLS))
    return {name: statistics.median(values) for name, values in found.items()}


def network() -> list[tuple[str, float, str]]:
    import requests
    from requests.adapters import HTTPAdapter

    from httptask import Connection, RequestsTransport, Runner, SystemClock, open_registry
    from httptask.auth import auth_for
    from httptask.secrets import Secret

    template = open_registry()[TASK]
    with server() as url, requests.Session() as session, closing(HTTPAdapter()) as adapter, RequestsTransport() as transport:
        runner = Runner(transport, SystemClock())
        auth = auth_for(template.provider, None, secret=Secret("benchmark-token"))
        connection = Connection("benchmark", url, auth)
        prepared = requests.Request("GET", url + PATH, headers={"Authorization": "SSWS benchmark-token"}).prepare()
        found = side_by_side(
            {
                "bare HTTPAdapter.send": lambda: adapter.send(prepared, timeout=(5, 30)).content,
                "httptask Runner.run": lambda: runner.run(template, {"poolType": "AD"}, connection),
                "requests Session.get": lambda: session.get(url + PATH, timeout=(5, 30)).json(),
            }
        )
    least = found["bare HTTPAdapter.send"]
    return [(f"GET on loopback: {name}", value, f"{value / least:.2f} x bare") for name, value in found.items()]


def fanning_out() -> list[tuple[str, float, str]]:
    import fan_out

    with fan_out.variants() as variants:
        found = fan_out.measured({name: call for name, call in variants.items() if "memory" not in name}, rounds=3)
    return [
        (
            f"{fan_out.ITEMS} items, {fan_out.WIDTH} at a time: {name}",
            took,
            f"{took / found[f'{name.split()[0]} bare pool'][0]:.2f} x bare",
        )
        for name, (took, _) in found.items()
    ]


def rendering() -> list[tuple[str, float, str]]:
    from httptask import Connection, open_registry
    from httptask.inputs import check
    from httptask.render import build

    template = open_registry()["okta.create_agent_pools_update"]
    connection = Connection("benchmark", "https://example.okta.com")
    agents = [{"id": f"a{number}", "poolId": "p"} for number in range(5)]
    inputs = {"poolId": "p", "body": {"name": "n", "agentType": "AD", "agents": agents}}
    found = side_by_side(
        {
            "check the inputs": lambda: check(template, inputs),
            "render the request": lambda: build(template, inputs, connection, {}),
        }
    )
    return [(f"POST with a body: {name}", value, f"{1 / value:,.0f} a second") for name, value in found.items()]


def masking() -> list[tuple[str, float, str]]:
    from httptask.secrets import Redactor, Secret

    token = Secret("00Qx7bKfRz2mWv9TnYp4LsHd6JgEcAu3XiOe8MtNC8")
    redactor = Redactor([token.derive(lambda text: f"SSWS {text}")])
    text = "".join(f'{{"id": "0oa{number:017x}", "name": "Agent pool {number}"}},' for number in range(20_000))[: 2**20]
    value = statistics.median(seconds(lambda: redactor.text(text)) for _ in range(9))
    return [("mask a credential in 1 MiB", value, "")]


def loading() -> list[tuple[str, float, str]]:
    from httptask.loader import Library

    def load() -> None:
        registry = Library().registry()
        for task in registry:
            registry[task]

    load()
    value = statistics.median(seconds(load) for _ in range(5))
    return [("load and check all templates", value, f"{len(Library().registry())} tasks")]


def starting() -> list[tuple[str, float, str]]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugin")}

    def start(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], env=env, check=True, capture_output=True)

    bare = statistics.median(seconds(partial(start, "-c", "")) for _ in range(STARTS))
    rows = [("start: Python alone", bare, "")]
    for words in (("list",), ("show", TASK), ("test", TASK, "--dry-run")):
        value = statistics.median(seconds(partial(start, "-m", "httptask", *words)) for _ in range(STARTS))
        rows.append((f"start: httptask {' '.join(words)}", value, f"+{(value - bare) * 1000:.0f} ms"))
    return rows


def shown(value: float) -> str:
    return f"{value * 1e6:.0f} us" if value < 1e-3 else f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


def main() -> None:
    began = time.perf_counter()
    rows = [*network(), *fanning_out(), *rendering(), *masking(), *loading(), *starting()]
    width = max(len(name) for name, _, _ in rows)
    for name, value, note in rows:
        print(f"{name.ljust(width)}  {shown(value).rjust(9)}  {note}".rstrip())
    print(f"\nPython {sys.version.split()[0]}, {time.perf_counter() - began:.0f} s, medians")


if __name__ == "__main__":
    main()
