"""The texts of one connection's credential become an `Auth`: a token, user name and password, or an OAuth client.

Knows nothing of files and environment: whoever reads a profile or variables hands over a mapping in the profile's words, in
which a secret is a reference, or a `Secret` where the source holds it directly.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from httptask.auth import PRIVATE_KEY, auth_for, check_mode, scheme_of
from httptask.auth.basic import Basic
from httptask.auth.bearer import Bearer
from httptask.auth.jwt import ALGORITHMS, signing_key
from httptask.baseurl import check_base_url, is_loopback
from httptask.errors import ConfigurationError, Problem
from httptask.origins import credential_allowed
from httptask.secrets import Secret
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from httptask.auth.client import Client
    from httptask.model import Provider
    from httptask.ports import Auth

    #: Reads a reference; the second argument says what holds it, for messages.
    Read = Callable[[str, str], Secret]

REFERENCE = "a text, env:NAME or file:PATH"
#: Key of a profile -> its type, and what it must be in words.
KEYS: Mapping[str, tuple[type, str]] = {
    "token": (str, REFERENCE),
    "username": (str, "a text, plain or a reference"),
    "password": (str, REFERENCE),
    "clientId": (str, "a text"),
    "clientSecret": (str, REFERENCE),
    "clientAuthentication": (str, "a text"),
    "privateKey": (str, REFERENCE),
    "keyId": (str, "a text"),
    "algorithm": (str, "a text"),
    "scopes": (list, "a list of texts"),
    "dpop": (bool, "true or false"),
    "tokenUrl": (str, "a URL"),
}
#: One credential is one of these groups; the first key of each is what it cannot do without.
_TOKEN = ("token",)
_LOGIN = ("username", "password")
_CLIENT = ("clientId", *[key for key in KEYS if key not in {"token", "username", "password", "clientId"}])
_GROUPS = (_TOKEN, _LOGIN, _CLIENT)
_IN_FORM: Mapping[str, bool] = {"client_secret_basic": False, "client_secret_post": True}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the texts come from.

    Attributes:
        base_url: of the connection; a token URL that is a path lies below it.
        read: reads a reference.
        place: what holds the texts, for messages: `connections.toml: connections.prod`.
        places: of keys that have one of their own: a line of a file, or a variable.
        resolves: False where connections are only listed: then no key is parsed.

    """

    base_url: str
    read: Read
    place: str
    resolves: bool = True
    places: Mapping[str, str] = field(default_factory=dict)

    def where(self, key: str) -> str:
        """Return the place of one key, for messages."""
        return self.places.get(key) or f"{self.place}.{key}"

    def secret(self, values: Mapping[str, Any], key: str) -> Secret:
        """Return a secret that stands there itself or by reference."""
        value = values[key]
        found = value if isinstance(value, Secret) else self.read(value, self.where(key))
        _check_text(found.reveal(), self.where(key))
        return found


def is_given(values: Mapping[str, Any]) -> bool:
    """Tell whether the texts hold a credential, whole or not."""
    return any(key in values for key in KEYS)


def shape_problems(values: Mapping[str, Any], place: str) -> list[Problem]:
    """Return what is wrong with the texts themselves: two credentials in one place, half a credential, an unknown word."""
    groups = [[key for key in group if key in values] for group in _GROUPS]
    given = [keys for keys in groups if keys]
    if len(given) > 1:
        first, second = given[0][0], given[1][0]
        return [Problem(place, f"{first} and {second} belong to two different credentials", "leave one of them out")]
    problems = [_missing(place, key, present) for key, present in _required(values, *groups[1:])]
    if "clientSecret" in values and "privateKey" in values:
        problems.append(Problem(place, "clientSecret and privateKey are both given", "leave one of them out"))
    problems += _word_problems(values, place)
    scopes = values.get("scopes", [])
    if not all(isinstance(scope, str) and scope and not set(scope) & set(' "\\') for scope in scopes):
        problems.append(Problem(f"{place}.scopes", "each scope must be a text without spaces", 'write ["one", "two"]'))
    return problems


