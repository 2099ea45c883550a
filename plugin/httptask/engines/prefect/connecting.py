"""Where a unit's connection comes from, and the host that its requests leave from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

from httptask import masking
from httptask.discretion import Discretion
from httptask.engines.prefect.credentials import HttpTaskCredentials, place
from httptask.engines.prefect.telling import mask, tell
from httptask.errors import ConfigurationError, Problem
from httptask.hosted.host import Host
from httptask.hosted.stores import from_surroundings
from httptask.model import Connection, Provider
from httptask.wiring import registry

#: A block or the name of one; several for workflows over several APIs.
Credentials = HttpTaskCredentials | str | Sequence[HttpTaskCredentials | str]
#: Bytes of JSON that one step hands on: what Prefect takes as a flow run's parameters.
MOST_PASSED = 512 * 1024


def host(credentials: Credentials | None) -> Host:
    """Return a host whose connections come from a block, by default from the worker's own environment and profiles."""

    def connect(provider: Provider, name: str | None) -> Connection:
        if credentials is not None:
            return _fitting(credentials, provider).connection(provider)
        found = None if name is None else _named(name)
        return from_surroundings(provider, name) if found is None else found.connection(provider)

    return Host(connect, "Prefect", mask=mask, observers=(tell,), most_passed=MOST_PASSED)


def _fitting(credentials: Credentials, provider: Provider) -> HttpTaskCredentials:
    """Return the block that is for a provider; of a single one the block itself says that it is not."""
    if isinstance(credentials, HttpTaskCredentials | str):
        return _block(credentials)
    blocks = [_block(each) for each in credentials]
    fitting = [block for block in blocks if block.provider == provider.id]
    if len(fitting) == 1:
        return fitting[0]
    message = f"{len(fitting)} of these {len(blocks)} blocks are for {provider.id}"
    raise ConfigurationError(Problem("credentials", message, "give exactly one for each API that the workflow uses"))


def _block(credentials: HttpTaskCredentials | str) -> HttpTaskCredentials:
    if isinstance(credentials, HttpTaskCredentials):
        return credentials
    found = _named(credentials)
    if found is None:
        hint = "save one under this name, in Prefect's page under Blocks or with HttpTaskCredentials(...).save(NAME)"
        raise ConfigurationError(Problem("credentials", f"there is no {place(credentials)}", hint))
    return found


def _named(name: str) -> HttpTaskCredentials | None:
    """Return the block of a name; a connection that a workflow names may as well be a profile of the worker."""
    try:
        block: HttpTaskCredentials = HttpTaskCredentials.load(name, _sync=True)
    except ValueError:  # what Prefect raises for a block that is not there
        return None
    except ConfigurationError as error:
        raise ConfigurationError([replace(problem, where=place(name)) for problem in error.problems]) from None
    return block


class Client:
    """Sends tasks with the credentials of a block, at once and with waits in place; a context manager."""

    def __init__(self, credentials: Credentials) -> None:
        """Keep the credentials; they are read when the first task is sent."""
        self._host = host(credentials)
        self._registry = registry(())

    def run(self, task: str, inputs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a task and return its whole outcome as JSON, masked.

        Raises:
            UsageError: the inputs or the credentials cannot be used; nothing was sent.

        """
        template = self._registry[task]
        connection = self._host.connection(template.provider)
        discretion: Discretion = self._host.discretion([connection])
        runner = self._host.runner([template.provider], None, self._registry, discretion.observer())
        outcome = runner.run(template, dict(inputs or {}), connection)
        return masking.outcome(template, outcome, discretion.redactor).to_json()

    def close(self) -> None:
        """Close every connection."""
        self._host.__exit__(None, None, None)

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close every connection."""
        self.close()
