import os

import pytest

pytest_plugins = ["pytester"]


def pytest_collection_modifyitems(items):
    """Leave out what takes long, in every run but those of `.ci/run`."""
    if os.environ.get("HTTPTASK_SLOW") == "1":
        return
    skip = pytest.mark.skip(reason="takes long; HTTPTASK_SLOW=1 runs it, as .ci/run does")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)
