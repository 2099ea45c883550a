"""`httptask test` beyond the request: what is kept of it, what was expected of it, and what went over the wire."""

import json
import os
import pty
import select
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree as ET

import pytest

from cli.command import COMMAND

pytestmark = pytest.mark.broad

LIST = "okta.list_agent_pools"
CREATE = "okta.create_agent_pools_update"
BODY = {"name": "spring", "agentType": "AD", "agents": [{"id": "a53ORjEMjU21d34kI1d7"}]}
POOL = "0oatc78oSmKjiaTr11d7"


def kept(online):
    return online("runs", "--json").json["runs"]


def test_each_test_is_a_run_of_one_step(online, sandbox):
    done = online("test", LIST, "-i", "poolType=AD", *sandbox.options, "--json").json
    [run] = kept(online)
    assert (run["runId"], run["workflow"], run["status"]) == (done["runId"], f"test {LIST}", "succeeded")
    shown = online("runs", "show", run["runId"], "--json").json
    assert [(step["id"], step["status"]) for step in shown["steps"]] == [("list_agent_pools", "succeeded")]
    assert shown["file"].endswith("list_agent_pools.yaml")


def test_without_a_journal_nothing_is_kept(online, sandbox):
    done = online("test", LIST, *sandbox.options, "--json", "--no-journal").json
    assert done["runId"] is None
    assert kept(online) == []


def test_a_dry_run_a_simulation_and_a_mistake_are_no_runs(online, sandbox):
    online("test", LIST, "--dry-run", *sandbox.options)
    online("test", LIST, "--fault", "503, ok")
    online("test", LIST, "-i", "poolType=NONE", *sandbox.options, code=2)
    online("test", CREATE, "-i", "poolId=..", "--body", json.dumps(BODY), *sandbox.options, code=2)
    assert kept(online) == []


def test_an_unknown_test_is_offered_ways_on_and_taken_up_by_resume(online, sandbox):
    sandbox.fault("reset-after")
    lost = online("test", CREATE, "-i", f"poolId={POOL}", "--body", json.dumps(BODY), *sandbox.options, code=3)
    [run] = kept(online)
    assert f"httptask resume {run['runId']} --assume 'create_agent_pools_update=done'" in lost.err
    applied = sandbox.control("requests")["applied"]
    resumed = online("resume", run["runId"], "--assume", "create_agent_pools_update=not-done")
    assert '"status": "InProgress"' in resumed.out
    assert sum(sandbox.control("requests")["applied"].values()) == sum(applied.values()) + 1
    assert kept(online)[0]["status"] == "succeeded"


class _Once503(BaseHTTPRequestHandler):
    """Remembers requests; the first is answered with 503."""

    def do_GET(self):
        self.server.received.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(503 if len(self.server.received) == 1 else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_):
        pass


@pytest.fixture
def remembering():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Once503) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_test_is_resumed_with_its_headers_and_inputs(online, remembering):
    where = ("--base-url", f"http://127.0.0.1:{remembering.server_port}", "--token", "env:SANDBOX_TOKEN")
    online("test", LIST, "-i", "poolType=AD", "-H", "X-Why: {{ 7 * 7 }} 'it\"", *where, code=1)
    online("resume", kept(online)[0]["runId"])
    first, second = remembering.received
    assert first == second
    assert first[1]["x-why"] == "{{ 7 * 7 }} 'it\""


def test_a_secret_input_that_looks_like_a_reference_is_warned_about(inside, tmp_path):
    files = {
        "t/provider.yaml": "id: t\ntitle: T\nservers: [{url: 'https://t.example.com'}]\n",
        "t/login.yaml": "id: t.login\nmethod: GET\npath: /login\nparameters:\n"
        "  - {name: word, in: query, schema: {type: string, format: password}}\nresponses: {'200': {description: ok}}\n",
    }
    (tmp_path / "t").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    arguments = ("test", "t.login", "--templates", "t", "--dry-run")
    assert "looks like a reference" in inside(*arguments, "-i", "word=env:WORD").err
    assert "looks like a reference" not in inside(*arguments, "-i", "word=a-word").err


def test_reading_all_pages_is_one_run(online, sandbox):
    done = online("test", LIST, "-i", "limitPerPoolType=2", "--all", *sandbox.options, "--json").json
    [run] = kept(online)
    assert (run["runId"], run["status"]) == (done["runId"], "succeeded")


