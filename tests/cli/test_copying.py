# `httptask test --curl`, `--python`, `--har` and `--step`: the call in the words of another tool, and nothing sent.
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from io import BytesIO, TextIOWrapper
from unittest import mock

import pytest

from cli.command import environment
from cli.conftest import CANARY
from httptask.cli import main

pytestmark = pytest.mark.broad

LIST = ("test", "okta.list_agent_pools", "-i", "poolType=AD")
BODY = '{"name": "it\'s {{ spring }}", "agentType": "AD", "agents": [{"id": "a53slzqkptH2xEJ1r1d7"}]}'
CREATE = ("test", "okta.create_agent_pools_update", "-i", "poolId=0oaspf3cfatE1nDO31d7", "--body", BODY, "-H", "X-Note: {{ a }}")
FORMS = ("--curl", "--python", "--har", "--step")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
LOGIN = """\
id: my.login
method: POST
path: /users/{{ user }}/login
parameters:
  - {name: user, in: path, required: true, schema: {type: string, format: password}}
  - {name: token, in: query, schema: {type: string}}
requestBody:
  schema: {type: object, properties: {pin: {type: string, writeOnly: true}, password: {type: string}, plain: {type: string}}}
responses:
  '200': {description: OK}
"""


@pytest.fixture
def login(tmp_path):
    folder = tmp_path / "templates" / "my"
    folder.mkdir(parents=True)
    (folder / "provider.yaml").write_text("id: my\ntitle: My\nservers: [{url: 'https://my.test'}]\n")
    (folder / "login.yaml").write_text(LOGIN)
    given = [f"{name}={CANARY}" for name in ("user", "token")]
    body = json.dumps({"pin": CANARY, "password": CANARY, "plain": "x"})
    return ("test", "my.login", "--templates", folder.parent, "-i", given[0], "-i", given[1], "--body", body)