def build_auth(provider: Provider, values: Mapping[str, Any], source: Source) -> Auth | None:
    """Return the credential that the texts describe, None if they hold none.

    `values` has the keys of `KEYS` with the types there, and `scheme` and `authorizationMode`, which choose.

    Raises:
        ConfigurationError: every problem of the texts, or one of what they refer to.

    """
    if problems := shape_problems(values, source.place):
        raise ConfigurationError(problems)
    scheme, mode = values.get("scheme"), values.get("authorizationMode")
    if "clientId" in values:
        return _oauth(provider, values, source)
    check_mode(mode, where=source.place)
    if "username" in values:
        return _basic(provider, values, source)
    if "token" not in values:
        return None
    return auth_for(provider, scheme, secret=source.secret(values, "token"), mode=mode, where=source.place)


def environment_values(provider: Provider, env: Mapping[str, str]) -> Mapping[str, Any] | None:
    """Return the OAuth client that the variables of the provider's own clients describe; None if they mean a token.

    They mean a client if the mode says so, or if no mode and no token but a private key is set.

    Raises:
        ConfigurationError: a token and a private key are set, and no mode says which is meant.

    """
    names = provider.environment
    mode = env.get(names.authorization_mode or "", "").lower()
    means_token = not mode and bool(env.get(names.token or ""))
    if means_token and env.get(names.private_key or ""):
        raise ConfigurationError(ambiguous(f"{names.token} and {names.private_key}", names.authorization_mode or "the mode"))
    if names.private_key is None or means_token or (mode and mode != PRIVATE_KEY) or not (mode or env.get(names.private_key)):
        return None
    if not any(env.get(name) for name in (names.base_url, names.client_id, names.private_key) if name):
        return None
    values: dict[str, Any] = {"authorizationMode": "PrivateKey"}
    for key, name in (("clientId", names.client_id), ("keyId", _first_set(names.key_id, env))):
        if text := env.get(name or ""):
            values[key] = text
    if text := env.get(names.private_key):
        values["privateKey"] = Secret(text, reference=f"env:{names.private_key}")
    if scopes := [scope for scope in env.get(names.scopes or "", "").replace(",", " ").split() if scope]:
        values["scopes"] = scopes
    return values


def ambiguous(where: str, mode: str) -> Problem:
    """Return the problem of a token beside a private key where nothing says which is meant."""
    message = "a token and a private key are two credentials, and nothing says which is meant"
    return Problem(where, message, f"set {mode} to SSWS, Bearer or PrivateKey, or leave one of them out")


def is_path(text: str) -> bool:
    """Tell whether the text of a private key is the path of its file, which users of Okta's clients may give instead."""
    return "-----BEGIN" not in text and not text.lstrip().startswith("{")


def _first_set(names: tuple[str, ...], env: Mapping[str, str]) -> str | None:
    return next((name for name in names if env.get(name)), None)


def _required(values: Mapping[str, Any], login: list[str], client: list[str]) -> list[tuple[str, str]]:
    """Return the keys that are missing, each with a key that asks for it."""
    missing = [(key, login[0]) for key in _LOGIN if login and key not in values]
    by_mode = str(values.get("authorizationMode", "")).lower() == PRIVATE_KEY
    if by_mode and "token" not in values:
        missing += [(key, "authorizationMode") for key in ("clientId", "privateKey") if key not in values]
    elif client:
        missing += [(key, client[0]) for key in ("clientId",) if key not in values]
        if "clientSecret" not in values and "privateKey" not in values:
            missing.append(("privateKey or clientSecret", client[0]))
    return missing


