import json

import pytest

from web.chromium import expect
from web.hostile import BREAKOUT, EVIL
from web.serving import CANARY

PAGES = [
    "/?q=evil",
    "/tasks/evil.ask",
    "/tasks/evil.change",
    "/?q=<script>alert(1)</script>",
    "/nothing/<img src=x onerror=alert(1)>",
]


def foreign_elements(page):
    return page.locator("main script, main img, main svg, main [onload], main [onerror], a[href^='javascript:' i]")


@pytest.mark.parametrize("path", PAGES)
def test_a_document_that_holds_a_script_is_text(context, page, path):
    context.watch.expected.add("404")
    page.goto(path)
    expect(page.get_by_role("main")).to_contain_text("alert(1)")
    expect(foreign_elements(page)).to_have_count(0)
    assert "49" not in page.title()
    assert "\u202e" not in page.locator("html").inner_text()


def test_hostile_inputs_are_text_wherever_they_come_back(page, look):
    page.goto("/tasks/evil.change")
    page.get_by_role("button", name="Edit as JSON").click()
    body = page.get_by_label("body", exact=True)
    expect(body).to_be_focused()
    body.fill(json.dumps({EVIL: EVIL}))
    page.get_by_label("kind", exact=True).fill(f"script{BREAKOUT}")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("region", name="This would be sent")).to_contain_text("alert(1)")
    expect(foreign_elements(page)).to_have_count(0)
    look(page)


def test_the_credential_is_nowhere_in_a_preview(page):
    page.goto("/tasks/evil.ask")
    page.get_by_label("kind", exact=True).fill("echo")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("region", name="This would be sent")).to_contain_text("X-Api-Key: ***")
    assert CANARY not in page.content()
    assert (
        page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])").count(CANARY)
        == 0
    )
