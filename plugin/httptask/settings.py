"""Which source gives the connection: the call, a profile, the workflow, the environment, users' own files.

Sources are asked one after the other and the first that speaks decides alone. Base URL and credential never come from two
sources: the token of one organization must not reach the host of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask import credentials, okta_yaml
from httptask.auth import auth_for, check_mode, placeholder_auth
from httptask.baseurl import check_base_url
from httptask.errors import ConfigurationError, NoConnection, Problem
from httptask.model import Connection
from httptask.profiles import WHY_ONE_SOURCE, from_profile, names_for, read_profiles
from httptask.secrets import Secret
from httptask.suggest import did_you_mean
from httptask.surroundings import CONFIG_VARIABLE, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.model import Provider

DEFAULT_PROFILE = "default"
#: The one API that the sandbox plays.
SANDBOX_PROVIDER = "okta"


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What the caller said about the connection; `scheme` belongs to `base_url` and `token`.

    Without `by_options` a connection is chosen by NAME alone, as in `httptask connections check NAME`, and messages say so.
    """

    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    scheme: str | None = None
    connection: str | None = None
    workflow_connection: str | None = None
    by_options: bool = True

    @property
    def naming(self) -> str:
        """How the caller names a connection."""
        return "--connection NAME" if self.by_options else "NAME"


