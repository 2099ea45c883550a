"""Notes a new run in the journal: what it executes, with what, where it sends, and where its secrets come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from httptask.clock import SystemClock
from httptask.definitions import Definition
from httptask.journal import HeldRun, Journal, RunRecord
from httptask.origins import origin_of
from httptask.ports import Entry
from httptask.recording import INPUTS
from httptask.withholding import kept

if TYPE_CHECKING:
    from httptask.executing import Plan
    from httptask.model import Connection
    from httptask.secrets import Redactor


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is written of a run beside its plan.

    Attributes:
        document: everything that it executes.
        references: where each secret input comes from.
        more: what else the list of runs must know, such as the task that is tried.
        file: where what is executed stands, in the words of the list of runs; None is the workflow's own file.
        given: the inputs as they are to be kept, a `Secret` in place of each that is withheld; None keeps the plan's own.

    """

    journal: Journal
    document: Definition
    references: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    file: str | None = None
    given: Mapping[str, Any] | None = field(default=None, repr=False)

    def note(self, plan: Plan, used: Mapping[str, Connection], redactor: Redactor) -> HeldRun:
        """Write the run down, and hold it.

        Raises:
            JournalError: it cannot be written.

        """
        now = SystemClock().now()
        held = self.journal.create(self._record(plan, used, now), self.document.to_bytes())
        inputs = plan.inputs if self.given is None else self.given
        plain = {name: value for name, value in inputs.items() if name not in self.references}
        held.commit(Entry("", INPUTS, {"given": kept(plain, redactor), "references": dict(self.references)}, now))
        return held

    def _record(self, plan: Plan, used: Mapping[str, Connection], now: float) -> RunRecord:
        """Return what the journal says of the run; of the credential no more than its reference."""
        where, workflow = plan.where, plan.workflow
        connections = {
            "where": {"sandbox": where.sandbox, "name": where.name, "baseUrl": where.base_url, "token": where.token},
            "workflow": plan.connection,
            "origins": {provider: origin_of(connection.base_url) for provider, connection in used.items()},
            "sources": {provider: connection.source for provider, connection in used.items()},
            **self.more,
        }
        file = os.path.realpath(self.file or workflow.source.file)
        return RunRecord(plan.run_id, workflow.name, file, "running", now, now, 0.0, self.document.digest, connections)
