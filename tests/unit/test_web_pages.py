"""What pages show, and what a form's buttons do."""

import json

import pytest

from builders import provider
from httptask.errors import ConfigurationError
from httptask.export import EXPORTERS
from httptask.loader import load_workflow, open_registry
from httptask.secrets import MASK
from httptask.web import targets
from httptask.web.sandboxes import PageSandbox
from pages import PROVIDER, THING, folder, opened

pytestmark = pytest.mark.broad

CANARY = "canary-7f3a9b+/x=Q"
PAGE = "/tasks/acme.make_thing"


@pytest.fixture
def browser(home):
    return opened(folder(home / "acme"))


@pytest.fixture
def connected(browser, monkeypatch):
    monkeypatch.setenv("ACME_URL", "https://acme.example.com")
    monkeypatch.setenv("ACME_TOKEN", CANARY)
    return browser


def press(browser, fields, action, path=PAGE, **headers):
    return browser.post(path, [*fields, ("~action", action)], **headers)


def filled(browser, **values):
    """The fields of a fresh page with some of them filled in."""
    fields = browser.get(PAGE).page.fields()
    assert set(values) <= {name for name, _ in fields}, fields
    return [(name, values.get(name, value)) for name, value in fields]


def problems(page):
    return [item.words for item in page.one(id="problems").every("li")]


# --- the list ---


def test_the_list_shows_each_task_with_method_id_summary_and_path(browser):
    page = browser.get("/?q=make").page
    [link] = page.one("ul", class_="tasks").every("a")
    assert link["href"] == PAGE
    assert link.words == "POST acme.make_thing Make a thing /rooms/{room}/things"
    assert page.one(id="count").words == "1 of 15 tasks"


def test_results_come_alone_for_those_who_type(browser):
    text = browser.get("/search?q=pool+update").text
    assert "<html" not in text
    assert '<div id="results">' in text


def test_a_search_that_finds_nothing_offers_the_nearest_word(browser):
    page = browser.get("/search?q=thig").page
    assert page.one(id="count").words == "No task matches; did you mean thing?"
    assert page.one(id="count").every("a").__next__()["href"] == "/?q=thing"


def test_the_likeliest_comes_first(browser):
    def first(query):
        return next(browser.get(f"/search?q={query}").page.one("ul").every("span", class_="id")).text

    assert first("thing") == "acme.make_thing"
    assert first("update+settings") == "okta.update_agent_pools_update_settings"
    assert first("okta.list_agent_pools") == "okta.list_agent_pools"


def test_a_long_list_comes_in_pages(home):
    acme = folder(home / "acme")
    for number in range(120):
        (acme / f"t{number:03}.yaml").write_text(THING.replace("make_thing", f"do_{number:03}"))
    browser = opened(acme)
    page = browser.get("/?q=acme").page
    assert len(page.every("li")) == 50
    [following] = page.every("a", rel="next")
    assert following["href"] == "/?q=acme&start=50"
    last = browser.get("/?q=acme&start=100").page
    assert (len(last.every("li")), len(last.every("a", rel="next")), len(last.every("a", rel="prev"))) == (21, 0, 1)


@pytest.mark.parametrize("start", ["-1", "x", "99999999999999999999", "٣", ""])
def test_a_start_that_is_no_number_is_the_beginning(browser, start):
    assert len(browser.get(f"/?start={start}").page.one("ul", class_="tasks").parts) > 3


# --- the reference ---


