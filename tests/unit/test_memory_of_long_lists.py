"""A list of any length is read, used and written out in the same memory."""

import json
import subprocess
import sys

import pytest

from journals import PLUGIN

#: Reads pages into a journal, uses each item, and tells the most that Python held meanwhile, in bytes.
PROGRAM = """
import json, sys, tracemalloc
from pathlib import Path
from builders import connection, parameter, template
from httptask.clock import FakeClock
from httptask.journal import Journal
from httptask.message import Headers, Response
from httptask.model import ForEach, Paginate, Paging
from httptask.paging_use import stored_items
from httptask.recording import RunRecorder
from httptask.registry import Registry
from httptask.runner import Runner
from httptask.workflow import WorkflowRunner
from journals import record
from model_server import step, workflow

PAGES = int(sys.argv[2])
LIST = template(
    id="acme.things", parameters=(parameter("after"),), paging=Paging("cursor", items="data", parameter="after", cursor="next")
)
GET = template(id="acme.thing", path="/things/{{ id }}", parameters=(parameter("id", "path"),))
REGISTRY = Registry(dict.fromkeys(("acme.things", "acme.thing")), None)
REGISTRY._loaded = {"acme.things": LIST, "acme.thing": GET}

class Server:
    def send(self, request, timeouts):
        target, _, after = request.url.partition("?after=")
        number = int(after or 1)
        one = {"id": target.rpartition("/")[2], "text": "x" * 2000}
        page = {"data": [{"id": f"t{number}", "text": "x" * 2000}], "next": number + 1 if number < PAGES else None}
        value = page if target.endswith("/things") else one
        return Response(200, Headers.of({"Content-Type": "application/json"}), json.dumps(value).encode())

flow = workflow(
    step("list", "things", inputs={}, paginate=Paginate(max_items=10)),
    step("each", "thing", for_each=ForEach("{{ steps.list.outputs.items }}"), inputs={"id": "{{ item.id }}"}),
)
clock = FakeClock()
with Journal(Path(sys.argv[1])) as journal:
    held = journal.create(record(), b"")
    running = WorkflowRunner(
        Runner(Server(), clock), REGISTRY, lambda _: connection(), clock, recorder=RunRecorder(held, clock)
    )
    tracemalloc.start()
    result = running.run(flow, {})
    count = sum(1 for _ in stored_items(held.below, "list"))
    most = tracemalloc.get_traced_memory()[1]
    held.close()
print(json.dumps({"status": result.status, "counts": dict(result.steps[1].counts), "items": count, "most": most}))
"""


def run(folder, pages):
    program = [sys.executable, "-c", PROGRAM, str(folder / f"{pages}.db"), str(pages)]
    path = f"{PLUGIN}:{PLUGIN.parent / 'tests'}"
    done = subprocess.run(program, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.slow
def test_ten_times_the_pages_take_no_more_memory(tmp_path):
    few, many = run(tmp_path, 300), run(tmp_path, 3000)
    assert (many["status"], many["counts"], many["items"]) == ("succeeded", {"succeeded": 3000}, 3000)
    kept = 2700 * 2000  # what the texts of the items alone would take
    assert many["most"] - few["most"] < kept / 4, "a digest of each page's URL is kept, so that a loop is found"
