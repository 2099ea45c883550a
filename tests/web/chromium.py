"""The browser of these tests: the system's own Chromium, driven by Playwright. None is ever downloaded."""

import asyncio
import contextlib
import shutil

import pytest

_MISSING = "no Playwright here: pip install -e '.[browser]'"
sync_api = pytest.importorskip("playwright.sync_api", reason=_MISSING)
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason=_MISSING)

expect = sync_api.expect
#: Milliseconds; other workers have the machine too.
PATIENCE = 15_000
expect.set_options(timeout=PATIENCE)

_NAMES = ("chromium", "chromium-browser")
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Chromium:
    """One browser for all tests of a worker.

    Playwright's synchronous interface leaves its event loop running in the thread. Other tests of the worker want to run one of
    their own, so this loop is the thread's only within `in_use`.
    """

    def __init__(self, executable):
        self._playwright = sync_api.sync_playwright().start()
        self._loop = asyncio.get_running_loop()
        self._browser = self._playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        asyncio._set_running_loop(None)

    @contextlib.contextmanager
    def in_use(self):
        asyncio._set_running_loop(self._loop)
        try:
            yield self._browser
        finally:
            asyncio._set_running_loop(None)

    def close(self):
        with self.in_use() as browser:
            browser.close()
            self._playwright.stop()


def executable():
    return next(filter(None, map(shutil.which, _NAMES)), None)