def _check_text(text: str, where: str) -> None:
    """Refuse what stands for bytes that are no text, as a variable may hold them: nothing can be sent for it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(Problem(where, "this is not UTF-8 text", "store it as UTF-8")) from None


def _missing(place: str, key: str, present: str) -> Problem:
    return Problem(place, f"{present} is given without {key}", f"add {key}")


def _word_problems(values: Mapping[str, Any], place: str) -> list[Problem]:
    words = {"algorithm": ALGORITHMS, "clientAuthentication": (*_IN_FORM, "private_key_jwt")}
    problems = [
        Problem(f"{place}.{key}", "this is not a known word", did_you_mean(values[key], known) or f"one of: {', '.join(known)}")
        for key, known in words.items()
        if key in values and values[key] not in known
    ]
    needed = "privateKey" if values.get("clientAuthentication") == "private_key_jwt" else "clientSecret"
    if values.get("clientAuthentication") in words["clientAuthentication"] and needed not in values:
        problems.append(Problem(f"{place}.clientAuthentication", f"this needs {needed}", f"add {needed}, or leave this out"))
    problems += [
        Problem(f"{place}.{key}", "this goes with privateKey", "leave it out")
        for key in ("keyId", "algorithm")
        if key in values and "privateKey" not in values and "clientSecret" in values
    ]
    return problems


def _basic(provider: Provider, values: Mapping[str, Any], source: Source) -> Auth:
    scheme = scheme_of(provider, "basic", values.get("scheme"), where=source.place)
    name = values["username"]
    if isinstance(name, str) and name.startswith(("env:", "file:", "keyring:")):
        name = source.secret(values, "username")
    password = source.secret(values, "password")
    try:
        return Basic(scheme.name, name, password)
    except ConfigurationError as error:
        names = {"username", name.reference if isinstance(name, Secret) else ""}
        places = [source.where("username" if problem.where in names else "password") for problem in error.problems]
        told = [replace(problem, where=place) for problem, place in zip(error.problems, places, strict=True)]
        raise ConfigurationError(told) from None


def _oauth(provider: Provider, values: Mapping[str, Any], source: Source) -> Auth:
    from httptask.auth.endpoint import TokenEndpoint
    from httptask.auth.oauth2 import ClientCredentials

    scheme = scheme_of(provider, "oauth2", values.get("scheme"), where=source.place)
    mode = values.get("authorizationMode")
    if mode is not None and mode.lower() not in {PRIVATE_KEY, "bearer"}:
        raise ConfigurationError(Problem(source.place, "this mode does not go with an OAuth client", "write PrivateKey, or none"))
    url = _token_url(provider, values.get("tokenUrl"), scheme.token_url, source)
    if not source.resolves:
        return _listed_client(scheme.name, values, source)
    endpoint = TokenEndpoint(
        url,
        _client(values, source),
        dpop=values.get("dpop"),
        hints=provider.errors.hints,
        rate_limit=provider.rate_limit,
    )
    scopes = values.get("scopes")
    return ClientCredentials(scheme.name, endpoint, None if scopes is None else tuple(scopes))


def _listed_client(scheme: str, values: Mapping[str, Any], source: Source) -> Auth:
    """Return what stands for a client in a list: its scheme and reference, without PyJWT and without the key."""
    reference = source.secret(values, "privateKey" if "privateKey" in values else "clientSecret").reference
    return Bearer(scheme, Secret("not-resolved", reference=reference))


def _client(values: Mapping[str, Any], source: Source) -> Client:
    from httptask.auth.client import ClientSecret, PrivateKeyJwt

    _check_text(values["clientId"], source.where("clientId"))
    if "privateKey" not in values:
        in_form = _IN_FORM[values.get("clientAuthentication", "client_secret_basic")]
        return ClientSecret(values["clientId"], source.secret(values, "clientSecret"), in_form=in_form)
    secret, where = source.secret(values, "privateKey"), source.where("privateKey")
    key = signing_key(secret, key_id=values.get("keyId"), algorithm=values.get("algorithm"), where=where)
    return PrivateKeyJwt(values["clientId"], key, secret)


def _token_url(provider: Provider, own: str | None, providers: str | None, source: Source) -> str:
    """Return the absolute URL that gets the client's secret or assertion; only the operator may name one at another origin."""
    place, text = source.where("tokenUrl"), own or providers
    if text is None:
        hint = "add tokenUrl to the connection, or to the security scheme in provider.yaml"
        raise ConfigurationError(Problem(place, f"nothing says where {provider.id} gives out access tokens", hint))
    url = source.base_url + text if text.startswith("/") and not text.startswith("//") else text
    checked = check_base_url(url, provider_id="", where=place, allow_http=True)
    parts = urlsplit(checked)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        hint = "write tokenUrl with https://; allowHttp does not count for it"
        raise ConfigurationError(Problem(place, "without https the client's credential could be read on its way", hint))
    if own is None and not credential_allowed(source.base_url, checked):
        message = f"the provider file of {provider.id} names a token endpoint at another host, {parts.netloc}"
        hint = "if the client's credential may go there, say so in the connection's profile: tokenUrl = the whole URL"
        raise ConfigurationError(Problem(place, message, hint))
    # the check takes a slash off the end, which may be part of this URL
    return checked + ("/" if url.endswith("/") else "")
