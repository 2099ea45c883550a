"""A task's call in the words of another tool, as the registry of exporters has them: shown to be copied, nothing is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.clock import SystemClock
from httptask.export import EXPORTERS, Exporter
from httptask.export.gathering import Call, subject_of
from httptask.export.subject import Note
from httptask.secrets import Redactor
from httptask.web import drafts
from httptask.web.drafts import Draft

if TYPE_CHECKING:
    from httptask.web.tries import Ready

#: The exporter behind the button that adds a call to a workflow; the others are ways to copy it.
STEP = "step"


_MASKED = Note("loss", "*** stands where the text held a known credential; it cannot be used as it is")


@dataclass(frozen=True, slots=True)
class Copied:
    """A call in one form, and what its reader must know."""

    exporter: Exporter
    text: str
    notes: tuple[Note, ...]


def forms() -> tuple[Exporter, ...]:
    """Return the exporters to copy with, in the order of their registry."""
    return tuple(exporter for exporter in EXPORTERS.values() if exporter.name != STEP)


def copied(ready: Ready, draft: Draft, name: str, redactor: Redactor) -> Copied | None:
    """Return a call in the form of this name, with what is known to be secret masked; None when there is no such form.

    Raises:
        UsageError: the form cannot say it.

    """
    exporter = EXPORTERS.get(name)
    if exporter is None:
        return None
    checked = drafts.Checked(ready.trial.inputs, ready.trial.options.headers, ready.trial.options.deadline, ())
    options = drafts.options_of(draft, checked)
    call = Call(ready.trial.template, ready.trial.inputs, ready.connection, options)
    exported = exporter.export(subject_of(call, at=SystemClock().now()))
    text = redactor.text(exported.text)
    return Copied(exporter, text, exported.notes if text == exported.text else (*exported.notes, _MASKED))
