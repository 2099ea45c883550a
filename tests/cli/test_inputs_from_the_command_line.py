"""`test --dry-run`: inputs in every spelling become a request, and every mistake is a message."""

import json

import pytest

from cli.command import NOTES

pytestmark = pytest.mark.broad

CREATE = "okta.create_agent_pools_update"
LIST = "okta.list_agent_pools"
BODY = {"name": "n", "agentType": "AD", "agents": []}


def request(done):
    return done.json["request"]


def test_a_dry_run_as_json_has_the_agreed_shape_and_masks_the_credential(inside):
    shown = inside("test", CREATE, "-i", "poolId=a b", "--body", json.dumps(BODY), "--dry-run", "--json").json
    assert list(shown) == ["schemaVersion", "task", "request", "connection"]
    assert shown["connection"].startswith("none is configured")
    assert (shown["schemaVersion"], shown["task"]) == (1, CREATE)
    assert list(shown["request"]) == ["method", "url", "headers", "body", "bodyKind"]
    assert shown["request"]["method"] == "POST"
    assert shown["request"]["url"].endswith("/api/v1/agentPools/a%20b/updates")
    assert ["Authorization", "SSWS ***"] in shown["request"]["headers"]
    assert (shown["request"]["body"], shown["request"]["bodyKind"]) == (BODY, "json")


def test_a_dry_run_for_people_is_the_request_and_says_that_nothing_was_sent(inside):
    done = inside("test", LIST, "-i", "poolType=AD", "--dry-run")
    assert done.out.startswith("GET /api/v1/agentPools?poolType=AD HTTP/1.1\nHost: ")
    assert "Authorization: SSWS ***" in done.out
    assert done.err.startswith("dry run: nothing was sent")


def test_text_is_coerced_as_the_schema_asks(inside):
    assert "limitPerPoolType=50" in request(inside("test", LIST, "-i", "limitPerPoolType=50", "--dry-run", "--json"))["url"]


def test_values_and_bodies_come_from_files(inside, tmp_path):
    (tmp_path / "pool").write_text("0oa1", encoding="utf-8")
    (tmp_path / "body.json").write_text(json.dumps(BODY), encoding="utf-8")
    shown = request(inside("test", CREATE, "-i", "poolId=@pool", "--body", "@body.json", "--dry-run", "--json"))
    assert shown["url"].endswith("/0oa1/updates")
    assert shown["body"] == BODY


def test_a_body_comes_from_standard_input(inside):
    arguments = ("test", CREATE, "-i", "poolId=a", "--body", "-", "--dry-run", "--json")
    assert request(inside(*arguments, stdin=json.dumps(BODY)))["body"] == BODY


def test_two_at_signs_are_one(inside):
    assert request(inside("test", LIST, "-i", "after=@@x", "--dry-run", "--json"))["url"].endswith("?after=%40x")