def test_the_reference_page_has_the_tables_of_the_catalogue_page(home):
    page = opened().get("/tasks/okta.create_agent_pools_update").page
    captions = [caption.words for caption in page.every("caption")]
    assert captions[:3] == ["Path parameters", "Request headers", "Request body fields"]
    rows = {
        row.parts[0].words: [cell.words for cell in row.every("td")]
        for row in page.every("tr", role="row")
        if row.parts[0]["scope"] == "row"
    }
    assert rows["agents[].id"][:2] == ["String", "No"]
    assert rows["agents[]"][1] == "Yes"
    assert rows["agentType"] == [
        "String",
        "Yes",
        "Agent types that are being monitored. Valid values: AD, IWA, LDAP, MFA, OPP, RUM, Radius",
    ]
    assert rows["schedule.timezone"][0] == "String"
    text = page.one(id="reference").words
    assert "https://{yourOktaDomain}" in text
    assert "okta.agentPools.manage" in text
    assert [item.words.split()[0] for item in page.every("summary") if item.words[:1].isdigit()][-5:] == [
        "201",
        "400",
        "403",
        "404",
        "429",
    ]


def test_code_and_links_of_a_description_are_drawn_and_lead_nowhere_else(browser):
    page = browser.get(PAGE).page
    [link] = [link for link in page.every("a") if link.text == "the docs"]
    assert (link["href"], link["rel"]) == ("https://example.com/docs", "noopener noreferrer")


def test_a_huge_body_has_its_fields_on_further_pages(home):
    properties = ", ".join(f"f{number:04}: {{type: string, description: '{'x' * 100}'}}" for number in range(400))
    acme = folder(
        home / "acme",
        THING.replace(
            "      name: {type: string, examples: [ball]}",
            f"      name: {{type: string}}\n      deep: {{type: object, properties: {{{properties}}}}}",
        ),
    )
    browser = opened(acme)
    answer = browser.get(PAGE)
    assert len(answer.body) < 100_000
    [more] = [link for link in answer.page.every("a") if "further fields" in link.words]
    assert more.words == "261 further fields"
    further = browser.get(more["href"]).page
    assert len(further.every("tr")) == 151
    assert further.one("a", rel="next")["href"].endswith("start=300")


# --- the form ---


def test_every_control_has_a_label_and_a_description(browser):
    fields = press(browser, browser.get(PAGE).page.fields(), "example").page.fields()
    page = press(browser, fields, "add:body.parts").page
    ids = {element["id"] for element in page.every() if element["id"]}
    labels = {label["for"] for label in page.every("label")}
    controls = [field for tag in ("input", "select", "textarea") for field in page.one("form", id="form").every(tag)]
    shown = [field for field in controls if field["type"] not in {"hidden", "checkbox"}]
    assert len(shown) > 10
    for field in shown:
        assert field["id"] in labels, field.attributes
        assert set((field["aria-describedby"] or "").split()) <= ids
    assert len([element["id"] for element in page.every() if element["id"]]) == len(ids)


def test_the_form_says_what_each_field_takes(browser):
    page = browser.get(PAGE).page
    room = page.one(id="in-room")
    assert (room["type"], room["aria-required"]) == ("text", "true")
    assert page.one(id="in-room-hint").words == "Where it goes. For example blue"
    assert page.one(id="in-limit")["inputmode"] == "decimal"
    assert page.one(id="in-limit-hint").words == "From 1 to 50"
    assert [option.words for option in page.one(id="in-body.colour").every("option")] == ["Not sent", "red", "blue"]
    assert [option.words for option in page.one(id="in-body.loud").every("option")] == ["Not sent", "true", "false"]
    assert page.one(id="in-body.password")["type"] == "password"
    assert page.one(id="in-body.shape").tag == "textarea"
    assert [box["value"] for box in page.every("input", type="checkbox", name="kinds")] == ["a", "b"]


def test_what_only_the_server_sets_is_folded_away(browser):
    page = browser.get(PAGE).page
    [folded] = [part for part in page.every("details", class_="more") if "more fields" in part.words]
    assert [field["id"] for field in folded.every("input")] == ["in-body.id"]


def test_the_example_fills_the_form(browser):
    page = press(browser, browser.get(PAGE).page.fields(), "example").page
    assert page.one(id="in-room")["value"] == "blue"
    assert page.one(id="in-body.name")["value"] == "ball"
    assert browser.get(PAGE).page.one(id="in-room")["value"] == ""


