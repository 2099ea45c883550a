"""What reaches a terminal, a pipe or a file: never a credential, never what a terminal obeys, never a traceback."""

import base64
import os
import resource
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from cli.command import COMMAND, NOTES, environment
from cli.conftest import CANARY

pytestmark = pytest.mark.broad

TASK = "okta.get_agent_pools_update_settings"
LIST = "okta.list_agent_pools"
FORMS = [
    CANARY,
    urllib.parse.quote(CANARY, safe=""),
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
]
FLOW = f"name: f\nsteps:\n  - id: s\n    task: {LIST}\n    retry: {{maxAttempts: 1}}\n"
HEAVY = {"requests", "urllib3", "jsonschema", "rich", "yaml", "jinja2"}
FULL = Path("/dev/full")
ENOUGH_TO_FILL_A_PIPE = ("manifest",)


def leaked(text):
    return [form for form in (*FORMS, "canary-7f3a9b") if form in text]


@pytest.mark.parametrize("kind", ["whole", "denied", "text"])
@pytest.mark.parametrize("options", [["-v"], ["--json", "-v"]], ids=" ".join)
def test_a_server_that_echoes_the_credential_does_not_make_it_shown(guarded, echo, kind, options):
    echo.answers["denied"] = (401, b'{"errorCode": "CREDENTIAL", "errorSummary": "no CREDENTIAL, CREDENTIAL"}')
    echo.answers["text"] = (400, b"no CREDENTIAL")
    done = guarded("test", TASK, "-i", f"poolId={kind}", *echo.options, *options, code=0 if kind == "whole" else 1)
    assert "***" in done.out
    assert leaked(done.all) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["test", TASK, "-i", "poolId=a", "--dry-run", "--json"], 0),
        (["test", TASK, "-i", "poolId=a", "--dry-run", "-v"], 0),
        (["test", TASK, "-i", "poolId=a", "--json"], 1),
        (["test", TASK, "--json"], 2),
        (["test", "notes.list_notes", "--templates", str(NOTES), "--dry-run"], 0),
        (["run", "flow.yaml", "--json", "-v"], 1),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_no_command_shows_a_credential_of_the_environment(httptask, tmp_path, arguments, code):
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    variables = {"OKTA_CLIENT_ORGURL": "http://127.0.0.1:9", "OKTA_CLIENT_TOKEN": CANARY}
    variables |= {"NOTES_URL": "http://127.0.0.1:9", "NOTES_API_KEY": CANARY}
    assert leaked(httptask(*arguments, code=code, env=variables).all) == []


@pytest.mark.parametrize("options", [[], ["--json"]], ids=" ".join)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a": "\\u001b[31m\\u001b[2J\\u009b2J\\u202e\\ud800"}', 0),
        ("text \x1b[31m \x1b[2J \x07 \x9b2J \u202e".encode(), 1),
        (b'{"headers": [1]}', 0),
        (b"[" * 150 + b"]" * 150, 0),
        (b"[" * 900 + b"]" * 900, 1),
        (b"[" * 9000 + b"]" * 9000, 1),
    ],
    ids=["escapes in JSON", "escapes in text", "headers in the body", "deep", "too deep", "far too deep"],
)
def test_no_answer_moves_the_cursor_or_breaks_the_program(inside, echo, options, body, code):
    echo.answers["hostile"] = (200, body)
    done = inside("test", TASK, "-i", "poolId=hostile", *echo.options, *options, code=code, env={"CANARY": CANARY})
    assert [character for character in done.all if character != "\n" and not character.isprintable()] == []
    assert "\\u001b[2J" in done.out if options else "\\x1b[2J" in done.out


def on_a_terminal(folder, *arguments):
    import pty

    leader, follower = pty.openpty()
    env = environment(folder, CANARY=CANARY, TERM="xterm-256color", COLUMNS="100")
    process = subprocess.Popen([*COMMAND, *arguments], cwd=folder, env=env, stdout=follower, stderr=follower, stdin=follower)
    os.close(follower)
    written = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # how Linux says that the last writer has gone
            break
        if not part:
            break
        written += part
    process.wait(10)
    os.close(leader)
    return written.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
