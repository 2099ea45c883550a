"""Apache Airflow 3.3 or newer: tasks and workflows as operators and DAGs.

Names are loaded on first use: Airflow asks the entry point for `get_provider_info` while it is being imported itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from httptask.engines.airflow.dags import dag_from_workflow
    from httptask.engines.airflow.hooks import HttpTaskHook
    from httptask.engines.airflow.operators import HttpTaskOperator, HttpTaskSensor
    from httptask.engines.airflow.retries import HttpTaskFailed, OutcomeUnknown

_HOMES = {
    "HttpTaskFailed": "retries",
    "HttpTaskHook": "hooks",
    "HttpTaskOperator": "operators",
    "HttpTaskSensor": "operators",
    "OutcomeUnknown": "retries",
    "dag_from_workflow": "dags",
}

__all__ = ["HttpTaskFailed", "HttpTaskHook", "HttpTaskOperator", "HttpTaskSensor", "OutcomeUnknown", "dag_from_workflow"]


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562).

    Raises:
        ImportError: Airflow is not installed, or is too old.

    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "airflow":
            raise
        words = f'{__name__} needs Apache Airflow 3.3 or newer: pip install "httptask[airflow]"'
        raise ImportError(words, name=error.name) from None
