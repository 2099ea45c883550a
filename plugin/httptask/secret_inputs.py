"""Workflow inputs that the schema calls secret: taken as references only, because a run's inputs are written into the journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from httptask.errors import InputInvalid, Problem
from httptask.model import Workflow
from httptask.secrets import Secret
from httptask.sensitive import mark

#: Reads a reference; the second text is where it stands, for messages.
Read = Callable[[str, str], Secret]


def resolved(workflow: Workflow, given: Mapping[str, Any], read: Read) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the inputs with their secrets in clear, and which reference each came from.

    Raises:
        InputInvalid: a secret that stands inside an input of its own.
        ConfigurationError: a text that is no reference, or one that cannot be read.

    """
    definitions = workflow.inputs.get("$defs", {})
    values, references = dict(given), {}
    for name, value in given.items():
        if not mark({name: value}, workflow.inputs, definitions).secrets:
            continue
        if not isinstance(value, str):
            hint = "make it an input of its own, and give it as env:NAME or file:PATH"
            raise InputInvalid(Problem(name, "a secret stands inside this input", hint))
        values[name] = read(value, name).reveal()
        references[name] = value
    return values, references
