"""Records the histories that test_replay.py walks again: what a run's worker would have to understand after an upgrade."""

import base64
import json
import tempfile
from pathlib import Path

from engines.temporal import test_workflows as flows
from engines.temporal.conftest import SERVER
from engines.temporal.rig import rigged, until

FOLDER = Path(__file__).with_name("histories")
#: Of the machine that recorded it, and nothing that is walked.
LEFT_OUT = {"identity", "stackTrace", "requestId", "workerVersion"}
#: What a walk does not read, as little of it as is taken.
EMPTY = {"definition": "", "outcome": None}


def main():
    with tempfile.TemporaryDirectory() as folder, rigged(SERVER, Path(folder)) as rig:
        for name, handle in recorded(rig, Path(folder)):
            history = cleaned(json.loads(rig.history(handle).to_json()))
            (FOLDER / f"{name}.json").write_text(json.dumps(history, separators=(",", ":")) + "\n")


def recorded(rig, folder):
    """Yield runs that ended, by name."""
    whole = flows.started(rig, flows.ROLL_OUT)
    rig.end(whole)
    yield "roll_out", whole
    flows.written(folder, flows.INNER, "inner.yaml")
    everything = flows.started(rig, flows.written(folder, flows.EVERYTHING))
    until(lambda: flows.waiting(rig, everything))
    rig.call(everything.signal("approve", {"path": "sure", "approved": True}))
    rig.end(everything)
    yield "everything", everything
    rig.box.reset()
    long = flows.started(rig, flows.ROLL_OUT, continueAt=60)
    rig.end(long)
    yield "continued", rig.client.get_workflow_handle(long.id, run_id=long.first_execution_run_id)
    yield "continuing", long
    failed = flows.started(rig, flows.written(folder, flows.FAILING))
    rig.end(failed)
    yield "undone", failed


def cleaned(value):
    """Return a history without what a walk does not read: what units are told, outcomes, definitions, and the machine."""
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "data" in value and "metadata" in value:
        data = json.loads(base64.b64decode(value["data"]))
        shorter = {name: empty for name, empty in EMPTY.items() if isinstance(data, dict) and name in data}
        data = {**data, **shorter} if shorter else data
        return {**value, "data": base64.b64encode(json.dumps(data).encode()).decode()}
    if value.get("kind") == "TASK_QUEUE_KIND_STICKY":
        return {**value, "name": "sticky"}
    left_out = LEFT_OUT | ({"input"} if "activityType" in value else set())
    return {name: cleaned(each) for name, each in value.items() if name not in left_out}


if __name__ == "__main__":
    main()
