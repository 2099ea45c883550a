"""A queued run under Dagster's daemon: its worker is killed, then a step's, and Dagster finishes it all the same."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import DagsterRunStatus  # noqa: E402

WORKFLOW = """
name: three
steps:
  - id: pools
    task: okta.list_agent_pools
    with: {poolType: AD}
  - id: create
    task: okta.create_agent_pools_update
    verify: {before: true}
    forEach: '{{ steps.pools.outputs.pools[:4] }}'
    with:
      poolId: '{{ item.id }}'
      body:
        name: 'Update {{ item.name }}'
        agentType: AD
        agents: '{{ item.agents }}'
        notifyAdmin: false
        schedule: {cron: 0 3 * * WED, timezone: America/New_York, duration: 120}
    outputs: {poolId: '{{ item.id }}'}
  - id: activate
    task: okta.activate_agent_pools_update
    with: {poolId: '{{ steps.create.outputs[3].poolId }}', updateId: '{{ steps.create.outputs[3].updateId }}'}
outputs: {made: '{{ steps.create.outputs | map(attribute="updateId") | list }}'}
"""
CREATE = "POST /api/v1/agentPools/{poolId}/updates"
ENDED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


def command(name):
    return str(Path(sys.executable).with_name(name))


@pytest.fixture
def daemon(environment, org, instance):
    """Its daemon, with a code location of two workflows; the instance is there before, as no two may make it at once."""
    org.reset()
    (environment / "workflow.yaml").write_text(WORKFLOW)
    (environment / "pause.yaml").write_text("name: pause\nsteps:\n  - {id: pause, wait: 10m}\n")
    with (environment / "daemon.log").open("w") as log:
        process = subprocess.Popen([command("dagster-daemon"), "run", "-m", "engines.dagster.location"], stdout=log, stderr=log)
        until(lambda: "Instance is configured with" in (environment / "daemon.log").read_text())
        yield process
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def launched(instance, job):
    """Queue a run as a user does; return it."""
    launch = [command("dagster"), "job", "launch", "-m", "engines.dagster.location", "-j", job]
    subprocess.run(launch, check=True, capture_output=True, timeout=120)
    return until(lambda: next((run for run in instance.get_runs() if run.job_name == job), None))


def until(condition, seconds=180):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


def content(file):
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def assert_stored_nowhere(secret, *folders):
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    files.sort(key=lambda file: file.suffix != ".db-wal")  # what is in a log that is gone by then is in the database
    assert [str(file) for file in files if secret.encode() in content(file)] == []
    assert any(file.suffix == ".db" for file in files)


def worker(instance, run):
    """The process that executes a run, as its log names it."""
    for entry in instance.all_logs(run.run_id):
        if "multiprocess executor: parent process (pid: " in entry.message:
            return int(entry.message.partition("(pid: ")[2].rstrip(")"))
    return None


def test_a_run_is_finished_though_a_step_and_its_worker_are_killed_and_another_one_is_ended_by_a_person(
    environment, daemon, instance, org, home
):
    pause = launched(instance, "pause")
    first = launched(instance, "three")
    until(lambda: org.applied(CREATE) >= 2)
    os.kill(worker(instance, first), signal.SIGKILL)
    until(lambda: instance.get_run_by_id(first.run_id).status == DagsterRunStatus.FAILURE)
    (environment / "kill").write_text("after")
    second = until(lambda: next((run for run in instance.get_runs() if run.parent_run_id == first.run_id), None))
    until(lambda: instance.get_run_by_id(second.run_id).status in ENDED)
    assert instance.get_run_by_id(second.run_id).status == DagsterRunStatus.SUCCESS
    assert any("was left out of this run: it is done here" in entry.user_message for entry in instance.all_logs(second.run_id))
    posted = [entry["path"] for entry in org._control("GET", "requests")["received"] if entry["method"] == "POST"]
    assert sorted(posted) == sorted(set(posted))
    assert org.applied(CREATE) == sum(path.endswith("/updates") for path in posted) == 4
    assert not (environment / "kill").exists()
    assert instance.get_run_by_id(pause.run_id).status == DagsterRunStatus.STARTED
    assert instance.run_launcher.terminate(pause.run_id)
    until(lambda: instance.get_run_by_id(pause.run_id).status == DagsterRunStatus.CANCELED, 60)
    assert_stored_nowhere(org.token, home, environment)
