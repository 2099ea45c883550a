"""`--record` and `--replay`: recorded against the sandbox, replayed when it is gone and nothing is configured."""

import json
import signal
import socket
import time

import pytest

from cli.command import ROOT
from httptask import atomic
from httptask.clock import SystemClock
from httptask.halting import Halt
from studio import comparable

pytestmark = pytest.mark.broad

LIST = "okta.list_agent_pools"
FLOW = """
name: flow
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD, limitPerPoolType: 3}
    paginate: {}
  - id: updates
    task: okta.list_agent_pools_updates
    forEach: {items: '{{ steps.pools.outputs.items }}', maxParallel: 4}
    with: {poolId: '{{ item.id }}'}
  - id: create
    task: okta.create_agent_pools_update
    with:
      poolId: '{{ steps.pools.outputs.items[0].id }}'
      body: {name: spring, agentType: AD, agents: '{{ steps.pools.outputs.items[0].agents }}'}
    outputs: {id: '{{ response.body.id }}'}
  - id: watch
    task: okta.get_agent_pools_update_instance
    with: {poolId: '{{ steps.pools.outputs.items[0].id }}', updateId: '{{ steps.create.outputs.id }}'}
    until: "{{ response.body.status == 'Success' }}"
    every: 2s
    timeout: 5m
outputs: {update: '{{ steps.create.outputs.id }}', pools: '{{ steps.pools.outputs.items | length }}'}
x-sandbox: {rateLimit: 1000/60, speed: 60, faults: [{match: GET /api/v1/agentPools, script: '503(Retry-After=1), ok'}]}
"""
GATE = """
name: gate
steps:
  - {id: pools, task: okta.list_agent_pools}
  - {id: ask, approve: 'Go on?'}
  - {id: again, task: okta.list_agent_pools}
"""


@pytest.fixture
def flow(tmp_path):
    (tmp_path / "flow.yaml").write_text(FLOW, encoding="utf-8")
    (tmp_path / "gate.yaml").write_text(GATE, encoding="utf-8")
    return "flow.yaml"


@pytest.fixture
def offline(httptask, monkeypatch):
    """The command in an environment without a connection, in a process without sockets in which nobody can wait."""

    def refused(*_, **__):
        raise AssertionError("a replay uses no network and does not wait")

    def run(*arguments, **options):
        with monkeypatch.context() as patch:
            for name in ("socket", "create_connection", "getaddrinfo"):
                patch.setattr(socket, name, refused)
            patch.setattr(SystemClock, "sleep", refused)
            patch.setattr(Halt, "wait", refused)
            return httptask(*arguments, **options)

    return run


def recorded(tmp_path, name="c.yaml"):
    return (tmp_path / name).read_text(encoding="utf-8")


def test_a_run_recorded_against_the_sandbox_replays_to_an_equal_result(httptask, offline, tmp_path, flow):
    done = httptask("run", flow, "--sandbox", "--record", "c.yaml", "--json")
    assert "exchanges recorded in c.yaml" in done.err
    assert "sandbox-token" not in recorded(tmp_path)
    replayed = offline("run", flow, "--replay", "c.yaml", "--json")
    assert comparable(replayed.json) == comparable(done.json)
    assert done.json["outputs"]["pools"] == 7
    assert "not asked for" not in replayed.err
    assert replayed.json["steps"][0]["outcome"]["attempts"][0]["decision"]["action"] == "retry"


def test_a_replay_is_told_to_people_as_a_run_is(httptask, offline, flow):
    httptask("run", flow, "--sandbox", "--record", "c.yaml", "--no-journal")
    done = offline("run", flow, "--replay", "c.yaml", "-v")
    assert "✓ create" in done.out
    assert "→ updates" in done.err


