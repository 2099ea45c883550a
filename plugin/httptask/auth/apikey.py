"""A static key in the query or in a cookie (OpenAPI's apiKey with `in: query` and `in: cookie`).

A key in a URL ends up in the logs of proxies and servers; it is sent so only because some APIs know no other way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from httptask.auth.apitoken import check_token
from httptask.auth.static import GivenWhole
from httptask.errors import ConfigurationError, Problem
from httptask.secrets import Secret

if TYPE_CHECKING:
    from httptask.message import Request

#: RFC 6265 section 4.1.1: no quotes, commas, semicolons, backslashes or spaces; other servers would cut the value there.
_COOKIE_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]+")


@dataclass(frozen=True, slots=True)
class QueryKey(GivenWhole):
    """Puts a key into one query parameter. It stays a Secret until the transport writes the URL.

    Raises:
        ConfigurationError: the key is empty or holds a line break.

    """

    scheme: str
    secret: Secret
    name: str
    prefix: str = ""

    def __post_init__(self) -> None:
        """Check the key before it is used anywhere."""
        check_token(self.secret, prefix=self.prefix)

    @property
    def headers(self) -> frozenset[str]:
        """None: this scheme owns no header."""
        return frozenset()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The parameter's value."""
        return (self.secret.derive(lambda key: self.prefix + key),)

    def preview(self, request: Request) -> Request:
        """Return the request with the key in its secret query."""
        return replace(request, secret_query=(*request.secret_query, (self.name, self.secrets[0])))


@dataclass(frozen=True, slots=True)
class CookieKey(GivenWhole):
    """Puts a key into a cookie, behind the cookies that the task sends itself.

    Raises:
        ConfigurationError: the key cannot stand in a cookie.

    """

    scheme: str
    secret: Secret
    name: str
    prefix: str = ""

    def __post_init__(self) -> None:
        """Check the key before it is used anywhere."""
        check_token(self.secret, prefix=self.prefix)
        if not _COOKIE_VALUE.fullmatch(self.prefix + self.secret.reveal()):
            message = "the credential holds a character that a cookie cannot carry"
            raise ConfigurationError(Problem(self.secret.reference or "token", message, "encode it as the API's document says"))

    @property
    def headers(self) -> frozenset[str]:
        """None: cookies of the task stay in the same header."""
        return frozenset()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The cookie's value."""
        return (self.secret.derive(lambda key: self.prefix + key),)

    def preview(self, request: Request) -> Request:
        """Return the request with the key as its last cookie."""
        before = "".join(f"{cookie}; " for cookie in request.headers.all("Cookie"))
        return request.with_header("Cookie", self.secrets[0].derive(lambda key: f"{before}{self.name}={key}"))
