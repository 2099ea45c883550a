"""Where a connection comes from: the only reader of environment variables and, with `okta_yaml`, of users' own files.

Sources are asked one after the other and the first that speaks decides alone. Base URL and credential never come from two
sources: the token of one organization must not reach the host of another.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask import credentials, okta_yaml
from httptask.auth import auth_for, check_mode, placeholder_auth
from httptask.baseurl import check_base_url
from httptask.egress import PROFILE_KEYS as EGRESS_KEYS
from httptask.egress import policy_from_profile
from httptask.errors import ConfigurationError, Problem
from httptask.model import RETRY_FIELDS, Connection
from httptask.references import check_reference, read_reference
from httptask.secrets import Secret
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.model import Provider

CONFIG_VARIABLE = "HTTPTASK_CONFIG"
PATH_VARIABLE = "HTTPTASK_PATH"
DEFAULT_PROFILE = "default"
#: The one API that the sandbox plays.
SANDBOX_PROVIDER = "okta"
LARGEST_PROFILES = 1024 * 1024

_WHY_ONE_SOURCE = "base URL and credential come from one source, so that no token reaches a host it was not made for"
_PROFILE_KEYS: Mapping[str, tuple[type, str]] = {
    "provider": (str, "a text"),
    "baseUrl": (str, "a text"),
    **credentials.KEYS,
    "scheme": (str, "a text"),
    "authorizationMode": (str, "a text"),
    "headers": (dict, "a table of header names and texts"),
    "retry": (dict, "a table"),
    "caBundle": (str, "a path"),
    "allowHttp": (bool, "true or false"),
    **EGRESS_KEYS,
    "clientCertificate": (str, "a path"),
    "clientKey": (str, "a path"),
}
_POSITIVE_RETRY_KEYS = frozenset({"maxElapsed", "connectTimeout", "readTimeout"})
#: Least and most, as in the JSON Schema of templates and workflows.
_RETRY_BOUNDS: Mapping[str, tuple[int, int]] = {
    "maxAttempts": (1, 100),
    "maxElapsed": (0, 86400),
    "backoffBase": (0, 3600),
    "backoffFactor": (1, 10),
    "backoffCap": (0, 3600),
    "serverWaitCap": (0, 86400),
    "connectTimeout": (0, 3600),
    "readTimeout": (0, 3600),
}
_TOML_PLACE = re.compile(r"at line (\d+), column (\d+)")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a program finds around itself, as values, so that everything below is testable without a machine.

    With `resolves` False references are checked but not resolved, so that connections can be listed without a credential.
    """

    env: Mapping[str, str] = field(repr=False)
    home: Path
    cwd: Path
    config_dir: Path
    resolves: bool = True

    @classmethod
    def current(cls) -> Surroundings:
        """Return the real ones."""
        try:
            home = Path.home()
        except RuntimeError:  # a container's user without an entry and without HOME
            home = Path(os.sep)
        return cls(os.environ, home, Path.cwd(), config_folder(sys.platform, os.environ, home))

    @property
    def profiles_file(self) -> Path:
        """The file of profiles: the one that HTTPTASK_CONFIG names, else the one in the user's configuration folder."""
        named = self.env.get(CONFIG_VARIABLE)
        return self.locate(named, self.cwd) if named else self.config_dir / "httptask" / "connections.toml"

    def locate(self, written: str, base: Path) -> Path:
        """Return a path as a person writes it: `~` is the home folder, and a relative path starts at `base`."""
        if written == "~" or written.startswith(("~/", f"~{os.sep}")):
            return self.home / written[2:]
        return base / written

    def secret(self, reference: str, base: Path, where: str) -> Secret:
        """Return what a reference stands for; a relative path starts at `base`.

        Raises:
            ConfigurationError: it is no reference, or what it names cannot be read.

        """
        if self.resolves:
            return read_reference(reference, self.env, locate=partial(self.locate, base=base), where=where)
        check_reference(reference, where)
        return Secret("not-resolved", reference=reference)


def config_folder(platform: str, env: Mapping[str, str], home: Path) -> Path:
    """Return the folder in which this platform keeps users' configuration."""
    if platform == "win32":
        return Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    named = Path(env.get("XDG_CONFIG_HOME", ""))
    # a relative value is void by the XDG base directory specification
    return named if named.is_absolute() else home / ".config"


