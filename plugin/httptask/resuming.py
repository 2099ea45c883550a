"""What a person says about a run that stands: a gate is approved, an unknown outcome is told. All of it is written down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
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
    """Takes a person's words about one run, each checked before it is written."""

    workflow: Workflow
    journal: RunJournal
    clock: Clock
    redactor: Redactor

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
            self._refuse(path, "the run has not come to this step", self._gates(path))
        self._write(path, recording.APPROVAL, {"approved": approved})

    def assume_done(self, path: str, outputs: Mapping[str, Any] | None) -> None:
        """Take an unknown outcome as a success with these outputs.

        Raises:
            JournalError: its outcome is not unknown, or the outputs may not be stored.

        """
        step = self._unknown(path)
        if outputs is None and reads_outputs(self.workflow, path):
            self._refuse(
                "--outputs", "later steps read the outputs of this step", """give them, as in --outputs '{"name": "value"}'"""
            )
        data = kept(dict(outputs or {}), self.redactor)
        if data.get("withheld"):
            self._refuse(path, "these outputs hold a secret, which the journal does not store", "leave it out")
        self._write(path, recording.ASSUMED, {"done": True, "attempts": self._attempts(path), "step": step.id})
        self._write(path, recording.RESULT, {"status": "succeeded", "outputs": data, "assumed": True})

    def assume_not_done(self, path: str) -> None:
        """Take an unknown outcome as one that changed nothing: the request will be sent again.

        Raises:
            JournalError: its outcome is not unknown.

        """
        step = self._unknown(path)
        for call in self._open_calls(path):
            self._write(call, recording.ASSUMED, {"done": False, "attempts": self._attempts(call), "step": step.id})

    def _unknown(self, path: str) -> Step:
        step = find_step(self.workflow, path)
        if step is None or step.task is None:
            self._refuse("STEP", "there is no step of this name that sends requests", "name it as the run's message does")
        result = self.journal.last(path, recording.RESULT)
        if result is not None and result.data["status"] != "unknown":
            self._refuse(path, f"its outcome is not unknown but {result.data['status']}", "resume the run without it")
        if not self._open_calls(path):
            self._refuse(path, "its outcome is not unknown: nothing was sent for it", "resume the run without it")
        return step

    def _open_calls(self, path: str) -> list[str]:
        """Return the calls below a path of which an attempt was begun: the path itself, or its polls and pages."""
        entries = self.journal.below(path, recording.INTENT)
        calls = dict.fromkeys(entry.path.rpartition("/attempt:")[0] for entry in entries)
        return [call for call in calls if call == path or call.startswith(f"{path}/")]

    def _attempts(self, call: str) -> int:
        return max((entry.data["number"] for entry in self.journal.below(f"{call}/attempt:", recording.INTENT)), default=0)

    def _gates(self, path: str) -> str:
        gates = [step.id for step in self.workflow.every_step() if step.approve is not None]
        return did_you_mean(path, gates) or (f"gates of this workflow: {', '.join(gates)}" if gates else "it has none")

    def _write(self, path: str, kind: str, data: Mapping[str, Any]) -> None:
        self.journal.commit(Entry(path, kind, data, self.clock.now()))

    def _refuse(self, path: str, message: str, hint: str) -> NoReturn:
        raise JournalError(Problem(path, message, hint))


def find_step(workflow: Workflow, path: str) -> Step | None:
    """Return the step that a path names, as in `rollout/create[3]` or `onFailure/undo`; None when there is none."""
    found = _find(workflow, path)
    return found[1] if found else None


def reads_outputs(workflow: Workflow, path: str) -> bool:
    """Tell whether anything after a step reads its outputs."""
    found = _find(workflow, path)
    return found is not None and reachable(found[0])[found[1].id].covers("outputs")


def ways_on(run_id: str, path: str, workflow: Workflow) -> str:
    """Return how to go on after an unknown outcome, in words that can be copied."""
    outputs = " --outputs '{...}'" if reads_outputs(workflow, path) else ""
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
