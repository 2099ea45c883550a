"""Reads `WWW-Authenticate`: what a server says is wrong with a credential (RFC 9110 section 11.6.1, RFC 6750 section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word for a run of characters
#: A parameter, or the word that begins the next challenge; what is neither is skipped.
_PART = re.compile(rf'(?P<name>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>{_TOKEN}))|(?P<scheme>{_TOKEN})')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: its scheme in lower case and its parameters, names in lower case too."""

    scheme: str
    parameters: Mapping[str, str]


def challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Return the challenges of all `WWW-Authenticate` fields. Never raises: a malformed part is passed over."""
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        for part in _PART.finditer(value):
            if part["scheme"]:
                found.append((part["scheme"].lower(), {}))
            elif found:
                text = part["bare"] if part["quoted"] is None else re.sub(r"\\(.)", r"\1", part["quoted"])
                found[-1][1].setdefault(part["name"].lower(), text)
    return tuple(Challenge(scheme, parameters) for scheme, parameters in found)


def refuses_token(values: Iterable[str]) -> bool:
    """Tell whether a server says that an access token is expired, revoked or malformed (RFC 6750 section 3.1)."""
    return any(item.parameters.get("error") == "invalid_token" for item in challenges(values))


def missing_scope(values: Iterable[str]) -> str | None:
    """Return the scopes that a token lacks: empty if the server does not name them, None if it complains of nothing such."""
    errors = [item.parameters for item in challenges(values) if item.parameters.get("error") == "insufficient_scope"]
    return errors[0].get("scope", "") if errors else None