def template_path(around: Surroundings) -> tuple[Path, ...]:
    """Return the folders with templates of one's own that HTTPTASK_PATH names, in order."""
    written = around.env.get(PATH_VARIABLE, "").split(os.pathsep)
    return tuple(around.locate(entry, around.cwd) for entry in written if entry)


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What the caller said about the connection; `scheme` belongs to `base_url` and `token`."""

    base_url: str | None = None
    token: str | None = field(default=None, repr=False)
    scheme: str | None = None
    connection: str | None = None
    workflow_connection: str | None = None


def resolve(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection:
    """Return the connection from the highest source that speaks.

    Raises:
        ConfigurationError: no source speaks, or the one that does cannot be used.

    """
    for source in SOURCES:
        connection = source(provider, request, around)
        if connection is not None:
            return connection
    raise ConfigurationError(
        Problem("connection", f"no connection to {provider.title} is configured", f"use one of: {_ways(provider, around)}")
    )


def dry_connection(provider: Provider) -> Connection:
    """Return a connection that only shows what would be sent: the documented server and no real credential."""
    secret = Secret("dry-run-placeholder", reference="none")
    return Connection(
        "dry-run",
        provider.default_url.rstrip("/"),
        placeholder_auth(provider, secret),
        source="none is configured, so the documented server and a placeholder credential are shown",
    )


def _ways(provider: Provider, around: Surroundings) -> str:
    names = " and ".join(filter(None, (provider.environment.base_url, provider.environment.token)))
    ways = (
        "--sandbox for a server on this machine" if provider.id == SANDBOX_PROVIDER else "",
        "--base-url URL with --token env:NAME",
        "--connection NAME",
        f"the environment variables {names}" if names else "",
        f"the file {' or '.join(provider.environment.config_files)}" if provider.environment.config_files else "",
        f"a profile [connections.{DEFAULT_PROFILE}] in {around.profiles_file}",
    )
    return "; ".join(filter(None, ways))


def _from_call(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    if request.base_url is None and request.token is None and request.scheme is None:
        return None
    _require_both(provider, {"--base-url": request.base_url, "--token": request.token})
    base_url = check_base_url(request.base_url or "", provider_id=provider.id, where="--base-url")
    auth = None
    if request.token is not None:
        secret = around.secret(request.token, around.cwd, "--token")
        auth = auth_for(provider, request.scheme, secret=secret, where="--scheme" if request.scheme else "--token")
    return Connection("call", base_url, auth, source="--base-url and --token")


def _from_option(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    if request.connection is None:
        return None
    return _named_profile(provider, request.connection, around=around, where="--connection")


def _from_workflow(provider: Provider, request: ConnectionRequest, around: Surroundings) -> Connection | None:
    if request.workflow_connection is None:
        return None
    return _named_profile(provider, request.workflow_connection, around=around, where="connection of the workflow")


def from_environment(provider: Provider, _: ConnectionRequest, around: Surroundings) -> Connection | None:
    """Return the connection of the environment variables that the provider names; None when they are not set."""
    names = provider.environment
    if names.base_url is None:
        return None
    client = credentials.environment_values(provider, around.env)
    if client is not None:
        return _from_client_variables(provider, client, around)
    # many shells and build servers cannot unset a variable, only empty it
    given = {name: around.env.get(name) or None for name in (names.base_url, names.token) if name}
    if not any(given.values()):
        return None
    mode = around.env.get(names.authorization_mode or "") or None
    mode_place = names.authorization_mode if mode and names.authorization_mode else "environment"
    check_mode(mode, where=mode_place)
    _require_both(provider, given)
    base_url = check_base_url(given[names.base_url] or "", provider_id=provider.id, where=names.base_url)
    auth = None
    if names.token and (token := given[names.token]):
        auth = auth_for(provider, None, secret=Secret(token, reference=f"env:{names.token}"), mode=mode, where=mode_place)
    return Connection("environment", base_url, auth, source=" and ".join(given))


def from_config_files(provider: Provider, _: ConnectionRequest, around: Surroundings) -> Connection | None:
    """Return the connection of the vendor's own configuration files; None when they say nothing."""
    found = config_file(provider, around)
    return None if found is None else okta_yaml.connection(provider, found)


def config_file(provider: Provider, around: Surroundings) -> okta_yaml.OktaYaml | None:
    """Return what the vendor's own configuration files say; None when they name neither base URL nor credential.

    Raises:
        ConfigurationError: a file that cannot be read.

    """
    return okta_yaml.find(provider.environment.config_files, partial(around.locate, base=around.cwd))


