"""Runs that stand, seen as a person sees them: the command against a server in another process, stopped and killed for real."""

import json
import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.broad

CREATE = """
  - id: create
    task: okta.create_agent_pools_update
    with:
      poolId: '{{ steps.pools.outputs.poolIds[0] }}'
      body: {name: canary, agentType: AD, agents: '{{ steps.pools.outputs.pools[0].agents }}'}
    outputs: {poolId: '{{ steps.pools.outputs.poolIds[0] }}'}
"""
POOLS = """
name: flow
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD, limitPerPoolType: 50}
"""
LOOK = """
  - id: look
    task: okta.get_agent_pools_update_settings
    with: {poolId: '{{ steps.create.outputs.poolId }}'}
outputs: {update: '{{ steps.create.outputs.updateId }}'}
"""


@pytest.fixture
def flow(online, sandbox, inside):
    return Flow(online, sandbox, inside)


class Flow:
    """A workflow file, run and resumed against the sandbox."""

    def __init__(self, command, sandbox, inside):
        self.command, self.sandbox, self.inside = command, sandbox, inside

    def call(self, *arguments, code=0, env=()):
        """The command within this process, over sockets to the sandbox in another."""
        return self.inside(*arguments, code=code, env={"SANDBOX_TOKEN": "sandbox-token", **self.command.env, **dict(env)})

    def write(self, text):
        (self.command.folder / "flow.yaml").write_text(text)
        return self

    def run(self, *options, code=0):
        return self.call("run", "flow.yaml", *self.sandbox.options, "--json", *options, code=code)

    def resume(self, *options, code=0):
        return self.call("resume", self.id, "--json", *options, code=code)

    @property
    def id(self):
        return self.runs()[0]["runId"]

    def runs(self):
        return self.call("runs", "--json").json["runs"]

    def applied(self, key):
        return self.sandbox.control("requests")["applied"].get(key, 0)

    def creations(self):
        return self.applied("POST /api/v1/agentPools/{poolId}/updates")

    def started(self, **options):
        process = self.command.start("run", "flow.yaml", *self.sandbox.options, "--json", **options)
        deadline = time.monotonic() + 20
        while not self.waits_for_an_answer() and time.monotonic() < deadline:
            time.sleep(0.05)
        return process

    def waits_for_an_answer(self):
        return any(entry["method"] == "POST" for entry in self.sandbox.control("requests")["received"])


def statuses(done):
    return {step["id"]: step["status"] for step in done.json["steps"]}


def test_an_approval_lets_the_run_go_on_with_what_it_has(flow):
    flow.write(POOLS + CREATE + "  - {id: gate, approve: 'update {{ steps.create.outputs.updateId }}?'}" + LOOK)
    waiting = flow.run(code=4)
    assert statuses(waiting) == {"pools": "succeeded", "create": "succeeded", "gate": "waiting"}
    assert f"httptask resume {flow.id} --approve gate" in waiting.err
    (gate,) = [step for step in waiting.json["steps"] if step["id"] == "gate"]
    assert gate["message"].startswith("update ajd")
    done = flow.resume("--approve", "gate")
    assert done.json["status"] == "succeeded"
    assert gate["message"] == f"update {done.json['outputs']['update']}?"
    assert flow.creations() == 1
    assert [run["status"] for run in flow.runs()] == ["succeeded"]


def test_a_rejection_starts_what_undoes(flow):
    undo = """onFailure:
  - id: undo
    task: okta.delete_agent_pools_update
    with: {poolId: '{{ steps.create.outputs.poolId }}', updateId: '{{ steps.create.outputs.updateId }}'}
"""
    create = CREATE.replace("agents: '{{", "schedule: {cron: 0 3 * * WED, timezone: UTC, duration: 60}, agents: '{{")
    flow.write(POOLS + create + "  - {id: gate, approve: sure?}\n" + undo)
    flow.run(code=4)
    done = flow.resume("--reject", "gate", code=1)
    assert done.json["failure"]["kind"] == "rejected"
    assert [(step["id"], step["status"]) for step in done.json["onFailure"]] == [("undo", "succeeded")]


