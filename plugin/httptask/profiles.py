"""The file of profiles, `connections.toml`: read, every mistake found with its place, turned into connections."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask import credentials
from httptask.baseurl import check_base_url
from httptask.egress import PROFILE_KEYS as EGRESS_KEYS
from httptask.egress import policy_from_profile
from httptask.errors import ConfigurationError, Problem
from httptask.model import RETRY_FIELDS, Connection
from httptask.suggest import did_you_mean, nearest
from httptask.surroundings import CONFIG_VARIABLE, read_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.model import Provider
    from httptask.secrets import Secret
    from httptask.surroundings import Surroundings

LARGEST_PROFILES = 1024 * 1024
WHY_ONE_SOURCE = "base URL and credential come from one source, so that no token reaches a host it was not made for"
_WHY_ONE_PROVIDER = "a connection belongs to one API, so that no other API's requests reach it"

#: Profile key -> what it must be, for Python and in words.
KEYS: Mapping[str, tuple[type, str]] = {
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


def read_profiles(around: Surroundings, *, required: bool = True) -> Mapping[str, Any] | None:
    """Return the table of each profile by name; None when there is no file.

    With `required` the file must be there if HTTPTASK_CONFIG names it.

    Raises:
        ConfigurationError: the file is missing, or is no file of profiles.

    """
    file = around.profiles_file
    raw = _read(file)
    if raw is None:
        if required and around.env.get(CONFIG_VARIABLE):
            hint = f"create the file or unset {CONFIG_VARIABLE}"
            raise ConfigurationError(Problem(CONFIG_VARIABLE, f"there is no profile file {file}", hint))
        return None
    profiles, problems = _parsed(raw, file)
    if problems:
        raise ConfigurationError(problems)
    return profiles


def usable_profiles(around: Surroundings) -> tuple[Mapping[str, Any], tuple[Problem, ...]]:
    """Return what can be read of the profiles, and what is wrong with the file as a whole; no file is no mistake here."""
    try:
        raw = _read(around.profiles_file)
        return ({}, ()) if raw is None else _parsed(raw, around.profiles_file)
    except ConfigurationError as error:
        return {}, error.problems


def _read(file: Path) -> bytes | None:
    try:
        raw = read_regular(file, LARGEST_PROFILES)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise ConfigurationError(Problem(str(file), "the file cannot be read", "check that you may read it")) from None
    if len(raw) > LARGEST_PROFILES:
        raise ConfigurationError(Problem(str(file), "the file is larger than 1 MB", f"let {CONFIG_VARIABLE} name a profile file"))
    return raw


def _parsed(raw: bytes, file: Path) -> tuple[Mapping[str, Any], tuple[Problem, ...]]:
    """Return the profiles, and what else stands at the top of the file."""
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
        return {}, (*problems, Problem(f"{file}: connections", "this must be a table", "write [connections.NAME]"))
    return dict(profiles), tuple(problems)


def _unknown(where: str, key: str, known: tuple[str, ...]) -> Problem:
    return Problem(where, "there is no such key", did_you_mean(key, known) or f"known keys: {', '.join(known)}")


def provider_of(data: object) -> str | None:
    """Return the provider that a profile's table names, if it does."""
    provider = data.get("provider") if isinstance(data, dict) else None
    return provider if isinstance(provider, str) else None


