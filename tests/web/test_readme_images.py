"""The two pictures of the README. `HTTPTASK_IMAGES=1 pytest tests/web/test_readme_images.py` takes them anew."""

import os
import re
import struct

import pytest

from cli.command import ROOT
from web.chromium import expect
from web.sandboxes import PageSandbox, address_of
from web.serving import Serve
from web.watching import watched

IMAGES = ROOT / "docs" / "images"
NAMES = ("task", "approval")
#: Of the sandbox's seed.
FIRST_POOL = "0oatc78oSmKjiaTr11d7"
WIDTH, MOST = 1280, 200_000


@pytest.fixture
def keep(pictures):
    """Returns where a picture goes."""
    folder = IMAGES if os.environ.get("HTTPTASK_IMAGES") == "1" else pictures
    return lambda name: folder / f"{name}.png"


@pytest.fixture(scope="module")
def shipped(chromium, tmp_path_factory):
    """The page over what is shipped alone."""
    folder = tmp_path_factory.mktemp("shipped")
    serve = Serve(folder, "--workflows", ROOT / "examples")
    with chromium.in_use() as browser, watched(browser, serve.url) as context:
        context.new_page().goto(serve.link)
        serve.cookies = context.cookies()
    yield serve
    serve.stop()


def test_a_request_that_was_retried(chromium, shipped, keep):
    with chromium.in_use() as browser, watched(browser, shipped.url, shipped.cookies) as context:
        page = context.new_page()
        sandbox = PageSandbox(address_of(page))
        sandbox.fault("503(Retry-After=1), 429(Retry-After=1), ok", "GET /api/v1/agentPools/*/updates/settings")
        page.goto("/tasks/okta.get_agent_pools_update_settings")
        page.get_by_label("poolId", exact=True).fill(FIRST_POOL)
        page.get_by_label("Retry as the policy says").check()
        page.get_by_role("button", name="Test request").click()
        result = page.locator("#result")
        expect(result.get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
        page.mouse.move(0, 0)
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=keep("task"), full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": 1040})


def test_a_run_that_waits_for_an_approval(chromium, shipped, keep):
    with chromium.in_use() as browser, watched(browser, shipped.url, shipped.cookies) as context:
        page = context.new_page()
        page.goto("/workflows/canary_roll_out")
        page.get_by_role("button", name="Run workflow").click()
        expect(page.get_by_role("button", name="Approve")).to_be_visible()
        page.screenshot(path=keep("approval"), full_page=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_as_wide_as_a_readme_and_light(name):
    data = (IMAGES / f"{name}.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">I", data[16:20])[0] == WIDTH
    assert len(data) < MOST
