"""Journal files for tests, and small programs that use them in processes of their own."""

import subprocess
import sys
from pathlib import Path

from httptask.journal import RunRecord

PLUGIN = Path(__file__).resolve().parents[1] / "plugin"


def record(run_id="r1", **changes):
    values = {
        "workflow": "w",
        "file": "flow.yaml",
        "status": "running",
        "created": 1.5,
        "updated": 2.5,
        "ran": 0.25,
        "definition": "digest",
        "connections": {"acme": "https://api.example.com"},
    }
    return RunRecord(id=run_id, **{**values, **changes})


def process(code, *arguments):
    """Start a program that has the journal's names; `say(text)` tells the test how far it came, `hear()` waits for it."""
    head = (
        "import sys\n"
        "from pathlib import Path\n"
        "from httptask.errors import JournalError\n"
        "from httptask.journal import Journal, RunRecord\n"
        "from httptask.ports import Entry\n"
        "from journals import record\n"
        "def say(text): print(text, flush=True)\n"
        "def hear(): sys.stdin.readline()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": f"{PLUGIN}:{Path(__file__).parent}", "COVERAGE_PROCESS_START": ""},
    )


def heard(started):
    return started.stdout.readline().strip()


def tell(started):
    started.stdin.write("\n")
    started.stdin.flush()


def ended(started):
    with started:
        return started.communicate(timeout=20)[0].split("\n")[:-1]
