"""Connections from Airflow's store: its fields in the words of a profile (docs/connections.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from httptask.engines.airflow.provider import CONNECTION_TYPE, RENAMED
from httptask.errors import ConfigurationError, Problem
from httptask.hosted.stores import from_store
from httptask.model import Connection, Provider


def connection_of(conn_id: str, provider: Provider) -> Connection:
    """Return the connection for a provider that Airflow keeps under an id.

    Raises:
        ConfigurationError: there is none, or it cannot be used; every mistake at once.

    """
    values, problems = _values(kept(conn_id), provider, place_of(conn_id))
    if problems:
        raise ConfigurationError(problems)
    return from_store(provider, conn_id, values, place=place_of(conn_id))


def place_of(conn_id: str) -> str:
    """Return what names a connection in messages."""
    return f"Airflow connection {conn_id}"


def kept(conn_id: str) -> Any:
    """Return the connection as Airflow keeps it.

    Raises:
        ConfigurationError: there is none.

    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        hint = (
            f"add it in the UI under Admin, Connections, or by `airflow connections add {conn_id} --conn-type {CONNECTION_TYPE}`"
        )
        raise ConfigurationError(Problem(place_of(conn_id), "there is no such connection", hint)) from None


def _values(kept: Any, provider: Provider, place: str) -> tuple[dict[str, Any], list[Problem]]:
    """Return a profile's keys and values, and what is wrong before they are looked at as a profile."""
    problems = []
    if kept.conn_type != CONNECTION_TYPE:
        hint = f"what else is kept with it, such as extras, would mean something else: make one of type {CONNECTION_TYPE}"
        problems.append(Problem(place, f"its type is {kept.conn_type or 'not set'} and not {CONNECTION_TYPE}", hint))
    extras = {key: value for key, value in kept.extra_dejson.items() if value not in (None, "", [], {})}
    own = _own_fields(kept, provider, extras)
    for key in extras:
        if key in own:
            problems.append(
                Problem(f"{place}: {key}", "this stands in one of the connection's own fields too", "leave one of them out")
            )
        if key in RENAMED.values():
            right = next(ours for ours, theirs in RENAMED.items() if theirs == key)
            problems.append(
                Problem(f"{place}: {key}", "Airflow would show this secret in the clear", f"write {right}, which it masks")
            )
    return {**{RENAMED.get(key, key): value for key, value in extras.items()}, **own}, problems


def _own_fields(kept: Any, provider: Provider, extras: Mapping[str, Any]) -> dict[str, Any]:
    login = None if not kept.login else "username" if _takes_login(provider, extras.get("scheme")) else "clientId"
    is_client = login == "clientId" or "clientId" in extras
    secret = "password" if login == "username" else "clientSecret" if is_client else "token"
    fields = {"baseUrl": _base_url(kept), login: kept.login, secret: kept.password}
    return {key: value for key, value in fields.items() if key is not None and value}


def _takes_login(provider: Provider, scheme: Any) -> bool:
    """Tell whether a name in the connection is a user's, who has a password, and not that of a client of OAuth."""
    schemes = provider.security_schemes
    candidates = [schemes[scheme]] if scheme in schemes else schemes.values()
    return any(each.type == "http" and each.http_scheme == "basic" for each in candidates)


def _base_url(kept: Any) -> str | None:
    """Return the host as a URL; the form asks for a whole one, and a connection's URI gives its parts."""
    if not kept.host or "://" in kept.host:
        return kept.host
    port = f":{kept.port}" if kept.port else ""
    return f"{kept.schema or 'https'}://{kept.host}{port}"
