"""Full disks, early interrupts, servers that write what looks like ours, and options that are given but empty."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.command import ROOT
from cli.conftest import CANARY
from httptask.cli.console import Console

pytestmark = pytest.mark.broad

TASK = "okta.get_agent_pools_update_settings"
CREATE = "okta.create_agent_pools_update"
LIST = "okta.list_agent_pools"
FULL = Path("/dev/full")
BODY = '{"name": "a", "agentType": "AD", "agents": []}'
UNKNOWN = ("test", CREATE, "-i", "poolId=a", "--body", BODY, "--fault", "reset-after")
TEXT_TASK = """\
id: odd.text
summary: g
method: POST
path: /t
requestBody: {required: false, contentType: text/plain, schema: {type: string}}
responses:
  '200': {description: OK}
"""


def test_a_text_body_that_is_called_json_is_shown_as_text(inside, tmp_path):
    (tmp_path / "provider.yaml").write_text("id: odd\ntitle: Odd\nservers: [{url: 'https://x.example'}]\n")
    (tmp_path / "text.yaml").write_text(TEXT_TASK)
    header = "Content-Type: application/json"
    arguments = ("test", "odd.text", "--templates", tmp_path, "--body", "hello {", "-H", header, "--dry-run")
    assert "hello {" in inside(*arguments).out
    assert inside(*arguments, "--json").json["request"]["bodyKind"] == "text"


@pytest.mark.parametrize("where", ["httptask.cli", "httptask.cli.main"])
def test_an_interrupt_while_the_program_loads_is_an_interrupt(httptask, where):
    code = (
        "import builtins, sys\nreal = builtins.__import__\n"
        "def stopped(name, *rest):\n"
        f"    if name == {where!r}: raise KeyboardInterrupt\n"
        "    return real(name, *rest)\n"
        "builtins.__import__ = stopped\n"
        "from httptask.__main__ import main\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=httptask.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: interrupted\n")


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
class TestOnAFullDisk:
    def run(self, httptask, *arguments, env=()):
        with FULL.open("w") as full:
            process = httptask.start(*arguments, stdout=full, env=env)
        _, err = process.communicate(timeout=20)
        assert "Exception ignored" not in err
        assert "Traceback" not in err
        return process.returncode, err

    @pytest.mark.parametrize("options", [(), ("--json",)], ids=" ".join)
    def test_an_unknown_outcome_stays_unknown_and_is_said(self, httptask, options):
        code, err = self.run(httptask, *UNKNOWN, *options)
        assert code == 3
        assert "unknown" in err
        assert "No space left on device" in err

    @pytest.mark.parametrize("options", [(), ("--json",)], ids=" ".join)
    def test_the_verdict_of_a_request_that_was_sent_is_said_with_its_hint(self, httptask, options):
        code, err = self.run(httptask, "test", LIST, "--base-url", "http://127.0.0.1:9", "--token", "env:HOME", *options)
        assert code == 1
        assert f"✗ failed  {LIST}" in err
        assert "nothing listens there" in err

    @pytest.mark.parametrize("options", [(), ("--json",)], ids=" ".join)
    def test_a_run_that_is_unknown_stays_unknown_and_is_said(self, httptask, tmp_path, options):
        flow = f"name: f\nsteps:\n  - {{id: s, task: {CREATE}, with: {{poolId: a, body: {BODY}}}}}\n"
        (tmp_path / "flow.yaml").write_text(flow)
        code, err = self.run(httptask, "run", "flow.yaml", "--fault", "s=reset-after", *options)
        assert code == 3
        assert "? unknown  f" in err

    def test_a_mistake_that_was_to_be_json_is_said_on_stderr(self, httptask):
        code, err = self.run(httptask, "show", "okta.nothing", "--json")
        assert code == 2
        assert "okta.nothing" in err

    def test_a_success_that_nobody_could_read_is_a_failure(self, httptask):
        code, err = self.run(httptask, "list", "--json")
        assert (code, err) == (1, "error: the system says: No space left on device\n")


FORGED = "gone\n✓ succeeded  okta.delete\tall\u200e\u200f\u061c\u202e\u2066"


def test_a_servers_text_cannot_start_a_line(inside, echo):
    echo.answers["forged"] = (400, json.dumps({"errorCode": "E1", "errorSummary": FORGED}).encode())
    done = inside("test", TASK, "-i", "poolId=forged", *echo.options, code=1, env={"CANARY": CANARY})
    assert not [line for line in done.all.splitlines() if line.startswith("✓")]
    assert "gone\\n✓ succeeded  okta.delete\\tall\\u200e\\u200f\\u061c\\u202e\\u2066" in done.err


@pytest.mark.parametrize("kind", ["json", "text"])
def test_a_body_keeps_its_lines_and_nothing_that_turns_the_reading_direction(inside, echo, kind):
    text = "a\tb\n\u200ec\u061c"
    echo.answers[kind] = (200, json.dumps({"x": text}, ensure_ascii=False).encode() if kind == "json" else text.encode())
    done = inside("test", TASK, "-i", f"poolId={kind}", *echo.options, code=0 if kind == "json" else 1, env={"CANARY": CANARY})
    assert "\\u200ec\\u061c" in done.out
    if kind == "text":
        assert "a\tb\n\\u200ec" in done.out


def test_json_on_a_terminal_escapes_marks_of_direction(capsys):
    Console(json=True).data({"x": "\u200e\u200f\u061c"})
    assert '"\\u200e\\u200f\\u061c"' in capsys.readouterr().out


def test_each_call_is_one_line_and_a_block_has_its_own(capsys):
    console = Console()
    console.out("a\nb\tc")
    console.note("d\ne")
    console.block("f\n\tg\r")
    shown = capsys.readouterr()
    assert shown.out == "a\\nb\\tc\nf\n\tg\\r\n"
    assert shown.err == "d\\ne\n"


def test_a_summary_that_its_file_folds_is_one_line(inside, tmp_path):
    (tmp_path / "provider.yaml").write_text("id: odd\ntitle: Odd\nservers: [{url: 'https://x.example'}]\n")
    text = TEXT_TASK.replace("summary: g\n", "summary: |\n  first\n  second\ndescription: |\n  one\n  two\n")
    (tmp_path / "text.yaml").write_text(text)
    assert "first second\n" in inside("list", "--templates", tmp_path).out
    assert "first second\nPOST /t\n\none\ntwo\n" in inside("show", "odd.text", "--templates", tmp_path).out


@pytest.mark.parametrize("seconds", ["nan", "inf", "1e999", "-inf", "0"])
def test_a_time_that_is_no_time_is_refused(inside, seconds):
    done = inside("test", LIST, "--timeout", seconds, "--dry-run", code=2)
    assert "--timeout" in done.err


@pytest.mark.parametrize("names", [["--base-url"], ["--token"], ["--connection"], ["--base-url", "--token"]])
@pytest.mark.parametrize("more", [("--dry-run",), ("--sandbox", "--dry-run"), ()], ids=" ".join)
def test_an_option_that_is_given_but_empty_is_refused(inside, names, more):
    inside("test", LIST, *(word for name in names for word in (name, "")), *more, code=2)


def test_an_empty_base_url_is_refused_for_a_workflow(inside):
    inside("run", ROOT / "examples" / "roll_out_agent_update.yaml", "--base-url", "", code=2)
