"""A workflow file as the argument that `httptask.run` is started with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from httptask.engines.temporal.names import LARGEST, VERSION, length
from httptask.errors import Problem, WorkflowInvalid
from httptask.hosted.outline import outlined
from httptask.hosted.packed import packed
from httptask.hosted.units import Unit
from httptask.loader import load_workflow
from httptask.references import check_reference
from httptask.secret_inputs import resolved
from httptask.secrets import Secret
from httptask.wiring import Folders, registry
from httptask.workflow_inputs import checked_inputs


def start_argument(path: str | Path, inputs: Mapping[str, Any] | None = None, *, templates: Folders = ()) -> dict[str, Any]:
    """Return the argument of the workflow `httptask.run`: everything that it executes, as JSON for any language's client.

    Args:
        path: of the workflow file.
        inputs: of it; what its schema calls secret is a reference, which the worker reads.
        templates: folders with templates of your own, beside those of HTTPTASK_PATH.

    Raises:
        DefinitionError: the file is wrong, or too large to travel.
        UsageError: the inputs are wrong.

    """
    tasks = registry(templates)
    workflow = load_workflow(Path(path), tasks)
    given = dict(inputs or {})
    values, references = resolved(workflow, given, _unread)
    outline = outlined(workflow, tasks, engine="Temporal")
    argument = {
        "version": VERSION,
        "definition": packed(workflow, tasks),
        "outline": outline.to_json(),
        "known": _known(Unit(workflow, tasks, node.path, {}) for node in outline.every()),
        "inputs": {**checked_inputs(workflow, values), **references},
    }
    if (most := length(argument)) > LARGEST:
        raise WorkflowInvalid(
            Problem(str(path), f"it has {most} bytes, and Temporal passes at most {LARGEST}", "make it smaller")
        )
    return argument


def _known(units: Iterable[Unit]) -> dict[str, list[str]]:
    """Return what a run must know of its steps where no worker tells what became of one (`ends.Known`)."""
    every = list(units)
    return {
        "asking": [unit.path for unit in every if not unit.may_change],
        "passed": [unit.path for unit in every if unit.chain()[-1].continue_on_error],
    }


def _unread(text: str, where: str) -> Secret:
    """Check a reference without reading it: the secret is the worker's, and must not travel.

    Raises:
        ConfigurationError: it is no reference.

    """
    check_reference(text, where)
    return Secret(text, reference=text)