def test_a_gate_that_is_not_there_is_refused_with_those_that_are(flow):
    flow.write(POOLS + "  - {id: gate, approve: sure?}\n")
    flow.run(code=4)
    refused = flow.resume("--approve", "gte", code=2)
    assert "did you mean 'gate'?" in refused.out


def test_an_unknown_outcome_is_settled_by_a_persons_word(flow):
    flow.write(POOLS + CREATE + LOOK)
    flow.sandbox.fault("reset-after", "POST /api/v1/agentPools/*/updates")
    unknown = flow.run(code=3)
    assert f"httptask resume {flow.id} --assume 'create=done'" in unknown.err
    assert flow.resume(code=3).json["status"] == "unknown"  # nobody has looked
    refused = flow.resume("--assume", "create=done", code=2)
    assert "later steps read these outputs of the step: poolId, updateId" in refused.out
    for faulty in ("{", "[1]", "[" * 100_000):
        told = flow.resume("--assume", "create=done", "--outputs", faulty, code=2)
        assert "this is no JSON object" in told.out
    (pools,) = [step for step in unknown.json["steps"] if step["id"] == "pools"]
    outputs = {"poolId": pools["outputs"]["poolIds"][0], "updateId": "u"}
    done = flow.resume("--assume", "create=done", "--outputs", json.dumps(outputs))
    assert done.json["outputs"] == {"update": "u"}
    assert flow.creations() == 1


def test_a_person_may_say_that_nothing_happened(flow):
    flow.write(POOLS + CREATE + LOOK)
    flow.sandbox.fault("reset-before", "POST /api/v1/agentPools/*/updates")
    flow.run(code=3)
    flow.resume("--assume", "create=not-done")
    assert flow.creations() == 1


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_ends_within_six_seconds_while_a_server_hangs(flow, by):
    flow.write(POOLS + CREATE + LOOK)
    flow.sandbox.fault("slow(30s)", "POST /api/v1/agentPools/*/updates")
    process = flow.started()
    began = time.monotonic()
    process.send_signal(by)
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 6
    assert process.returncode == 130
    assert json.loads(out)["status"] == "unknown"
    assert "stopping: requests on their way get up to 5 s" in err
    assert f"httptask resume {flow.id}" in err


@pytest.mark.slow
def test_a_second_stop_waits_for_nobody(flow):
    flow.write(POOLS + CREATE + LOOK)
    flow.sandbox.fault("slow(30s)", "POST /api/v1/agentPools/*/updates")
    process = flow.started()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert time.monotonic() - began < 2
    assert process.returncode == 130


@pytest.mark.slow
def test_a_killed_run_is_interrupted_and_sends_nothing_twice(flow):
    flow.write(POOLS + CREATE + LOOK)
    flow.sandbox.fault("slow(30s)", "POST /api/v1/agentPools/*/updates")
    process = flow.started()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (run,) = flow.runs()
    assert run["status"] == "interrupted"
    assert flow.resume(code=3).json["status"] == "unknown"
    assert flow.creations() <= 1


@pytest.mark.slow
def test_a_run_that_somebody_executes_cannot_be_resumed(flow):
    flow.write(POOLS + "  - {id: pause, wait: 30s}\n")
    process = flow.command.start("run", "flow.yaml", *flow.sandbox.options, "--json", stderr=subprocess.PIPE)
    for line in process.stderr:
        if line.startswith("run "):
            break
    refused = flow.resume(code=2)
    assert "another process executes this run" in refused.out
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130