class TestOnATerminal:
    def test_the_reference_page_has_colours(self, tmp_path):
        page = on_a_terminal(tmp_path, "show", LIST)
        assert f"\x1b[1m{LIST}\x1b[0m" in page
        assert "\x1b[2mName " in page

    def test_our_colours_pass_and_the_servers_do_not(self, tmp_path, echo):
        echo.answers["hostile"] = (200, b'{"a": "\\u001b[31m"}')
        page = on_a_terminal(tmp_path, "test", TASK, "-i", "poolId=hostile", *echo.options)
        assert "\x1b[36mX-Colour\x1b[0m: \\x1b[31mred\\x1b[2J" in page
        assert "\x1b[32m\x1b[1m✓ succeeded\x1b[0m" in page
        assert leaked(page) == []


def test_a_pipe_gets_no_colours(httptask):
    assert "\x1b" not in httptask("show", LIST).all


@pytest.mark.skipif(sys.platform == "win32", reason="signals and pipes differ")
class TestWhenTheReaderHasGone:
    def test_nothing_is_said(self, httptask):
        process = httptask.start(*ENOUGH_TO_FILL_A_PIPE)
        process.stdout.readline()
        process.stdout.close()
        with process.stderr:
            assert process.stderr.read() == ""
        assert process.wait(10) == 0

    def test_the_exit_code_still_tells_the_outcome(self, httptask):
        process = httptask.start("test", LIST, "--base-url", "http://127.0.0.1:9", "--token", "env:HOME", "--json")
        process.stdout.close()
        with process.stderr:
            assert process.stderr.read() == ""
        assert process.wait(10) == 1

    @pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
    @pytest.mark.parametrize("arguments", [("list",), ENOUGH_TO_FILL_A_PIPE, ("--help",)])
    def test_a_full_disk_is_a_message(self, httptask, arguments):
        with FULL.open("w") as full:
            process = httptask.start(*arguments, stdout=full)
        _, err = process.communicate(timeout=10)
        assert (process.returncode, err) == (1, "error: the system says: No space left on device\n")

    def test_a_current_folder_that_is_gone_is_a_message(self, httptask, tmp_path):
        gone = tmp_path / "gone"
        gone.mkdir()
        command = ["sh", "-c", 'cd gone && rmdir "$0" && exec "$@"', str(gone), *COMMAND, "list"]
        done = subprocess.run(command, cwd=tmp_path, env=httptask.env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "error: the system says: No such file or directory\n")

    @pytest.mark.parametrize("closed", ["1", "2"])
    def test_a_stream_that_was_closed_before_is_no_crash(self, httptask, closed):
        command = ["sh", "-c", f'exec "$@" {closed}>&-', "sh", *COMMAND, "list"]
        done = subprocess.run(command, cwd=httptask.folder, env=httptask.env, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_list_imports_nothing_heavy(httptask):
    code = "import sys; from httptask.cli import main; main(['list']); print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], env=httptask.env, capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.splitlines()[-1].split()) == set()


#: Times what Python and its command-line library take: 150 ms where they take 50.
MOST_OF_BARE = 3


def processor_seconds(*command, env):
    """What the processor did for a command: other work on the machine makes it wait, which is no fault of the command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *command], env=env, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.skipif("COVERAGE_PROCESS_START" in os.environ, reason="measuring lines takes longer than that")
def test_list_takes_a_few_times_as_long_as_python_itself(httptask):
    listing, bare = [], []
    for _ in range(20):  # side by side, because a busy machine does the same work in more time
        listing.append(processor_seconds("-m", "httptask", "list", env=httptask.env))
        bare.append(processor_seconds("-c", "import click", env=httptask.env))
        if min(listing) < MOST_OF_BARE * min(bare):
            break
    assert min(listing) < MOST_OF_BARE * min(bare)
