"""The sandbox that the page has started, from outside."""

import json
import urllib.request


class PageSandbox:
    """Starts with no faults and the state of its seed."""

    def __init__(self, url):
        self.url = url
        self._control("reset", {})

    def fault(self, script, match=""):
        self._control("faults", {"script": script, "match": match})

    def _control(self, path, value):
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", json.dumps(value).encode())  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            assert answer.status == 200


def address_of(page):
    """Start the sandbox, as a preview does, and return where it listens."""
    page.goto("/tasks/okta.list_agent_pools")
    page.get_by_role("button", name="Preview", exact=True).click()
    page.get_by_role("region", name="This would be sent").wait_for()
    return page.get_by_label("Connection").locator("option").first.inner_text().partition(": ")[2]
