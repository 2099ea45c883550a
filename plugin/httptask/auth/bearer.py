"""An access token sent as `Authorization: Bearer <token>` (RFC 6750 section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.auth.apitoken import check_token
from httptask.auth.static import GivenWhole

if TYPE_CHECKING:
    from httptask.message import Request
    from httptask.secrets import Secret

_PREFIX = "Bearer "


@dataclass(frozen=True, slots=True)
class Bearer(GivenWhole):
    """Sends an access token that somebody else obtained; it is not renewed.

    Raises:
        ConfigurationError: the token cannot stand in a header.

    """

    scheme: str
    secret: Secret

    def __post_init__(self) -> None:
        """Check the token before it is used anywhere."""
        check_token(self.secret, prefix=_PREFIX)

    @property
    def headers(self) -> frozenset[str]:
        """The one header this scheme owns."""
        return frozenset({"authorization"})

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The header value, which remembers the token it was built from."""
        return (self.secret.derive(lambda token: _PREFIX + token),)

    def preview(self, request: Request) -> Request:
        """Return the request with the token in its header."""
        return request.with_header("Authorization", self.secrets[0])
