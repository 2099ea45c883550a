"""Memory while a list is read to its end and each item is used: `python benchmarks/paging_memory.py`.

One step reads the pages of a list into the journal, a `forEach` takes the items from there, and `httptask runs show --items`
writes them to a file and to standard output. Each count of pages runs in processes of its own, whose greatest resident memory
(`VmHWM` of Linux) is what is told. The server, in another process, makes each page as it is asked for.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZES = (1000, 5000, 10_000)
PER_PAGE = 2
PROVIDER = """
id: acme
title: Acme
servers: [{url: 'https://api.example.com'}]
securitySchemes: {token: {type: http, scheme: bearer}}
"""
LIST = """
id: acme.list_things
operationId: listThings
summary: List things
method: GET
path: /things
responses: {'200': {description: OK, schema: {type: array, items: {type: object}}}}
paging: {style: link}
"""
USE = """
id: acme.use_thing
operationId: useThing
summary: Use a thing
method: GET
path: /things/{{ id }}
parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
responses: {'200': {description: OK, schema: {type: object}}}
outputs: {id: {value: '{{ response.body.id }}', schema: {type: integer}}}
"""
WORKFLOW = """
name: pages
steps:
  - id: things
    task: acme.list_things
    paginate: {maxItems: 100}
  - id: use
    task: acme.use_thing
    forEach: {items: '{{ steps.things.outputs.items }}', maxParallel: 8}
    with: {id: '{{ item.id }}'}
"""
SERVER = """
import asyncio, json, sys
from urllib.parse import parse_qs, urlsplit
pages, per_page = int(sys.argv[1]), int(sys.argv[2])
def answer(target):
    parts = urlsplit(target)
    if parts.path != "/things":
        return {"id": int(parts.path.rsplit("/", 1)[1])}, ""
    page = int(parse_qs(parts.query).get("page", ["0"])[0])
    items = [{"id": page * per_page + n, "name": f"thing {n} of page {page}"} for n in range(per_page)]
    following = f'Link: <http://127.0.0.1:{port}/things?page={page + 1}>; rel="next"\\r\\n' if page + 1 < pages else ""
    return items, following
class Server(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.received = transport, b""
    def data_received(self, data):
        self.received += data
        while b"\\r\\n\\r\\n" in self.received:
            head, _, self.received = self.received.partition(b"\\r\\n\\r\\n")
            value, more = answer(head.split(b" ")[1].decode())
            body = json.dumps(value)
            head = f"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: {len(body)}\\r\\n{more}\\r\\n"
            self.transport.write((head + body).encode())
async def main():
    global port
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=256)
    port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
#: Runs the command line and tells on descriptor 3 what memory it took at most, in KiB. Not `ru_maxrss`: that of a new process
#: begins with what the one that started it held.
COMMAND = """
import os, re, sys
from pathlib import Path
from httptask.__main__ import main
try:
    main()
finally:
    sys.stdout.flush()
    os.write(3, re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1].encode())
"""


@contextmanager
def server(pages):
    command = [sys.executable, "-c", SERVER, str(pages), str(PER_PAGE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def peak(folder: Path, *arguments: str) -> float:
    """Run the command and return the greatest memory that it held, in MB; its output goes to a file."""
    told = folder / "peak"
    script = f'exec "$@" 3>{told} >{folder / "out"} 2>{folder / "err"}'
    env = {"PYTHONPATH": str(ROOT / "plugin"), "PATH": "/usr/bin:/bin", "HOME": str(folder), "TOKEN": "benchmark-token"}
    command = ["sh", "-c", script, "sh", sys.executable, "-c", COMMAND, *arguments]
    ended = subprocess.run(command, env=env, check=False)
    assert ended.returncode == 0, (folder / "err").read_text() + (folder / "out").read_text()
    return int(told.read_text()) / 1024


def lines(file: Path) -> int:
    with file.open() as stream:
        return sum(1 for _ in stream)


def measured(pages: int, *, used: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name, server(pages) as url:
        folder = Path(name)
        for file, text in (("provider.yaml", PROVIDER), ("list.yaml", LIST), ("use.yaml", USE)):
            (folder / "templates").mkdir(exist_ok=True)
            (folder / "templates" / file).write_text(text)
        (folder / "flow.yaml").write_text(WORKFLOW if used else WORKFLOW.partition("  - id: use")[0])
        journal = str(folder / "runs.db")
        began = time.perf_counter()
        where = ("--templates", str(folder / "templates"), "--base-url", url, "--token", "env:TOKEN", "--journal", journal)
        found = {"run": peak(folder, "run", str(folder / "flow.yaml"), *where, "--json")}
        found["seconds"] = time.perf_counter() - began
        run = json.loads((folder / "out").read_text())["runId"]
        file = folder / "items.jsonl"
        found["--output"] = peak(folder, "runs", "show", run, "--items", "things", "--output", str(file), "--journal", journal)
        assert lines(file) == pages * PER_PAGE
        found["stdout"] = peak(folder, "runs", "show", run, "--items", "things", "--json", "--journal", journal)
        assert lines(folder / "out") == pages * PER_PAGE
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=int, default=SIZES)
    parser.add_argument("--read-only", action="store_true", help="Read the pages without a request for each item.")
    options = parser.parse_args()
    print(f"{'pages':>6} {'items':>7} {'run MB':>8} {'--output MB':>12} {'stdout MB':>10} {'run s':>7}")
    for pages in options.pages:
        found = measured(pages, used=not options.read_only)
        print(
            f"{pages:>6} {pages * PER_PAGE:>7} {found['run']:>8.1f} {found['--output']:>12.1f} {found['stdout']:>10.1f}"
            f" {found['seconds']:>7.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