def test_a_task_replays_with_its_retries_and_pages(online, offline, sandbox, tmp_path):
    sandbox.fault("503(Retry-After=1), ok")
    options = (LIST, "-i", "poolType=AD", "-i", "limitPerPoolType=3", "--all", "--retry", "--json")
    done = online("test", *options, *sandbox.options, "--record", "c.yaml")
    sandbox.control("reset", {})
    replayed = offline("test", *options, "--replay", "c.yaml")
    assert comparable(replayed.json) == comparable(done.json)
    assert [attempt["status"] for attempt in replayed.json["attempts"]] == [503, 200, 200, 200]
    assert sandbox.control("requests")["received"] == []


def test_a_lost_answer_replays_to_the_same_verdict(online, offline, sandbox):
    pool = online("test", LIST, "-i", "poolType=AD", *sandbox.options, "--json").json["response"]["body"][0]
    body = json.dumps({"name": "spring", "agentType": "AD", "agents": pool["agents"]})
    sandbox.fault("reset-after", "POST")
    options = ("test", "okta.create_agent_pools_update", "-i", f"poolId={pool['id']}", "--body", body, "--json")
    done = online(*options, *sandbox.options, "--record", "c.yaml", code=3)
    assert comparable(offline(*options, "--replay", "c.yaml", code=3).json) == comparable(done.json)


def test_a_gate_ends_a_replay_as_it_ended_the_run(online, offline, sandbox, flow):
    online("run", "gate.yaml", *sandbox.options, "--record", "c.yaml", "--json", code=4)
    assert offline("run", "gate.yaml", "--replay", "c.yaml", "--json", code=4).json["status"] == "waiting"


def test_a_secret_input_needs_no_reference_that_is_there_at_replay(online, offline, sandbox, tmp_path):
    text = "name: flow\ninputs: {type: object, properties: {pool: {type: string, format: password}}}\nsteps:\n"
    text += "  - {id: one, task: okta.list_agent_pools_updates, with: {poolId: '{{ inputs.pool }}'}}\n"
    (tmp_path / "secret.yaml").write_text(text, encoding="utf-8")
    given = ("run", "secret.yaml", "-i", "pool=env:POOL", "--json")
    done = online(*given, *sandbox.options, "--record", "c.yaml", env={"POOL": "0oa-secret-1"})
    assert "secret-1" not in recorded(tmp_path)
    assert "POOL is not set" in online(*given, *sandbox.options, code=2).out
    assert comparable(offline(*given, "--replay", "c.yaml").json) == comparable(done.json)


def test_a_replay_leaves_the_journal_alone(httptask, offline, tmp_path, flow):
    httptask("run", flow, "--sandbox", "--record", "c.yaml", "--journal", "runs.db")
    before = (tmp_path / "runs.db").read_bytes()
    offline("run", flow, "--replay", "c.yaml", env={"HTTPTASK_JOURNAL": str(tmp_path / "runs.db")})
    offline(
        "test",
        LIST,
        "-i",
        "poolType=AD",
        "-i",
        "limitPerPoolType=3",
        "--replay",
        "c.yaml",
        "--retry",
        env={"HTTPTASK_JOURNAL": str(tmp_path / "runs.db")},
    )
    assert (tmp_path / "runs.db").read_bytes() == before
    assert not list(tmp_path.rglob("runs.db-*"))


def test_a_process_of_its_own_replays_too(httptask, flow):
    done = httptask("run", flow, "--sandbox", "--record", "c.yaml", "--json")
    replayed = httptask.process("run", flow, "--replay", "c.yaml", "--json")
    assert comparable(replayed.json) == comparable(done.json)


# misses and leftovers