@pytest.mark.parametrize(
    ("name", "text"),
    [("inputs.yaml", "poolType: AD\nlimitPerPoolType: 3\n"), ("inputs.json", '{"poolType": "AD", "limitPerPoolType": 3}')],
)
def test_inputs_come_from_a_file_and_single_ones_win(inside, tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    shown = request(inside("test", LIST, "--inputs", name, "-i", "limitPerPoolType=4", "--dry-run", "--json"))
    assert shown["url"].partition("?")[2] == "limitPerPoolType=4&poolType=AD"


def test_an_array_is_given_as_json_and_sent_once_per_item(inside):
    tags = ("-i", 'tag=["work","a&b"]')
    shown = request(inside("test", "notes.list_notes", *tags, "--templates", NOTES, "--dry-run", "--json"))
    assert shown["url"] == "https://notes.example.com/v1/notes?tag=work&tag=a%26b"
    assert ["X-Api-Key", "***"] in shown["headers"]


def test_a_body_template_is_filled_from_named_inputs(inside):
    inputs = ("-i", "title=Shopping", "-i", "text={{ 1 + 1 }}")
    shown = request(inside("test", "notes.create_note", *inputs, "--templates", NOTES, "--dry-run", "--json"))
    assert shown["body"] == {"title": "Shopping", "content": {"format": "markdown", "text": "{{ 1 + 1 }}"}}


def test_a_header_of_the_call_is_sent(inside):
    assert ["X-Trace", "a:b"] in request(inside("test", LIST, "-H", "X-Trace: a:b", "--dry-run", "--json"))["headers"]


def test_a_value_outside_an_enumeration_passes_on_request_and_is_warned_of(inside):
    assert "poolType" in inside("test", LIST, "-i", "poolType=NEW", "--dry-run", code=2).err
    done = inside("test", LIST, "-i", "poolType=NEW", "--allow-unknown-enum", "--dry-run")
    assert "poolType=NEW" in done.out
    assert "warning: poolType: must be one of" in done.err


def test_every_wrong_input_is_reported_at_once(inside):
    body = '{"agentType": "X", "agents": [], "schedule": {"cron": 5}}'
    given = ("-i", "poolID=1", "-i", "nosign", "-i", "x=@missing")
    done = inside("test", CREATE, *given, "--body", body, "--dry-run", "--json", code=2)
    error = done.json["error"]
    assert list(done.json) == ["schemaVersion", "error"]
    assert list(error) == ["kind", "message", "problems"]
    assert {tuple(problem) for problem in error["problems"]} == {("where", "message", "hint")}
    expected = {"poolID", "-i", "missing", "poolId", "body", "body.agentType", "body.schedule.cron"}
    assert set(done.problems) == expected
    assert "did you mean 'poolId'?" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tset"], "did you mean 'test'?"),
        (["\x1b[31mtest"], "No such command '\\x1b[31mtest'; did you mean 'test'?"),
        (["test", "okta.list_agent_pool"], "did you mean 'okta.list_agent_pools'?"),
        (["show", "nothing.like_it"], "`httptask list` shows all tasks"),
        (["test", LIST, "-i", "poolTyp=AD", "--dry-run"], "poolTyp: unknown input"),
        (["test", LIST, "--dryrun"], "--dry-run"),
        (["test"], "Missing argument 'TASK'"),
        (["list", "surplus"], "unexpected extra argument"),
        (["test", LIST, "--body", "{}", "--dry-run"], "takes no body"),
        (["test", CREATE, "-i", "poolId=a", "--body", "{'a': 1}", "--dry-run"], "--body: not JSON at line 1 column 2"),
        (["test", CREATE, "-i", "poolId=a", "--body", "[" * 5000, "--dry-run"], "--body: nested too deeply"),
        (["test", CREATE, "-i", "poolId=a", "--body", "[" * 300 + "]" * 300, "--dry-run"], "nested deeper than 200 levels"),
        (["test", CREATE, "-i", "poolId=a", "--body", "@missing.json", "--dry-run"], "missing.json: cannot be read"),
        (["test", "notes.list_notes", "--templates", str(NOTES), "-i", "tag=" + "[" * 5000, "--dry-run"], "tag: must be array"),
        (["test", LIST, "--inputs", "missing.yaml", "--dry-run"], "missing.yaml: cannot be read"),
        (["test", LIST, "-H", "colonless", "--dry-run"], "NAME:VALUE"),
        (["test", LIST, "-H", "X: a\nb", "--dry-run"], "X: a header value must"),
        (["test", LIST, "-H", "authorization: x", "--dry-run"], "set by httptask alone"),
        (["test", "okta.list_agent_pools_updates", "-i", "poolId=..", "--dry-run"], "dot segment"),
        (["test", LIST, "--timeout", "0"], "--timeout"),
        (["validate", "missing.yaml"], "missing.yaml: cannot be read"),
        (["run", "missing.yaml", "--sandbox"], "missing.yaml: cannot be read"),
        (["list", "--templates", "missing"], "missing: "),
        (["completion", "tcsh"], "tcsh"),
        (["sandbox", "--rate-limit", "ten"], "10/60"),
        (["sandbox", "--host", "0.0.0.0"], "loopback only"),  # noqa: S104 - the refusal is the point
    ],
    ids=lambda value: (
        " ".join(value)[:50].encode("ascii", "backslashreplace").decode().replace("\x1b", "ESC")
        if isinstance(value, list)
        else ""
    ),
)
def test_a_mistake_is_a_message_on_stderr(inside, arguments, says):
    done = inside(*arguments, code=2)
    assert done.out == ""
    assert says in done.err


@pytest.mark.parametrize(
    ("content", "option", "says"),
    [
        (b"\xff", ("-i", "after=@given"), "not UTF-8"),
        (b"\xff", ("--inputs", "given"), "not UTF-8"),
        (b"[1, 2]", ("--inputs", "given"), "inputs must be a mapping"),
        (b"a: 1\na: 2", ("--inputs", "given"), "given:2:1"),
    ],
)
def test_a_file_that_cannot_be_read_as_inputs_is_named(inside, tmp_path, content, option, says):
    (tmp_path / "given").write_bytes(content)
    done = inside("test", LIST, *option, "--dry-run", code=2)
    assert "given" in done.err
    assert says in done.err


@pytest.mark.parametrize(
    "arguments", [["tset"], ["test", "okta.nothing"], ["test", LIST, "-i", "x"], ["validate", "missing.yaml"]]
)
def test_with_json_a_mistake_is_json_on_stdout(httptask, arguments):
    done = httptask(*arguments, "--json", code=2)
    assert done.json["schemaVersion"] == 1
    assert list(done.json["error"]) == ["kind", "message", "problems"]
    assert done.err == ""
