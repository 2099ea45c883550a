"""A connection as a resource: the keys of a profile in Python's spelling, secrets by `EnvVar`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster import ConfigurableResource, OpExecutionContext
from pydantic import Field

from httptask.errors import ConfigurationError, Problem
from httptask.hosted.host import Host
from httptask.hosted.stores import from_store, from_surroundings
from httptask.logs import LoggingObserver
from httptask.model import Connection, Provider, Workflow
from httptask.registry import Registry
from httptask.suggest import did_you_mean

#: Key of the resource that every task uses for which no other one is named.
RESOURCE = "httptask"


class HttpTaskResource(ConfigurableResource):
    """A connection to one API: a base URL and a credential, and whatever else a profile of docs/connections.md may say.

    `profile` names a profile of the worker's own machine instead; then nothing else is given. Without anything the worker's
    environment decides, as it does for `httptask test`.
    """

    provider: str | None = Field(default=None, description="The one API it is for: no other API's requests reach it.")
    base_url: str | None = Field(default=None, description="Base URL.")
    token: str | None = Field(default=None, description="API token, access token or API key: EnvVar('...').")
    scheme: str | None = Field(default=None, description="A name under securitySchemes of the provider.")
    authorization_mode: str | None = Field(default=None, description="SSWS, Bearer or PrivateKey, in Okta's words.")
    username: str | None = None
    password: str | None = Field(default=None, description="EnvVar('...').")
    client_id: str | None = Field(default=None, description="Id of a service app.")
    client_secret: str | None = Field(default=None, description="EnvVar('...').")
    client_authentication: str | None = None
    private_key: str | None = Field(default=None, description="PEM text or JWK of a service app: EnvVar('...').")
    key_id: str | None = None
    algorithm: str | None = None
    scopes: list[str] | None = None
    dpop: bool | None = None
    token_url: str | None = None
    headers: dict[str, str] | None = Field(default=None, description="Sent with every request.")
    retry: dict[str, Any] | None = Field(default=None, description="Retry bounds of every task, such as {'maxAttempts': 6}.")
    ca_bundle: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    allow_http: bool | None = None
    allowed_hosts: list[str] | None = None
    allow_loopback: bool | None = None
    allow_private: bool | None = None
    allow_link_local: bool | None = None
    profile: str | None = Field(default=None, description="Name of a profile in the worker's connections.toml.")

    def __init__(self, **values: Any) -> None:
        """Take the fields.

        Raises:
            ConfigurationError: one of them is none; Dagster itself would ignore it.

        """
        fields = type(self).model_fields
        problems = [
            Problem(type(self).__name__, f"unknown field '{name}'", did_you_mean(name, fields))
            for name in values
            if name not in fields
        ]
        if problems:
            raise ConfigurationError(problems)
        super().__init__(**values)

    def connection(self, provider: Provider, key: str = RESOURCE) -> Connection:
        """Return the connection for a provider.

        Raises:
            ConfigurationError: every mistake at once.

        """
        fields = type(self).model_fields
        values = {_profile_key(name): value for name in fields if (value := getattr(self, name)) is not None}
        profile = values.pop("profile", None)
        if values and profile is not None:
            message = f"it names the profile '{profile}' and says more: {', '.join(sorted(values))}"
            raise ConfigurationError(Problem(f"Dagster resource '{key}'", message, "leave one of them out"))
        if not values:
            return from_surroundings(provider, profile)
        return from_store(provider, key, values, place=f"Dagster resource '{key}'")


def host_of(context: OpExecutionContext, keys: Mapping[str, str]) -> Host:
    """Return the world of one op; `keys` are those of resources by the name of a connection or provider.

    It is the op's own: by default each step of a run is a process of its own.
    """

    def connect(provider: Provider, name: str | None) -> Connection:
        if name is not None and name not in keys:
            hint = f"say which resource it is: resources={{'{name}': '{RESOURCE}'}}"
            raise ConfigurationError(Problem(f"connection '{name}'", "the workflow names it, and no resource is it", hint))
        key = keys.get(name or provider.id, RESOURCE)
        connection: Connection = getattr(context.resources, key).connection(provider, key)
        return connection

    return Host(connect, "Dagster", observers=(LoggingObserver(context.log),))


def resource_keys(workflow: Workflow, tasks: Registry, keys: Mapping[str, str]) -> frozenset[str]:
    """Return the keys of the resources that the ops of a workflow require.

    The connection that a workflow names is looked for among `keys` alone; without one, an API that is not there takes `RESOURCE`.
    """
    takes_it = workflow.connection is None and not _apis(workflow, tasks) <= set(keys)
    return frozenset({*keys.values(), *([RESOURCE] if takes_it else [])})


def _apis(workflow: Workflow, tasks: Registry) -> set[str]:
    """Return the ids of the providers that are sent to, those included that verify rules ask."""
    used = [tasks[task] for task in workflow.tasks()]
    verifying = [tasks[task.verify.task] for task in used if task.verify is not None]
    return {task.provider.id for task in (*used, *verifying)}


def _profile_key(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)
