"""Proofs of possession (RFC 9449): a token that is stolen alone is worth nothing, because each request is signed too."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from httptask.auth.jwt import SigningKey, fresh_key
from httptask.identity import new_jwt_id
from httptask.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from httptask.message import Headers, Request

HEADER = "DPoP"
NONCE_HEADER = "DPoP-Nonce"
#: Characters of a nonce (RFC 9449 section 8.1), and the longest that every server's limit on headers has room for.
_NONCE = re.compile(r"[!#-\[\]-~]{1,1024}")


class Prover:
    """Signs proofs with one key that is made for this process, and remembers each server's nonce. Safe between threads."""

    def __init__(self, make_key: Callable[[], SigningKey] = fresh_key, new_id: Callable[[], str] = new_jwt_id) -> None:
        """Make no key before one is needed."""
        self._make_key = make_key
        self._new_id = new_id
        self._lock = threading.Lock()
        self._key: SigningKey | None = None
        self._nonces: dict[tuple[str, bool], str] = {}

    @property
    def key(self) -> SigningKey:
        """The key that tokens are bound to.

        Raises:
            ConfigurationError: PyJWT or cryptography is not installed.

        """
        with self._lock:
            if self._key is None:
                self._key = self._make_key()
            return self._key

    def prove(self, request: Request, *, now: float, token: Secret | None = None) -> Request:
        """Return the request with a proof for it (section 4.2), bound to the access token it carries, if any.

        Raises:
            ConfigurationError: PyJWT or cryptography is not installed.

        """
        claims: dict[str, object] = {
            "jti": self._new_id(),
            "htm": request.method,
            "htu": request.url.partition("#")[0].partition("?")[0],
            "iat": int(now),
        }
        if token is not None:
            claims["ath"] = _base64url(hashlib.sha256(token.reveal().encode("ascii")).digest())
        with self._lock:
            nonce = self._nonces.get((_server(request.url), token is not None))
        if nonce is not None:
            claims["nonce"] = nonce
        headers = {"typ": "dpop+jwt", "jwk": self.key.public_jwk()}
        return request.with_header(HEADER, Secret(self.key.sign(claims, headers), reference="DPoP proof"))

    def learn(self, url: str, headers: Headers, *, resource: bool = False) -> bool:
        """Keep the nonce that a server gave for its next proofs (section 8); tell whether there was a new one.

        One host may be authorization server and resource server at once, whose nonces are not each other's.
        """
        nonce = headers.get(NONCE_HEADER)
        if nonce is None or not _NONCE.fullmatch(nonce):
            return False
        with self._lock:
            new = self._nonces.get((_server(url), resource)) != nonce
            self._nonces[_server(url), resource] = nonce
        return new


def _server(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
