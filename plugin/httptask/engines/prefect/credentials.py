"""The credentials block: a connection in the words of a profile, with what is secret in Prefect's encrypted fields."""

# ruff: noqa: N815 - the fields are the keys of a profile, as docs/connections.md and Prefect's form spell them

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prefect.blocks.abstract import CredentialsBlock
from pydantic import ConfigDict, Field, SecretStr

from httptask.errors import ConfigurationError, Problem
from httptask.hosted.stores import from_store
from httptask.model import Connection, Provider
from httptask.suggest import did_you_mean

_ENCRYPTED = "Its text is stored encrypted."
_SLUG = "httptask-credentials"
#: What Prefect itself puts beside a block's fields.
_PREFECTS = frozenset({"block_type_slug", "_block_document_id", "_block_document_name", "_is_anonymous"})


class HttpTaskCredentials(CredentialsBlock):
    """A connection of httptask: a base URL and one credential, of one API. Keys as in a profile; unset ones say nothing."""

    model_config = ConfigDict(hide_input_in_errors=True)
    _block_type_name = "HTTP Task Credentials"
    _block_type_slug = _SLUG

    provider: str = Field("okta", description="The one API that the connection is for.")
    baseUrl: str = Field(description="Such as https://acme.okta.com.")
    token: SecretStr | None = Field(None, description=f"API token, access token or API key. {_ENCRYPTED}")
    username: str | None = Field(None, description="Of a login; goes with password.")
    password: SecretStr | None = Field(None, description=f"Of a login. {_ENCRYPTED}")
    clientId: str | None = Field(None, description="Of a service app; goes with privateKey or clientSecret.")
    clientSecret: SecretStr | None = Field(None, description=f"Of a service app. {_ENCRYPTED}")
    clientAuthentication: str | None = Field(None, description="client_secret_basic or client_secret_post.")
    privateKey: SecretStr | None = Field(None, description=f"Of a service app: PEM, or a JWK. {_ENCRYPTED}")
    keyId: str | None = Field(None, description="When the app has several keys.")
    algorithm: str | None = Field(None, description="RS or ES 256, 384, 512; without it what fits the key.")
    scopes: list[str] | None = Field(None, description="Without it each task asks for the least that it needs.")
    dpop: bool | None = Field(None, description="Prove possession of each token (RFC 9449).")
    tokenUrl: str | None = Field(None, description="The API's own by default.")
    scheme: str | None = Field(None, description="A name under securitySchemes of the API's provider.yaml.")
    authorizationMode: str | None = Field(None, description="The same choice in Okta's words: SSWS or Bearer.")
    headers: dict[str, str] | None = Field(None, description="Sent with every request; no place for a secret.")
    retry: dict[str, Any] | None = Field(None, description="Retry fields, such as maxAttempts and readTimeout.")
    caBundle: str | None = Field(None, description="Path on the worker: trust these authorities.")
    allowHttp: bool | None = Field(None, description="http off this machine.")
    allowedHosts: list[str] | None = Field(None, description="Further hosts that redirects may lead to.")
    allowLoopback: bool | None = Field(None, description="allowedHosts may be on the worker's machine.")
    allowPrivate: bool | None = Field(None, description="allowedHosts may have private addresses.")
    allowLinkLocal: bool | None = Field(None, description="Link-local addresses and metadata services too.")
    clientCertificate: str | None = Field(None, description="Path on the worker, for mutual TLS.")
    clientKey: str | None = Field(None, description="Path on the worker, when the key is in a file of its own.")

    def __init__(self, **values: Any) -> None:
        """Take the fields.

        Raises:
            ConfigurationError: one of them is none; Prefect itself would take it, use it for nothing, and not save it.

        """
        if values.get("block_type_slug") in {None, type(self).get_block_type_slug()}:  # else Prefect refuses the slug
            refuse_unknown(values, type(self).__name__)
        super().__init__(**values)

    def connection(self, provider: Provider) -> Connection:
        """Return the connection for a provider's tasks.

        Raises:
            ConfigurationError: a key cannot be used, or the block is for another API; every mistake at once.

        """
        name = self._block_document_name or "unsaved"
        refuse_unknown(self.model_extra or {}, place(name))
        given = {key: getattr(self, key) for key in type(self).model_fields}
        clear = {key: value.get_secret_value() if isinstance(value, SecretStr) else value for key, value in given.items()}
        values = {key: value for key, value in clear.items() if value is not None}
        return from_store(provider, name, values, place=place(name))

    def get_client(self) -> Any:
        """Return a client that sends tasks with these credentials at once, outside of any run; close it, or use it in `with`."""
        from httptask.engines.prefect.connecting import Client

        return Client(self)


def place(name: str) -> str:
    """Return what a block is called in messages."""
    return f"Prefect block {_SLUG}/{name}"


def refuse_unknown(names: Iterable[str], where: str) -> None:
    """Refuse fields that a block does not have: Prefect lets blocks have more.

    Raises:
        ConfigurationError: each of them.

    """
    fields = HttpTaskCredentials.model_fields
    unknown = [name for name in names if name not in fields and name not in _PREFECTS]
    if unknown:
        hints = (did_you_mean(name, fields) or f"fields: {', '.join(fields)}" for name in unknown)
        raise ConfigurationError(
            [Problem(where, f"unknown field '{name}'", hint) for name, hint in zip(unknown, hints, strict=True)]
        )
