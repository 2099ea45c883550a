"""Kills the process at its next unsafe request, when a file says so: put this folder on PYTHONPATH of a worker.

HTTPTASK_TEST_KILL names the file; it holds `before` or `after`, and is removed by whoever dies of it.
"""

import os
import signal
from pathlib import Path

from httptask import transport

_send = transport.RequestsTransport.send


def _deadly(self, request, timeouts):
    word = "" if request.method in {"GET", "HEAD"} else _taken()
    if word == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    response = _send(self, request, timeouts)
    if word == "after":
        os.kill(os.getpid(), signal.SIGKILL)
    return response


def _taken():
    file = Path(os.environ["HTTPTASK_TEST_KILL"])
    try:
        word = file.read_text()
        file.unlink()
    except OSError:
        return ""
    return word


if "HTTPTASK_TEST_KILL" in os.environ:
    transport.RequestsTransport.send = _deadly