def test_the_example_of_every_shipped_task_has_no_problem(home):
    browser = opened()
    for task in browser.site.catalogue.registry():
        path = f"/tasks/{task}"
        fields = press(browser, browser.get(path).page.fields(), "example", path).page.fields()
        assert browser.post(f"{path}/check", fields).json == {"problems": []}, task


def test_rows_are_added_and_removed_without_a_script(browser):
    fields = filled(browser, room="a", **{"body.name": "n"})
    added = press(browser, fields, "add:body.parts").page
    assert added.one(id="try")["data-focus"] == "in-body.parts[0]"
    assert "autofocus" in added.one("fieldset", id="in-body.parts[0]").attributes
    again = press(
        browser, [(name, "x" if name.endswith("[0].id") else value) for name, value in added.fields()], "add:body.parts"
    ).page
    assert again.one(id="in-body.parts[0].id")["value"] == "x"
    removed = press(browser, again.fields(), "remove:body.parts[1]").page
    assert [field["name"] for field in removed.every("input") if (field["name"] or "").endswith(".id")] == [
        "body.parts[0].id",
        "body.id",
    ]


def test_a_body_is_edited_as_json_and_back(browser):
    fields = filled(browser, room="a", **{"body.name": "n", "body.count": "2"})
    written = press(browser, fields, "json:body").page
    assert json.loads(written.one(id="in-body").text) == {"name": "n", "count": 2}
    edited = [(name, '{"name": "m", "parts": [{"id": "p"}]}' if name == "body" else value) for name, value in written.fields()]
    page = press(browser, edited, "fields:body").page
    assert (page.one(id="in-body.name")["value"], page.one(id="in-body.parts[0].id")["value"]) == ("m", "p")


def test_json_that_fields_cannot_say_stays_json_and_says_why(browser):
    written = press(browser, filled(browser, room="a"), "json:body").page
    edited = [(name, '{"name": "m", "new": 1}' if name == "body" else value) for name, value in written.fields()]
    answer = press(browser, edited, "fields:body")
    assert answer.status == 422
    assert problems(answer.page) == [
        "body: it holds what fields cannot say, so that it stays JSON (unlisted keys, empty texts and lists, null)"
    ]
    broken = [(name, "{" if name == "body" else value) for name, value in written.fields()]
    assert problems(press(browser, broken, "fields:body").page)[0].startswith("body: not JSON at line 1 column 2")


def test_all_inputs_can_be_written_as_one_json(browser):
    written = press(browser, filled(browser, room="a", limit="5"), "json:~inputs").page
    assert json.loads(written.one(id="in-~inputs").text) == {"room": "a", "limit": 5, "body": {}}
    wrong = [(name, '{"room": 1, "rom": 2}' if name == "~inputs" else value) for name, value in written.fields()]
    page = press(browser, wrong, "preview").page
    assert {link["href"] for link in page.one(id="problems").every("a")} == {"#in-~inputs"}
    assert len(problems(page)) == 3


def test_a_file_is_loaded_into_the_body(browser):
    written = press(browser, filled(browser, room="a"), "json:body").page
    files = [("~file:body", "body.json", b'\xef\xbb\xbf{"name": "from a file"}'), ("~file:other", "", b"")]
    page = browser.upload(PAGE, [*written.fields(), ("~action", "load:body")], files).page
    assert json.loads(page.one(id="in-body").text) == {"name": "from a file"}
    binary = browser.upload(PAGE, [*written.fields(), ("~action", "load:body")], [("~file:body", "b", b"\xff\xfe")])
    assert problems(binary.page) == ["body: the file is not UTF-8"]


# --- one check for all ---


