"""Ways to add a credential to a request, and the choice between them by a provider's security schemes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptask.auth.apitoken import ApiToken
from httptask.auth.bearer import Bearer
from httptask.errors import ConfigurationError, Problem
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from httptask.model import Provider, SecurityScheme
    from httptask.ports import Auth
    from httptask.secrets import Secret

__all__ = ["ApiToken", "Bearer", "auth_for", "check_mode"]

SUPPORTED = "supported now: an apiKey in a header, http bearer, and oauth2 with an access token that you bring"
#: Modes of Okta's own clients that need more than a token.
_LATER_MODES = frozenset({"privatekey", "jwt", "dpop"})


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
        raise ConfigurationError(Problem(place, "no security scheme to choose from is supported", SUPPORTED))
    fitting = [scheme for scheme in supported if mode is None or _word(scheme) == mode.lower()]
    if not fitting:
        words = ", ".join(scheme.prefix.strip() or "Bearer" for scheme in supported if _word(scheme))
        hint = f"the modes that fit are: {words}" if words else "leave the mode out"
        raise ConfigurationError(Problem(place, "the authorization mode does not fit the security scheme", hint))
    return _build(fitting[0], secret)


def check_mode(mode: str | None, *, where: str) -> None:
    """Refuse a mode that needs more than a token, before anybody looks for the token.

    Raises:
        ConfigurationError: the mode is one of those that are not supported yet.

    """
    if mode is not None and mode.lower() in _LATER_MODES:
        hint = "use SSWS with an API token, or Bearer with an access token that you obtained yourself"
        raise ConfigurationError(Problem(where, "authorization with a private key is not supported yet", hint))


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
    """Return the lower-case word sent before the credential; None for a scheme that we cannot send."""
    if scheme.type == "apiKey" and scheme.location == "header":
        return scheme.prefix.strip().lower()
    if scheme.type == "oauth2" or (scheme.type == "http" and scheme.http_scheme.lower() == "bearer"):
        return "bearer"
    return None


def _build(scheme: SecurityScheme, secret: Secret) -> Auth:
    if scheme.type == "apiKey":
        return ApiToken(scheme.name, secret, header=scheme.field_name, prefix=scheme.prefix)
    return Bearer(scheme.name, secret)
