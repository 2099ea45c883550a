"""Connections from an engine's own store of credentials, in the words of a profile (docs/connections.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from httptask.errors import ConfigurationError, Problem
from httptask.model import Connection, Provider
from httptask.profiles import from_table, provider_of
from httptask.secrets import Secret
from httptask.settings import ConnectionRequest, resolve
from httptask.surroundings import Surroundings

#: Keys of a profile whose text is a secret: the engine's store holds it itself, not a reference to it.
SECRET_KEYS = frozenset({"token", "password", "clientSecret", "privateKey"})


def from_store(provider: Provider, name: str, values: Mapping[str, Any], *, place: str) -> Connection:
    """Return the connection that an engine's store holds under a name.

    Args:
        provider: whose tasks it is for; values without `provider` are taken to be for it.
        name: in the store.
        values: a profile's keys and values, secrets in clear; a key that a profile does not have is an error, never a header.
        place: names the store and the entry, for messages.

    Raises:
        ConfigurationError: every mistake at once, or the connection is for another API.

    """
    if (other := provider_of(values)) not in {None, provider.id}:
        hint = f"give the tasks of {provider.id} a connection of their own"
        raise ConfigurationError(Problem(f"{place}.provider", f"this connection is for {other} and not for {provider.id}", hint))
    table = {"provider": provider.id, **values}
    return from_table(provider, name, table, place=place, read=lambda text, where: Secret(text, reference=where))


def from_surroundings(provider: Provider, name: str | None) -> Connection:
    """Return the connection that a worker's own environment gives: a profile by name, else variables, files, the default profile.

    Raises:
        ConfigurationError: there is none, or it cannot be used.

    """
    return resolve(provider, ConnectionRequest(connection=name, by_options=False), Surroundings.current())