def test_a_run_goes_on_with_the_files_that_it_began_with(flow):
    flow.write(POOLS + CREATE + "  - {id: gate, approve: sure?}\n" + LOOK)
    flow.run(code=4)
    flow.write("name: other\nsteps: []\n")
    done = flow.resume("--approve", "gate")
    assert "has changed since this run began" in done.err
    assert done.json["workflow"] == "flow"


def test_a_run_does_not_go_on_at_another_server(flow):
    flow.write(POOLS + "  - {id: gate, approve: sure?}\n").command.env["HERE"] = flow.sandbox.url
    profile = '[connections.it]\nprovider = "okta"\nbaseUrl = "{url}"\ntoken = "env:SANDBOX_TOKEN"\n'
    config = flow.command.folder / "connections.toml"
    config.write_text(profile.format(url=flow.sandbox.url))
    env = {"HTTPTASK_CONFIG": str(config)}
    flow.call("run", "flow.yaml", "--connection", "it", "--json", env=env, code=4)
    config.write_text(profile.format(url="http://127.0.0.1:9"))
    refused = flow.call("resume", flow.id, "--approve", "gate", "--json", env=env, code=2)
    assert "this run sent to" in refused.out


def test_runs_are_listed_shown_and_forgotten(flow):
    flow.write(POOLS)
    run = flow.run().json["runId"]
    shown = flow.call("runs", "show", run[:6]).out
    assert run in shown
    assert "pools  succeeded" in shown
    assert flow.call("runs", "delete", run, "--json").json["deleted"] == [run]
    assert flow.runs() == []


def test_old_runs_that_ended_are_pruned_and_those_that_stand_are_kept(flow):
    flow.write(POOLS).run()
    flow.write(POOLS + "  - {id: gate, approve: sure?}\n").run(code=4)
    assert len(flow.call("runs", "prune", "--older-than", "0s", "--json").json["deleted"]) == 1
    assert [run["status"] for run in flow.runs()] == ["waiting"]


def test_a_journal_that_cannot_be_used_stops_before_anything_is_sent(flow):
    (flow.command.folder / "runs.db").write_text("this is somebody's letter, which is long enough to have a header" * 20)
    refused = flow.write(POOLS).run("--journal", "runs.db", code=2)
    assert refused.json["error"]["kind"] == "journalError"
    assert "letter" in (flow.command.folder / "runs.db").read_text()
    assert flow.sandbox.control("requests")["received"] == []


def test_without_a_journal_nothing_is_kept(flow):
    flow.write(POOLS).run("--no-journal")
    assert flow.runs() == []


SECRET = "correct-horse-battery-9"
LOGIN = """
name: login
inputs: {type: object, properties: {reason: {type: string, format: password}}}
steps:
  - id: settings
    task: okta.get_agent_pools_update_settings
    with: {poolId: '{{ inputs.reason }}'}
    continueOnError: true
  - id: again
    task: okta.get_agent_pools_update_settings
    with: {poolId: 'again-{{ inputs.reason }}'}
    continueOnError: true
"""


def test_a_secret_input_stays_masked_in_every_thread_of_a_run(flow):
    flow.write(LOGIN).command.env["REASON"] = SECRET
    done = flow.run("-i", "reason=env:REASON", "-v")
    journal = (flow.command.folder / ".local/state/httptask/runs.db").read_bytes()
    assert SECRET not in done.all
    assert SECRET.encode() not in journal
    assert SECRET not in flow.call("runs", "show", flow.id, "--json").out


def test_a_secret_input_is_taken_by_reference_only(flow):
    refused = flow.write(LOGIN).run("-i", f"reason={SECRET}", code=2)
    assert SECRET not in refused.all
    assert flow.runs() == []


def test_a_withheld_output_that_nothing_reads_is_masked_in_the_report_of_a_resumed_run(flow):
    flow.write(POOLS.rstrip() + "\n    outputs: {token: 'a-token-{{ response.status }}'}\n  - {id: gate, approve: sure?}\n")
    flow.run(code=4)
    done = flow.resume("--approve", "gate")
    assert done.json["steps"][0]["outputs"]["token"] == "***"


