"""What no page of ours may ever do, watched in each test: fail, break its own policy, ask another host, open a dialog."""

import re
from contextlib import contextmanager
from urllib.parse import urlsplit

from web.chromium import PATIENCE
from web.looking import DESKTOP

#: Chromium writes each answer that is an error into the console; these are answers that a page of ours gives on purpose.
_ANSWERED = re.compile(r"Failed to load resource: the server responded with a status of (\d{3})")
_REPORTS_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
"""


class Watch:
    """Listens to every page of a context. `expected` are the statuses of errors that the test provokes."""

    def __init__(self, context, origin):
        self.origin = origin
        self.expected = {"422"}
        self.faults = []
        self.answers = []
        context.add_init_script(_REPORTS_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.faults.append(f"script failed: {error.error}"))
        context.on("dialog", self._asked)
        context.on("request", self._requested)
        context.on("response", lambda answer: self.answers.append(answer))  # noqa: PLW0108 - Playwright marks the function

    def _said(self, message):
        answered = _ANSWERED.match(message.text)
        if answered and answered[1] in self.expected:
            return
        if message.type in {"error", "warning"}:
            self.faults.append(f"console: {message.text}")

    def _asked(self, dialog):
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request):
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" != self.origin:
            self.faults.append(f"asked another host: {request.url}")

    def forgive(self, text):
        """Take back what the test has provoked."""
        assert any(text in fault for fault in self.faults)
        self.faults = [fault for fault in self.faults if text not in fault]

    def verify(self):
        assert not self.faults, self.faults


@contextmanager
def watched(browser, url, cookies=(), **options):
    """A fresh profile on a desk, watched until it ends."""
    size = {"width": DESKTOP[0], "height": DESKTOP[1]}
    with browser.new_context(base_url=url, viewport=size, color_scheme="light", reduced_motion="reduce", **options) as context:
        context.set_default_timeout(PATIENCE)
        context.add_cookies(list(cookies))
        context.watch = Watch(context, url)
        yield context
        context.watch.verify()
