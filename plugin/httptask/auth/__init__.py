"""Ways to add a credential to a request, and the choice between them by a provider's security schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from httptask.auth.apikey import CookieKey, QueryKey
from httptask.auth.apitoken import ApiToken
from httptask.auth.basic import Basic
from httptask.auth.bearer import Bearer
from httptask.errors import ConfigurationError, Problem
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from httptask.model import Provider, SecurityScheme
    from httptask.ports import Auth
    from httptask.secrets import Secret

__all__ = [
    "ApiToken",
    "Basic",
    "Bearer",
    "CookieKey",
    "QueryKey",
    "auth_for",
    "check_mode",
    "placeholder_auth",
    "scheme_of",
    "takes_token",
]

SUPPORTED = "a token fits an apiKey, http bearer, and oauth2; http basic needs username and password, in a connection's profile"
#: The mode of Okta's own clients in which a client's private key takes the place of a token.
PRIVATE_KEY = "privatekey"


def auth_for(provider: Provider, scheme_name: str | None, *, secret: Secret, mode: str | None = None, where: str = "") -> Auth:
    """Return the way to send this credential to this provider.

    Args:
        provider: its security schemes are the choice, in their order.
        scheme_name: picks one scheme by name.
        secret: the credential.
        mode: picks by the word before the token, `SSWS` or `Bearer`, in any case of letters.
        where: what holds the choice, for messages.

    Raises:
        ConfigurationError: no scheme fits, the scheme that fits is not supported, or the credential cannot be sent.

    """
    place = where or f"provider {provider.id}"
    check_mode(mode, where=place)
    candidates = _candidates(provider, scheme_name, place)
    supported = [scheme for scheme in candidates if _word(scheme) is not None]
    if not supported:
        raise ConfigurationError(Problem(place, "no security scheme to choose from takes a token", SUPPORTED))
    fitting = [scheme for scheme in supported if mode is None or _word(scheme) == mode.lower()]
    if not fitting:
        words = ", ".join(scheme.prefix.strip() or "Bearer" for scheme in supported if _word(scheme))
        hint = f"the modes that fit are: {words}" if words else "leave the mode out"
        raise ConfigurationError(Problem(place, "the authorization mode does not fit the security scheme", hint))
    return _build(fitting[0], secret)


def takes_token(provider: Provider) -> bool:
    """Tell whether a token alone is a credential of this provider."""
    return any(_word(scheme) is not None for scheme in provider.security_schemes.values())


def check_mode(mode: str | None, *, where: str) -> None:
    """Refuse a mode that a token alone does not serve, before anybody looks for the token.

    Raises:
        ConfigurationError: the mode needs a private key, or is one that Okta's Go client alone knows.

    """
    if mode is None:
        return
    if mode.lower() == PRIVATE_KEY:
        hint = "give clientId and privateKey in place of the token, or use SSWS or Bearer with a token"
        raise ConfigurationError(Problem(where, "the mode PrivateKey needs a client id and a private key", hint))
    if mode.lower() in {"jwt", "dpop"}:
        hint = "use PrivateKey with the key itself: then assertions, tokens and DPoP proofs are made as needed"
        raise ConfigurationError(Problem(where, "there is no such authorization mode here", hint))


def placeholder_auth(provider: Provider, secret: Secret, scheme_name: str | None = None) -> Auth | None:
    """Return what shows how a request of this provider is authorised, by its first scheme where none of that name is there.

    None if the provider has no security scheme.
    """
    if not provider.security_schemes:
        return None
    first = next(iter(provider.security_schemes.values()))
    scheme = provider.security_schemes.get(scheme_name or first.name, first)
    return Basic(scheme.name, "user", secret) if _is_basic(scheme) else _build(scheme, secret)


def scheme_of(provider: Provider, kind: Literal["oauth2", "basic"], name: str | None, *, where: str) -> SecurityScheme:
    """Return the provider's security scheme of a kind, the one of that name if one is named.

    Raises:
        ConfigurationError: there is none.

    """
    candidates = _candidates(provider, name, where)
    for scheme in candidates:
        if scheme.type == kind or (kind == "basic" and _is_basic(scheme)):
            return scheme
    have = ", ".join(scheme.name for scheme in provider.security_schemes.values())
    words = "OAuth client credentials" if kind == "oauth2" else "user name and password"
    raise ConfigurationError(Problem(where, f"no security scheme to choose from takes {words}", f"{provider.id} has: {have}"))


def _is_basic(scheme: SecurityScheme) -> bool:
    return scheme.type == "http" and scheme.http_scheme.lower() == "basic"


def _candidates(provider: Provider, scheme_name: str | None, where: str) -> list[SecurityScheme]:
    schemes = provider.security_schemes
    if not schemes:
        raise ConfigurationError(Problem(where, f"the provider {provider.id} has no security scheme", "leave the token out"))
    if scheme_name is None:
        return list(schemes.values())
    if scheme_name not in schemes:
        hint = " ".join(filter(None, (did_you_mean(scheme_name, schemes), f"it has: {', '.join(schemes)}")))
        raise ConfigurationError(Problem(where, f"the provider {provider.id} has no security scheme of that name", hint))
    return [schemes[scheme_name]]


def _word(scheme: SecurityScheme) -> str | None:
    """Return the lower-case word sent before the credential; None for a scheme that takes more than a token."""
    if scheme.type == "apiKey":
        return scheme.prefix.strip().lower()
    return None if _is_basic(scheme) else "bearer"


def _build(scheme: SecurityScheme, secret: Secret) -> Auth:
    if scheme.type == "apiKey" and scheme.location == "query":
        return QueryKey(scheme.name, secret, scheme.field_name, scheme.prefix)
    if scheme.type == "apiKey" and scheme.location == "cookie":
        return CookieKey(scheme.name, secret, scheme.field_name, scheme.prefix)
    if scheme.type == "apiKey":
        return ApiToken(scheme.name, secret, header=scheme.field_name, prefix=scheme.prefix)
    return Bearer(scheme.name, secret)
