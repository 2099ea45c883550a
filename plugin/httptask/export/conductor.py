"""A call as a task of a Conductor workflow's JSON. Secrets are Conductor's own, by `${workflow.secrets.NAME}`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from httptask.export.subject import Exported, Note, Reference, Subject, Text
from httptask.export.uses import name_of, notes, options, variables


def export(subject: Subject) -> Exported:
    """Return the task."""
    said = options(subject)
    inputs = {**subject.inputs, **({"httptask": said} if said else {})}
    task = {
        "name": subject.template.id,
        "taskReferenceName": name_of(subject),
        "type": "SIMPLE",
        "inputParameters": _value(inputs),
    }
    text = json.dumps(task, indent=2, ensure_ascii=False) + "\n"
    return Exported(text, (*subject.notes, *notes(subject), *_notes(subject)))


def _value(value: Any) -> Any:
    """Return a value that is the same once Conductor has substituted what it takes for its own expressions."""
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, Reference):
        return _secret(value)
    if isinstance(value, Text):
        return "".join(_escaped(piece) if isinstance(piece, str) else _secret(piece) for piece in value.pieces)
    return _escaped(value) if isinstance(value, str) else value


def _escaped(text: str) -> str:
    return text.replace("${", "$${")


def _secret(reference: Reference) -> str:
    return f"${{workflow.secrets.{reference.variable.name}}}"


def _notes(subject: Subject) -> Iterator[Note]:
    yield Note("hint", "put it among the tasks of a workflow definition, and start `httptask worker conductor`")
    for variable in variables(subject):
        told = f"the server's environment has CONDUCTOR_SECRET_{variable.name}: {variable.holds}"
        yield Note("hint", told)
