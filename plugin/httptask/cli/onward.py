"""How to go on with a run that stands: the commands, to be copied."""

from __future__ import annotations

from collections.abc import Iterator

from httptask.model import Workflow
from httptask.resuming import ways_on as after_unknown
from httptask.runs import RunResult, StepResult


def ways_on(result: RunResult, workflow: Workflow) -> list[str]:
    """Return the lines that say how to go on; none for a run that has succeeded."""
    steps = (*result.steps, *result.on_failure)
    if result.status == "waiting":
        return [line for path, _ in _in_status(steps, "waiting") for line in _gate(result.run_id, path)]
    if result.status == "unknown":
        prefix = "onFailure/" if result.on_failure else ""
        paths = [path for path, _ in _in_status(result.on_failure or result.steps, "unknown")]
        return [f"{path}: {after_unknown(result.run_id, prefix + path, workflow)}" for path in paths]
    if result.status in {"failed", "cancelled"}:
        return [f"go on with: httptask resume {result.run_id}"]
    return []


def _gate(run_id: str, path: str) -> list[str]:
    return [f"go on with:   httptask resume {run_id} --approve {path}", f"or stop with: httptask resume {run_id} --reject {path}"]


def _in_status(steps: tuple[StepResult, ...], status: str, prefix: str = "") -> Iterator[tuple[str, StepResult]]:
    """Yield the path of each innermost step or item that ended so."""
    for step in steps:
        path = prefix + step.id
        if step.items is not None:
            for item in step.items:
                if item.status == status:
                    below = list(_in_status(item.steps or (), status, f"{path}[{item.index}]/"))
                    yield from below or [(f"{path}[{item.index}]", step)]
        elif step.status == status:
            below = list(_in_status(step.steps or (), status, f"{path}/"))
            yield from below or [(path, step)]
