"""Workflows that are run from the page, watched, approved, settled and gone on with."""

import json
import time
import urllib.request
from pathlib import Path

import pytest

from httptask.journal import Journal
from httptask.sandbox.options import SandboxOptions
from httptask.sandbox.server import running
from httptask.web.journals import PageJournal
from pages import opened

pytestmark = pytest.mark.broad

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CANARY = "canary-7f3a9b+/x=Q"
GATED = """
name: gated
inputs:
  type: object
  required: [poolType]
  properties:
    poolType: {enum: [AD, LDAP], default: AD}
    note: {type: string, maxLength: 5}
steps:
  - {id: before, summary: Look first, task: okta.list_agent_pools, with: {poolType: '{{ inputs.poolType }}'}}
  - {id: gate, approve: 'Go on with <b>{{ inputs.poolType }}</b>?'}
  - {id: after, task: okta.list_agent_pools}
outputs: {first: '{{ steps.before.outputs.poolIds[0] }}'}
"""
LOST = """
name: lost
steps:
  - {id: pools, task: okta.list_agent_pools}
  - id: create
    task: okta.create_agent_pools_update
    with:
      poolId: '{{ steps.pools.outputs.poolIds[0] }}'
      body: {name: n, agentType: AD, agents: '{{ steps.pools.response.body[0].agents }}'}
  - {id: read, task: okta.get_agent_pools_update_instance, with: {poolId: a, updateId: '{{ steps.create.outputs.updateId }}'}}
"""
WAITS = "name: waits\nsteps:\n  - {id: long, wait: 30}\n  - {id: after, task: okta.list_agent_pools}\n"
SECRET = """
name: secret
inputs:
  type: object
  required: [key]
  properties: {key: {type: string, format: password, description: A key, minLength: 10}}
steps:
  - {id: pools, task: okta.list_agent_pools, headers: {X-Key: '{{ inputs.key }}'}}
"""


@pytest.fixture
def flows(home):
    made = home / "flows"
    made.mkdir()
    for name, text in {"gated": GATED, "lost": LOST, "waits": WAITS, "secret": SECRET}.items():
        (made / f"{name}.yaml").write_text(text)
    return made


@pytest.fixture
def browser(home, flows):
    return opened(workflows=[flows], journal=PageJournal(home / "runs.db"))


@pytest.fixture
def real(monkeypatch):
    with running(SandboxOptions.from_json({"rateLimit": "1000/1"})) as server:
        monkeypatch.setenv("OKTA_CLIENT_ORGURL", server.base_url)
        monkeypatch.setenv("OKTA_CLIENT_TOKEN", server.token)
        yield server


def control(server, path, value=None):
    data = None if value is None else json.dumps(value).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{server.base_url}/_sandbox/{path}", data), timeout=5) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def press(browser, path, fields, action, **headers):
    return browser.post(path, [*fields, ("~action", action)], **headers)


def begin(browser, name, **values):
    """Run a workflow with a form; return the address of the run."""
    path = f"/workflows/{name}"
    fields = [(field, values.get(field, value)) for field, value in browser.get(path).page.fields()]
    answer = press(browser, path, fields, "run")
    assert answer.status == 303, answer.text
    return answer.header("location")


def ended(browser, address):
    assert browser.site.works.get(address.rpartition("/")[2]).ended.wait(60)
    return browser.get(address).page


def steps(page):
    return {
        item.every("span", class_="id").__next__().text: next(item.every()).words
        for item in page.one("ol", class_="steps").every("li")
    }


def agree(browser, path, answer):
    [button] = [button for button in answer.page.every("button") if (button["value"] or "").startswith("confirm:")]
    return press(browser, path, [], button["value"])