def test_a_miss_ends_with_2_and_says_what_differs(online, offline, sandbox):
    online("test", LIST, "-i", "poolType=AD", "-i", "limitPerPoolType=3", *sandbox.options, "--record", "c.yaml")
    done = offline("test", LIST, "-i", "poolType=LDAP", "-i", "limitPerPoolType=3", "--replay", "c.yaml", "--json", code=2)
    error = done.json["error"]
    assert error["kind"] == "replayMiss"
    assert [(each["where"], each["message"]) for each in error["problems"]] == [
        (
            "c.yaml:8",
            "nothing recorded answers GET /api/v1/agentPools?limitPerPoolType=3&poolType=LDAP; the nearest request differs",
        ),
        ("query poolType", 'recorded "AD", sent "LDAP"'),
    ]
    told = offline("test", LIST, "--replay", "c.yaml", code=2)
    assert 'error: query limitPerPoolType: recorded "3", sent nothing' in told.err
    assert "--overwrite" in told.err
    assert told.out == ""


def test_a_miss_within_a_run_ends_with_2_and_runs_no_more_steps(httptask, offline, tmp_path, flow):
    httptask("run", flow, "--sandbox", "--record", "c.yaml")
    (tmp_path / flow).write_text(FLOW.replace("name: spring", "name: summer"), encoding="utf-8")
    error = offline("run", flow, "--replay", "c.yaml", "--json", code=2).json["error"]
    assert (error["problems"][1]["where"], error["problems"][1]["message"]) == ("body.name", 'recorded "spring", sent "summer"')


def test_what_was_not_asked_for_is_said(httptask, offline, flow):
    httptask("run", flow, "--sandbox", "--record", "c.yaml")
    done = offline("test", LIST, "-i", "poolType=AD", "-i", "limitPerPoolType=3", "--replay", "c.yaml", "--json", code=1)
    assert done.json["response"]["status"] == 503
    assert "recorded exchanges were not asked for" in done.err
    assert "c.yaml:" in done.err
    assert "  and " in done.err


def test_a_wrong_cassette_is_told_with_its_lines(offline, tmp_path):
    (tmp_path / "c.yaml").write_text("httptaskCassette: 1\nrecordedAt: now\nservers: {}\nexchanges: [{}]\n", encoding="utf-8")
    done = offline("test", LIST, "--replay", "c.yaml", "--json", code=2)
    assert done.json["error"]["kind"] == "cassetteInvalid"
    assert {where.rpartition(":")[0] for where in done.problems} == {"c.yaml:2", "c.yaml:4"}
    assert "there is no such cassette" in offline("test", LIST, "--replay", "none.yaml", code=2).err


# what is written, and when


def test_nothing_is_overwritten_unless_that_is_said(online, sandbox, tmp_path):
    (tmp_path / "flow.yaml").write_text(GATE, encoding="utf-8")
    online("test", LIST, *sandbox.options, "--record", "c.yaml")
    before = recorded(tmp_path)
    sandbox.control("reset", {})
    for name, words in (
        ("c.yaml", "there is a cassette already"),
        ("flow.yaml", "something else"),
        ("no/c.yaml", "folder does not exist"),
    ):
        assert words in online("test", LIST, *sandbox.options, "--record", name, code=2).err
    assert "something else" in online("test", LIST, *sandbox.options, "--record", "flow.yaml", "--overwrite", code=2).err
    assert sandbox.control("requests")["received"] == [], "it is refused before anything is sent"
    assert (recorded(tmp_path), recorded(tmp_path, "flow.yaml")) == (before, GATE)
    online("test", LIST, "-i", "poolType=AD", *sandbox.options, "--record", "c.yaml", "--overwrite")
    assert "poolType=AD" in recorded(tmp_path)


def test_where_nothing_was_sent_nothing_is_written_and_the_old_one_stands(online, sandbox, tmp_path):
    online("test", LIST, *sandbox.options, "--record", "c.yaml")
    before = recorded(tmp_path)
    done = online("run", "none.yaml", *sandbox.options, "--record", "c.yaml", "--overwrite", code=2)
    done = online("test", LIST, "--connection", "none", "--record", "c.yaml", "--overwrite", code=2)
    assert "no cassette was written" in done.err
    assert recorded(tmp_path) == before


