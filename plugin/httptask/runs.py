"""What a run of a workflow did, as frozen values; JSON out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from httptask.outcome import Failure, Outcome
from httptask.version import SCHEMA_VERSION

RunStatus = Literal["succeeded", "failed", "unknown", "cancelled", "waiting"]
StepStatus = Literal["succeeded", "failed", "unknown", "skipped", "cancelled", "waiting"]
#: Worst first: what a group, a repeated step or a run is when its parts ended so. Unknown beats all, whatever else happened.
_WORST: tuple[StepStatus, ...] = ("unknown", "cancelled", "failed", "waiting")


@dataclass(frozen=True, slots=True)
class Paged:
    """A list that was read page by page; a `streamed` one is too long to be held and stays in the journal."""

    pages: int
    items: int
    streamed: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"pages": self.pages, "items": self.items, "streamed": self.streamed}


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a `forEach`: its outcome is None when it was skipped, nothing could be sent for it, or it ran a workflow."""

    index: int
    status: StepStatus
    outcome: Outcome | None = None
    outputs: Mapping[str, Any] | None = None
    failure: Failure | None = None
    steps: tuple[StepResult, ...] | None = None
    reused: bool = False
    paged: Paged | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "index": self.index,
            "status": self.status,
            "outcome": self.outcome.to_json() if self.outcome else None,
            "failure": self.failure.to_json() if self.failure else None,
            **({"paged": self.paged.to_json()} if self.paged else {}),
            **({"reused": True} if self.reused else {}),
            **_steps_json(self.steps),
        }


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step did. A plain step has an outcome, a repeated one items, a workflow used as a step has steps of its own.

    Attributes:
        counts: of a step over a list that was too long to be kept: how many items ended in which status; `items` is then None.
        message: what an approval asks for, or a wait waits for.
        reused: nothing was sent for it now: it stands as an earlier execution of the same run left it.

    """

    id: str
    status: StepStatus
    outcome: Outcome | None = None
    items: tuple[Item, ...] | None = None
    outputs: Any = None
    failure: Failure | None = None
    steps: tuple[StepResult, ...] | None = None
    counts: Mapping[StepStatus, int] | None = None
    message: str = ""
    reused: bool = False
    paged: Paged | None = None

    def outcomes(self) -> Iterator[Outcome]:
        """Yield every outcome of the step, of its items and of the steps below it."""
        found = [self.outcome, *(item.outcome for item in self.items or ())]
        yield from (outcome for outcome in found if outcome is not None)
        for below in (self.steps, *(item.steps for item in self.items or ())):
            for step in below or ():
                yield from step.outcomes()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "id": self.id,
            "status": self.status,
            "outputs": self.outputs,
            "outcome": self.outcome.to_json() if self.outcome else None,
            "items": None if self.items is None else [item.to_json() for item in self.items],
            "failure": self.failure.to_json() if self.failure else None,
            **({"itemCounts": {str(status): count for status, count in self.counts.items()}} if self.counts is not None else {}),
            **({"paged": self.paged.to_json()} if self.paged else {}),
            **({"message": self.message} if self.message else {}),
            **({"reused": True} if self.reused else {}),
            **_steps_json(self.steps),
        }


@dataclass(frozen=True, slots=True)
class RunResult:
    """One execution of a workflow; `on_failure` are the steps that ran because one had failed.

    `open_uses` are the steps and items of which something may have been applied though nobody knows.
    """

    run_id: str
    workflow: str
    status: RunStatus
    outputs: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[StepResult, ...] = ()
    failure: Failure | None = None
    on_failure: tuple[StepResult, ...] = ()
    open_uses: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "schemaVersion": SCHEMA_VERSION,
            "runId": self.run_id,
            "workflow": self.workflow,
            "status": self.status,
            "outputs": dict(self.outputs),
            "steps": [step.to_json() for step in self.steps],
            "failure": self.failure.to_json() if self.failure else None,
            **({"onFailure": [step.to_json() for step in self.on_failure]} if self.on_failure else {}),
        }


def worst(statuses: Iterator[StepStatus] | list[StepStatus]) -> StepStatus:
    """Return what parts amount to; they have succeeded when every one has, or was skipped, or there were none."""
    found = set(statuses)
    return next((status for status in _WORST if status in found), "succeeded")


def _steps_json(steps: tuple[StepResult, ...] | None) -> dict[str, Any]:
    return {} if steps is None else {"steps": [step.to_json() for step in steps]}
