import re

from web.chromium import expect


def run(page, name):
    page.goto(f"/workflows/{name}")
    page.get_by_role("button", name="Run workflow").click()
    expect(page).to_have_url(re.compile(r"/runs/\w+$"))
    return page.get_by_role("heading", level=1)


def step(page, path):
    return page.locator(".steps > li").filter(has=page.get_by_text(path, exact=True))


def test_workflows_are_listed_with_what_is_wrong_with_them(page, look):
    page.goto("/workflows")
    expect(page.get_by_role("link", name="canary_roll_out")).to_contain_text("4 steps")
    page.get_by_role("link", name="broken").click()
    expect(page.get_by_role("alert")).to_contain_text("okta.list_agent_pools")
    look(page)


def test_a_run_is_followed_and_waits_for_an_approval_and_goes_on(page, look):
    title = run(page, "canary_roll_out")
    expect(page.get_by_role("status")).not_to_be_empty()
    expect(step(page, "canary")).to_contain_text("running")
    look(page, "running")
    expect(title).to_have_text(re.compile("canary_roll_out waiting"))
    question = page.locator(".ask")
    expect(question).to_contain_text("Update the other pools?")
    look(page, "waiting")
    question.get_by_role("button", name="Approve").click()
    expect(title).to_have_text(re.compile("canary_roll_out succeeded"))
    expect(step(page, "others")).to_contain_text("succeeded")
    expect(page.get_by_role("region", name="Outputs")).to_contain_text('"updated"')
    page.get_by_text("What happened").click()
    look(page, "succeeded")


def test_a_rejected_run_takes_back_what_it_did(page, look):
    title = run(page, "canary_roll_out")
    page.get_by_role("button", name="Reject").click()
    expect(title).to_have_text(re.compile("canary_roll_out failed"))
    expect(step(page, "onFailure/undo_canary")).to_contain_text("succeeded")
    look(page)


def test_inputs_of_a_workflow_are_checked_first(page, look):
    page.goto("/workflows/report_pools")
    page.get_by_label("limit", exact=True).fill("none")
    page.get_by_role("button", name="Run workflow").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("limit", exact=True)).to_have_attribute("aria-invalid", "true")
    look(page)


def test_a_run_is_stopped_and_gone_on_with(page, look):
    title = run(page, "waits_long")
    expect(step(page, "rest")).to_contain_text("running")
    page.get_by_role("button", name="Stop").click()
    expect(title).to_have_text(re.compile("waits_long cancelled"))
    look(page)
    page.get_by_role("button", name="Go on with this run").click()
    expect(step(page, "rest")).to_contain_text("running")
    page.get_by_role("button", name="Stop").click()
    expect(title).to_have_text(re.compile("waits_long cancelled"))


def test_a_failure_is_told_with_its_step(page, look):
    title = run(page, "fails")
    expect(title).to_have_text(re.compile("fails failed"))
    expect(step(page, "ask")).to_contain_text("404")
    look(page)


def test_an_unknown_outcome_is_settled_by_a_person(page, look):
    title = run(page, "lost_answer")
    expect(title).to_have_text(re.compile("lost_answer unknown"))
    expect(page.locator(".ask")).to_contain_text("Nobody knows whether create was applied")
    look(page)
    outputs = page.get_by_label("Its outputs, which later steps read")
    expect(outputs).to_have_value(re.compile("updateId"))
    outputs.fill("{")
    page.get_by_role("button", name="It was applied").click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON object")
    page.get_by_role("button", name="It was not; send it again").click()
    expect(title).to_have_text(re.compile("lost_answer succeeded"))


def test_runs_are_listed_newest_first(page, look):
    run(page, "fails")
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Runs").click()
    expect(page.get_by_role("table").get_by_role("row").nth(1)).to_contain_text("fails")
    look(page)
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("fails")


def test_a_trial_is_a_run_too(page, sandbox, look):
    page.goto("/tasks/okta.list_agent_pools")
    page.get_by_role("button", name="Test request").click()
    page.locator("#result").get_by_role("link", name=re.compile(r"^\w{16}$")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("okta.list_agent_pools succeeded")
    look(page)
    page.get_by_role("link", name="Reopen in the form").click()
    expect(page.get_by_role("button", name="Test request")).to_be_visible()


def test_a_run_is_followed_without_scripts(visit):
    with visit(java_script_enabled=False) as context:
        page = context.new_page()
        title = run(page, "canary_roll_out")
        expect(title).to_have_text(re.compile("waiting"))
        page.get_by_role("button", name="Approve").click()
        expect(title).to_have_text(re.compile("succeeded"))