def test_a_cassette_that_cannot_be_written_does_not_hide_the_result(inside, sandbox, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    what = ("test", LIST, *sandbox.options, "--record", "c.yaml", "--json", "--no-journal")
    done = inside(*what, code=1, env={"SANDBOX_TOKEN": "sandbox-token"})
    assert done.json["status"] == "succeeded"
    assert "c.yaml: cannot be written: No space left" in done.err
    assert not (tmp_path / "c.yaml").exists()


@pytest.mark.parametrize("command", ["run", "test"])
def test_ctrl_c_keeps_what_was_recorded_so_far(online, sandbox, tmp_path, command):
    (tmp_path / "flow.yaml").write_text(GATE.replace("  - {id: ask, approve: 'Go on?'}\n", ""), encoding="utf-8")
    what = ("run", "flow.yaml") if command == "run" else ("test", LIST, "-i", "limitPerPoolType=3", "--all")
    sandbox.fault("ok, slow(20s)")
    process = online.start(*what, "--json", *sandbox.options, "--record", "c.yaml")
    end = time.monotonic() + 20
    while time.monotonic() < end and len(sandbox.control("requests")["received"]) < 2:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "1 exchange recorded in c.yaml" in err
    assert recorded(tmp_path).count("- request:") == 1
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".c.yaml")] == []
    assert json.loads(out)


def test_killed_at_once_a_recording_leaves_no_half_file(online, sandbox, tmp_path):
    sandbox.fault("ok, slow(20s)")
    process = online.start("test", LIST, "-i", "limitPerPoolType=3", "--all", *sandbox.options, "--record", "c.yaml")
    end = time.monotonic() + 20
    while time.monotonic() < end and len(sandbox.control("requests")["received"]) < 2:
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=20)
    assert not (tmp_path / "c.yaml").exists()


# flags


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--record", "a.yaml", "--replay", "b.yaml"), "--record and --replay do not go together"),
        (("--record", "a.yaml", "--dry-run"), "--record and --dry-run do not go together"),
        (("--replay", "a.yaml", "--dry-run"), "--replay and --dry-run do not go together"),
        (("--record", "a.yaml", "--explain"), "--record and --explain do not go together"),
        (("--overwrite",), "--overwrite says what --record may replace"),
        (("--replay", "a.yaml", "--overwrite"), "--overwrite says what --record may replace"),
        (("--replay", "a.yaml", "--sandbox"), "leave out --sandbox"),
        (("--replay", "a.yaml", "--base-url", "https://a.example.com", "--token", "env:X"), "leave out --base-url, --token"),
        (("--replay", "a.yaml", "--connection", ""), "leave out --connection"),
        (("--replay", "a.yaml", "--journal", "j.db"), "leave out --journal"),
    ],
)
@pytest.mark.parametrize("command", ["run", "test"])
def test_flags_that_contradict_one_another_are_refused(httptask, flow, command, arguments, words):
    what = ("run", flow) if command == "run" else ("test", LIST)
    assert words in httptask(*what, *arguments, code=2).err


def test_a_simulation_or_a_copy_of_a_call_is_not_recorded(httptask, flow):
    assert "--record and --curl" in httptask("test", LIST, "--record", "a.yaml", "--curl", code=2).err
    assert "--record and --fault" in httptask("run", flow, "--record", "a.yaml", "--fault", "pools=503", code=2).err
    assert "--replay and --fault" in httptask("test", LIST, "--replay", "a.yaml", "--fault", "503", code=2).err


def test_an_example_with_a_verify_rule_and_polls_replays(httptask, offline):
    pool = httptask("test", LIST, "-i", "poolType=AD", "--sandbox", "--json").json["response"]["body"][0]
    given = (ROOT / "examples" / "update_one_pool.yaml", "-i", f"pool={json.dumps(pool)}", "--json")
    done = httptask("run", *given, "-i", "targetVersion=9.9.9", "--sandbox", "--record", "c.yaml")
    replayed = offline("run", *given, "-i", "targetVersion=9.9.9", "--replay", "c.yaml")
    assert comparable(replayed.json) == comparable(done.json)
