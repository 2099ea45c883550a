import json
import re

import pytest

from web.chromium import expect
from web.serving import CANARY

CREATE = "/tasks/okta.create_agent_pools_update"


def copy(page, form):
    page.get_by_role("group", name="Use it elsewhere").get_by_role("button", name=form).click()
    return page.locator("#copied")


def clipboard(page):
    return page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("form", ["curl", "python", "HAR", "command"])
def test_a_call_is_copied_to_the_clipboard(context, page, form):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/tasks/plain.make")
    page.get_by_label("name", exact=True).fill('a "quoted" name; $(true)')
    copied = copy(page, re.compile(form, re.IGNORECASE))
    expect(copied).to_be_focused()
    copied.get_by_role("button", name="Copy").click()
    expect(copied.get_by_role("status")).to_have_text("Copied")
    text = clipboard(page)
    assert text == page.locator("#copied-text").text_content()
    assert "/things/new" in text or "plain.make" in text
    assert CANARY not in text


def test_a_copied_har_is_one(context, page):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/tasks/plain.make")
    page.get_by_label("name", exact=True).fill("a")
    copy(page, re.compile("HAR", re.IGNORECASE)).get_by_role("button", name="Copy").click()
    expect(page.locator("#copied-said")).to_have_text("Copied")
    request = json.loads(clipboard(page))["log"]["entries"][0]["request"]
    assert request["method"] == "POST"


def test_a_step_is_added_to_a_workflow_by_its_text(page, look):
    page.goto(CREATE)
    page.get_by_role("button", name="Fill in example").click()
    expect(page.get_by_label("poolId", exact=True).first).not_to_have_value("")
    page.get_by_role("button", name="Add to workflow").click()
    expect(page.locator("#copied-text")).to_contain_text("task: okta.create_agent_pools_update")
    look(page, part="#try")


def test_a_form_with_problems_is_not_copied(page):
    page.goto(CREATE)
    copy(page, re.compile("curl"))
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.locator("#copied")).to_have_count(0)


def test_without_a_clipboard_the_text_can_be_selected(visit):
    with visit() as context:
        context.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        page = context.new_page()
        page.goto("/tasks/okta.list_agent_pools")
        copied = copy(page, re.compile("curl"))
        expect(copied.get_by_role("region", name="Text to copy")).to_contain_text("curl")
        expect(copied.get_by_role("button", name="Copy")).to_be_hidden()
