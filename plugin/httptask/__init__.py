"""HTTP tasks for workflow engines: typed templates, safe rendering, retries that know when a request may be repeated.

Names are loaded on first use, so that `import httptask` imports no third party.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from httptask.version import VERSION

if TYPE_CHECKING:
    from httptask.clock import SystemClock
    from httptask.errors import HttpTaskError, Problem, TaskFailed
    from httptask.loader import Library, load_workflow, open_registry
    from httptask.message import Headers, Request, Response, Timeouts
    from httptask.model import Connection, Provider, RetryPolicy, TaskTemplate, Workflow
    from httptask.outcome import Attempt, Failure, FailureKind, Outcome
    from httptask.registry import Registry
    from httptask.runner import Options, Runner
    from httptask.runs import RunResult
    from httptask.secrets import Redactor, Secret
    from httptask.transport import RequestsTransport
    from httptask.workflow import WorkflowRunner

__version__ = VERSION
_HOMES = {
    "clock": ("SystemClock",),
    "errors": ("HttpTaskError", "Problem", "TaskFailed"),
    "loader": ("Library", "load_workflow", "open_registry"),
    "message": ("Headers", "Request", "Response", "Timeouts"),
    "model": ("Connection", "Provider", "RetryPolicy", "TaskTemplate", "Workflow"),
    "outcome": ("Attempt", "Failure", "FailureKind", "Outcome"),
    "registry": ("Registry",),
    "runner": ("Options", "Runner"),
    "secrets": ("Redactor", "Secret"),
    "transport": ("RequestsTransport",),
    "runs": ("RunResult",),
    "workflow": ("WorkflowRunner",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Attempt",
    "Connection",
    "Failure",
    "FailureKind",
    "Headers",
    "HttpTaskError",
    "Library",
    "Options",
    "Outcome",
    "Problem",
    "Provider",
    "Redactor",
    "Registry",
    "Request",
    "RequestsTransport",
    "Response",
    "RetryPolicy",
    "RunResult",
    "Runner",
    "Secret",
    "SystemClock",
    "TaskFailed",
    "TaskTemplate",
    "Timeouts",
    "Workflow",
    "WorkflowRunner",
    "__version__",
    "load_workflow",
    "open_registry",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562)."""
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'httptask' has no attribute '{name}'")
    return getattr(import_module(f"httptask.{module}"), name)
