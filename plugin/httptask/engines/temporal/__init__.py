"""Temporal: tasks as activities, workflow files as the workflow `httptask.run`, and the worker that does both.

Importing it needs the package temporalio: `pip install "httptask[temporal]"`.
"""

from __future__ import annotations

from importlib.util import find_spec

from httptask.errors import ConfigurationError, Problem

if find_spec("temporalio") is None:
    raise ConfigurationError(
        Problem("httptask.engines.temporal", "the package temporalio is not installed", 'pip install "httptask[temporal]"')
    )

from httptask.engines.temporal.calling import execute_task
from httptask.engines.temporal.names import QUEUE, WORKFLOW
from httptask.engines.temporal.plugin import HttpTaskPlugin
from httptask.engines.temporal.starting import start_argument

__all__ = ["QUEUE", "WORKFLOW", "HttpTaskPlugin", "execute_task", "start_argument"]
