import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

#: How fast a property is depends on what else the machine does, and says nothing of the code.
settings.register_profile("whole run", deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: Examples of each property in the default run; the others try as many as the library does.
settings.register_profile("default run", settings.get_profile("whole run"), max_examples=25)


def pytest_configure():
    """Let the commands under test be interrupted, even where the tests were started in the background of a shell.

    Such a shell sets SIGINT to be ignored, and a process hands that on to those it starts (POSIX, `sh`, asynchronous lists).
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.load_profile("whole run" if os.environ.get("HTTPTASK_SLOW") else "default run")


#: Marks of tests that the default run leaves out, and the values of HTTPTASK_SLOW by which they are run.
LEFT_OUT = {
    "slow": ({"1"}, "takes long; HTTPTASK_SLOW=1 runs it, as .ci/run does"),
    "broad": ({"1", "broad"}, "goes on where the default run has been; HTTPTASK_SLOW=broad runs it, as .ci/run does"),
}


def pytest_collection_modifyitems(items):
    """Leave out what would keep a newcomer waiting, in every run but those of `.ci/run`."""
    said = os.environ.get("HTTPTASK_SLOW")
    for mark, (values, reason) in LEFT_OUT.items():
        if said not in values:
            for item in items:
                if item.get_closest_marker(mark):
                    item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home for pages of a test, which are closed when it ends; the machine's own connections are taken away."""
    from pages import alone, close_all

    alone(monkeypatch, tmp_path)
    yield tmp_path
    close_all()
