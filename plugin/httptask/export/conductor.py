"""A call as a task of a Conductor workflow's JSON. Secrets are Conductor's own, by `${workflow.secrets.NAME}`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from httptask.export.subject import Exported, Note, Reference, Subject, Text, rewritten
from httptask.export.uses import name_of, notes, options, variables


def export(subject: Subject) -> Exported:
    """Return the task."""
    said = options(subject)
    inputs = {**subject.inputs, **({"httptask": said} if said else {})}
    task = {
        "name": subject.template.id,
        "taskReferenceName": name_of(subject),
        "type": "SIMPLE",
        "inputParameters": rewritten(inputs, _value),
    }
    text = json.dumps(task, indent=2, ensure_ascii=False) + "\n"
    return Exported(text, (*subject.notes, *notes(subject), *_notes(subject)))


def _value(leaf: Any) -> Any:
    """Return a leaf that is the same once Conductor has substituted what it takes for its own expressions."""
    if isinstance(leaf, Reference):
        return _secret(leaf)
    if isinstance(leaf, Text):
        return "".join(_escaped(piece) if isinstance(piece, str) else _secret(piece) for piece in leaf.pieces)
    return _escaped(leaf) if isinstance(leaf, str) else leaf


def _escaped(text: str) -> str:
    return text.replace("${", "$${")


def _secret(reference: Reference) -> str:
    return f"${{workflow.secrets.{reference.variable.name}}}"


def _notes(subject: Subject) -> Iterator[Note]:
    yield Note("hint", "put it among the tasks of a workflow definition, and start `httptask worker conductor`")
    for variable in variables(subject):
        told = f"the server's environment has CONDUCTOR_SECRET_{variable.name}: {variable.holds}"
        yield Note("hint", told)
