"""The examples as they stand, with a worker that is killed in the middle, and a look at all that the server kept of it."""

import os
import subprocess
import sys
from pathlib import Path

from engines.conductor.workers import LOST_AFTER, finished, last

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "engines" / "conductor"
UPDATES = "/api/v1/agentPools/{poolId}/updates"


def test_the_examples_are_done_by_a_worker_that_is_killed_and_no_request_is_applied_twice(server, box, worker):
    box.reset()
    environment = {
        **os.environ,
        "CONDUCTOR_SERVER_URL": server.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [EXAMPLES / "roll_out.sh", "--lost-after", str(LOST_AFTER)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    _, whole, by_hand = done.stdout.split("\n")[:3]
    finished(server, whole, until=lambda run: any(task["referenceTaskName"] == "create_gather" for task in run["tasks"]))
    finished(server, by_hand, until=lambda run: any(task["referenceTaskName"] == "done" for task in run["tasks"]))
    worker.kills_itself("after")
    worker.revive()
    run = finished(server, whole)
    assert (run["status"], run["output"]["notOperational"]) == ("COMPLETED", []), run.get("reasonForIncompletion")
    assert last(run, "outputs")["outputData"]["updated"] == run["output"]["updated"] != []
    assert any(task["status"] == "TIMED_OUT" for task in run["tasks"]), "no worker was lost"
    alone = finished(server, by_hand)
    assert (alone["status"], alone["output"]["httpStatus"]) == ("COMPLETED", 200), alone.get("reasonForIncompletion")
    assert alone["output"]["updateId"]
    assert [box.applied(f"POST {UPDATES}"), box.applied(f"POST {UPDATES}/{{updateId}}/activate")] == [3, 3]
    sent = [entry for entry in box.received() if entry["method"] == "POST"]
    assert len({entry["path"] for entry in sent if entry["path"].endswith("activate")}) == 3


def test_the_token_is_nowhere_in_what_the_server_and_the_worker_wrote(server, box, worker):
    assert box.token.encode() not in server.stored()
    assert box.token not in (worker.folder / "worker.log").read_text()