def resolve(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection:
    """Return the connection from the highest source that speaks.

    Raises:
        NoConnection: no source speaks.
        ConfigurationError: the one that does cannot be used.

    """
    for source in SOURCES:
        connection = source(provider, request, around)
        if connection is not None:
            return connection
    raise NoConnection(
        Problem(
            "connection", f"no connection to {provider.title} is configured", f"use one of: {_ways(provider, request, around)}"
        )
    )


def dry_connection(provider: Provider, names: Sequence[str] = ()) -> Connection:
    """Return a connection that only shows what would be sent: the documented server and no real credential.

    `names` are profiles of the provider that nobody chose.
    """
    chosen = f"none is chosen (there are: {', '.join(names)})" if names else "none is configured"
    secret = Secret("dry-run-placeholder", reference="none")
    return Connection(
        "dry-run",
        provider.default_url.rstrip("/"),
        placeholder_auth(provider, secret),
        source=f"{chosen}, so the documented server and a placeholder credential are shown",
    )


def _ways(provider: Provider, request: ConnectionRequest, around: Surroundings) -> str:
    names = " and ".join(filter(None, (provider.environment.base_url, provider.environment.token)))
    ways = (
        "--sandbox for a server on this machine" if provider.id == SANDBOX_PROVIDER else "",
        "--base-url URL with --token env:NAME" if request.by_options else "",
        request.naming + _there_are(provider, around),
        f"the environment variables {names}" if names else "",
        f"the file {' or '.join(provider.environment.config_files)}" if provider.environment.config_files else "",
        f"a profile [connections.{DEFAULT_PROFILE}] in {around.profiles_file}",
    )
    return "; ".join(filter(None, ways))


def names_there_are(provider: Provider, around: Surroundings) -> tuple[str, ...]:
    """Return the names of the profiles that are for a provider."""
    return names_for(provider, read_profiles(around) or {})


def _there_are(provider: Provider, around: Surroundings) -> str:
    fitting = names_there_are(provider, around)
    return f" (there are: {', '.join(fitting)})" if fitting else ""


def _from_call(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    if request.base_url is None and request.token is None and request.scheme is None:
        return None
    _require_both(provider, request, {"--base-url": request.base_url, "--token": request.token})
    base_url = check_base_url(request.base_url or "", provider_id=provider.id, where="--base-url")
    auth = None
    if request.token is not None:
        secret = around.secret(request.token, around.cwd, "--token")
        auth = auth_for(provider, request.scheme, secret=secret, where="--scheme" if request.scheme else "--token")
    return Connection("call", base_url, auth, source="--base-url and --token")


def _from_option(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    if request.connection is None:
        return None
    where = "--connection" if request.by_options else "NAME"
    return _named_profile(provider, request.connection, around=around, where=where)


def _from_workflow(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    if request.workflow_connection is None:
        return None
    return _named_profile(provider, request.workflow_connection, around=around, where="connection of the workflow")


def from_environment(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    """Return the connection of the environment variables that the provider names; None when they are not set."""
    names = provider.environment
    if names.base_url is None:
        return None
    client = credentials.environment_values(provider, around.env)
    if client is not None:
        return _from_client_variables(provider, request, client, around)
    # many shells and build servers cannot unset a variable, only empty it
    given = {name: around.env.get(name) or None for name in (names.base_url, names.token) if name}
    if not any(given.values()):
        return None
    mode = around.env.get(names.authorization_mode or "") or None
    mode_place = names.authorization_mode if mode and names.authorization_mode else "environment"
    check_mode(mode, where=mode_place)
    _require_both(provider, request, given)
    base_url = check_base_url(given[names.base_url] or "", provider_id=provider.id, where=names.base_url)
    auth = None
    if names.token and (token := given[names.token]):
        auth = auth_for(provider, None, secret=Secret(token, reference=f"env:{names.token}"), mode=mode, where=mode_place)
    return Connection("environment", base_url, auth, source=" and ".join(given))


def from_config_files(provider: Provider, _: ConnectionRequest, around: Surroundings) -> Connection | None:
    """Return the connection of the vendor's own configuration files; None when they say nothing."""
    found = config_file(provider, around)
    return None if found is None else okta_yaml.connection(provider, found, resolves=around.resolves)


def config_file(provider: Provider, around: Surroundings) -> okta_yaml.OktaYaml | None:
    """Return what the vendor's own configuration files say; None when they name neither base URL nor credential.

    Raises:
        ConfigurationError: a file that cannot be read.

    """
    return okta_yaml.find(provider.environment.config_files, partial(around.locate, base=around.cwd))


def _from_client_variables(
    provider: Provider, request: ConnectionRequest, client: Mapping[str, Any], around: Surroundings
) -> Connection:
    names = provider.environment
    variables = {names.base_url: "", names.client_id: "clientId", names.private_key: "privateKey"}
    given = {name: around.env.get(name) or None for name in variables if name}
    _require_both(provider, request, given)
    base_url = check_base_url(around.env[names.base_url or ""], provider_id=provider.id, where=names.base_url or "environment")
    locate = partial(around.locate, base=around.cwd)
    places = {"clientId": names.client_id or "", "privateKey": names.private_key or "", "scopes": names.scopes or ""}
    source = credentials.Source(
        base_url, lambda text, where: around.secret(text, around.cwd, where), "environment", around.resolves, places
    )
    if credentials.is_path(written := given[names.private_key or ""] or ""):
        client = {**client, "privateKey": f"file:{_key_file(locate(written), names.private_key or '')}"}
    return Connection("environment", base_url, credentials.build_auth(provider, client, source), source=" and ".join(given))


def _key_file(path: Path, where: str) -> Path:
    """Return the path if there is such a file; a message would otherwise repeat what may be a key without its first line."""
    try:
        found = path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        message = "this is neither PEM text nor a JWK nor the path of a file"
        raise ConfigurationError(Problem(where, message, "give the key with its BEGIN and END lines, or the path of its file"))
    return path


def _from_default(provider: Provider, _: ConnectionRequest, around: Surroundings) -> Connection | None:
    profiles = read_profiles(around)
    if profiles is None or DEFAULT_PROFILE not in profiles:
        return None
    return from_profile(provider, DEFAULT_PROFILE, profiles, around=around)


#: Highest first. A source returns None when it says nothing, and raises when what it says cannot be used.
SOURCES: tuple[Callable[[Provider, ConnectionRequest, Surroundings], Connection | None], ...] = (
    _from_call,
    _from_option,
    _from_workflow,
    from_environment,
    from_config_files,
    _from_default,
)


def _require_both(provider: Provider, request: ConnectionRequest, given: Mapping[str, str | None]) -> None:
    """Refuse half a source; a provider without security schemes needs no credential."""
    missing = [name for name, value in given.items() if value is None]
    if not provider.security_schemes:
        missing = missing[:1] if next(iter(given.values())) is None else []
    if missing:
        present = ", ".join(name for name, value in given.items() if value is not None) or "--scheme"
        hint = f"give {' and '.join(missing)} too, or name a whole connection: {request.naming}"
        message = f"given without {' and '.join(missing)}: {WHY_ONE_SOURCE}"
        raise ConfigurationError(Problem(present, message, hint))


def check_profile(name: str, *, around: Surroundings, where: str) -> None:
    """Refuse the name of a profile that there is not, before anything is begun with it.

    Raises:
        ConfigurationError: there is no profile of that name; told at `where`.

    """
    _profiles_with(name, around=around, where=where)


def _named_profile(provider: Provider, name: str, *, around: Surroundings, where: str) -> Connection:
    return from_profile(provider, name, _profiles_with(name, around=around, where=where), around=around)


def _profiles_with(name: str, *, around: Surroundings, where: str) -> Mapping[str, Any]:
    profiles = read_profiles(around)
    if profiles is None:
        hint = f"create it with a table [connections.NAME], or let {CONFIG_VARIABLE} name another file"
        raise ConfigurationError(Problem(where, f"there is no profile file {around.profiles_file}", hint))
    if name not in profiles:
        known = f"it has: {', '.join(profiles)}" if profiles else "it has none: add a table [connections.NAME]"
        hint = " ".join(filter(None, (did_you_mean(name, profiles), known)))
        raise ConfigurationError(Problem(where, f"{around.profiles_file} has no connection of that name", hint))
    return profiles
