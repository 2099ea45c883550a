"""What a person says about a run that stands: a gate is approved, an unknown outcome is told. All of it is written down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from httptask import recording
from httptask.errors import JournalError, Problem
from httptask.model import Step, Workflow
from httptask.ports import Clock, Entry, RunJournal
from httptask.reach import reachable
from httptask.secrets import Redactor
from httptask.suggest import did_you_mean
from httptask.withholding import kept

_INDEX = re.compile(r"\[\d+\]$")


@dataclass(frozen=True, slots=True)
class Words:
    """Takes a person's words about one run; `write` writes them down once each was found to fit."""

    workflow: Workflow
    journal: RunJournal
    clock: Clock
    redactor: Redactor
    said: list[Entry] = field(default_factory=list)

    def write(self) -> None:
        """Write down all that was said, in one transaction: half of it would be something else."""
        if self.said:
            self.journal.commit(*self.said)

    def approve(self, path: str, *, approved: bool) -> None:
        """Open a gate, or reject what waits behind it.

        Raises:
            JournalError: there is no such gate, or the run does not wait there.

        """
        step = find_step(self.workflow, path)
        if step is None or step.approve is None:
            self._refuse("STEP", "there is no step of this name that waits for approval", self._gates(path))
        if self.journal.last(path, recording.RESULT) or self.journal.last(path, recording.APPROVAL):
            self._refuse(path, "this step was decided before", "resume the run without it")
        if self.journal.last(path, recording.REACHED) is None:
            self._refuse(path, "the run has not come to this step", "resume the run without it first")
        self._say(path, recording.APPROVAL, {"approved": approved})

    def assume_done(self, path: str, outputs: Mapping[str, Any] | None) -> None:
        """Take an unknown outcome as a success with these outputs.

        Raises:
            JournalError: its outcome is not unknown, or the outputs may not be stored.

        """
        step = self._unknown(path)
        lacking = [name for name in outputs_read(self.workflow, path) if name not in (outputs or {})]
        if lacking:
            self._refuse(
                "--outputs", f"later steps read these outputs of the step: {', '.join(lacking)}", "give them in a JSON object"
            )
        data = kept(dict(outputs or {}), self.redactor)
        if data.get("withheld"):
            self._refuse(path, "these outputs hold a secret, which the journal does not store", "leave it out")
        self._say(path, recording.ASSUMED, {"done": True, "attempts": self._attempts(path), "step": step.id})
        self._say(path, recording.RESULT, {"status": "succeeded", "outputs": data, "assumed": True})

    def assume_not_done(self, path: str) -> None:
        """Take an unknown outcome as one that changed nothing: the request will be sent again.

        Raises:
            JournalError: its outcome is not unknown.

        """
        step = self._unknown(path)
        for call in self._open_calls(path):
            self._say(call, recording.ASSUMED, {"done": False, "attempts": self._attempts(call), "step": step.id})

    def _unknown(self, path: str) -> Step:
        step = find_step(self.workflow, path)
        if step is None or step.task is None:
            self._refuse("STEP", "there is no step of this name that sends requests", self._unknown_ones())
        result = self.journal.last(path, recording.RESULT)
        corrected = result is not None and result.data.get("assumed", False)
        if result is not None and result.data["status"] != "unknown" and not corrected:
            self._refuse(path, f"its outcome is not unknown but {result.data['status']}", "resume the run without it")
        if not self._open_calls(path):
            self._refuse(path, "its outcome is not unknown: nothing was sent for it", self._unknown_ones())
        return step

    def _unknown_ones(self) -> str:
        newest = {entry.path: entry.data["status"] for entry in self.journal.below("", recording.RESULT)}
        unknown = [path for path, status in newest.items() if status == "unknown"]
        inner = [path for path in unknown if not any(other.startswith((f"{path}/", f"{path}[")) for other in unknown)]
        return f"unknown in this run: {', '.join(inner)}" if inner else "nothing is unknown in this run"

    def _open_calls(self, path: str) -> list[str]:
        """Return the calls below a path of which an attempt was begun: the path itself, or its polls and pages."""
        entries = self.journal.below(path, recording.INTENT)
        calls = dict.fromkeys(entry.path.rpartition("/attempt:")[0] for entry in entries)
        return [call for call in calls if call == path or call.startswith(f"{path}/")]

    def _attempts(self, call: str) -> int:
        return max((entry.data["number"] for entry in self.journal.below(f"{call}/attempt:", recording.INTENT)), default=0)

    def _gates(self, path: str) -> str:
        gates = gates_of(self.workflow)
        return did_you_mean(path, gates) or (f"gates of this workflow: {', '.join(gates)}" if gates else "it has none")

    def _say(self, path: str, kind: str, data: Mapping[str, Any]) -> None:
        self.said.append(Entry(path, kind, data, self.clock.now()))

    def _refuse(self, path: str, message: str, hint: str) -> NoReturn:
        raise JournalError(Problem(path, message, hint))


def find_step(workflow: Workflow, path: str) -> Step | None:
    """Return the step that a path names, as in `rollout/create[3]` or `onFailure/undo`; None when there is none."""
    found = _find(workflow, path)
    return found[1] if found else None


def outputs_read(workflow: Workflow, path: str) -> list[str]:
    """Return the outputs of a step that anything after it reads by name."""
    found = _find(workflow, path)
    if found is None:
        return []
    reach, step = reachable(found[0])[found[1].id], found[1]
    if step.for_each is not None:  # which names of an item are read cannot be told, only that some may be
        return sorted(step.outputs) if reach.covers("outputs") else []
    return sorted({names[1] for names in reach.paths if names[0] == "outputs" and names[1:]})


def ways_on(run_id: str, path: str, workflow: Workflow) -> str:
    """Return how to go on after an unknown outcome, in words that can be copied."""
    names = ", ".join(f'"{name}": ...' for name in outputs_read(workflow, path))
    outputs = f" --outputs '{{{names}}}'" if names else ""
    return (
        f"look at the server, then `httptask resume {run_id} --assume '{path}=done'{outputs}` if it was applied,"
        f" or `--assume '{path}=not-done'` to send it again"
    )


def _find(workflow: Workflow, path: str) -> tuple[Workflow, Step] | None:
    """Return the step that a path names, with the workflow that it is a step of."""
    current: Workflow | None = workflow
    found: tuple[Workflow, Step] | None = None
    undoing = False
    for part in path.split("/"):
        if current is None:
            return None
        if part == "onFailure":
            undoing = True
            continue
        steps = current.on_failure if undoing else current.every_step()
        step = next((step for step in steps if step.id == _INDEX.sub("", part)), None)
        if step is None:
            return None
        found = (current, step)
        current, undoing = step.workflow, False
    return found


def _gate_paths(workflow: Workflow, prefix: str = "") -> Iterator[str]:
    for step in workflow.every_step():
        if step.approve is not None:
            yield prefix + step.id
        elif step.workflow is not None:
            yield from _gate_paths(step.workflow, f"{prefix}{step.id}/")


def gates_of(workflow: Workflow) -> list[str]:
    """Return the paths of all gates of a workflow and of those that it uses."""
    return list(_gate_paths(workflow))
