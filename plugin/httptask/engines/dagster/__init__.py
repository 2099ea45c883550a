"""Dagster: a task as an op, a workflow file as a job, credentials as a resource. `docs/engines/dagster.md` shows them in use."""

from __future__ import annotations

try:
    import dagster  # noqa: F401 - said here once, in words, for every module below
except ImportError as missing:
    raise ImportError('httptask.engines.dagster needs Dagster: pip install "httptask[dagster]"') from missing

from httptask.engines.dagster.jobs import job_from_workflow
from httptask.engines.dagster.resource import HttpTaskResource
from httptask.engines.dagster.task_ops import op_from_template

__all__ = ["HttpTaskResource", "job_from_workflow", "op_from_template"]
