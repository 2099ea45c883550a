"""Requests that are sent from the page: to the page's sandbox at once, to a real server after a person was asked."""

import json
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from httptask.sandbox.options import SandboxOptions
from httptask.sandbox.server import running
from httptask.web.confirmations import STANDS
from httptask.web.journals import PageJournal
from pages import folder, opened

pytestmark = pytest.mark.broad

CANARY = "canary-7f3a9b+/x=Q"
LIST, CREATE = "/tasks/okta.list_agent_pools", "/tasks/okta.create_agent_pools_update"
PAGE = "/tasks/acme.make_thing"


@pytest.fixture
def browser(home):
    return opened(journal=PageJournal(home / "runs.db"))


class Server:
    def __init__(self, url):
        self.url = url

    def control(self, path, value=None):
        data = None if value is None else json.dumps(value).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/_sandbox/{path}", data), timeout=5) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def received(self):
        return self.control("requests")["received"]


@pytest.fixture
def real(monkeypatch):
    """A server that is no sandbox of the page: requests that change something are asked about first."""
    with running(SandboxOptions.from_json({"rateLimit": "1000/1"})) as server:
        monkeypatch.setenv("OKTA_CLIENT_ORGURL", server.base_url)
        monkeypatch.setenv("OKTA_CLIENT_TOKEN", server.token)
        yield Server(server.base_url)


def filled(browser, path, **values):
    fields = browser.get(path).page.fields()
    assert set(values) <= {name for name, _ in fields}, fields
    return [(name, values.get(name, value)) for name, value in fields]


def press(browser, path, fields, action, **headers):
    return browser.post(path, [*fields, ("~action", action)], **headers)


def send(browser, path, fields):
    """Send as a page without scripts does; return the page of the result."""
    answer = press(browser, path, fields, "send")
    assert answer.status == 303, answer.text
    return result(browser, answer.header("location"))


def result(browser, location):
    run = location.rpartition("run=")[2]
    assert browser.site.works.get(run).ended.wait(30)
    return browser.get(location).page


def verdict(page):
    return page.one(id="result-title").words


# --- the sandbox ---


def test_a_request_to_the_sandbox_is_sent_at_once_and_its_answer_is_shown(browser):
    page = send(browser, LIST, filled(browser, LIST, poolType="AD"))
    assert verdict(page) == "succeeded 200 OK"
    shown = next(page.one(id="result").every("pre"))
    assert json.loads(shown.text)[0]["type"] == "AD"
    [attempt] = page.one("ol", class_="attempts").every("li")
    assert "200 at +0.00 s" in attempt.words
    sent = [block.text for block in page.one(id="result").every("pre")]
    assert any("poolType=AD" in text and "Authorization" in text and "SSWS ***" in text for text in sent)


def test_what_changes_something_in_the_sandbox_asks_nobody(browser):
    pools = send(browser, LIST, filled(browser, LIST))
    pool = json.loads(next(pools.one(id="result").every("pre")).text)[0]
    fields = press(browser, CREATE, browser.get(CREATE).page.fields(), "example").page.fields()
    own = {"poolId": pool["id"], "body.agents[0].id": pool["agents"][0]["id"], "body.agents[0].poolId": pool["id"]}
    page = send(browser, CREATE, [(name, own.get(name, value)) for name, value in fields])
    assert verdict(page).startswith("succeeded 200")
    assert page.one(id="in-poolId")["value"] == pool["id"]


def test_a_part_of_the_page_is_watched_until_it_says_how_it_ended(browser):
    answer = press(browser, LIST, filled(browser, LIST), "send", x_part="try")
    assert answer.status == 200
    place = answer.page.one(id="result")
    [run] = browser.site.works._works
    assert place["data-events"] in {None, f"/runs/{run}/events"}
    stream = browser.get(f"/runs/{run}/events")
    assert stream.header("content-type") == "text/event-stream; charset=utf-8"
    blocks = [
        dict(line.split(": ", 1) for line in block.split("\n") if line[:1] != ":") for block in stream.text.strip().split("\n\n")
    ]
    lines = [json.loads(block["data"]) for block in blocks if block["event"] == "line"]
    assert lines[0].startswith("GET http://127.0.0.1:")
    assert lines[1].startswith("attempt 1: 200 after ")
    assert blocks[-1]["event"] == "end"
    later = browser.get(f"/runs/{run}/events", last_event_id=blocks[0]["id"])
    assert lines[0] not in later.text
    assert lines[1] in later.text
    part = browser.get(f"{LIST}?run={run}", x_part="result")
    assert part.text.lstrip().startswith('<section id="result"')


