"""Answers of a server that wants to run a script in the page, or to have it show a credential."""

import json
import re

import pytest

from web.chromium import expect
from web.hostile import ANSWERS
from web.serving import CANARY

#: Everything that a page of ours could keep or show: its texts and attributes, what was typed, what is stored, where it is.
_EVERYTHING = """() => JSON.stringify([
  document.documentElement.outerHTML,
  [...document.querySelectorAll("input, textarea, select")].map((field) => field.value),
  {...localStorage}, {...sessionStorage}, document.cookie, location.href, document.title, history.state,
])"""


def ask(page, kind):
    page.goto("/tasks/evil.ask")
    page.get_by_label("kind", exact=True).fill(kind)
    page.get_by_role("button", name="Test request").click()
    shown = page.locator("#result")
    expect(shown.get_by_role("heading", name=re.compile("succeeded|failed"))).to_be_visible()
    shown.locator("details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    return shown


def foreign_elements(page):
    return page.locator("main :is(script, img, iframe, object, [onload], [onerror], [onmouseover]), a[href^='javascript:' i]")


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_is_text_whatever_it_is(page, kind):
    shown = ask(page, kind)
    expect(shown).to_contain_text("<script>alert(1)</script>")  # of the header, at least
    expect(foreign_elements(page)).to_have_count(0)
    assert CANARY not in page.evaluate(_EVERYTHING)


def test_what_turns_the_reading_direction_is_shown_and_not_obeyed(page):
    shown = ask(page, "half")
    expect(shown.get_by_role("region", name="Body")).to_contain_text("\\u202eturned")
    expect(shown.get_by_role("region", name="Body")).to_contain_text("\\ud800")
    assert "\u202e" not in page.locator("main").inner_text()
    with page.expect_download() as downloading:
        shown.get_by_role("link", name="Download the body").click()
    assert json.loads(downloading.value.path().read_text(encoding="utf-8")) == {"half": "\ud800", "\u202eturned": "\u202eturned"}


def test_a_credential_that_a_server_sends_back_is_masked_everywhere(context, page, look):
    shown = ask(page, "echo")
    expect(shown.get_by_role("region", name="Body")).to_contain_text('"echo": "***"')
    look(page, part="#try")
    with page.expect_download() as downloading:
        shown.get_by_role("link", name="Download the body").click()
    assert CANARY not in downloading.value.path().read_text(encoding="utf-8")
    shown.get_by_role("link", name=re.compile(r"^\w{16}$")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("evil.ask")
    assert CANARY not in page.evaluate(_EVERYTHING)
    page.get_by_role("link", name="Reopen in the form").click()
    expect(page.get_by_label("kind", exact=True)).to_have_value("echo")
    assert CANARY not in page.evaluate(_EVERYTHING)
    page.goto("/runs")
    assert CANARY not in page.evaluate(_EVERYTHING)
    said = " ".join(json.dumps(answer.all_headers()) for answer in context.watch.answers)
    assert CANARY not in said


def test_a_huge_answer_is_cut_and_downloaded_whole(page, look):
    shown = ask(page, "huge")
    expect(shown.get_by_role("region", name="Body")).to_contain_text('"number": 0')
    expect(shown).to_contain_text(re.compile(r"Shown are the first \d+ of \d+ characters"))
    assert page.evaluate("document.documentElement.outerHTML.length") < 2_000_000
    with page.expect_download() as downloading:
        shown.get_by_role("link", name="Download the body").click()
    assert len(json.loads(downloading.value.path().read_text(encoding="utf-8"))) == 30_000
