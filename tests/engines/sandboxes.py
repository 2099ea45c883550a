"""A sandbox in a process of its own, asked through its control surface: what engines' tests send to, and how it is looked at."""

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class LiveSandbox:
    """A running sandbox."""

    url: str
    token: str

    @property
    def environment(self):
        """The variables by which a worker finds it."""
        return {"OKTA_CLIENT_ORGURL": self.url, "OKTA_CLIENT_TOKEN": self.token}

    def play(self, match, script):
        """Play faults for requests that match, such as `POST /api/v1/x`."""
        self._control("POST", "faults", {"match": match, "script": script})

    def reset(self):
        """Go back to the beginning."""
        self._control("POST", "reset")

    def sent(self, match):
        """Return the log's entries of requests such as `POST /api/v1/x`."""
        method, _, path = match.partition(" ")
        log = self._control("GET", "requests")["received"]
        return [entry for entry in log if entry["method"] == method and entry["path"].partition("?")[0] == path]

    def received(self):
        """Return the whole log."""
        return self._control("GET", "requests")["received"]

    def applied(self, operation):
        """Return how often an operation such as `POST /api/v1/x/{id}` was carried out."""
        return self._control("GET", "requests")["applied"].get(operation, 0)

    def _control(self, method, what, data=None):
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{what}", body, method=method)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            return json.load(answer)


def waited(entries):
    """Return the seconds between the first and the last of a log's entries."""
    times = [datetime.fromisoformat(entry["at"]).timestamp() for entry in entries]
    return times[-1] - times[0] if times else 0.0


@contextmanager
def sandbox(*options):
    """Run a sandbox for as long as the context lasts; without options its rate limit is out of the way."""
    command = [sys.executable, "-m", "httptask", "sandbox", *(options or ("--rate-limit", "10000/60"))]
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "HTTPTASK_TEST_KILL"}}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        ready = json.loads(process.stdout.readline())
        yield LiveSandbox(ready["url"], ready["token"])
    finally:
        process.terminate()
        process.wait(timeout=10)
        process.stdout.close()
