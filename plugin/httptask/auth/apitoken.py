"""A static key in a header, such as Okta's `Authorization: SSWS <token>`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.auth.static import GivenWhole
from httptask.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from httptask.message import Request
    from httptask.secrets import Secret


@dataclass(frozen=True, slots=True)
class ApiToken(GivenWhole):
    """Puts a key into one header, after a prefix.

    Raises:
        ConfigurationError: the key cannot stand in a header.

    """

    scheme: str
    secret: Secret
    header: str = "Authorization"
    prefix: str = "SSWS "

    def __post_init__(self) -> None:
        """Check the key before it is used anywhere."""
        check_token(self.secret, prefix=self.prefix)

    @property
    def headers(self) -> frozenset[str]:
        """The one header this scheme owns."""
        return frozenset({self.header.lower()})

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The header value, which remembers the key it was built from."""
        return (self.secret.derive(lambda token: self.prefix + token),)

    def preview(self, request: Request) -> Request:
        """Return the request with the key in its header."""
        return request.with_header(self.header, self.secrets[0])


def check_token(secret: Secret, *, prefix: str) -> None:
    """Refuse a credential that would break its header, or that no server can have issued.

    Without a prefix a space inside is left alone: such a key may bring its own scheme word.

    Raises:
        ConfigurationError: names the reference and the fault, never the value.

    """
    token = secret.reveal()
    if fault := _fault(token, prefix):
        raise ConfigurationError(Problem(secret.reference or "token", *fault))


def _fault(token: str, prefix: str) -> tuple[str, str] | None:
    if not token.strip():
        return "the credential is empty", "store it there"
    if not token.isascii() or not token.isprintable():
        return (
            "the credential holds a line break, a control character or a letter outside ASCII",
            "store it alone, on one line",
        )
    if prefix and token.lower().startswith(prefix.lower()):
        return f"the credential already starts with {prefix.strip()}, which is added to it", "store it alone"
    if token != token.strip() or (prefix and " " in token):
        return "the credential holds a space", "store it alone"
    return None
