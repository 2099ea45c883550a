import json
import re

import pytest

from web.chromium import expect

CREATE = "/tasks/okta.create_agent_pools_update"


def preview(page):
    page.get_by_role("button", name="Preview", exact=True).click()
    return page.get_by_role("region", name="This would be sent")


def test_a_task_page_shows_the_form_beside_the_reference(page, look):
    page.goto(CREATE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Create an agent pool update")
    expect(page.get_by_role("table", name="Request body fields").get_by_role("row", name="agentType")).to_be_visible()
    expect(page.get_by_label("poolId", exact=True).first).to_have_attribute("aria-required", "true")
    look(page)


def test_the_example_fills_the_form_and_the_preview_shows_what_would_be_sent(page, look):
    page.goto(CREATE)
    page.get_by_role("button", name="Fill in example").click()
    expect(page.get_by_label("poolId", exact=True).first).to_have_value("0oaspf3cfatE1nDO31d7")
    shown = preview(page)
    expect(shown).to_be_focused()
    expect(shown).to_contain_text("POST /api/v1/agentPools/0oaspf3cfatE1nDO31d7/updates HTTP/1.1")
    expect(shown).to_contain_text('"name": "schedule_test"')
    expect(shown).to_contain_text("Authorization: SSWS ***")
    look(page, part="#try")


def test_rows_are_added_and_removed_and_the_focus_goes_with_them(page):
    page.goto(CREATE)
    agents = page.get_by_role("group", name=re.compile(r"^agents List"))
    agents.get_by_role("button", name="Add an item").click()
    second = page.get_by_role("group", name=re.compile(r"^agents\[1\]"))
    expect(second.get_by_label("id", exact=True)).to_be_focused()
    second.get_by_label("id", exact=True).fill("kept")
    page.get_by_role("button", name="Remove agents[0]").click()
    expect(second).to_have_count(0)
    expect(agents.get_by_label("id", exact=True)).to_have_value("kept")


def test_what_is_left_out_is_added_on_demand(page, look):
    page.goto(CREATE)
    page.get_by_role("button", name="Add schedule").click()
    expect(page.get_by_role("group", name=re.compile("^schedule")).get_by_role("textbox").first).to_be_focused()
    look(page, part="#try")


def test_fields_become_json_and_json_becomes_fields_again(page, look):
    page.goto(CREATE)
    page.get_by_role("button", name="Fill in example").click()
    page.get_by_role("button", name="All inputs as JSON").click()
    area = page.get_by_label("All inputs")
    expect(area).to_be_focused()
    look(page, part="#try")
    inputs = json.loads(area.input_value())
    assert inputs["poolId"] == "0oaspf3cfatE1nDO31d7"
    area.fill(json.dumps(inputs | {"poolId": "changed"}))
    page.get_by_role("button", name="Edit as fields").click()
    expect(page.get_by_label("poolId", exact=True).first).to_have_value("changed")


def test_a_body_comes_from_a_file(page, tmp_path):
    file = tmp_path / "body.json"
    file.write_text('{"name": "from a file", "agentType": "AD", "agents": [{"id": "a"}]}', encoding="utf-8")
    page.goto(CREATE)
    page.get_by_label("poolId", exact=True).first.fill("p")
    page.get_by_role("button", name="Edit as JSON").first.click()
    page.get_by_label("From a file").set_input_files(file)
    expect(page.get_by_label("body", exact=True)).to_have_value(re.compile("from a file"))
    expect(preview(page)).to_contain_text('"name": "from a file"')


def test_a_secret_is_never_sent_back_and_stays_typed(context, page):
    typed = "typed-secret-1b2c3"
    page.goto("/tasks/evil.change")
    page.get_by_label("kind", exact=True).first.fill("echo")
    password = page.locator("input[type=password]")
    password.fill(typed)
    shown = preview(page)
    expect(shown).to_contain_text('"password": "***"')
    expect(password).to_have_value(typed)
    texts = [answer.text() for answer in context.watch.answers if answer.request.method == "POST"]
    assert texts
    assert not any(typed in text for text in texts)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_form_works_with_and_without_scripts(visit, scripts):
    with visit(java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto("/tasks/okta.list_agent_pools")
        page.get_by_role("button", name="Fill in example").click()
        expect(page.get_by_label("limitPerPoolType", exact=True)).to_have_value("10")
        expect(preview(page)).to_contain_text("GET /api/v1/agentPools?")
