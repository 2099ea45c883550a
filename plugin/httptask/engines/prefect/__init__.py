"""Prefect 3: tasks and workflows as Prefect's own, each attempt a run of the task, each wait one that Prefect keeps and shows."""

try:
    import prefect as _engine
except ImportError as missing:
    raise ImportError('Prefect is not installed here: pip install "httptask[prefect]"') from missing

from httptask.engines.prefect.connecting import Client
from httptask.engines.prefect.credentials import HttpTaskCredentials
from httptask.engines.prefect.ends import CannotGoOn, HttpTaskFailed, OutcomeUnknown
from httptask.engines.prefect.flows import flow_from_workflow
from httptask.engines.prefect.tasks import task_from_template

__all__ = [
    "CannotGoOn",
    "Client",
    "HttpTaskCredentials",
    "HttpTaskFailed",
    "OutcomeUnknown",
    "flow_from_workflow",
    "task_from_template",
]
del _engine
