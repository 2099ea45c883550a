"""How to go on with a run that stands: the commands, to be copied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from httptask.model import Workflow
from httptask.recording import LASTING
from httptask.resuming import ways_on as after_unknown
from httptask.runs import RunResult, StepResult


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands: the paths of the gates that it waits at, and of what is unknown; `lasting`: it would fail again."""

    run_id: str
    status: str
    waiting: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    lasting: bool = False


def standing_of(result: RunResult) -> Standing:
    """Return where a run stands that has just ended."""
    undone = tuple(f"onFailure/{path}" for path in _in_status(result.on_failure, "unknown"))
    lasting = bool(result.on_failure) or (result.failure is not None and result.failure.kind in LASTING)
    return Standing(
        result.run_id,
        result.status,
        tuple(_in_status(result.steps, "waiting")),
        undone or tuple(_in_status(result.steps, "unknown")) or result.open_uses,
        lasting and result.status == "failed",
    )


def ways_on(standing: Standing, workflow: Workflow, options: str = "") -> list[str]:
    """Return the lines that say how to go on; `options` are those that the command needs to find the run again."""
    run = standing.run_id + options
    if standing.status == "waiting":
        return [line for path in standing.waiting for line in _gate(run, path)]
    if standing.status == "unknown" and standing.unknown:
        return [f"{path}: {after_unknown(run, path, workflow)}" for path in standing.unknown]
    goes_on = standing.status in {"failed", "cancelled", "unknown", "interrupted"} and not standing.lasting
    return [f"go on with: httptask resume {run}"] if goes_on else []


def messages(steps: Iterable[StepResult]) -> Iterator[str]:
    """Yield what the gates ask at which a run waits, those of sub-workflows too."""
    for step in steps:
        if step.status == "waiting" and step.message:
            yield step.message
        yield from messages(step.steps or ())


def _gate(run: str, path: str) -> list[str]:
    return [f"go on with:   httptask resume {run} --approve {path}", f"or stop with: httptask resume {run} --reject {path}"]


def _in_status(steps: tuple[StepResult, ...], status: str, prefix: str = "") -> Iterator[str]:
    """Yield the path of each innermost step or item that ended so; a group is told by its members."""
    for step in steps:
        path = prefix + step.id
        if step.items is not None:
            for item in step.items:
                if item.status == status:
                    below = list(_in_status(item.steps or (), status, f"{path}[{item.index}]/"))
                    yield from below or [f"{path}[{item.index}]"]
        elif step.status == status and (step.outcome is not None or step.message or step.steps is not None or step.failure):
            below = list(_in_status(step.steps or (), status, f"{path}/"))
            yield from below or [path]
