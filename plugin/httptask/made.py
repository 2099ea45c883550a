"""Workflows of one step that stand in no file: what a task is when it is tried, or used alone by an engine.

Its inputs are not typed: the task's own check has the last word, with or without values outside an enumeration.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from httptask.documents import parse
from httptask.expressions import quoted
from httptask.loader import accepted
from httptask.model import TaskTemplate, Workflow
from httptask.registry import Registry
from httptask.workflow_file import workflow_from

_INPUTS = {"type": "object", "properties": {"given": {"type": "object"}, "headers": {"type": "object"}}}


def step_name(template: TaskTemplate) -> str:
    """Return the id of the one step: the operation's name."""
    return template.id.rpartition(".")[2]


def taken_over(inputs: Iterable[str], headers: Iterable[str]) -> dict[str, Any]:
    """Return the keys of a step that takes its inputs and headers from the workflow's inputs `given` and `headers`."""
    given = {name: f"{{{{ inputs.given[{quoted(name)}] }}}}" for name in inputs}
    own = {name: f"{{{{ inputs.headers[{quoted(name)}] }}}}" for name in headers}
    return {"with": given, **({"headers": own} if own else {})}


def text_of(name: str, template: TaskTemplate, step: Mapping[str, Any]) -> str:
    """Return the workflow's text, as its file would be."""
    whole = {"id": step_name(template), "task": template.id, **step}
    return json.dumps({"name": name, "inputs": _INPUTS, "steps": [whole]})


def workflow_of(text: str, template: TaskTemplate, registry: Registry, *, file: str) -> Workflow:
    """Return the workflow of a text; messages place it in a file of this name beside the template.

    Raises:
        DefinitionError: what the step says is wrong.

    """
    beside = Path(os.path.realpath(template.source.file)).with_name(file)
    return workflow_from(accepted(parse(text.encode(), file=str(beside)), "workflow.schema.json"), registry)
