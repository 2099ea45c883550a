import re

from web.chromium import expect

CREATE = "/tasks/okta.create_agent_pools_update"


def test_all_problems_come_at_once_and_each_leads_to_its_field(page, look):
    page.goto(CREATE)
    page.get_by_role("button", name="Preview", exact=True).click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("nothing was sent")
    for text in ("poolId", "'name' is missing", "'agentType' is missing"):
        expect(summary.get_by_role("listitem").filter(has_text=text)).to_be_visible()
    look(page, part="#try")
    summary.get_by_role("listitem").filter(has_text="'agentType' is missing").get_by_role("link").click()
    field = page.get_by_label("agentType", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("required|missing"))


def test_a_field_tells_its_own_problem_when_it_is_left(page, look):
    page.goto(CREATE)
    order = page.get_by_label("sortOrder", exact=True)
    order.fill("many")
    order.press("Tab")
    expect(order).to_have_attribute("aria-invalid", "true")
    expect(order).to_have_accessible_description(re.compile("integer|number"))
    expect(page.get_by_label("name", exact=True).first).not_to_have_attribute("aria-invalid", "true")
    look(page, part="#try")
    order.fill("3")
    order.press("Tab")
    expect(order).not_to_have_attribute("aria-invalid", "true")


def test_a_problem_within_what_is_folded_unfolds_it(page):
    page.goto(CREATE)
    page.get_by_role("button", name="Fill in example").click()
    body = page.get_by_role("group", name=re.compile("^body"))
    body.get_by_text("more fields").last.click()
    status = body.get_by_label("status", exact=True)
    values = status.locator("option").evaluate_all("options => options.map(option => option.value)")
    assert "Paused" in values
    latest = body.get_by_label("lastConnection", exact=True)
    body.get_by_text("more fields").first.click()
    latest.fill("yesterday")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("alert").get_by_role("link", name=re.compile("lastConnection"))).to_be_visible()
    expect(latest).to_be_visible()


def test_broken_json_is_told_with_its_place(page):
    page.goto(CREATE)
    page.get_by_role("button", name="All inputs as JSON").click()
    page.get_by_label("All inputs").fill('{"poolId": ')
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("line 1")
    expect(page.get_by_label("All inputs")).to_have_value('{"poolId": ')


def test_a_segment_that_would_lead_elsewhere_is_refused(page):
    page.goto("/tasks/okta.get_agent_pools_update_settings")
    page.get_by_label("poolId", exact=True).fill("..")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("poolId")
    expect(page.get_by_role("region", name="This would be sent")).to_have_count(0)