class TestExpectations:
    def test_an_expected_failure_succeeds(self, online, sandbox):
        done = online(
            "test", "okta.get_agent_pools_update_instance", "-i", f"poolId={POOL}", "-i", "updateId=none", *sandbox.options,
            "--expect", "{{ response.status == 404 }}", "--expect", "{{ outcome.failure.kind == 'notFound' }}",
        )  # fmt: skip
        assert "✓ {{ response.status == 404 }}" in done.out

    def test_one_that_does_not_hold_fails(self, online, sandbox):
        done = online(
            "test", LIST, *sandbox.options, "--json",
            "--expect", "{{ response.status == 200 }}", "--expect", "{{ response.status == 404 }}", code=1,
        )  # fmt: skip
        assert [finding["holds"] for finding in done.json["expectations"]] == [True, False]
        assert done.json["status"] == "succeeded"

    def test_an_unknown_outcome_is_never_a_success(self, online, sandbox):
        sandbox.fault("reset-after")
        online(
            "test", CREATE, "-i", f"poolId={POOL}", "--body", json.dumps(BODY), *sandbox.options,
            "--expect", "{{ outcome.status == 'unknown' }}", code=3,
        )  # fmt: skip

    def test_a_faulty_one_is_told_before_anything_is_sent(self, online, sandbox):
        done = online("test", LIST, *sandbox.options, "--expect", "{{ status == 200 }}", "--json", code=2)
        assert "'status' is unknown here" in json.dumps(done.json)
        assert sandbox.control("requests")["received"] == []

    def test_they_judge_a_simulation_too(self, inside):
        inside("test", LIST, "--fault", "503x2, ok", "--expect", "{{ outcome.attempts == 3 }}")

    def test_the_report_has_a_case_for_each(self, online, sandbox, tmp_path):
        file = tmp_path / "report.xml"
        online(
            "test", LIST, *sandbox.options, "--junit", file,
            "--expect", "{{ response.status == 200 }}", "--expect", "{{ response.status == 404 }}", code=1,
        )  # fmt: skip
        [suite] = ET.parse(file).getroot()  # noqa: S314 - our own
        assert [len(case) for case in suite] == [0, 1]

    def test_a_report_that_cannot_be_written_is_told_and_the_outcome_too(self, online, sandbox):
        done = online("test", LIST, *sandbox.options, "--junit", "no/such/folder.xml", code=1)
        assert "succeeded" in done.err
        assert "no/such" in done.err

    @pytest.mark.parametrize("more", [("--expect", "{{ true }}"), ("--trace",), ("--junit", "a.xml")])
    def test_a_dry_run_has_no_answer_to_judge(self, inside, more):
        assert "--dry-run" in inside("test", LIST, "--dry-run", *more, code=2).err


class TestTrace:
    def test_the_heads_are_those_of_the_wire(self, online, sandbox):
        done = online("test", LIST, "--trace", *sandbox.options)
        assert done.out.startswith(f"GET /api/v1/agentPools HTTP/1.1\nHost: {sandbox.url.partition('://')[2]}\nAccept: ")
        assert "Authorization: SSWS ***" in done.out
        assert "\nHTTP/1.1 200 OK\n" in done.out

    def test_every_attempt_is_there(self, online, sandbox):
        sandbox.fault("503")
        trace = online("test", LIST, "--trace", "--retry", "--json", *sandbox.options).json["trace"]
        assert [exchange["response"]["status"] for exchange in trace] == [503, 200]

    def test_a_lost_answer_is_told_as_one(self, online, sandbox):
        sandbox.fault("reset-before")
        done = online("test", LIST, "--trace", *sandbox.options, code=1)
        assert "no answer: the connection was closed" in done.out


def on_a_terminal(online, *arguments, answers=()):
    """Run the command on a pseudo terminal and type each answer when its question stands there."""
    main, end = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=end, stdout=end, stderr=end, cwd=online.folder, env={**online.env, "TERM": "xterm"}
    )
    os.close(end)
    screen, waiting, deadline = "", list(answers), time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([main], [], [], 0.1)[0]:
            try:
                screen += os.read(main, 65536).decode(errors="replace")
            except OSError:
                break
        if waiting and waiting[0][0] in screen:
            os.write(main, waiting.pop(0)[1].encode() + b"\n")
    os.close(main)
    return process.wait(10), screen


class TestOnATerminal:
    def test_missing_required_inputs_are_asked_for(self, online, sandbox):
        code, screen = on_a_terminal(
            online, "test", "okta.get_agent_pools_update_settings", *sandbox.options, answers=[("poolId", POOL)]
        )
        assert code == 0, screen
        assert f"/api/v1/agentPools/{POOL}/updates/settings" in screen

    def test_the_answer_is_coloured(self, online, sandbox):
        code, screen = on_a_terminal(online, "test", LIST, *sandbox.options)
        assert code == 0
        assert '\x1b[34m"name"\x1b[0m' in screen

    def test_ctrl_d_at_a_question_sends_nothing(self, online, sandbox):
        code, _ = on_a_terminal(
            online, "test", "okta.get_agent_pools_update_settings", *sandbox.options, answers=[("poolId", "\x04")]
        )
        assert code == 130
        assert sandbox.control("requests")["received"] == []

    def test_away_from_a_terminal_nobody_is_asked(self, online, sandbox):
        done = online("test", "okta.get_agent_pools_update_settings", *sandbox.options, code=2)
        assert "poolId: this input is required" in done.err
