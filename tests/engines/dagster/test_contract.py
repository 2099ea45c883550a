"""The promise that all engines share, kept by Dagster's own executors on an instance with a folder."""

import json
import time
from pathlib import Path

import pytest

from engines.contract import Seen, check, scenarios
from engines.sandboxes import waited

dagster = pytest.importorskip("dagster")
from dagster import DagsterEventType, execute_job, reconstructable  # noqa: E402
from dagster._serdes import serialize_value  # noqa: E402

from engines.dagster import played  # noqa: E402

NAMES = [scenario.name for scenario in scenarios({"id": "", "agents": []}, "", "")]


@pytest.fixture
def play(environment, instance):
    """Run one task as a job and return what Dagster says of the run."""

    def run(task, inputs, retry=None, *, here=False):
        (environment / "task.json").write_text(json.dumps({"task": task, "inputs": inputs, "retry": retry or {}}))
        if here:
            done = played.one_task().execute_in_process(instance=instance, raise_on_error=False)
        else:
            done = execute_job(reconstructable(played.one_task), instance=instance)
        return done

    return run


def failed(instance, run_id):
    """Return the metadata of the failure that the step shows."""
    found = instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
    assert len(found) == 1
    data = found[0].dagster_event.step_failure_data.user_failure_data
    return {name: value.value for name, value in data.metadata.items()}


def visible(instance, run_id):
    """Return everything that Dagster stored of a run, as one text."""
    kept = [serialize_value(entry) for entry in instance.all_logs(run_id)]
    files = [file.read_bytes().decode(errors="replace") for file in Path(instance.storage_directory(), run_id).rglob("*") if file.is_file()]
    return "".join([*kept, *files])


@pytest.mark.parametrize("here", [False, True], ids=["multiprocess", "in process"])
@pytest.mark.parametrize("name", NAMES)
def test_the_contract_of_engines(name, here, play, prepared, instance, org, environment):
    if here and "killed" in name:
        pytest.skip("a worker that is this process cannot be killed")
    scenario = next(each for each in scenarios(*prepared, org.token) if each.name == name)
    before, sent = org.applied(scenario.operation), len(org.sent(scenario.match))
    if scenario.script:
        org.play(scenario.match, scenario.script)
    if scenario.kill:
        (environment / "kill").write_text(scenario.kill)
    began = time.monotonic()
    done = play(scenario.task, scenario.inputs, scenario.retry, here=here)
    run_id, success = done.run_id, done.success
    took = time.monotonic() - began
    told = {} if success else failed(instance, run_id)
    attempts = org.sent(scenario.match)[sent:]
    seen = Seen(
        state="succeeded" if success else "unknown" if told["error type"] == "OutcomeUnknown" else "failed",
        attempts=len(attempts),
        applied=org.applied(scenario.operation) - before,
        wait=waited(attempts),
        kind=told.get("kind"),
        visible=visible(instance, run_id),
    )
    check(scenario, seen)
    print(f"{took:.1f} s")