def test_problems_are_those_of_the_command_line_each_at_its_field(connected):
    fields = filled(connected, limit="99", **{"body.count": "many", "~connection": "default"})
    answer = press(connected, fields, "preview")
    assert answer.status == 422
    page = answer.page
    assert problems(page) == [
        "room: this input is required (Where it goes)",
        "body: 'name' is missing",
        "body.count: must be integer, is string",
        "limit: must be at most 50",
    ]
    assert [link["href"] for link in page.one(id="problems").every("a")] == [
        "#in-room",
        "#in-body.name",
        "#in-body.count",
        "#in-limit",
    ]
    for name in ("room", "body.name", "body.count", "limit"):
        assert page.one(id=f"in-{name}")["aria-invalid"] == "true"
        assert "hidden" not in page.one(id=f"in-{name}-error").attributes
    assert page.one(id="try")["data-focus"] == "problems"
    assert page.one(id="in-limit")["value"] == "99"


def test_the_check_as_one_types_is_the_same_one(browser):
    fields = filled(browser, limit="99")
    found = browser.post(f"{PAGE}/check", fields).json["problems"]
    assert {"id": "in-limit", "where": "limit", "message": "must be at most 50", "hint": ""} in found
    assert {item["id"] for item in found} == {"in-limit", "in-room", "in-body.name"}


def test_what_would_leave_its_slot_is_told_at_its_field(connected):
    fields = filled(connected, room="..", **{"body.name": "n", "~connection": "default", "~headers": "Host: evil\nX-A: a\x07"})
    page = press(connected, fields, "preview").page
    found = dict(zip([link["href"] for link in page.one(id="problems").every("a")], problems(page), strict=True))
    assert set(found) == {"#in-room", "#in-~headers"}


@pytest.mark.parametrize("text", ["no colon", ": value", "Authorization: ***"])
def test_a_header_that_is_none_is_told(connected, text):
    fields = filled(connected, room="a", **{"body.name": "n", "~connection": "default", "~headers": text})
    page = press(connected, fields, "preview").page
    assert page.one(id="in-~headers")["aria-invalid"] == "true"


def test_an_unknown_value_passes_when_that_is_asked_for(connected):
    fields = [*filled(connected, room="a", **{"body.name": "n", "~connection": "default"}), ("body.colour", "mauve")]
    fields = [(name, value) for name, value in fields if (name, value) != ("body.colour", "")]
    assert press(connected, fields, "preview").status == 422
    answer = press(connected, [*fields, ("~unknown", "1")], "preview")
    assert answer.status == 200
    assert "must be one of red, blue" in answer.page.one(id="preview").words


# --- the request ---


def test_the_preview_is_the_request_that_would_be_sent_with_the_credential_masked(connected):
    fields = filled(
        connected, room="a b", limit="5", **{"body.name": "<b>n</b>", "~connection": "default", "~headers": "X-Trace: 7"}
    )
    answer = press(connected, fields, "preview")
    assert answer.status == 200
    lines = answer.page.one("pre", class_="code message").text.strip().splitlines()
    assert lines[:2] == ["POST /rooms/a%20b/things?limit=5 HTTP/1.1", "Host: acme.example.com"]
    assert "Authorization: ***" in lines
    assert "X-Trace: 7" in lines
    assert json.loads("\n".join(lines[lines.index("") :])) == {"name": "<b>n</b>"}
    assert "https://acme.example.com" in answer.page.one(id="preview").words


def test_a_part_of_the_page_is_drawn_where_a_part_is_asked_for(connected):
    answer = press(connected, filled(connected), "example", x_part="try")
    assert answer.text.lstrip().startswith('<section id="try"')
    assert "<html" not in answer.text


# --- use it elsewhere ---


@pytest.mark.parametrize("form", [form for form in EXPORTERS if form != "temporal"])
def test_a_call_is_copied_in_every_form_of_the_registry_without_its_secrets(connected, form):
    own = {"body.name": "<b>n</b>", "body.password": "hunter2-hunter2", "~connection": "default"}
    answer = press(connected, filled(connected, room="a", **own), f"copy:{form}")
    assert answer.status == 200
    shown = answer.page.one(id="copied-text").text
    assert "<b>n</b>" in shown
    for secret in (CANARY, CANARY[:16], "hunter2"):
        assert secret not in answer.text
    assert answer.page.one(id="try")["data-focus"] == "copied"


