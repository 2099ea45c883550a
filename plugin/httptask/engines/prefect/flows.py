"""A workflow file as a Prefect flow: its outline is walked, and each step that sends or waits is a task run named by its path."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import Flow
from prefect.task_runners import ThreadPoolTaskRunner

from httptask.definitions import definition_of
from httptask.engines.prefect.connecting import Credentials, host
from httptask.engines.prefect.ends import CannotGoOn, failure_of
from httptask.engines.prefect.ledger import Ledger
from httptask.engines.prefect.parameters import given, signature
from httptask.engines.prefect.places import current_place, other_processes
from httptask.engines.prefect.telling import run_logger
from httptask.engines.prefect.walked import Run
from httptask.hosted.host import Host
from httptask.hosted.outline import Outline, outlined
from httptask.hosted.turns import Ended
from httptask.hosted.walking import End, is_undone, onward, undo, undoing_reads
from httptask.loader import load_workflow
from httptask.model import Workflow
from httptask.outcome import Failure, FailureKind
from httptask.wiring import Folders, registry

#: The name in the ledger of what holds for the whole run; no step can be called so.
_WHOLE = "(run)"
#: Likewise of what is known when the undoing begins: how the workflow failed, and the results that the steps of onFailure read.
_UNDOING = "(undoing)"


def flow_from_workflow(
    path: str | Path,
    *,
    credentials: Credentials | None = None,
    approve_within: float = 7 * 86400,
    templates: Folders = (),
    **options: Any,
) -> Flow[..., dict[str, Any]]:
    """Return a Prefect flow that runs a workflow file, with the workflow's inputs as its parameters and its outputs as result.

    Args:
        path: of the file.
        credentials: a block or its name, or one for each API that the workflow uses. Without them: the block, else the profile,
            of the name under `connection` in the file, else the worker's environment and profiles.
        approve_within: seconds that the run stays paused for an `approve`; then it has failed.
        templates: folders with templates of your own, beside those of HTTPTASK_PATH.
        options: of the flow, such as `name`, `retries` or `timeout_seconds`.

    Raises:
        WorkflowInvalid: the file cannot be run; every problem at once.
        InputInvalid: an input's name is none that a parameter can have.

    """
    tasks = registry(templates)
    workflow = load_workflow(Path(path), tasks)
    outline = outlined(workflow, tasks, engine="Prefect")
    digest = hashlib.sha256(definition_of(workflow, tasks).to_bytes()).hexdigest()

    def run(**parameters: Any) -> dict[str, Any]:
        _in_threads()
        inputs, place = given(workflow, parameters), current_place()
        with host(credentials) as connected:
            ledger = Ledger(place)
            began = _began(ledger, digest, connected)
            walked = Run(workflow, tasks, inputs, connected, ledger, place, began, approve_within)
            return _result(_end(walked, outline))

    _dressed(run, workflow, sys._getframe(1).f_globals["__name__"])  # noqa: SLF001 - as `namedtuple` finds its module
    settings = {
        "name": workflow.name,
        "description": workflow.description or None,
        "version": digest[:32],
        "task_runner": ThreadPoolTaskRunner(),
    }
    return Flow(run, **{**settings, **options})


def _dressed(run: Any, workflow: Workflow, module: str) -> None:
    """Give the function what Prefect reads a flow's parameters from, and where a worker finds it: in a variable of its name."""
    run.__signature__, run.__module__ = signature(workflow), module
    run.__name__ = run.__qualname__ = workflow.name.replace("-", "_")
    run.__doc__ = workflow.description or None


def _in_threads() -> None:
    """Refuse a task runner that would take the steps to other processes."""
    if (name := other_processes()) is not None:
        raise CannotGoOn(f"the steps of a workflow run in threads of the flow's process, which {name} is not for: leave it out")


def _began(ledger: Ledger, digest: str, connected: Host) -> float:
    """Return when the run began, and refuse to go on with a workflow that is no longer the same."""
    known = ledger.of(_WHOLE)
    if known is None or known.told is None:
        began = connected.clock.now()
        ledger.note(_WHOLE, {"began": began, "definition": digest}, "began")
        return began
    if known.told["definition"] != digest:
        raise CannotGoOn("the workflow, or a task of it, was changed since this flow run began: start a new one")
    run_logger().info("this flow run was begun before: what it did is not done again")
    return float(known.told["began"])


def _end(run: Run, outline: Outline) -> End:
    """Walk to the end. Once the undoing has begun nothing else is done any more, for what was kept may be undone by then."""
    known = run.ledger.of(_UNDOING)
    if known is not None and known.told is not None:
        run_logger().info("an earlier execution of this flow run began to undo it: only that is brought to its end")
        return run.drive(undo(outline, dict(known.told["results"]), known.told["ended"]))
    results: dict[str, Any] = {}
    end = run.drive(onward(outline, results))
    if end.status == "failed" and end.told is not None and (opened := run.ledger.opened("")):
        return _still_open(opened, Ended.from_json(end.told))
    if end.told is None or not outline.undoing or not is_undone(end.told):
        return end
    run.note(_UNDOING, {"ended": dict(end.told), "results": undoing_reads(outline, results)}, "the undoing has begun")
    return run.drive(undo(outline, results, end.told))


def _still_open(opened: Sequence[str], ended: Ended) -> End:
    """Return the end of a run that failed while something is open which this execution did not come to: nothing may be undone."""
    message = f"what was sent for {', '.join(opened)} in an earlier execution may have been applied"
    failure = Failure(FailureKind.INTERRUPTED, message, f"this execution ended with: {ended.message}")
    told = Ended("unknown", {"status": "unknown", "failure": failure.to_json()}, failure=failure).to_json()
    return End("unknown", told)


def _result(end: End) -> dict[str, Any]:
    if end.told is None:
        return {}
    ended = Ended.from_json(end.told)
    if end.status != "succeeded":
        raise failure_of(ended)
    if ended.withheld:
        run_logger().info("not handed to Prefect, because they are secret or too large: %s", ", ".join(ended.withheld))
    return dict(end.outputs)