def test_a_workflow_waits_is_approved_and_goes_on_in_its_own_sandbox(browser):
    address = begin(browser, "gated")
    page = ended(browser, address)
    assert page.one("h1").words == "gated waiting"
    assert steps(page) == {"before": "succeeded", "gate": "waiting", "after": "to come"}
    assert "Go on with <b>AD</b>?" in page.one("main").text
    answer = press(browser, address, [], "approve:gate")
    assert (answer.status, answer.header("location")) == (303, address)
    page = ended(browser, address)
    assert page.one("h1").words == "gated succeeded"
    assert set(steps(page).values()) == {"succeeded"}
    assert '"first": "' in page.one("main").text
    assert press(browser, address, [], "approve:gate").status == 422


def test_the_events_of_a_run_tell_each_step(browser):
    address = begin(browser, "gated")
    text = browser.get(f"{address}/events").text
    lines = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    told = [line for line in lines if isinstance(line, str) and not line.startswith(("GET", "attempt"))]
    assert told == ["before begins", "before succeeded", "gate waiting"]
    assert text.endswith("event: end\ndata: {}\n\n")


def test_a_step_below_a_workflow_that_is_used_has_its_own_row(home):
    browser = opened(workflows=[EXAMPLES], journal=PageJournal(home / "runs.db"))
    page = ended(browser, begin(browser, "canary_roll_out"))
    found = steps(page)
    assert list(found)[:3] == ["pools", "canary", "canary/create"]
    assert found["others"] == "to come"
    told = browser.site.works.get(next(iter(browser.site.works._works))).lines
    assert "canary/create begins" in told


def test_a_gate_is_rejected(browser):
    address = begin(browser, "gated")
    ended(browser, address)
    press(browser, address, [], "reject:gate")
    page = ended(browser, address)
    assert page.one("h1").words == "gated failed"
    assert page.every("form", class_="onward") == []


@pytest.mark.parametrize("word", ["approve:nothing", "approve:", "reject:before", "done:before", "not-done:nothing"])
def test_words_that_do_not_fit_change_nothing(browser, word):
    address = begin(browser, "gated")
    ended(browser, address)
    press(browser, address, [], word)
    page = ended(browser, address)
    assert "It cannot go on" in page.one("main").words
    assert page.one("h1").words == "gated waiting"


def test_a_run_against_a_real_server_asks_first(browser, real):
    path = "/workflows/lost"
    fields = [(name, "default" if name == "~connection" else value) for name, value in browser.get(path).page.fields()]
    answer = press(browser, path, fields, "run")
    question = answer.page.one(id="question")
    assert question.every("h3").__next__().words == f"Run this workflow against {real.base_url}?"
    assert "2 GET, 1 POST" in question.words
    assert "OKTA_CLIENT_TOKEN" in question.words
    assert control(real, "requests")["received"] == []
    agreed = agree(browser, path, answer)
    assert agreed.status == 303
    ended(browser, agreed.header("location"))
    assert len(control(real, "requests")["received"]) > 0
    assert agree(browser, path, answer).status == 422


def test_a_run_goes_only_where_it_was_confirmed_to_go(browser, real, monkeypatch):
    path = "/workflows/lost"
    fields = [(name, "default" if name == "~connection" else value) for name, value in browser.get(path).page.fields()]
    answer = press(browser, path, fields, "run")
    with running(SandboxOptions.from_json({})) as other:
        monkeypatch.setenv("OKTA_CLIENT_ORGURL", other.base_url)
        page = ended(browser, agree(browser, path, answer).header("location"))
        assert "It did not begin" in page.one("main").words
        assert control(other, "requests")["received"] == []


def lost(browser, real):
    control(real, "faults", {"script": "reset-after, ok", "match": "POST"})
    path = "/workflows/lost"
    fields = [(name, "default" if name == "~connection" else value) for name, value in browser.get(path).page.fields()]
    address = agree(browser, path, press(browser, path, fields, "run")).header("location")
    return address, ended(browser, address)


