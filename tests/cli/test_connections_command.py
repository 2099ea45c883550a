"""`httptask connections`: the list, the proof that one works, and the questions of `add`."""

import os
import subprocess
import sys

import pytest

from cli.command import COMMAND, NOTES, environment

pytestmark = pytest.mark.slow

NOBODY = {"OKTA_CLIENT_ORGURL": "http://127.0.0.1:9", "OKTA_CLIENT_TOKEN": "token-of-nobody"}
PROFILES = """
[connections.default]
provider = "okta"
baseUrl = "https://default.okta.com"
token = "env:NOT_SET"

[connections.faulty]
provider = "okta"
baseUrl = "https://faulty-admin.okta.com"
token = "keyring:okta/acme"

[connections.notes]
provider = "notes"
baseUrl = "https://notes.example.com"
token = "file:notes.key"
"""


@pytest.fixture
def configured(httptask, tmp_path):
    (tmp_path / "connections.toml").write_text(PROFILES, encoding="utf-8")
    httptask.env["HTTPTASK_CONFIG"] = "connections.toml"
    return httptask


def test_the_list_shows_where_requests_would_go_and_what_is_faulty(configured):
    done = configured("connections", "--templates", NOTES, env=NOBODY)
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0][:4] == ["name", "provider", "base", "URL"]
    chosen = [line[1:] for line in lines if line[0] == "*"]
    variables = ["OKTA_CLIENT_ORGURL", "and", "OKTA_CLIENT_TOKEN"]
    assert chosen == [["-", "okta", "http://127.0.0.1:9", "apiToken", "env:OKTA_CLIENT_TOKEN", *variables]]
    assert "use https://faulty.okta.com" in done.err


def test_the_list_as_json(configured):
    listed = configured("connections", "--json", "--templates", NOTES).json
    assert list(listed) == ["schemaVersion", "profilesFile", "connections", "problems"]
    by_name = {connection["name"]: connection for connection in listed["connections"]}
    assert by_name["default"] == {
        "name": "default",
        "provider": "okta",
        "baseUrl": "https://default.okta.com",
        "scheme": "apiToken",
        "reference": "env:NOT_SET",
        "source": f"connection default in {configured.folder / 'connections.toml'}",
        "default": True,
        "problems": [],
    }
    assert by_name["notes"]["reference"] == "file:notes.key"
    assert by_name["faulty"]["problems"][0]["where"].endswith("connections.faulty.baseUrl")


def test_without_any_connection_the_list_says_how_to_add_one(httptask):
    done = httptask("connections")
    assert (done.out, "httptask connections add NAME" in done.err) == ("", True)


def test_list_is_a_command_too(configured):
    assert configured("connections", "list", "--json").json == configured("connections", "--json").json


def test_a_profile_file_that_is_not_there_yet_is_no_mistake_of_the_list(httptask):
    done = httptask("connections", env={"HTTPTASK_CONFIG": "mine.toml"})
    file = httptask.folder / "mine.toml"
    assert done.err == f"HTTPTASK_CONFIG names {file}, which is not there yet; `httptask connections add NAME` creates it\n"


@pytest.mark.parametrize("text", [PROFILES + "[stray]\nx = 1\n", PROFILES + "x ="], ids=["a stray key", "no TOML"])
def test_a_profile_file_that_is_wrong_as_a_whole_hides_no_other_source(configured, text):
    (configured.folder / "connections.toml").write_text(text)
    done = configured("connections", code=2, env=NOBODY)
    assert "http://127.0.0.1:9" in done.out
    assert ("https://default.okta.com" in done.out) is ("stray" in text)
    assert f"warning: {configured.folder / 'connections.toml'}:" in done.err


@pytest.mark.parametrize("broken", ["provider.yaml", "get.yaml", None], ids=["provider", "template", "no such folder"])
def test_templates_that_cannot_be_read_hide_no_connection(configured, legacy, broken):
    folder = configured.folder / "templates"
    if broken:
        (folder / "legacy" / broken).write_text("id: [")
    done = configured("connections", "--json", code=2, env={"HTTPTASK_PATH": str(folder if broken else "nowhere")}).json
    assert "default" in [connection["name"] for connection in done["connections"]]
    assert (broken or "nowhere") in done["problems"][0]["where"]