def test_a_workflow_without_a_task_is_resumed_too(flow):
    flow.write("name: w\nsteps:\n  - {id: pause, wait: 10ms}\n  - {id: gate, approve: sure?}\n").run(code=4)
    assert flow.resume("--approve", "gate").json["status"] == "succeeded"


def test_a_gate_without_a_journal_is_refused(flow):
    refused = flow.write(POOLS + "  - {id: gate, approve: sure?}\n").run("--no-journal", code=2)
    assert "nobody could approve" in refused.out
    assert flow.sandbox.control("requests")["received"] == []


def test_a_refused_resume_takes_no_approval(flow):
    flow.write(POOLS + "  - {id: gate, approve: sure?}\n")
    profile = '[connections.it]\nprovider = "okta"\nbaseUrl = "{url}"\ntoken = "env:SANDBOX_TOKEN"\n'
    config = flow.command.folder / "connections.toml"
    env = {"HTTPTASK_CONFIG": str(config)}
    config.write_text(profile.format(url=flow.sandbox.url))
    flow.call("run", "flow.yaml", "--connection", "it", env=env, code=4)
    config.write_text(profile.format(url="http://127.0.0.1:9"))
    flow.call("resume", flow.id, "--approve", "gate", env=env, code=2)
    config.write_text(profile.format(url=flow.sandbox.url))
    assert flow.call("resume", flow.id, env=env, code=4).err.count("--approve gate") == 1


def test_a_gate_within_a_workflow_that_is_used_as_a_step_is_shown_and_approved_by_its_path(flow):
    (flow.command.folder / "inner.yaml").write_text("name: inner\nsteps:\n  - {id: ok, approve: 'inner, sure?'}\n")
    flow.write("name: outer\nsteps:\n  - {id: inner, workflow: inner.yaml}\n")
    waiting = flow.call("run", "flow.yaml", *flow.sandbox.options, code=4)
    assert "inner, sure?" in waiting.out
    shown = flow.call("runs", "show", flow.id)
    assert "inner/ok  waiting" in shown.out
    assert "--approve inner/ok" in shown.err
    assert flow.resume("--approve", "inner/ok").json["status"] == "succeeded"


@pytest.mark.slow
def test_what_was_on_its_way_when_a_run_was_killed_is_shown(flow):
    flow.write(POOLS + CREATE + LOOK)
    flow.sandbox.fault("slow(30s)", "POST /api/v1/agentPools/*/updates")
    process = flow.started()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    shown = flow.call("runs", "show", flow.id)
    assert "create  interrupted" in shown.out


def test_hints_name_the_journal_that_was_named(flow):
    flow.write(POOLS + "  - {id: gate, approve: sure?}\n")
    waiting = flow.call("run", "flow.yaml", *flow.sandbox.options, "--journal", "my runs.db", code=4)
    assert "--journal 'my runs.db' --approve gate" in waiting.err


def test_a_workflow_of_every_construct_can_be_simulated(flow):
    (flow.command.folder / "inner.yaml").write_text(
        "name: inner\nsteps:\n  - {id: look, task: okta.list_agent_pools}\n  - {id: pause, wait: 1h}\n"
    )
    flow.write(
        "name: outer\nsteps:\n  - {id: inner, workflow: inner.yaml}\n  - id: both\n    parallel:\n"
        "      - {id: one, task: okta.list_agent_pools}\n      - {id: two, task: okta.list_agent_pools}\n"
        "  - {id: ok, approve: sure?}\n"
    )
    done = flow.call("run", "flow.yaml", "--fault", "look=503, ok", "--fault", "two=503, ok", "--json", code=4)
    assert [step["status"] for step in done.json["steps"]] == ["succeeded", "succeeded", "succeeded", "succeeded", "waiting"]
