"""The calls to Conductor's API that a worker and a deployment need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from httptask.engines.conductor.deliveries import Delivery, Report
from httptask.errors import ConfigurationError, HttpTaskError, Problem

try:
    from conductor.client.configuration.configuration import Configuration
    from conductor.client.http.api_client import ApiClient
    from conductor.client.http.rest import ApiException
except ImportError as error:
    _HINT = 'pip install "httptask[conductor]"'
    raise ConfigurationError(Problem("conductor", "the package conductor-python is not installed", _HINT)) from error

_UNREACHABLE = "start the server, or say where it is with --server or CONDUCTOR_SERVER_URL"
_LASTING = frozenset({400, 404})


class ConductorError(HttpTaskError):
    """Conductor's server could not be reached, or refused.

    Attributes:
        status: of its answer; None where there was none.

    """

    def __init__(self, message: str, status: int | None = None) -> None:
        """Keep the status."""
        self.status = status
        super().__init__(message)

    @property
    def lasts(self) -> bool:
        """Whether the same call would be answered so whenever it is made again: it is wrong, or the task is gone."""
        return self.status in _LASTING


class Server:
    """A Conductor server. Credentials of its own are those of its SDK: CONDUCTOR_AUTH_KEY and CONDUCTOR_AUTH_SECRET."""

    def __init__(self, url: str | None = None) -> None:
        """Use the server of a URL, with or without /api; without one that of CONDUCTOR_SERVER_URL, else this machine's.

        Raises:
            ConfigurationError: this is no URL.

        """
        base = url or Configuration().host
        self._configuration = Configuration(server_api_url=f"{base.rstrip('/').removesuffix('/api')}/api")
        try:
            self._client = ApiClient(self._configuration)
        except ValueError:
            message, hint = "the host or the port cannot be read", "write a URL such as http://localhost:8080"
            raise ConfigurationError(Problem("--server or CONDUCTOR_SERVER_URL", message, hint)) from None

    @property
    def url(self) -> str:
        """Where its API is."""
        return str(self._configuration.host)

    def check(self) -> None:
        """Prove that it answers.

        Raises:
            ConfigurationError: it does not.

        """
        try:
            self._call("GET", "/metadata/taskdefs")
        except ConductorError as error:
            raise ConfigurationError(Problem(self.url, str(error), _UNREACHABLE)) from None

    def poll(self, task: str, *, worker: str, most: int) -> list[Delivery]:
        """Take tasks that are due, at once."""
        query = [("workerid", worker), ("count", most), ("timeout", 0)]
        found = self._call("GET", f"/tasks/poll/batch/{task}", query=query)
        return [_delivery(data) for data in found or ()]

    def report(self, delivery: Delivery, report: Report) -> None:
        """Say what became of a delivery."""
        self._call("POST", "/tasks", report.to_json(delivery))

    def extend(self, delivery: Delivery) -> None:
        """Say that the worker of a delivery lives."""
        self._call("POST", "/tasks", {**Report("IN_PROGRESS").to_json(delivery), "extendLease": True})

    def attempt(self, task_id: str) -> Delivery:
        """Return an attempt of a task, as far as it came."""
        return _delivery(self._call("GET", f"/tasks/{task_id}"))

    def log(self, task_id: str) -> list[str]:
        """Return the log of a task, which outlives its output when a person runs it again."""
        return [str(line["log"]) for line in self._call("GET", f"/tasks/{task_id}/log") or ()]

    def register(self, tasks: Sequence[Mapping[str, Any]], workflows: Sequence[Mapping[str, Any]]) -> None:
        """Register definitions, in place of those of the same names.

        Raises:
            ConfigurationError: the server refuses one, or cannot be reached.

        """
        try:
            for workflow in workflows:
                self._call("POST", "/metadata/workflow/validate", workflow)
            self._call("POST", "/metadata/taskdefs", list(tasks))
            if workflows:
                self._call("PUT", "/metadata/workflow", list(workflows))
        except ConductorError as error:
            raise ConfigurationError(Problem(self.url, str(error), "" if error.status else _UNREACHABLE)) from None

    def _call(self, method: str, path: str, body: Any = None, *, query: Sequence[tuple[str, Any]] = ()) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        try:
            return self._client.call_api(
                path,
                method,
                query_params=list(query),
                header_params=headers,
                body=body,
                response_type="object",
                _return_http_data_only=True,
            )
        except ApiException as error:
            status = error.status or None
            raise ConductorError(f"Conductor answered {status}: {error.message}" if status else "no answer", status) from None
        except Exception as error:  # noqa: BLE001 - whatever the SDK met, no answer was read; its words nobody has judged
            raise ConductorError(f"no answer: conductor-python failed with {type(error).__name__}") from None


def _delivery(data: Any) -> Delivery:
    try:
        return Delivery.from_json(data)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ConductorError("Conductor answered with something that is no task") from None