def test_a_form_that_would_be_kept_with_a_secret_in_it_is_refused(connected):
    own = {"body.name": "n", "body.password": "hunter2-hunter2", "~connection": "default"}
    answer = press(connected, filled(connected, room="a", **own), "copy:temporal")
    assert answer.status == 422
    assert "Temporal would keep this secret in its history" in answer.text
    assert "hunter2" not in answer.text


def test_there_is_a_button_for_each_form(connected):
    values = [button["value"] for button in connected.get(PAGE).page.every("button")]
    assert {f"copy:{form}" for form in EXPORTERS} <= set(values)


def test_a_step_that_is_copied_is_one_of_a_workflow_file(connected, home):
    fields = filled(connected, room="a", **{"body.name": "{{ n }}", "~connection": "default"})
    text = press(connected, fields, "copy:step").page.one(id="copied-text").text
    (home / "flow.yaml").write_text("name: flow\nsteps:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    workflow = load_workflow(home / "flow.yaml", connected.site.catalogue.registry())
    assert [step.task for step in workflow.steps] == ["acme.make_thing"]


def test_a_form_that_is_not_there_copies_nothing(connected):
    fields = filled(connected, room="a", **{"body.name": "n", "~connection": "default"})
    assert press(connected, fields, "copy:nothing").page.every(id="copied") == []


def test_what_is_wrong_is_not_copied(connected):
    answer = press(connected, filled(connected, **{"~connection": "default"}), "copy:curl")
    assert answer.status == 422
    assert answer.page.every(id="copied") == []


# --- where it goes ---


def test_the_connections_are_those_of_the_command_line(connected, home):
    config = home / ".config" / "httptask" / "connections.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        '[connections.north]\nprovider = "acme"\nbaseUrl = "https://north.example.com"\ntoken = "env:NORTH"\n'
        '[connections.broken]\nprovider = "acme"\nbaseUrl = "ftp://x"\ntoken = "env:NORTH"\n'
        '[connections.other]\nprovider = "okta"\nbaseUrl = "https://o.okta.com"\ntoken = "env:NORTH"\n'
    )
    page = connected.get(PAGE).page
    options = {option["value"]: option for option in page.one(id="in-~connection").every("option")}
    assert {key: option.words for key, option in options.items()} == {
        "default": "Environment: https://acme.example.com",
        "profile:north": "north: https://north.example.com",
        "profile:broken": "broken: (faulty)",
    }
    assert "disabled" in options["profile:broken"].attributes
    assert "broken cannot be used" in page.one(id="connection-detail").words
    fields = [(name, "profile:broken" if name == "~connection" else value) for name, value in filled(connected, room="a")]
    refused = press(connected, fields, "preview")
    assert "connections.broken" in problems(refused.page)[0]


def test_a_task_of_the_sandbox_begins_with_the_sandbox(home):
    page = opened().get("/tasks/okta.list_agent_pools").page
    assert page.one(id="in-~connection").words.startswith("Sandbox (built in)")


def test_without_a_connection_there_is_a_preview_only(browser):
    page = press(browser, filled(browser, room="a", **{"body.name": "n"}), "preview").page
    assert "None, preview only" in page.one(id="preview").words
    assert "api.example.com" in page.one(id="preview").words


@pytest.mark.parametrize("key", ["https://evil.example", "profile:nothing", "profile:broken", "shadowed:x", "sandbox"])
def test_a_connection_is_one_of_those_that_are_configured(connected, key):
    fields = [
        (name, key if name == "~connection" else value) for name, value in filled(connected, room="a", **{"body.name": "n"})
    ]
    answer = press(connected, fields, "preview")
    assert answer.status == 422
    assert "there is no such connection" in problems(answer.page)[0]
    assert "evil" not in answer.text


