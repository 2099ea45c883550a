import re

import pytest

from web.chromium import expect
from web.serving import Serve
from web.watching import watched

STATES = {
    "workflows": "/workflows",
    "workflow": "/workflows/canary_roll_out",
    "list of lists": "/tasks/okta.list_agent_pools",
    "further fields": "/tasks/okta.create_agent_pools_update/fields?start=5",
    "own templates": "/tasks/notes.create_note",
}
ERRORS = {
    "unknown task": "/tasks/okta.list_agent_pool",
    "unknown page": "/nothing/here",
    "unknown workflow": "/workflows/canary",
}


@pytest.mark.parametrize("state", STATES)
def test_each_page_is_for_everybody(page, look, state):
    page.goto(STATES[state])
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look(page)


@pytest.mark.parametrize("state", ERRORS)
def test_a_mistake_in_the_address_is_told_and_leads_back(context, page, look, state):
    context.watch.expected.add("404")
    page.goto(ERRORS[state])
    expect(page.get_by_role("alert")).to_be_visible()
    look(page)
    page.get_by_role("main").get_by_role("link").last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^(Tasks|Workflows)$"))


def test_texts_at_twice_their_size_fit(page):
    for path in ("/", *STATES.values()):
        page.goto(path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        width, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width <= room, path


def test_the_link_lets_one_browser_in_once(chromium, tmp_path, look):
    serve = Serve(tmp_path)
    with chromium.in_use() as browser, watched(browser, serve.url) as mine, watched(browser, serve.url) as other:
        other.watch.expected.add("403")
        page, stranger = mine.new_page(), other.new_page()
        page.goto(serve.link)
        expect(page).to_have_url(f"{serve.url}/")
        expect(page.get_by_role("heading", level=1)).to_have_text("Tasks")
        stranger.goto(serve.link)
        expect(stranger.get_by_role("heading", level=1)).to_have_text("This link was used already")
        look(stranger, "used")
        stranger.goto(serve.url)
        expect(stranger.get_by_role("heading", level=1)).to_have_text("Open the link that was printed")
        look(stranger, "none")
        page.goto("/workflows")
        expect(page.get_by_role("main")).to_contain_text("No workflow file")
        look(page, "no-workflows")
    serve.stop()
