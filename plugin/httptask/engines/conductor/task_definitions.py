"""The definitions of tasks, which say what Conductor does when a worker is lost; everything else about retries is ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from httptask.engines.conductor.names import OWN, STEP
from httptask.inputs import input_schema
from httptask.model import TaskTemplate

#: Seconds without a word after which a worker is taken for lost. A worker that lives says a word three times in this time.
LOST_AFTER = 60
#: How often a task is begun again for a lost worker.
LOST_WORKERS = 10


def task_definitions(templates: Iterable[TaskTemplate], *, lost_after: int = LOST_AFTER) -> list[dict[str, Any]]:
    """Return the definition of each task, and of the decisions between tasks, as JSON."""
    return [*(_definition(template, lost_after) for template in templates), _step(lost_after)]


def _definition(template: TaskTemplate, lost_after: int) -> dict[str, Any]:
    keys = {"inputKeys": list(input_schema(template)["properties"]), "outputKeys": [*template.outputs, OWN]}
    return {"name": template.id, "description": template.summary, **keys, **_retries(lost_after)}


def _step(lost_after: int) -> dict[str, Any]:
    description = "What stands between the requests of a workflow: sends nothing"
    return {"name": STEP, "description": description, "inputKeys": [], "outputKeys": [OWN], **_retries(lost_after)}


def _retries(lost_after: int) -> dict[str, Any]:
    return {
        "retryCount": LOST_WORKERS,
        "retryLogic": "FIXED",
        "retryDelaySeconds": 0,
        "timeoutSeconds": 0,
        "timeoutPolicy": "RETRY",
        "responseTimeoutSeconds": lost_after,
    }