def test_a_credential_that_cannot_be_read_is_told_at_the_connection(connected, home):
    config = home / ".config" / "httptask" / "connections.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[connections.north]\nprovider = "acme"\nbaseUrl = "https://north.example.com"\ntoken = "env:NORTH"\n')
    fields = [
        (name, "profile:north" if name == "~connection" else value)
        for name, value in filled(connected, room="a", **{"body.name": "n"})
    ]
    page = press(connected, fields, "preview").page
    assert page.one(id="in-~connection")["aria-invalid"] == "true"
    assert "NORTH" in problems(page)[0]


def test_a_second_source_without_a_name_is_shown_and_cannot_be_chosen(home, monkeypatch):
    monkeypatch.setenv("OKTA_CLIENT_ORGURL", "https://a.okta.com")
    monkeypatch.setenv("OKTA_CLIENT_TOKEN", "t" * 20)
    (home / "okta.yaml").write_text("okta: {client: {orgUrl: 'https://b.okta.com', token: abcdefghijklmnopqrst}}")
    page = opened().get("/tasks/okta.list_agent_pools").page
    options = list(page.one(id="in-~connection").every("option"))
    assert [("disabled" in option.attributes) for option in options] == [False, False, True]
    assert "another source comes first" in page.one(id="connection-detail").words


def test_the_sandbox_is_started_once_and_ends_with_the_page():
    started = []

    class Server:
        base_url, token = "http://127.0.0.1:1", "sandbox-token"

    def start(stack, options):
        started.append(1)
        stack.callback(started.append, "ended")
        return Server

    sandbox = PageSandbox(start)
    okta = open_registry()["okta.list_agent_pools"].provider
    target = targets.Target(targets.SANDBOX, "", "", "")
    assert sandbox.base_url is None
    for _ in range(2):
        assert targets.connection_of(target, okta, sandbox).base_url == "http://127.0.0.1:1"
    sandbox.close()
    assert started == [1, "ended"]
    with pytest.raises(ConfigurationError):
        targets.connection_of(target, provider(), sandbox)


# --- what never shows ---


HOSTILE = "</pre></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{ 7*7 }}"


def test_nothing_in_a_template_becomes_markup(home):
    text = THING
    for word in ("Make a thing", "Where it goes", "Created", "Things", "ball"):
        text = text.replace(word, json.dumps(HOSTILE))
    text = text.replace(
        "description: Makes `things`, see [the docs](https://example.com/docs).",
        f"description: {json.dumps(HOSTILE + '[x](javascript:alert(1))')}",
    )
    browser = opened(folder(home / "acme", text, PROVIDER.replace("title: Acme", f"title: {json.dumps(HOSTILE)}")))
    fields = press(browser, browser.get(PAGE).page.fields(), "example").page.fields()
    for answer in (browser.get(PAGE), browser.get("/?q=thing"), press(browser, fields, "preview"), browser.get(f"/?q={HOSTILE}")):
        assert "alert(1)" in answer.text
        for tag in ("<script>", "<img"):
            assert tag not in answer.text
        assert "49" not in answer.page.one("main").words.replace("6249", "")
        assert not [link for link in answer.page.every("a") if "javascript" in (link["href"] or "")]
        assert [element.tag for element in answer.page.every("script")] == ["script"]
        assert not [
            name for element in answer.page.every() for name in element.attributes if name.startswith("on") or name == "style"
        ]


def test_a_credential_is_on_no_page(connected):
    fields = filled(connected, room="a", **{"body.name": "n", "~connection": "default"})
    typed = filled(connected, room=CANARY, **{"body.name": CANARY, "~connection": "default"})
    whole = press(connected, typed, "json:~inputs")
    answers = [
        connected.get("/"),
        connected.get(PAGE),
        press(connected, fields, "preview"),
        press(connected, typed, "preview"),
        connected.post(f"{PAGE}/check", typed),
    ]
    for answer in answers:
        for form in (CANARY, "canary-7f3a9b%2B%2Fx%3DQ", CANARY[:16]):
            assert form not in answer.text + str(answer.headers)
    assert whole.status == 200
    assert "type it again" in press(connected, typed, "preview").page.one(id="in-room-hint").words


