"""Going on with a run that the journal holds: what it began with, values that a person gives again, and what a person says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httptask.discretion import Discretion
from httptask.errors import InputInvalid, JournalError, Problem
from httptask.executing import Plan
from httptask.recording import INPUTS, RESULT
from httptask.surroundings import Surroundings
from httptask.wiring import Where
from httptask.withholding import names_withheld, restored

if TYPE_CHECKING:
    from httptask.journal import HeldRun, Journal, RunRecord
    from httptask.model import Workflow
    from httptask.ports import Entry
    from httptask.registry import Registry
    from httptask.resuming import Words


def check_open(record: RunRecord) -> None:
    """Refuse a run of which nothing is left to do.

    Raises:
        JournalError: it has succeeded.

    """
    if record.status == "succeeded":
        raise JournalError(Problem(record.id, "this run has succeeded", "there is nothing left to do"))


def object_in(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text spells, as outputs are given; None for any other text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


@contextmanager
def held(journal: Journal, run: str, *, sandbox_stays: bool = False) -> Iterator[HeldRun]:
    """Hold a run that can go on; one in a sandbox can where that stays when the run ends.

    Raises:
        JournalError: there is none of this id, another process executes it, or nothing is left to do.

    """
    record = journal.record(run)
    found = journal.hold(record.id)
    try:
        check_open(record)
        if record.connections["where"]["sandbox"] and not sandbox_stays:
            message = "this run used the sandbox of its own command, which ended with it"
            raise JournalError(Problem(record.id, message, "start a sandbox with `httptask sandbox` to try resuming"))
        yield found
    finally:
        found.close()


@dataclass(frozen=True, slots=True)
class Resumption:
    """A held run, with the workflow and tasks that it began with."""

    record: RunRecord
    held: HeldRun
    workflow: Workflow
    registry: Registry
    discretion: Discretion

    def plan(self, given: Mapping[str, str]) -> Plan:
        """Return how to go on. `given` are references of withheld values: `login.token` is `steps.login.outputs.token`.

        Raises:
            JournalError: an input was withheld.
            InputInvalid: a value that was not withheld.
            ConfigurationError: a reference that cannot be read.

        """
        where = self.record.connections["where"]
        return Plan(
            self.workflow,
            self.registry,
            self._inputs(),
            Where(name=where["name"], base_url=where["baseUrl"], token=where["token"]),
            self.record.connections["workflow"],
            ran_before=self.held.ran(),
            expected=self.record.connections["origins"],
            given=self._given(given),
        )

    def words(self) -> Words:
        """Return what takes a person's decisions; they count once they are written."""
        from httptask.clock import SystemClock
        from httptask.resuming import Words

        return Words(self.workflow, self.held, SystemClock(), self.discretion.redactor)

    def _inputs(self) -> dict[str, Any]:
        entry = self.held.last("", INPUTS)
        if entry is None:
            raise JournalError(Problem(self.held.run_id, "this run ended before it began", "start a new one"))
        lost = names_withheld(entry.data["given"], "inputs")
        if lost:
            hint = "give such an input `format: password`, and its value as a reference; start a new run"
            raise JournalError(Problem(name, "this input was withheld, because it may not be stored", hint) for name in lost)
        secrets = {name: self._secret(reference, name) for name, reference in entry.data["references"].items()}
        return {**restored(entry.data["given"], "inputs"), **secrets}

    def _given(self, given: Mapping[str, str]) -> dict[str, Any]:
        values = {_full(name): self._secret(reference, f"--output {name}") for name, reference in given.items()}
        gaps = {gap for entry in self.held.below("", RESULT) for gap in _gaps(entry)}
        if any(name not in gaps for name in values):
            hint = f"withheld in this run: {', '.join(sorted(gaps)) or 'nothing'}"
            raise InputInvalid(Problem("--output", "no value of this name was withheld", hint))
        return values

    def _secret(self, reference: str, where: str) -> str:
        around = Surroundings.current()
        secret = around.secret(reference, around.cwd, where)
        self.discretion.learn([secret])
        return secret.reveal()


def _full(name: str) -> str:
    step, _, rest = name.partition(".")
    return f"steps.{step}.outputs.{rest}"


def _gaps(entry: Entry) -> list[str]:
    return names_withheld(entry.data["outputs"], f"steps.{entry.path}.outputs") if "outputs" in entry.data else []
