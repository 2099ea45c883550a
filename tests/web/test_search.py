import re

from web.chromium import expect


def test_the_catalogue_lists_every_task(page, look):
    page.goto("/")
    expect(page.get_by_role("status")).to_contain_text("tasks")
    expect(page.get_by_role("list", name="Tasks").get_by_role("link", name="okta.")).to_have_count(14)
    look(page)


def test_results_follow_what_is_typed_and_the_address_keeps_it(page, look):
    page.goto("/")
    page.get_by_role("searchbox").press_sequentially("create update")
    expect(page.get_by_role("list", name="Tasks").get_by_role("link").first).to_contain_text("okta.create_agent_pools_update")
    expect(page.get_by_role("status")).to_contain_text(re.compile(r"\d of \d+ tasks"))
    expect(page).to_have_url(re.compile(r"\?q=create%20update$"))
    look(page)
    page.reload()
    expect(page.get_by_role("searchbox")).to_have_value("create update")


def test_what_matches_nothing_suggests_a_word(page, look):
    page.goto("/")
    page.get_by_role("searchbox").fill("creat_agents")
    expect(page.get_by_role("status")).to_contain_text("No task matches")
    page.get_by_role("searchbox").fill("activte")
    expect(page.get_by_role("link", name="activate", exact=True)).to_be_visible()
    look(page)
    page.get_by_role("link", name="activate", exact=True).click()
    expect(page.get_by_role("list", name="Tasks").get_by_role("link").first).to_contain_text("activate")


def test_the_search_works_without_scripts(visit):
    with visit(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto("/")
        page.get_by_role("searchbox").fill("create")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("list", name="Tasks").get_by_role("link").first).to_contain_text("create")


def test_any_page_leads_to_the_search(page):
    page.goto("/tasks/okta.list_agent_pools")
    page.locator("body").press("/")
    page.keyboard.type("pause")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=pause$"))
    expect(page.get_by_role("list", name="Tasks").get_by_role("link").first).to_contain_text("pause")