def test_a_check_of_the_sandbox_succeeds(httptask):
    done = httptask("connections", "check", "--sandbox", "--json")
    assert list(done.json)[1:] == [
        *("connection", "source", "provider", "origin", "scheme", "reference", "task", "status", "responseStatus", "failure")
    ]
    assert (done.json["status"], done.json["responseStatus"], done.json["failure"]) == ("succeeded", 200, None)
    assert done.json["task"] == "okta.list_agent_pools"


def test_a_check_sends_one_safe_request_with_the_named_profile(online, sandbox, tmp_path):
    (tmp_path / "connections.toml").write_text(
        f'[connections.here]\nprovider = "okta"\nbaseUrl = "{sandbox.url}"\ntoken = "env:SANDBOX_TOKEN"\n'
    )
    done = online("connections", "check", "here", env={"HTTPTASK_CONFIG": "connections.toml"})
    assert dict(line.split(None, 1) for line in done.out.splitlines())["answer"] == "200"
    [received] = sandbox.control("requests")["received"]
    assert (received["method"], received["path"].partition("?")[0]) == ("GET", "/api/v1/agentPools")


def test_a_refused_credential_says_what_that_means(httptask, sandbox):
    done = httptask("connections", "check", code=1, env={"OKTA_CLIENT_ORGURL": sandbox.url, "OKTA_CLIENT_TOKEN": "wrong-token"})
    assert "401" in done.out
    assert "Check that the API token is whole" in done.err


def test_nobody_listening_exits_1_and_names_the_origin(httptask):
    done = httptask("connections", "check", "--json", code=1, env=NOBODY)
    assert (done.json["origin"], done.json["failure"]["kind"]) == ("http://127.0.0.1:9", "refused")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["check"], "NOT_SET is not set"),
        (["check", "defualt"], "error: NAME: "),
        (["check", "defualt"], "did you mean 'default'?"),
        (["check", "--provider", "okt"], "did you mean 'okta'?"),
        (["check", "notes", "--templates", NOTES], "does not say how to check"),
        (["check", "default", "--sandbox"], "both asked for"),
        (["add", "default", "--base-url", "https://a.okta.com", "--token", "env:A"], "already has a connection default"),
        (["add", "a b", "--base-url", "https://a.okta.com", "--token", "env:A"], "cannot be the name"),
        (["add", "new", "--token", "env:A"], "give --base-url: there is no terminal to ask on"),
        (["add", "new"], "give --base-url and --token"),
        (["add", "new", "--base-url", "https://a-admin.okta.com", "--token", "env:A"], "use https://a.okta.com"),
        (["add", "new", "--base-url", "https://a.okta.com", "--token", "00token"], "not a reference"),
        (["add", "new", "--base-url", "https://a.okta.com", "--token", "env:A", "--scheme", "oauth"], "did you mean 'oauth2'?"),
        (["chekc"], "check"),
    ],
)
def test_what_cannot_be_done_exits_2_and_says_why(configured, arguments, says):
    before = (configured.folder / "connections.toml").read_bytes()
    done = configured("connections", *arguments, code=2)
    assert says in done.err
    assert "00token" not in done.all
    assert (configured.folder / "connections.toml").read_bytes() == before


def test_a_connection_that_was_added_is_listed_and_used(httptask):
    added = httptask(
        "connections", "add", "prod", "--base-url", "https://Acme.okta.com/", "--token", "env:T", "--scheme", "oauth2"
    )
    assert added.err == "try it: httptask connections check prod\n"
    assert [item["name"] for item in httptask("connections", "--json").json["connections"]] == ["prod"]
    done = httptask("test", "okta.list_agent_pools", "--connection", "prod", "--dry-run", "--json", env={"T": "abcdef123"})
    assert done.json["request"]["url"] == "https://acme.okta.com/api/v1/agentPools"