def names_for(provider: Provider, profiles: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the profiles that are for this provider."""
    return tuple(name for name, data in profiles.items() if provider_of(data) == provider.id)


def from_profile(provider: Provider, name: str, profiles: Mapping[str, Any], *, around: Surroundings) -> Connection:
    """Return the connection of the profile of this name.

    Raises:
        ConfigurationError: the table or a reference in it cannot be used; every mistake of its shape at once.

    """
    file = around.profiles_file
    place = f"{file}: connections.{name}"
    _check_provider(provider, name, profiles, place)
    connection = from_table(
        provider,
        name,
        profiles[name],
        place=place,
        read=lambda text, where: around.secret(text, file.parent, where),
        locate=partial(around.locate, base=file.parent),
        resolves=around.resolves,
    )
    return replace(connection, source=f"connection {name} in {file}")


def from_table(  # noqa: PLR0913 - where the table stands, and how what it names is found
    provider: Provider,
    name: str,
    table: object,
    *,
    place: str,
    read: Callable[[str, str], Secret],
    locate: Callable[[str], Path] = Path,
    resolves: bool = True,
) -> Connection:
    """Return the connection that a table in a profile's words describes, whoever keeps it.

    Args:
        provider: whose tasks it is for.
        name: of the connection.
        table: a profile's keys and values.
        place: what holds the table, for messages.
        read: reads the text of a secret; the second argument says what holds it.
        locate: finds a path that the table names.
        resolves: False where connections are only listed.

    Raises:
        ConfigurationError: every mistake of its shape at once, or what it names cannot be used.

    """
    profile = _checked(provider, table, place)
    base_url = check_base_url(
        profile["baseUrl"], provider_id=provider.id, where=f"{place}.baseUrl", allow_http=profile.get("allowHttp", False)
    )
    source = credentials.Source(base_url, read, place, resolves)
    return Connection(
        name,
        base_url,
        credentials.build_auth(provider, profile, source),
        headers=profile.get("headers", {}),
        retry=profile.get("retry", {}),
        verify=_ca_bundle(profile.get("caBundle"), locate, f"{place}.caBundle"),
        source=place,
        egress=policy_from_profile(profile, place),
        client_certificate=_client_certificate(profile, locate, place),
    )


def _check_provider(provider: Provider, name: str, profiles: Mapping[str, Any], place: str) -> None:
    other = provider_of(profiles[name])
    if other in {None, provider.id}:
        return
    fitting = names_for(provider, profiles)
    hint = (
        f"connections for {provider.id}: {', '.join(fitting)}"
        if fitting
        else f"no connection is for {provider.id}: `httptask connections add NAME --provider {provider.id}` writes one"
    )
    message = f"this connection is for {other} and not for the provider {provider.id}"
    raise ConfigurationError(Problem(f"{place}.provider", message, hint))


def _checked(provider: Provider, data: object, place: str) -> Mapping[str, Any]:
    """Return the profile's table, or raise every problem of its shape at once."""
    if not isinstance(data, dict):
        raise ConfigurationError(Problem(place, "this must be a table", "write [connections.NAME]"))
    problems = [_unknown(f"{place}.{key}", key, tuple(KEYS)) for key in data if key not in KEYS]
    for key, (kind, words) in KEYS.items():
        if key in data and not isinstance(data[key], kind):
            problems.append(Problem(f"{place}.{key}", f"this must be {words}"))
    if "provider" not in data:
        problems.append(Problem(place, f"provider is missing: {_WHY_ONE_PROVIDER}", f'add provider = "{provider.id}"'))
    if "baseUrl" not in data:
        problems.append(Problem(place, f"baseUrl is missing: {WHY_ONE_SOURCE}", "add baseUrl"))
    # a misspelt key of a credential is told as such, and no other credential is missed
    misspelt = any(nearest(key, KEYS) in credentials.KEYS for key in data if key not in KEYS)
    if provider.security_schemes and not credentials.is_given(data) and not misspelt:
        hint = "add token, or username and password, or clientId with privateKey or clientSecret"
        problems.append(Problem(place, f"a credential is missing: {WHY_ONE_SOURCE}", hint))
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
    problems = [
        _no_file(f"{place}.{key}", profile[key], path, "name a PEM file") for key, path in paths.items() if not path.is_file()
    ]
    if problems:
        raise ConfigurationError(problems)
    if "clientCertificate" not in paths:
        return None
    key = paths.get("clientKey")
    return str(paths["clientCertificate"]), str(key) if key else None


def _ca_bundle(written: str | None, locate: Callable[[str], Path], where: str) -> bool | str:
    if written is None:
        return True
    path = locate(written)
    if not (path.is_file() or path.is_dir()):
        raise ConfigurationError(_no_file(where, written, path, "name a file of PEM certificates"))
    return str(path)


def _no_file(where: str, written: str, path: Path, hint: str) -> Problem:
    if written.startswith(("file:", "env:", "keyring:")):
        return Problem(where, "this is a plain path and takes no reference", "write the path of the file alone")
    return Problem(where, f"there is no file {path}", hint)
