import re

import pytest

from web.chromium import expect
from web.serving import Serve
from web.watching import watched

LIST = "/tasks/okta.list_agent_pools"
CREATE = "/tasks/okta.create_agent_pools_update"


def result(page):
    return page.locator("#result")


def send(page):
    page.get_by_role("button", name="Test request").click()
    return result(page)


def test_a_request_is_tested_and_its_answer_shown(page, sandbox, look):
    page.goto(LIST)
    page.get_by_role("button", name="Fill in example").click()
    expect(page.get_by_label("limitPerPoolType", exact=True)).to_have_value("10")
    shown = send(page)
    expect(shown.get_by_role("heading", name=re.compile("succeeded"))).to_contain_text("200")
    expect(shown.get_by_role("list", name="Attempts").get_by_role("listitem")).to_have_count(1)
    expect(shown.get_by_role("region", name="Body")).to_contain_text('"operationalStatus"')
    expect(shown).to_be_focused()
    look(page)


def test_the_rest_of_an_answer_is_folded_away(page, sandbox, look):
    page.goto(LIST)
    shown = send(page)
    expect(shown.get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
    for name in ("Headers", "Raw", "Outputs for later steps", "Request as sent"):
        shown.locator("summary").filter(has_text=re.compile(f"^{name}")).click()
    expect(
        shown.get_by_role("table", name="Headers of the answer").get_by_role("row", name="content-type application/json")
    ).to_be_visible()
    expect(shown.get_by_role("region", name="Raw answer")).to_contain_text("HTTP/1.1 200")
    expect(shown.get_by_role("region", name="Outputs")).to_contain_text('"poolIds"')
    expect(shown.get_by_role("region", name="Request 1")).to_contain_text("SSWS ***")
    look(page, part="#try")


def test_a_body_is_downloaded_whole(page, sandbox):
    page.goto(LIST)
    shown = send(page)
    with page.expect_download() as downloading:
        shown.get_by_role("link", name="Download the body").click()
    assert downloading.value.suggested_filename.endswith(".json")
    assert '"operationalStatus"' in downloading.value.path().read_text(encoding="utf-8")


def test_what_happens_is_told_live_and_can_be_cancelled(page, sandbox, look):
    page.goto(LIST)
    sandbox.fault("slow(30s)", "GET /api/v1/agentPools")
    shown = send(page)
    expect(shown.get_by_role("heading", name="Sending")).to_be_visible()
    expect(shown.get_by_role("progressbar")).to_be_visible()
    expect(shown.get_by_role("status")).to_contain_text("GET http://127.0.0.1")
    look(page, part="#try")
    shown.get_by_role("button", name="Cancel").click()
    expect(shown.get_by_role("heading", name=re.compile("cancelled"))).to_be_visible()
    look(page, "cancelled", part="#try")


def test_whoever_goes_on_typing_keeps_the_focus(page, sandbox):
    page.goto(LIST)
    sandbox.fault("slow(2s)", "GET /api/v1/agentPools")
    shown = send(page)
    expect(shown.get_by_role("heading", name="Sending")).to_be_visible()
    field = page.get_by_label("limitPerPoolType", exact=True)
    field.press_sequentially("12")
    expect(shown.get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
    expect(field).to_be_focused()
    expect(field).to_have_value("12")


def test_retries_are_told_as_they_come_and_stay_as_a_timeline(page, sandbox, look):
    page.goto(LIST)
    sandbox.fault("503(Retry-After=1), 429(Retry-After=1), ok", "GET /api/v1/agentPools")
    page.get_by_label("Retry as the policy says").check()
    shown = send(page)
    expect(shown.get_by_role("status")).to_contain_text("attempt 1: 503")
    expect(shown.get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
    attempts = shown.get_by_role("list", name="Attempts").get_by_role("listitem")
    expect(attempts).to_have_count(3)
    expect(attempts.nth(0)).to_contain_text(re.compile("503.*retried in 1.0 s"))
    look(page, part="#try")


def test_without_retries_a_failure_says_what_the_policy_would_do(page, sandbox, look):
    page.goto(LIST)
    sandbox.fault("503(Retry-After=7)", "GET /api/v1/agentPools")
    shown = send(page)
    expect(shown.get_by_role("heading", name=re.compile("failed"))).to_contain_text("503")
    expect(shown.get_by_role("listitem").first).to_contain_text("7")
    look(page, part="#try")


def test_a_refusal_of_the_server_tells_its_reason(page, sandbox, look):
    page.goto("/tasks/okta.get_agent_pools_update_settings")
    page.get_by_label("poolId", exact=True).fill("nobody")
    shown = send(page)
    expect(shown.get_by_role("heading", name=re.compile("failed"))).to_contain_text("404")
    expect(shown).to_contain_text("E0000007")
    look(page, part="#try")


def test_a_lost_answer_is_called_unknown(page, sandbox, look):
    page.goto(CREATE)
    page.get_by_role("button", name="Fill in example").click()
    expect(page.get_by_label("poolId", exact=True).first).not_to_have_value("")
    sandbox.fault("reset-after", "POST /api/v1/agentPools/*/updates")
    shown = send(page)
    expect(shown.get_by_role("heading", name=re.compile("unknown"))).to_be_visible()
    look(page, part="#try")


def test_faults_are_simulated_and_nothing_is_sent(page, look):
    page.goto(LIST)
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Simulate faults").fill("503x2, 429(Retry-After=7), ok")
    page.get_by_role("button", name="Simulate").click()
    shown = page.get_by_role("region", name=re.compile("^Simulated: succeeded"))
    expect(shown.get_by_role("row")).to_have_count(5)
    expect(page.locator("#result")).to_have_count(0)
    look(page, part="#try")
    page.get_by_label("Simulate faults").fill("nonsense")
    page.get_by_role("button", name="Simulate").click()
    expect(page.get_by_label("Simulate faults")).to_have_attribute("aria-invalid", "true")
    look(page, "refused", part="#try")


def test_a_recent_request_is_opened_again(page, sandbox, look):
    page.goto(LIST)
    page.get_by_label("limitPerPoolType", exact=True).fill("3")
    expect(send(page).get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
    page.goto(LIST)
    page.get_by_text("Recent requests").click()
    look(page, part="#try")
    page.get_by_role("link", name="Reopen").first.click()
    expect(page.get_by_label("limitPerPoolType", exact=True)).to_have_value("3")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_change_of_a_real_server_is_asked_about_first(visit, hostile, look, scripts):
    before = hostile.count("POST")
    with visit(java_script_enabled=scripts) as context:
        page = context.new_page()
        page.goto("/tasks/plain.make")
        page.get_by_label("name", exact=True).fill("kept")
        page.get_by_role("button", name="Test request").click()
        question = page.get_by_role("region", name=f"Send this POST to {hostile.url}?")
        expect(question).to_contain_text("kept")
        assert hostile.count("POST") == before
        if scripts:
            expect(question).to_be_focused()
            look(page)
        question.get_by_role("button", name="Back").click()
        expect(page.get_by_label("name", exact=True)).to_have_value("kept")
        page.get_by_role("button", name="Test request").click()
        page.get_by_role("button", name="Send POST").click()
        expect(result(page).get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
        assert hostile.count("POST") == before + 1


def test_two_presses_follow_each_other_and_a_double_click_is_one(visit, hostile):
    before = hostile.count("GET")
    with visit() as context:
        page = context.new_page()
        page.goto("/tasks/evil.ask")
        example, test = (page.get_by_role("button", name=name).element_handle() for name in ("Fill in example", "Test request"))
        page.evaluate("([example, test]) => [example, test, test].forEach((button) => button.click())", [example, test])
        expect(result(page).get_by_role("heading", name=re.compile("succeeded"))).to_be_visible()
        expect(page.get_by_label("kind", exact=True)).to_have_value("script")
    assert hostile.count("GET") == before + 1


def test_a_page_whose_server_has_ended_says_so(chromium, tmp_path, look):
    serve = Serve(tmp_path)
    with chromium.in_use() as browser, watched(browser, serve.url) as context:
        page = context.new_page()
        page.goto(serve.link)
        page.goto(LIST)
        serve.stop()
        page.get_by_role("button", name="Test request").click()
        expect(page.get_by_role("alert")).to_contain_text("does not answer")
        look(page)
        context.watch.forgive("net::ERR_CONNECTION_REFUSED")
