import os
import signal

import pytest

pytest_plugins = ["pytester"]


def pytest_configure():
    """Let the commands under test be interrupted, even where the tests were started in the background of a shell.

    Such a shell sets SIGINT to be ignored, and a process hands that on to those it starts (POSIX, `sh`, asynchronous lists).
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Leave out what takes long, in every run but those of `.ci/run`."""
    if os.environ.get("HTTPTASK_SLOW") == "1":
        return
    skip = pytest.mark.skip(reason="takes long; HTTPTASK_SLOW=1 runs it, as .ci/run does")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home for pages of a test, which are closed when it ends; the machine's own connections are taken away."""
    from pages import alone, close_all

    alone(monkeypatch, tmp_path)
    yield tmp_path
    close_all()