def _from_client_variables(provider: Provider, client: Mapping[str, Any], around: Surroundings) -> Connection:
    names = provider.environment
    variables = {names.base_url: "", names.client_id: "clientId", names.private_key: "privateKey"}
    given = {name: around.env.get(name) or None for name in variables if name}
    _require_both(provider, given)
    base_url = check_base_url(around.env[names.base_url or ""], provider_id=provider.id, where=names.base_url or "environment")
    locate = partial(around.locate, base=around.cwd)
    source = credentials.Source(
        base_url, lambda text, where: read_reference(text, around.env, locate=locate, where=where), "environment"
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
    return from_profile(provider, DEFAULT_PROFILE, profiles[DEFAULT_PROFILE], around=around)


#: Highest first. A source returns None when it says nothing, and raises when what it says cannot be used.
SOURCES: tuple[Callable[[Provider, ConnectionRequest, Surroundings], Connection | None], ...] = (
    _from_call,
    _from_option,
    _from_workflow,
    from_environment,
    from_config_files,
    _from_default,
)


def _require_both(provider: Provider, given: Mapping[str, str | None]) -> None:
    """Refuse half a source; a provider without security schemes needs no credential."""
    missing = [name for name, value in given.items() if value is None]
    if not provider.security_schemes:
        missing = missing[:1] if next(iter(given.values())) is None else []
    if missing:
        present = ", ".join(name for name, value in given.items() if value is not None) or "--scheme"
        hint = f"give {' and '.join(missing)} too, or name a whole connection with --connection NAME"
        message = f"{present} is given without {' and '.join(missing)}: {_WHY_ONE_SOURCE}"
        raise ConfigurationError(Problem(present, message, hint))


def _named_profile(provider: Provider, name: str, *, around: Surroundings, where: str) -> Connection:
    profiles = read_profiles(around)
    if profiles is None:
        hint = f"create it with a table [connections.NAME], or let {CONFIG_VARIABLE} name another file"
        raise ConfigurationError(Problem(where, f"there is no profile file {around.profiles_file}", hint))
    if name not in profiles:
        known = f"it has: {', '.join(profiles)}" if profiles else "it has none: add a table [connections.NAME]"
        hint = " ".join(filter(None, (did_you_mean(name, profiles), known)))
        raise ConfigurationError(Problem(where, f"{around.profiles_file} has no connection of that name", hint))
    return from_profile(provider, name, profiles[name], around=around)


def read_profiles(around: Surroundings, *, required: bool = True) -> Mapping[str, Any] | None:
    """Return the table of each profile by name; None when there is no file.

    With `required` the file must be there if HTTPTASK_CONFIG names it.

    Raises:
        ConfigurationError: the file is missing, or is no file of profiles.

    """
    file = around.profiles_file
    try:
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_PROFILES + 1)
    except FileNotFoundError:
        if required and around.env.get(CONFIG_VARIABLE):
            hint = f"create the file or unset {CONFIG_VARIABLE}"
            raise ConfigurationError(Problem(CONFIG_VARIABLE, f"there is no profile file {file}", hint)) from None
        return None
    except (OSError, ValueError):
        raise ConfigurationError(Problem(str(file), "the file cannot be read", "check that you may read it")) from None
    if len(raw) > LARGEST_PROFILES:
        raise ConfigurationError(Problem(str(file), "the file is larger than 1 MB", f"let {CONFIG_VARIABLE} name a profile file"))
    return _parse_profiles(raw, file)


def _parse_profiles(raw: bytes, file: Path) -> Mapping[str, Any]:
    try:
        data = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # the parser's own words may repeat a part of the file
        place = _TOML_PLACE.search(str(error))
        where = f"{file}:{place[1]}:{place[2]}" if place else str(file)
        raise ConfigurationError(Problem(where, "the file is not valid TOML in UTF-8", "texts stand in double quotes")) from None
    problems = [_unknown(f"{file}: {key}", key, ("connections",)) for key in data if key != "connections"]
    profiles = data.get("connections", {})
    if not isinstance(profiles, dict):
        problems.append(Problem(f"{file}: connections", "this must be a table", "write [connections.NAME]"))
    if problems:
        raise ConfigurationError(problems)
    return dict(profiles)


def _unknown(where: str, key: str, known: tuple[str, ...]) -> Problem:
    return Problem(where, "there is no such key", did_you_mean(key, known) or f"known keys: {', '.join(known)}")


