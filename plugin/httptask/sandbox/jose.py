"""Checks signatures as an authorization server does: the sandbox's only door to PyJWT, apart from the client's on purpose.

A client and a server that shared this code would agree on the same mistake.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httptask.errors import ConfigurationError, InputInvalid, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
LONGEST_JWT = 16 * 1024


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT whose signature holds; its times are not judged yet."""

    headers: Mapping[str, Any]
    claims: Mapping[str, Any]


def check_public_key(text: str, where: str) -> str:
    """Return the text of a public key if it is one: PEM or JWK.

    Raises:
        InputInvalid: it is none, or a private one.
        ConfigurationError: PyJWT or cryptography is not installed.

    """
    if "PRIVATE KEY" in text or (text.lstrip().startswith("{") and '"d"' in text):
        hint = "take the public half: openssl pkey -in KEY -pubout"
        raise InputInvalid(Problem(where, "this is a private key, which a server has no use for", hint))
    if _key(text) is None:
        raise InputInvalid(Problem(where, "this is no public key", "name a file with a PEM text or a JWK, RSA or EC"))
    return text


def verified(token: str, key: str) -> Signed | None:
    """Return what a JWT says if its signature fits this public key, and its `kid` does if both have one; else None."""
    public = _key(key)
    named, wanted = _headers(token).get("kid"), json.loads(key).get("kid") if key.lstrip().startswith("{") else None
    if public is None or (named is not None and wanted is not None and named != wanted):
        return None
    return _signed(token, public)


def verified_by_itself(proof: str) -> Signed | None:
    """Return what a DPoP proof says if its signature fits the public key in its own header (RFC 9449 section 4.3)."""
    headers = _headers(proof)
    jwk = headers.get("jwk")
    if headers.get("typ") != "dpop+jwt" or not isinstance(jwk, dict) or "d" in jwk:
        return None
    public = _key(json.dumps(jwk))
    return None if public is None else _signed(proof, public)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a public JWK (RFC 7638)."""
    required = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}[jwk["kty"]]
    text = json.dumps({name: jwk[name] for name in required}, separators=(",", ":"), sort_keys=True)
    return hashed(text)


def hashed(text: str) -> str:
    """Return the SHA-256 of ASCII text, base64url-encoded: also what a proof says of its token in `ath`."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _jwt() -> ModuleType:
    try:
        import cryptography  # noqa: F401 - PyJWT without it knows no RSA and EC
        import jwt
        import jwt.algorithms
    except ImportError:
        message = "checking signatures needs PyJWT and cryptography, which are not installed"
        raise ConfigurationError(Problem("sandbox", message, "pip install 'httptask[oauth]'")) from None
    return jwt


def _key(text: str) -> Any:
    jwt = _jwt()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        if not text.lstrip().startswith("{"):
            return load_pem_public_key(text.encode())
        members = json.loads(text)
        readers = {"RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm}
        return readers[members["kty"]].from_jwk(members)
    except (jwt.exceptions.PyJWTError, UnsupportedAlgorithm, ValueError, TypeError, KeyError, RecursionError):
        return None


def _headers(token: str) -> Mapping[str, Any]:
    jwt = _jwt()
    try:
        headers: Mapping[str, Any] = jwt.get_unverified_header(token) if len(token) <= LONGEST_JWT else {}
    except (jwt.exceptions.PyJWTError, ValueError):
        return {}
    return headers


def _signed(token: str, public: Any) -> Signed | None:
    jwt = _jwt()
    # times are the sandbox's own to judge: its clock can be moved
    unjudged = {f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")}
    try:
        claims = jwt.decode(token, public, algorithms=list(ALGORITHMS), options=unjudged)
    except (jwt.exceptions.PyJWTError, ValueError, TypeError):
        return None
    return Signed(_headers(token), claims)