def test_events_of_a_run_that_this_page_does_not_have_end_at_once(browser):
    assert browser.get("/runs/nothing/events").text == "event: end\ndata: {}\n\n"


# --- a person is asked ---


def asked(browser, real, **values):
    pools = browser.get(LIST)
    assert pools.status == 200
    fields = press(browser, CREATE, browser.get(CREATE).page.fields(), "example").page.fields()
    own = {"~connection": "default", **values}
    return press(browser, CREATE, [(name, own.get(name, value)) for name, value in fields], "send")


def confirm(browser, answer, word="confirm"):
    [button] = [button for button in answer.page.every("button") if (button["value"] or "").startswith(f"{word}:")]
    return press(browser, CREATE, [], button["value"])


def test_a_post_to_a_real_server_asks_first_and_names_tenant_and_target(browser, real):
    answer = asked(browser, real)
    question = answer.page.one(id="question")
    assert question.every("h3").__next__().words == f"Send this POST to {real.url}?"
    words = question.words
    assert "Environment (apiToken, env:OKTA_CLIENT_TOKEN" in words
    assert "POST /api/v1/agentPools/0oaspf3cfatE1nDO31d7/updates" in words
    assert '"name": "schedule_test"' in words
    assert real.received() == []


def test_it_is_sent_once_when_the_person_agrees(browser, real):
    answer = asked(browser, real)
    agreed = confirm(browser, answer)
    assert agreed.status == 303
    assert verdict(result(browser, agreed.header("location"))) == "failed 404 Not Found"
    assert len(real.received()) == 1
    again = confirm(browser, answer)
    assert again.status == 422
    assert "answered before" in again.page.one(id="problems").words
    assert len(real.received()) == 1


def test_back_leads_to_the_form_and_the_question_is_gone(browser, real):
    answer = asked(browser, real)
    back = confirm(browser, answer, "back")
    assert back.page.one(id="in-body.name")["value"] == "schedule_test"
    assert back.page.one(id="in-~connection")
    assert confirm(browser, answer).status == 422
    assert real.received() == []


def test_a_question_stands_for_a_while_only(browser, real):
    now = [0.0]
    browser.site.confirmations.monotonic = lambda: now[0]
    answer = asked(browser, real)
    now[0] = STANDS + 1
    assert confirm(browser, answer).status == 422
    assert real.received() == []


def test_what_was_confirmed_is_what_is_sent(browser, real, monkeypatch):
    answer = asked(browser, real)
    with running(SandboxOptions.from_json({})) as other:
        monkeypatch.setenv("OKTA_CLIENT_ORGURL", other.base_url)
        agreed = confirm(browser, answer)
        page = result(browser, agreed.header("location"))
        assert "no longer the one that was confirmed" in page.one(id="result").words
        assert Server(other.base_url).received() == []
    assert real.received() == []


def test_a_get_asks_nobody(browser, real):
    page = send(browser, LIST, filled(browser, LIST, **{"~connection": "default"}))
    assert verdict(page) == "succeeded 200 OK"
    assert len(real.received()) == 1


@pytest.mark.parametrize("name", ["", "nothing", "a" * 43])
def test_an_answer_to_no_question_sends_nothing(browser, real, name):
    assert press(browser, CREATE, [], f"confirm:{name}").status == 422
    assert real.received() == []


def test_without_a_connection_nothing_can_be_sent(home):
    browser = opened(folder(home / "acme"), journal=PageJournal(home / "runs.db"))
    answer = press(browser, PAGE, filled(browser, PAGE, room="a", **{"body.name": "n"}), "send")
    assert answer.status == 422
    assert "no connection is configured" in answer.page.one(id="problems").words


# --- retries, faults, time, cancelling ---


def test_without_the_switch_one_attempt_is_sent_and_the_policy_says_what_it_would_do(browser, real):
    real.control("faults", {"script": "503"})
    page = send(browser, LIST, filled(browser, LIST, **{"~connection": "default"}))
    assert verdict(page) == "failed 503 Service Unavailable"
    assert "would be retried in" in page.one("ol", class_="attempts").words
    assert len(real.received()) == 1


