"""What a printed curl command and a printed Python script really send, beside what httptask sends to the same server."""

import contextlib
import io
import os
import shutil
import subprocess
from unittest.mock import patch

import pytest

from httptask.export import EXPORTERS
from httptask.export.gathering import subject_of
from httptask.runner import prepare
from httptask.transport import RequestsTransport
from loopback.servers import QUICK

CURL = shutil.which("curl")
needs_curl = pytest.mark.skipif(CURL is None, reason="there is no curl here")
SHELLS = [shell for shell in ("sh", "bash", "zsh") if shutil.which(shell)]


def seen(raw):
    """Return method, target, headers as a multiset without Host, and body of one received request."""
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    pairs = ((name.lower(), value) for name, _, value in (field.partition(":") for field in fields))
    return method, target, sorted((name, value.strip(" ")) for name, value in pairs if name != "host"), body


def own(call, server):
    """Return what httptask itself sends for a call."""
    server.received.clear()
    with RequestsTransport() as transport:
        transport.send(prepare(call.template, call.inputs, call.connection, call.options).request, QUICK)
    return seen(server.received[-1])


def exported(call, name):
    return EXPORTERS[name].export(subject_of(call)).text


def sent_by_curl(text, server, env=(), shell="sh"):
    server.received.clear()
    kept = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        [shell, "-s"], input=text, env=kept | dict(env), capture_output=True, encoding="utf-8", timeout=30, check=False
    )
    assert done.returncode == 0, (done.stderr, text)
    assert len(server.received) == 1, text
    return seen(server.received[0])


def sent_by_python(text, server, env=()):
    """Run the script in this process: starting Python and importing requests for each would take most of the time."""
    server.received.clear()
    with patch.dict(os.environ, {"NO_PROXY": "*", **dict(env)}), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "script.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - this is what a user does with it
    assert len(server.received) == 1, text
    return seen(server.received[0])