def test_a_credential_of_a_few_characters_is_announced(httptask):
    done = httptask("test", "okta.list_agent_pools", "--dry-run", env={**NOBODY, "OKTA_CLIENT_TOKEN": "abc"})
    assert "Authorization: SSWS ***" in done.out
    assert "warning: env:OKTA_CLIENT_TOKEN: this credential is so short" in done.err


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_add_asks_until_each_answer_can_be_used(tmp_path):
    import pty

    leader, follower = pty.openpty()
    command = [*COMMAND, "connections", "add", "prod"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdin=follower, stdout=follower, stderr=follower
    ) as process:
        os.close(follower)
        for answer in ("http://acme.okta.com", "https://acme.okta.com", "", "00the-token-itself", "file:token"):
            os.write(leader, f"{answer}\n".encode())
        said = b""
        while b"try it" not in said:
            said += os.read(leader, 65536)
        assert process.wait(10) == 0
    os.close(leader)
    assert b"write https:// instead of http://" in said
    assert b"not a reference" in said
    written = (tmp_path / ".config" / "httptask" / "connections.toml").read_text()
    assert (
        written == '[connections.prod]\nprovider = "okta"\nbaseUrl = "https://acme.okta.com"\nscheme = "apiToken"\n'
        f'token = "file:{tmp_path / "token"}"\n'
    )


BASIC = """
id: legacy
title: Legacy
servers: [{url: 'https://legacy.example.com'}]
securitySchemes:
  login: {type: http, scheme: basic}
"""
TASK = """
id: legacy.get
summary: Get
method: GET
path: /things
responses: {'200': {description: OK}}
security: [{login: []}]
"""


@pytest.fixture
def legacy(tmp_path):
    folder = tmp_path / "templates" / "legacy"
    folder.mkdir(parents=True)
    (folder / "provider.yaml").write_text(BASIC)
    (folder / "get.yaml").write_text(TASK)
    return ("--provider", "legacy", "--templates", folder.parent, "--base-url", "https://legacy.example.com")


def test_add_refuses_a_provider_that_takes_no_token_and_says_what_to_write(httptask, legacy):
    for options in ((), ("--token", "env:T")):
        done = httptask("connections", "add", "old", *legacy, *options, code=2)
        assert "no security scheme to choose from takes a token" in done.err
        assert "write [connections.old] with provider, baseUrl, username and password into" in done.err
    assert not (httptask.folder / ".config").exists()


def test_a_check_is_suggested_only_where_the_provider_has_one(httptask):
    options = ("--provider", "notes", "--templates", NOTES, "--base-url", "https://notes.example.com", "--token", "env:T")
    assert httptask("connections", "add", "notes", *options).err == "try it: httptask test TASK --connection notes --dry-run\n"


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("file:token", "file:{}/token"),
        ("file:../t", "file:{}/../t"),
        ("file:~/token", "file:~/token"),
        ("file:/x/t", "file:/x/t"),
    ],
)
def test_a_relative_path_means_the_same_file_in_add_and_in_test(httptask, tmp_path, written, stored):
    (tmp_path / "token").write_text("token-in-a-file")
    options = ("--base-url", "https://acme.okta.com", "--token", written)
    added = httptask("connections", "add", "prod", *options, "--json").json
    assert added["profile"]["token"] == stored.format(tmp_path)
    if written == "file:token":
        httptask("test", "okta.list_agent_pools", "--connection", "prod", "--dry-run")
        httptask("test", "okta.list_agent_pools", *options, "--dry-run")


class TestErrorsOfTheProgramItself:
    """A bug is told without its words; asked for, its traceback is masked."""

    @pytest.fixture
    def broken(self, tmp_path):
        """Give a command whose `list` fails with a secret in the error's text."""

        def run(*arguments, **variables):
            code = (
                "import sys, httptask.wiring as w\n"
                "def fail(_): raise LookupError('access_token=c4n4ry-in-an-error')\n"
                "w.registry = fail\n"
                "from httptask.cli import main; sys.exit(main(sys.argv[1:]))"
            )
            return subprocess.run(
                [sys.executable, "-c", code, *arguments],
                cwd=tmp_path,
                env=environment(tmp_path, **variables),
                capture_output=True,
                text=True,
                check=False,
            )

        return run

    def test_it_is_named_and_its_words_are_left_out(self, broken):
        done = broken("list")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("error: httptask failed with LookupError\n")
        assert "c4n4ry" not in done.stderr

    @pytest.mark.parametrize(("words", "variables"), [(["--debug", "list"], {}), (["list"], {"HTTPTASK_DEBUG": "1"})])
    def test_the_traceback_is_shown_on_request_and_masked(self, broken, words, variables):
        done = broken(*words, **variables)
        assert "Traceback (most recent call last)" in done.stderr
        assert done.stderr.splitlines()[0] == "Traceback (most recent call last):"
        assert "LookupError: access_token=***" in done.stderr.splitlines()
        assert "c4n4ry" not in done.stderr