def test_with_the_switch_the_policy_goes_on(browser, real):
    real.control("faults", {"script": "503, ok"})
    page = send(browser, LIST, [*filled(browser, LIST, **{"~connection": "default"}), ("~retry", "1")])
    assert verdict(page) == "succeeded 200 OK"
    assert len(list(page.one("ol", class_="attempts").every("li"))) == 2
    assert "checked" in page.one("input", name="~retry").attributes


def test_a_lost_answer_of_a_post_is_unknown(browser, real):
    real.control("faults", {"script": "reset-after"})
    page = result(browser, confirm(browser, asked(browser, real)).header("location"))
    assert verdict(page) == "unknown"


def test_a_request_is_cancelled_while_it_waits(browser, real):
    real.control("faults", {"script": "slow(30s)"})
    answer = press(browser, LIST, filled(browser, LIST, **{"~connection": "default"}), "send")
    location = answer.header("location")
    run = location.rpartition("run=")[2]
    page = browser.get(location).page
    assert page.one("noscript")
    assert page.one(id="result")["data-events"] == f"/runs/{run}/events"
    began = time.monotonic()
    stopped = press(browser, f"/runs/{run}", [("~to", location)], "stop")
    assert (stopped.status, stopped.header("location")) == (303, location)
    assert "cancelled" in verdict(result(browser, location)) or "failed" in verdict(result(browser, location))
    assert time.monotonic() - began < 15


def test_after_stopping_the_browser_is_led_nowhere_else(browser):
    answer = press(browser, "/runs/nothing", [("~to", "https://evil.example")], "stop")
    assert answer.header("location") == "/runs/nothing"


def test_the_end_of_the_page_stops_what_is_under_way(browser, real):
    real.control("faults", {"script": "slow(30s)"})
    location = press(browser, LIST, filled(browser, LIST, **{"~connection": "default"}), "send").header("location")
    work = browser.site.works.get(location.rpartition("run=")[2])
    began = time.monotonic()
    browser.site.close()
    assert work.is_over
    assert time.monotonic() - began < 15
    assert press(browser, LIST, filled(browser, LIST), "send").status in {422, 404}


@pytest.mark.parametrize("text", ["soon", "0", "-1", "inf", "nan"])
def test_a_time_limit_that_is_none_is_told_at_its_field(browser, text):
    answer = press(browser, LIST, filled(browser, LIST, **{"~timeout": text}), "send")
    assert answer.status == 422
    assert answer.page.one(id="in-~timeout")["aria-invalid"] == "true"


def test_a_time_limit_is_kept(browser, real):
    real.control("faults", {"script": "slow(30s)"})
    page = send(browser, LIST, filled(browser, LIST, **{"~connection": "default", "~timeout": "0.3"}))
    assert verdict(page).startswith("failed")


def test_faults_are_simulated_without_a_request(browser):
    page = press(browser, LIST, filled(browser, LIST, **{"~fault": "503x2, 429(Retry-After=7), ok"}), "simulate").page
    section = page.one(id="simulation")
    assert "Simulated: succeeded" in section.words
    assert len(list(section.every("tr"))) == 5
    wrong = press(browser, LIST, filled(browser, LIST, **{"~fault": "503y"}), "simulate")
    assert wrong.status == 422
    assert wrong.page.one(id="in-~fault")["aria-invalid"] == "true"
    assert browser.site.sandbox.base_url is None


# --- what is written down ---


def test_recent_requests_reopen_in_the_form(browser):
    send(browser, LIST, [*filled(browser, LIST, poolType="AD", limitPerPoolType="3", **{"~headers": "X-Trace: 7"})])
    page = browser.get(LIST).page
    [link] = [link for link in page.every("a") if link.words == "Reopen"]
    again = browser.get(link["href"]).page
    assert again.one(id="in-limitPerPoolType")["value"] == "3"
    assert dict(again.fields())["poolType"] == "AD"
    assert again.one(id="in-~headers").text.strip() == "X-Trace: 7"


def test_a_run_of_another_task_or_none_reopens_nothing(browser):
    send(browser, LIST, filled(browser, LIST, poolType="AD"))
    run = next(iter(browser.site.works._works))
    assert browser.get(f"{CREATE}?from={run}").status == 200
    assert "problems" in browser.get(f"{CREATE}?from=nothing").text
    assert browser.get(f"{CREATE}?run={run}").page.every(id="result") == []