def test_an_unknown_outcome_is_settled_by_a_person(browser, real):
    address, page = lost(browser, real)
    assert page.one("h1").words == "lost unknown"
    assert "Nobody knows whether create was applied" in page.one("main").words
    outputs = page.one("textarea", name="~outputs:create")
    assert json.loads(outputs.text) == {"updateId": ""}
    broken = press(browser, address, [("~outputs:create", "[")], "done:create")
    assert (broken.status, "no JSON object" in broken.text) == (422, True)
    answer = press(browser, address, [("~outputs:create", '{"updateId": "u1"}')], "done:create")
    assert "create was applied" in answer.page.one(id="question").words
    assert agree(browser, address, answer).status == 303
    page = ended(browser, address)
    assert steps(page)["create"] == "succeeded"
    assert page.one("h1").words == "lost failed"
    assert sum(call["method"] == "POST" for call in control(real, "requests")["received"]) == 1


def test_what_was_not_applied_is_sent_again(browser, real):
    address, _ = lost(browser, real)
    answer = press(browser, address, [], "not-done:create")
    agree(browser, address, answer)
    ended(browser, address)
    assert sum(call["method"] == "POST" for call in control(real, "requests")["received"]) == 2


def test_a_run_is_stopped_and_gone_on_with(browser):
    address = begin(browser, "waits")
    page = browser.get(address).page
    assert page.one(id="run")["data-events"] == f"{address}/events"
    assert page.one(id="stop")
    assert press(browser, address, [], "approve:long").status == 422
    began = time.monotonic()
    press(browser, address, [], "stop")
    page = ended(browser, address)
    assert page.one("h1").words == "waits cancelled"
    assert time.monotonic() - began < 15
    assert [button.words for button in page.every("button", value="resume")] == ["Go on with this run"]
    assert press(browser, address, [], "resume").status == 303
    press(browser, address, [], "stop")
    ended(browser, address)


def test_a_run_whose_sandbox_has_ended_says_so(browser, home, flows):
    address = begin(browser, "gated")
    ended(browser, address)
    browser.site.close()
    later = opened(workflows=[flows], journal=PageJournal(home / "runs.db"))
    page = later.get(address).page
    assert "the sandbox of this run has ended" in page.one("main").words
    assert page.every("form", class_="onward") == []
    assert press(later, address, [], "approve:gate").status == 422


def test_a_run_of_the_command_line_is_shown_and_one_that_another_process_executes_has_no_buttons(browser, home):
    address = begin(browser, "gated")
    ended(browser, address)
    run = address.rpartition("/")[2]
    with Journal(home / "runs.db") as other:
        held = other.hold(run)
        held.note_status("running", now=1.0, ran=0.0)
        browser.site.works._works.clear()
        page = browser.get(address).page
        assert "Another process executes this run" in page.one("main").words
        assert page.every("form", action=address) == []
        answer = press(browser, address, [], "approve:gate")
        page = ended(browser, address) if answer.status == 303 else answer.page
        assert "It cannot go on" in page.one("main").words
        held.close()


def test_runs_are_listed_newest_first(browser):
    first, second = begin(browser, "gated"), begin(browser, "gated")
    ended(browser, first)
    ended(browser, second)
    links = [link["href"] for link in browser.get("/runs").page.one("tbody").every("a")]
    assert links == [second, first]


@pytest.mark.parametrize("path", ["/runs/nothing", "/runs/0000000000000000"])
def test_a_run_that_is_not_there_says_so(browser, path):
    assert browser.get(path).status == 404
    assert press(browser, path, [], "resume").status in {404, 422}


