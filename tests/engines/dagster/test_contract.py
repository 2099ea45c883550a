"""The promise that all engines share, kept by Dagster's own executors on an instance with a folder."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engines.contract import Seen, check, scenarios
from engines.sandboxes import waited

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import DagsterEventType, execute_job, reconstructable  # noqa: E402
from dagster._serdes import serialize_value  # noqa: E402

from engines.dagster import played  # noqa: E402

NAMES = [scenario.name for scenario in scenarios({"id": "", "agents": []}, "", "")]
#: A worker that is the test's own process cannot be killed.
PLAYED = [
    (name, where) for where in ("multiprocess", "in process") for name in NAMES if where != "in process" or "killed" not in name
]


@dataclass
class Stage:
    """What a scenario is played with."""

    folder: Path
    instance: Any
    org: Any
    prepared: tuple

    def play(self, scenario, where):
        """Run one task as a job; return what Dagster says of the run."""
        said = {"task": scenario.task, "inputs": scenario.inputs, "retry": scenario.retry}
        (self.folder / "task.json").write_text(json.dumps(said))
        if scenario.script:
            self.org.play(scenario.match, scenario.script)
        if scenario.kill:
            (self.folder / "kill").write_text(scenario.kill)
        if where == "in process":
            return played.one_task().execute_in_process(instance=self.instance, raise_on_error=False)
        return execute_job(reconstructable(played.one_task), instance=self.instance)

    def failed(self, run_id):
        """Return the metadata of the failure that the step shows."""
        (found,) = self.instance.all_logs(run_id, of_type=DagsterEventType.STEP_FAILURE)
        return {name: value.value for name, value in found.dagster_event.step_failure_data.user_failure_data.metadata.items()}

    def visible(self, run_id):
        """Return everything that Dagster stored of a run, as one text."""
        folder = Path(self.instance.storage_directory(), run_id)
        files = [file.read_bytes().decode(errors="replace") for file in folder.rglob("*") if file.is_file()]
        return "".join([*(serialize_value(entry) for entry in self.instance.all_logs(run_id)), *files])


@pytest.fixture
def stage(environment, instance, org, prepared):
    return Stage(environment, instance, org, prepared)


@pytest.mark.parametrize(("name", "where"), PLAYED, ids=lambda text: text)
def test_the_contract_of_engines(name, where, stage, rows):
    org, began = stage.org, time.monotonic()
    scenario = next(each for each in scenarios(*stage.prepared, org.token) if each.name == name)
    before, sent = org.applied(scenario.operation), len(org.sent(scenario.match))
    done = stage.play(scenario, where)
    took = time.monotonic() - began
    told = {} if done.success else stage.failed(done.run_id)
    attempts = org.sent(scenario.match)[sent:]
    seen = Seen(
        state="succeeded" if done.success else "unknown" if told["error type"] == "OutcomeUnknown" else "failed",
        attempts=len(attempts),
        applied=org.applied(scenario.operation) - before,
        wait=waited(attempts),
        kind=told.get("kind"),
        visible=stage.visible(done.run_id),
    )
    check(scenario, seen)
    rows.append((f"{name}, {where}", f"{seen.state}, {seen.attempts} sent, {seen.applied} applied", f"{took:.1f} s"))