def from_profile(provider: Provider, name: str, data: object, *, around: Surroundings) -> Connection:
    """Return the connection of one profile; `data` is its table.

    Raises:
        ConfigurationError: the table or a reference in it cannot be used; every mistake of its shape at once.

    """
    file = around.profiles_file
    place = f"{file}: connections.{name}"
    profile = _checked(provider, data, place)
    locate = partial(around.locate, base=file.parent)
    base_url = check_base_url(
        profile["baseUrl"], provider_id=provider.id, where=f"{place}.baseUrl", allow_http=profile.get("allowHttp", False)
    )
    source = credentials.Source(base_url, lambda text, where: around.secret(text, file.parent, where), place)
    return Connection(
        name,
        base_url,
        credentials.build_auth(provider, profile, source),
        headers=profile.get("headers", {}),
        retry=profile.get("retry", {}),
        verify=_ca_bundle(profile.get("caBundle"), locate, f"{place}.caBundle"),
        source=f"connection {name} in {file}",
        egress=policy_from_profile(profile, place),
        client_certificate=_client_certificate(profile, locate, place),
    )


def _checked(provider: Provider, data: object, place: str) -> Mapping[str, Any]:
    """Return the profile's table, or raise every problem of its shape at once."""
    if not isinstance(data, dict):
        raise ConfigurationError(Problem(place, "this must be a table", "write [connections.NAME]"))
    problems = [_unknown(f"{place}.{key}", key, tuple(_PROFILE_KEYS)) for key in data if key not in _PROFILE_KEYS]
    for key, (kind, words) in _PROFILE_KEYS.items():
        if key in data and not isinstance(data[key], kind):
            problems.append(Problem(f"{place}.{key}", f"this must be {words}"))
    if data.get("provider", provider.id) != provider.id:
        problems.append(
            Problem(f"{place}.provider", f"this connection is not for the provider {provider.id}", "name another one")
        )
    needs_token = provider.security_schemes and not credentials.is_given(data)
    required = ("baseUrl", "token") if needs_token else ("baseUrl",)
    problems += [Problem(place, f"{key} is missing: {_WHY_ONE_SOURCE}", f"add {key}") for key in required if key not in data]
    if problems:
        raise ConfigurationError(problems)
    problems = credentials.shape_problems(data, place)
    if "clientKey" in data and "clientCertificate" not in data:
        problems.append(Problem(f"{place}.clientKey", "a key alone proves nothing", "add clientCertificate"))
    if problems := [*problems, *_header_problems(data.get("headers", {}), place), *_retry_problems(data.get("retry", {}), place)]:
        raise ConfigurationError(problems)
    return data


def _header_problems(headers: Mapping[str, Any], place: str) -> list[Problem]:
    return [
        Problem(f"{place}.headers.{name}", "a header's value must be a text", "put it in double quotes")
        for name, value in headers.items()
        if not isinstance(value, str)
    ]


def _retry_problems(retry: Mapping[str, Any], place: str) -> list[Problem]:
    problems = []
    for key, value in retry.items():
        where = f"{place}.retry.{key}"
        if key not in RETRY_FIELDS:
            problems.append(_unknown(where, key, tuple(RETRY_FIELDS)))
            continue
        least, most = _RETRY_BOUNDS.get(key, (0, float("inf")))
        if key == "maxAttempts" and (type(value) is not int or value < least):
            problems.append(Problem(where, "this must be a whole number of attempts, 1 or more"))
        elif type(value) not in {int, float} or not least <= value < float("inf"):
            problems.append(Problem(where, f"this must be a number, {least} or more"))
        elif value > most:
            problems.append(Problem(where, f"this must be at most {most}"))
        elif key in _POSITIVE_RETRY_KEYS and value == 0:
            problems.append(Problem(where, "a time limit of 0 would let nothing through", "write the seconds to wait"))
    return problems


def _client_certificate(profile: Mapping[str, Any], locate: Callable[[str], Path], place: str) -> tuple[str, str | None] | None:
    """Return the paths of certificate and key for mutual TLS; without a key path, the certificate's file holds the key too."""
    paths = {key: locate(profile[key]) for key in ("clientCertificate", "clientKey") if key in profile}
    missing = [(key, path) for key, path in paths.items() if not path.is_file()]
    if missing:
        raise ConfigurationError(
            Problem(f"{place}.{key}", f"there is no file {path}", "name a PEM file") for key, path in missing
        )
    if "clientCertificate" not in paths:
        return None
    key = paths.get("clientKey")
    return str(paths["clientCertificate"]), str(key) if key else None


def _ca_bundle(written: str | None, locate: Callable[[str], Path], where: str) -> bool | str:
    if written is None:
        return True
    path = locate(written)
    if not path.exists():
        raise ConfigurationError(Problem(where, f"there is no file {path}", "name a file of PEM certificates"))
    return str(path)