def ran(command, text, sandbox):
    """Run a printed text as a user would, with the sandbox's token in the environment."""
    env = {"PATH": os.environ["PATH"], "NO_PROXY": "*", "SANDBOX_TOKEN": "sandbox-token"}
    done = subprocess.run(command, input=text, env=env, capture_output=True, encoding="utf-8", timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    requests = sandbox.control("requests")["received"]
    assert len(requests) == 1, requests
    return done.stdout


@needs_curl
def test_a_printed_curl_command_does_what_the_task_does(online, sandbox):
    text = online(*LIST, *sandbox.options, "--curl").out
    assert {pool["type"] for pool in json.loads(ran(["sh"], text, sandbox))} == {"AD"}


def test_a_printed_script_does_what_the_task_does(online, sandbox):
    text = online(*LIST, *sandbox.options, "--python").out
    status, _, body = ran([sys.executable, "-"], text, sandbox).partition("\n")
    assert status == "200 OK"
    assert {pool["type"] for pool in json.loads(body)} == {"AD"}


@pytest.mark.parametrize("call", [LIST, CREATE], ids=["list", "create"])
def test_a_printed_step_is_valid_and_plans_the_same_request(call, online, sandbox, tmp_path):
    step = online(*call, *sandbox.options, "--step").out
    (tmp_path / "flow.yaml").write_text(f"name: pasted\nsteps:\n{textwrap.indent(step, '  ')}", encoding="utf-8")
    online("validate", "flow.yaml")
    planned = online("run", "flow.yaml", *sandbox.options, "--dry-run", "--json").json["steps"][0]["requests"][0]
    assert planned == online(*call, *sandbox.options, "--dry-run", "--json").json["request"]


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_sent_and_nothing_is_written_into_the_journal(form, online, sandbox):
    done = online(*CREATE, *sandbox.options, form)
    assert done.out
    assert sandbox.control("requests")["received"] == []
    assert online("runs", "--json").json["runs"] == []


def test_an_archive_is_json(online, sandbox):
    entry = online(*CREATE, *sandbox.options, "--har").json["log"]["entries"][0]
    assert json.loads(entry["request"]["postData"]["text"]) == json.loads(BODY)
    assert re.match(r"20\d\d-", entry["startedDateTime"])


@pytest.mark.parametrize("form", FORMS)
def test_as_json_a_text_comes_with_what_it_is(form, online, sandbox):
    copied = online(*LIST, *sandbox.options, form, "--json").json
    assert (copied["schemaVersion"], copied["task"]) == (1, "okta.list_agent_pools")
    text = copied["copyAs"].pop("text")
    plain = online(*LIST, *sandbox.options, form)
    if form != "--har":  # which tells the moment
        assert text == plain.out
    assert set(copied["copyAs"]) == {"name", "mediaType", "suffix", "notes"}
    assert f"--{copied['copyAs']['name']}" == form
    assert [f"{note['kind']}: {note['message']}" for note in copied["copyAs"]["notes"]] == plain.err.splitlines()


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("form", FORMS)
def test_no_secret_is_printed(form, as_json, guarded, login):
    options = ("--base-url", "https://my.test", "-H", f"X-Vault-Token: {CANARY}", "-H", f"X-Note: password={CANARY}")
    done = guarded(*login, *options, form, *as_json)
    assert "canary" not in done.all
    assert "***" not in done.out
    assert "HTTPTASK_INPUT_USER" in done.out
    assert "HTTPTASK_INPUT_TOKEN" in done.out
    okta = guarded(*LIST, "--base-url", "https://acme.okta.com", "--token", "env:CANARY", form, *as_json)
    assert "canary-" not in okta.all
    assert ("CANARY" in okta.out) == (form != "--step")


def test_the_last_net_masks_what_stands_where_no_reference_can(guarded):
    call = ("test", "okta.list_agent_pools", "--base-url", "https://canary-7f3a9b.okta.com", "--token", "env:SHORT")
    done = guarded(*call, "--curl", env={"SHORT": "canary-7f3a9b"})
    assert "canary" not in done.out
    assert "it cannot be used as it is" in done.err


def test_two_forms_at_once_are_refused(inside):
    assert "--curl and --har both print" in inside(*LIST, "--har", "--curl", code=2).err


@pytest.mark.parametrize("form", [*FORMS, "--explain"])
@pytest.mark.parametrize("other", [("--fault", "503"), ("--expect", "{{ true }}"), ("--junit", "x.xml"), ("--trace",)])
def test_a_form_does_not_go_with_what_needs_an_answer(form, other, inside):
    assert form in inside(*LIST, form, *other, code=2).err


@pytest.mark.parametrize("form", FORMS)
def test_wrong_inputs_are_told_as_always(form, inside):
    assert inside("test", "okta.list_agent_pools", "-i", "poolType=nonsense", form, "--json", code=2).problems == ["poolType"]


def test_without_a_connection_the_documented_server_stands_there(inside):
    done = inside(*LIST, "--curl")
    assert "https://subdomain.okta.com/" in done.out
    assert "hint: no connection is configured" in done.err


def test_the_sandbox_of_a_command_is_told_to_end_with_it(inside):
    done = inside(*LIST, "--sandbox", "--curl")
    assert "loss: the sandbox ends with the command" in done.err


def test_all_pages_are_a_key_of_the_step_and_a_loss_of_the_others(inside):
    assert "paginate:\n    maxPages: 2\n" in inside(*LIST, "--all", "--max-pages", "2", "--step").out
    assert "loss: this is the request of the first page" in inside(*LIST, "--all", "--curl").err


@pytest.fixture
def in_ascii(tmp_path, monkeypatch):
    """The command with a standard output that holds ASCII alone: code, output."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment(tmp_path)):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))

    def run(*arguments):
        stream = TextIOWrapper(BytesIO(), encoding="ascii")
        with mock.patch.object(sys, "stdout", stream):
            code = main([*LIST[:2], "-i", "after=é", *arguments])
        stream.flush()
        return code, stream.buffer.getvalue().decode("ascii")

    return run


def test_an_output_that_cannot_hold_the_text_is_refused(in_ascii, capsys):
    assert in_ascii("--step") == (2, "")
    assert "standard output" in capsys.readouterr().err
    assert "%C3%A9" in in_ascii("--curl")[1]
    code, told = in_ascii("--step", "--json")
    assert (code, json.loads(told)["copyAs"]["text"].count("é")) == (0, 1)