def test_a_secret_input_is_taken_and_never_sent_back(connected):
    fields = filled(connected, room="a", **{"body.name": "n", "body.password": "hunter2-hunter2", "~connection": "default"})
    for action in ("preview", "add:body.parts", "json:body", "json:~inputs", "nothing"):
        answer = press(connected, fields, action)
        assert answer.status == 200
        assert "hunter2" not in answer.text
    page = press(connected, fields, "preview").page
    assert f'"password": "{MASK}"' in page.one("pre", class_="code message").text
    assert "type it again" in page.one(id="in-body.password-hint").words
    written = press(connected, fields, "json:body").page
    answer = press(connected, written.fields(), "preview")
    assert problems(answer.page)[0].startswith("body: a secret in it is shown as *** and has to be typed again")


def test_a_credential_among_further_headers_is_not_sent_back(connected):
    fields = filled(
        connected, room="a", **{"body.name": "n", "~connection": "default", "~headers": "X-Api-Key: hunter2-hunter2\nX-Trace: 7"}
    )
    answer = press(connected, fields, "preview")
    assert "hunter2" not in answer.text
    assert answer.page.one(id="in-~headers").text.strip().splitlines() == ["X-Api-Key: ***", "X-Trace: 7"]


# --- what is not there ---


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/tasks/acme.nothing",
        "/tasks/",
        "/workflows/nothing",
        "/tasks/acme.make_thing/nothing",
        "/tasks/..%2f..",
        "/%00",
    ],
)
def test_a_page_that_is_not_there_says_so(browser, path):
    answer = browser.get(path)
    assert answer.status in {404, 422}
    assert answer.header("content-type") == "text/html; charset=utf-8"
    assert answer.page.one("h1")


@pytest.mark.parametrize(
    "name", ["..%2f..%2fpyproject.toml", "../guard.py", "page.css/../../guard.py", "", "PAGE.CSS", "page.css%00"]
)
def test_no_path_leads_to_another_file(browser, name):
    answer = browser.get(f"/static/{name}")
    assert answer.status == 404
    assert "Sessions" not in answer.text


def test_files_that_pages_load_are_kept_by_the_browser_until_they_change(browser):
    page = browser.get("/").page
    [sheet] = page.every("link", rel="stylesheet")
    answer = browser.get(sheet["href"])
    assert answer.header("content-type") == "text/css; charset=utf-8"
    assert answer.header("cache-control") == "private, max-age=31536000, immutable"
    assert browser.get("/").header("cache-control") == "no-store"
    [script] = page.every("script")
    assert browser.get(script["src"]).status == 200
    assert browser.get(page.one("link", rel="icon")["href"]).header("content-type") == "image/svg+xml"


def test_a_form_of_too_many_fields_is_refused_in_words(browser):
    answer = browser.upload(PAGE, [(f"f{number}", "") for number in range(5001)])
    assert answer.status == 422
    assert "cannot be read" in answer.page.one("main").words


def test_a_form_that_is_cut_off_is_refused_in_words(browser):
    headers = {"origin": "http://127.0.0.1:8321", "content-type": "multipart/form-data; boundary=x"}
    assert browser.ask("POST", PAGE, headers, b"--x\r\nContent-Disposition form-data; name=\r\n").status == 422
    assert browser.ask("POST", PAGE, {**headers, "content-type": "multipart/form-data"}, b"x").status == 422


def test_pages_are_light(home):
    browser = opened()
    load = sum(len(asset.content) for name, asset in browser.site.pages.assets.items())
    for path in ("/", "/tasks/okta.create_agent_pools_update", "/workflows"):
        assert len(browser.get(path).body) + load < 150_000, path