def test_a_journal_that_cannot_be_used_keeps_the_request_from_being_sent(home):
    file = home / "text.db"
    file.write_text("this is no journal")
    browser = opened(journal=PageJournal(file))
    assert "Recent requests cannot be shown" in browser.get(LIST).text
    answer = press(browser, LIST, filled(browser, LIST), "send")
    assert answer.status == 422
    assert "text.db" in answer.page.one(id="problems").words
    assert file.read_text() == "this is no journal"


# --- what never shows ---


class _Echo(BaseHTTPRequestHandler):
    """Sends the credential back wherever a server can."""

    def do_POST(self):
        credential = self.headers["Authorization"]
        self.rfile.read(int(self.headers["Content-Length"]))
        body = self.server.answer.replace(b"CREDENTIAL", credential.encode())
        self.send_response(201, f"Created {credential}")
        self.send_header("Content-Type", self.server.kind)
        self.send_header("X-Echo", credential)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def echo(home, monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        server.answer, server.kind = b'{"id": "t1", "echo": "CREDENTIAL", "<b>": "<script>alert(1)</script>"}', "application/json"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("ACME_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("ACME_TOKEN", CANARY)
        yield server
        server.shutdown()
        thread.join()


def made(browser):
    """Send one request with a credential that is a canary; return every answer of the page on the way."""
    fields = filled(browser, PAGE, room="a", **{"body.name": "n", "body.password": "hunter2-hunter2"})
    question = press(browser, PAGE, fields, "send")
    [button] = [button for button in question.page.every("button") if (button["value"] or "").startswith("confirm:")]
    agreed = press(browser, PAGE, [], button["value"])
    location = agreed.header("location")
    result(browser, location)
    run = location.rpartition("run=")[2]
    pages = [location, f"/runs/{run}", f"/runs/{run}/events", f"/runs/{run}/body", "/runs", PAGE, f"{PAGE}?from={run}"]
    return [question, agreed, *map(browser.get, pages)]


def test_no_secret_is_in_any_answer_of_the_page(home, echo):
    browser = opened(folder(home / "acme"), journal=PageJournal(home / "runs.db"))
    answers = made(browser)
    assert verdict(answers[2].page).startswith("succeeded 201")
    for answer in answers:
        said = answer.text + str(answer.headers)
        for secret in (CANARY, CANARY[:16], "hunter2"):
            assert secret not in said, answer.text[max(said.find(secret) - 80, 0) : said.find(secret) + 40]
        assert "<script>alert" not in answer.text or answer.header("content-disposition")
    assert "***" in answers[2].text
    assert '"echo": "***"' in answers[5].text
    reopened = answers[8].page
    assert "fill it in again" in reopened.one(id="problems").words
    assert reopened.one(id="in-body.password")["type"] == "password"
    assert reopened.one(id="in-body.name")["value"] == "n"


def test_a_long_answer_is_cut_and_can_be_downloaded(home, echo):
    echo.answer, echo.kind = b"x" * 300_000, "text/plain"
    browser = opened(folder(home / "acme"), journal=PageJournal(home / "runs.db"))
    answers = made(browser)
    page = answers[2]
    assert "Shown are the first 262144 of 300000 characters" in page.page.one(id="result").words
    [link] = [link for link in page.page.every("a") if link.words == "Download the body"]
    whole = browser.get(link["href"])
    assert whole.body == b"x" * 300_000
    assert whole.header("content-disposition").startswith("attachment; filename=")
    assert whole.header("x-content-type-options") == "nosniff"


def test_a_body_that_is_no_longer_held_says_so(browser):
    answer = browser.get("/runs/nothing/body")
    assert answer.status == 404
    assert "no longer held" in answer.text


def test_a_program_error_while_sending_is_told_to_the_terminal_and_the_page_says_that_it_was_one(home, monkeypatch):
    seen = []
    browser = opened(journal=PageJournal(home / "runs.db"), failed=seen.append)

    def broken(*_, **__):
        raise RuntimeError(CANARY)

    monkeypatch.setattr("httptask.web.tries.attempt", broken)
    page = send(browser, LIST, filled(browser, LIST))
    assert "httptask failed with RuntimeError" in page.one(id="result").words
    assert [type(error) for error in seen] == [RuntimeError]
    assert CANARY not in page.one(id="result").text
