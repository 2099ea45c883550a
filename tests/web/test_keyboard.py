import re

import pytest

from web.chromium import expect
from web.walking import walk

PAGES = ["/", "/tasks/okta.create_agent_pools_update", "/tasks/okta.list_agent_pools", "/workflows", "/workflows/canary_roll_out"]


@pytest.mark.parametrize("size", [(1280, 800), (390, 664)], ids=["desktop", "phone"])
@pytest.mark.parametrize("path", PAGES)
def test_tab_reaches_everything_in_order_and_traps_nobody(page, path, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(path)
    walked = walk(page)
    assert walked.reached == walked.reachable
    assert not walked.hidden, "what has the focus cannot be seen"
    assert not walked.unmarked, "what has the focus does not look so"


def test_the_first_tab_offers_to_skip_to_the_content(page):
    page.goto("/workflows")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_arrows_go_through_the_results(page):
    page.goto("/")
    page.keyboard.type("pause")
    results = page.get_by_role("list", name="Tasks").get_by_role("link")
    expect(results.first).to_contain_text("pause")
    page.keyboard.press("ArrowDown")
    expect(results.first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/tasks/okta\.pause_agent_pools_update$"))


def go_to(page, target):
    """Press Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(80):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    pytest.fail("it was not reached")


def test_enter_in_a_field_previews_and_sends_nothing(page):
    page.goto("/tasks/okta.get_agent_pools_update_settings")
    go_to(page, page.get_by_label("poolId", exact=True))
    page.keyboard.type("0oaspf3cfatE1nDO31d7")
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="This would be sent")).to_be_focused()
    expect(page.locator("#result")).to_have_count(0)


def test_a_request_is_confirmed_sent_and_read_without_a_mouse(page):
    page.goto("/tasks/plain.make")
    go_to(page, page.get_by_role("button", name="Test request"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Send this POST")).to_be_focused()
    go_to(page, page.get_by_role("button", name="Send POST"))
    page.keyboard.press("Space")
    result = page.locator("#result")
    expect(result.get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
    expect(result).to_be_focused()
    walked = walk(page)
    assert walked.reached == walked.reachable
    assert not walked.hidden
    go_to(page, result.locator("summary").filter(has_text="Headers"))
    page.keyboard.press("Enter")
    expect(result.get_by_role("table", name="Headers of the answer")).to_be_visible()


def test_a_run_is_begun_and_approved_without_a_mouse(page):
    page.goto("/workflows/canary_roll_out")
    go_to(page, page.get_by_role("button", name="Run workflow"))
    page.keyboard.press("Enter")
    approve = page.get_by_role("button", name="Approve")
    expect(approve).to_be_visible()
    walked = walk(page)
    assert walked.reached == walked.reachable
    assert not walked.hidden
    go_to(page, approve)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("succeeded"))