def test_the_form_of_a_workflow_holds_its_defaults_and_is_checked(browser):
    page = browser.get("/workflows/gated").page
    assert dict(page.fields())["poolType"] == "AD"
    assert "Default: AD" in page.one(id="in-poolType-hint").words
    fields = [(name, "too long" if name == "note" else value) for name, value in page.fields()]
    assert [item["id"] for item in browser.post("/workflows/gated/check", fields).json["problems"]] == ["in-note"]
    answer = press(browser, "/workflows/gated", fields, "run")
    assert answer.status == 422
    assert answer.page.one(id="in-note")["aria-invalid"] == "true"
    cleared = press(browser, "/workflows/gated", fields, "clear").page
    assert dict(cleared.fields())["note"] == ""


def test_a_secret_of_a_workflow_is_given_as_a_reference(browser, monkeypatch):
    monkeypatch.setenv("KEY", CANARY)
    page = browser.get("/workflows/secret").page
    assert page.one(id="in-key")["type"] == "text"
    assert "as env:NAME or file:PATH" in page.one(id="in-key-hint").words
    wrong = press(browser, "/workflows/secret", [("key", "hunter2-hunter2"), ("~connection", "sandbox")], "run")
    assert wrong.status == 422
    assert wrong.page.one(id="in-key")["aria-invalid"] == "true"
    address = begin(browser, "secret", key="env:KEY")
    ended(browser, address)
    for path in (address, f"{address}/events", "/runs", "/workflows/secret"):
        assert CANARY not in browser.get(path).text


def test_an_edited_workflow_is_seen_at_once_and_a_broken_one_says_where(browser, flows):
    assert browser.get("/workflows/gated").status == 200
    (flows / "gated.yaml").write_text(
        GATED.replace("Look first", "Look at first").replace("task: okta.list_agent_pools, with", "task: okta.list, with")
    )
    answer = browser.get("/workflows/gated")
    assert answer.status == 422
    assert "gated.yaml:" in answer.page.one("main").words
    assert press(browser, "/workflows/gated", [], "run").status == 404
    (flows / "gated.yaml").write_text(GATED.replace("name: gated", "name: renamed"))
    assert browser.get("/workflows/renamed").status == 200


def test_the_list_of_workflows_shows_names_files_and_what_is_wrong(browser, flows):
    (flows / "broken.yaml").write_text("name: b\nsteps:\n  - {id: a, task: [}\n")
    page = browser.get("/workflows").page
    rows = [link.words for link in page.one("ul", **{"aria-label": "Workflows"}).every("a")]
    assert any(row.startswith("broken cannot be read") for row in rows)
    assert any(row.startswith("gated") and row.endswith("3 steps") for row in rows)


def test_a_workflow_without_any_connection_cannot_be_run(home, flows, monkeypatch):
    (flows / "other.yaml").write_text(
        "name: other\nsteps:\n  - {id: one, task: acme.make_thing, with: {room: a, body: {name: n}}}\n"
    )
    from pages import folder

    browser = opened(folder(home / "acme"), workflows=[flows], journal=PageJournal(home / "runs.db"))
    answer = press(browser, "/workflows/other", browser.get("/workflows/other").page.fields(), "run")
    assert answer.status == 422
    assert "no connection" in answer.page.one(id="problems").words


def test_a_workflow_may_name_its_own_connection(browser, flows, home, real):
    config = home / ".config" / "httptask" / "connections.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[connections.mine]\nprovider = "okta"\nbaseUrl = "{real.base_url}"\ntoken = "env:OKTA_CLIENT_TOKEN"\n')
    (flows / "own.yaml").write_text("name: own\nconnection: mine\nsteps:\n  - {id: one, task: okta.list_agent_pools}\n")
    page = browser.get("/workflows/own").page
    options = {option["value"]: option.words for option in page.one(id="in-~connection").every("option")}
    assert options["default"] == "The workflow's own: mine"
    fields = [(name, "default" if name == "~connection" else value) for name, value in page.fields()]
    answer = press(browser, "/workflows/own", fields, "run")
    assert real.base_url in answer.page.one(id="question").words
    assert ended(browser, agree(browser, "/workflows/own", answer).header("location")).one("h1").words == "own succeeded"
