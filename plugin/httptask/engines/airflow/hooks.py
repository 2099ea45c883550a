"""The world behind Airflow's tasks, and the hook by which Airflow and its users get at connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from httptask.engines.airflow.connections import connection_of, kept, place_of
from httptask.engines.airflow.provider import CONNECTION_TYPE
from httptask.engines.airflow.tasks import names_of, registry
from httptask.errors import ConfigurationError, HttpTaskError, Problem
from httptask.hosted.checking import checked
from httptask.hosted.host import Host
from httptask.logs import LoggingObserver
from httptask.model import Connection, Provider
from httptask.wiring import Folders

#: The id of a connection; or of one for each provider.
ConnectionId: TypeAlias = "str | Mapping[str, str] | None"
DEFAULT_CONNECTION = "httptask_default"
DEFAULT_PROVIDER = "okta"


class HttpTaskHook(BaseHook):
    """Gives the connection that Airflow keeps under an id, and proves that it works."""

    conn_name_attr = "conn_id"
    default_conn_name = DEFAULT_CONNECTION
    conn_type = CONNECTION_TYPE
    hook_name = "HTTP task"

    def __init__(self, conn_id: str = DEFAULT_CONNECTION, *, templates: Folders = (), **more: Any) -> None:
        """Name the connection; `templates` are folders with templates beside those of HTTPTASK_PATH."""
        super().__init__(**more)
        self.conn_id = conn_id
        self.templates = names_of(templates)

    def get_conn(self) -> Connection:
        """Return the connection, for a `Runner` of one's own.

        Raises:
            ConfigurationError: there is none, or it cannot be used; every mistake at once.

        """
        return connection_of(self.conn_id, self._provider())

    def test_connection(self) -> tuple[bool, str]:
        """Send the one safe request that the provider names, and say whether the connection works."""
        try:
            with host(self.conn_id) as world:
                ended = checked(self._provider(), registry(self.templates), world, place=place_of(self.conn_id))
        except HttpTaskError as error:
            return False, str(error)
        return ended.goes_on, "the connection works" if ended.goes_on else f"{ended.error}: {ended.message}"

    def _provider(self) -> Provider:
        named = kept(self.conn_id).extra_dejson.get("provider") or DEFAULT_PROVIDER
        tasks = registry(self.templates)
        task = next((task for task in tasks if task.partition(".")[0] == named), None)
        if task is None:
            hint = "name the API by the id in its provider.yaml, and let HTTPTASK_PATH name the folder of its templates"
            raise ConfigurationError(Problem(f"{place_of(self.conn_id)}: provider", f"there is no provider {named}", hint))
        return tasks[task].provider


def host(conn_id: ConnectionId) -> Host:
    """Return the world behind units of one Airflow task; what is secret becomes known to Airflow's masker."""
    return Host(_connecting(conn_id), "Airflow", mask=mask_secret, observers=(LoggingObserver(),))


def _connecting(conn_id: ConnectionId) -> Callable[[Provider, str | None], Connection]:
    def connect(provider: Provider, named: str | None) -> Connection:
        chosen = conn_id.get(provider.id) if isinstance(conn_id, Mapping) else conn_id
        return connection_of(chosen or named or DEFAULT_CONNECTION, provider)

    return connect
