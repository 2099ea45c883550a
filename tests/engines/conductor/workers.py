"""A worker as people start it, which can be killed at a request, and runs of workflows as people look at them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from engines.contract import READ_TIMEOUT

DEADLY = Path(__file__).resolve().parents[1] / "deadly"
#: Seconds after which a worker counts as lost in these tests.
LOST_AFTER = 3
#: What a secret input stands for; only the worker and the API may know it.
CANARY = "canary-ticket-0123456789"
PROFILE = """
[connections.sandbox]
provider = "okta"
baseUrl = "{url}"
token = "env:SANDBOX_TOKEN"
retry = {{readTimeout = {timeout}}}
"""


class WorkerProcess:
    """`httptask worker conductor` for one sandbox."""

    def __init__(self, folder, server, box):
        self.folder, self.server = folder, server
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "connections.toml").write_text(PROFILE.format(url=box.url, timeout=READ_TIMEOUT))
        self.deadly = folder / "kill"
        own = {"HTTPTASK_CONFIG": str(folder / "connections.toml"), "SANDBOX_TOKEN": box.token, "CANARY": CANARY}
        killing = {"PYTHONPATH": str(DEADLY), "HTTPTASK_TEST_KILL": str(self.deadly)}
        self.environment = {**os.environ, **own, **killing}
        self.process = None

    def start(self):
        command = [
            sys.executable,
            "-m",
            "httptask",
            "worker",
            "conductor",
            "--server",
            self.server.url,
            "--connection",
            "sandbox",
        ]
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self.environment)
        assert json.loads(self.process.stdout.readline())["tasks"] > 0, (self.folder / "worker.log").read_text()

    def stop(self):
        """End it in an orderly way; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=60)
        finally:
            self.process.stdout.close()

    def kills_itself(self, word):
        """Let it die of SIGKILL `before` or `after` the next unsafe request is applied."""
        self.deadly.write_text(word)

    def revive(self):
        """Start another one when this one is dead."""
        assert self.process.wait(timeout=300) == -9
        self.process.stdout.close()
        self.start()

    def heal(self):
        """Let one live that no test kills any more, however the test before ended."""
        self.deadly.unlink(missing_ok=True)
        if self.process.poll() is not None:
            self.process.stdout.close()
            self.start()


def deploy(server, *workflows, lost_after=LOST_AFTER):
    """Register all tasks and these files as people do."""
    command = [sys.executable, "-m", "httptask", "deploy", "conductor", *map(str, workflows), "--server", server.url]
    done = subprocess.run(
        [*command, "--lost-after", str(lost_after), "--json"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def one_task(server, name, task, inputs):
    """Register a workflow of one task, as people write it."""
    call = {"name": task, "taskReferenceName": "call", "type": "SIMPLE", "inputParameters": inputs}
    definition = {
        "name": name,
        "version": 1,
        "schemaVersion": 2,
        "tasks": [call],
        "timeoutSeconds": 0,
        "timeoutPolicy": "ALERT_ONLY",
    }
    server.call("PUT", "/metadata/workflow", [definition])


def finished(server, run, *, seconds=300, until=None):
    """Wait for the end of a run, or until something holds of it; the run with its tasks.

    The server looks for lost workers in its own time, which is minutes with its SQLite queue. It is asked to look now.
    """
    end = time.monotonic() + seconds
    while True:
        found = server.call("GET", f"/workflow/{run}?includeTasks=true")
        if found["status"] != "RUNNING" or (until is not None and until(found)):
            return found
        assert time.monotonic() < end, json.dumps(
            [[t["referenceTaskName"], t["status"], t["outputData"]] for t in found["tasks"]]
        )
        if any(late(task) for task in found["tasks"]):
            server.call("PUT", f"/workflow/decide/{run}")
        time.sleep(0.2)


def late(task):
    return task["status"] == "IN_PROGRESS" and time.time() - task["updateTime"] / 1000 > LOST_AFTER + 0.5


def last(run, reference):
    """The last attempt of a task, by the beginning of its name."""
    return [task for task in run["tasks"] if task["referenceTaskName"].partition("__")[0] == reference][-1]
