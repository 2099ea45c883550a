"""Keys and signatures: the only module, beside the sandbox's, that imports PyJWT and cryptography; both only when used."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from httptask.errors import ConfigurationError, Problem
from httptask.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

#: RFC 7518 sections 3.3 and 3.4, as far as Okta takes them.
RSA_ALGORITHMS = ("RS256", "RS384", "RS512")
EC_ALGORITHMS: Mapping[str, str] = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
ALGORITHMS = (*RSA_ALGORITHMS, *EC_ALGORITHMS.values())
#: RFC 7518 section 3.3: a key of this size or larger must be used.
SMALLEST_RSA_KEY = 2048
INSTALL = "pip install 'httptask[oauth]'"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and how to sign with it. Shows algorithm and key id, never the key."""

    algorithm: str
    key_id: str | None
    private: Any = field(repr=False, compare=False)

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        """Return a signed JWT (RFC 7519) in compact form, with `kid` if the key has an id."""
        named = {"kid": self.key_id} if self.key_id else {}
        token: str = _jwt().encode(dict(claims), self.private, algorithm=self.algorithm, headers={**(headers or {}), **named})
        return token

    def public_jwk(self) -> dict[str, str]:
        """Return the public half of an EC key as a JWK (RFC 7517), with its required members only (RFC 7638 section 3.2)."""
        jwk = _jwt().algorithms.ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {name: jwk[name] for name in ("crv", "kty", "x", "y")}


def fresh_key() -> SigningKey:
    """Return a new EC P-256 key for ES256, known to this process alone.

    Raises:
        ConfigurationError: PyJWT or cryptography is not installed.

    """
    _jwt()
    from cryptography.hazmat.primitives.asymmetric import ec

    return SigningKey("ES256", None, ec.generate_private_key(ec.SECP256R1()))


def signing_key(secret: Secret, *, key_id: str | None = None, algorithm: str | None = None, where: str) -> SigningKey:
    r"""Read a private key: PEM text, in which `\n` may stand for line ends, or a JWK.

    Args:
        secret: the text.
        key_id: id of the key at the authorization server; else the JWK's `kid`.
        algorithm: one of `ALGORITHMS`; else the JWK's `alg`, else the one that goes with the kind of key.
        where: what holds the key, for messages.

    Raises:
        ConfigurationError: it is no private RSA or EC key, or the algorithm does not fit it.

    """
    text = secret.reveal().strip()
    members = _members(text, where) if text.startswith("{") else {}
    private = _from_jwk(members, where) if members else _from_pem(text, where)
    wanted = algorithm or members.get("alg")
    return SigningKey(_algorithm(private, wanted, where), key_id or members.get("kid"), private)


def _jwt() -> ModuleType:
    try:
        import cryptography  # noqa: F401 - PyJWT without it knows no RSA and EC
        import jwt
        import jwt.algorithms
    except ImportError:
        message = "signing with a key needs PyJWT and cryptography, which are not installed"
        raise ConfigurationError(Problem("oauth", message, INSTALL)) from None
    return jwt


def _members(text: str, where: str) -> dict[str, Any]:
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict) or not isinstance(members.get("kty"), str):
        raise _refusal(where, "this starts like a JWK and is none", "store the JSON of one key, with its kty")
    if not isinstance(members.get("kid", ""), str):
        raise _refusal(where, "the JWK's kid is no text", "put it in quotes, or name the key's id in keyId")
    if "d" not in members:
        raise _refusal(where, "this JWK is a public key", "store the private one, which has the member d")
    return members


def _from_jwk(members: Mapping[str, Any], where: str) -> Any:
    jwt = _jwt()
    readers = {"RSA": jwt.algorithms.RSAAlgorithm, "EC": jwt.algorithms.ECAlgorithm}
    reader = readers.get(members["kty"])
    if reader is None:
        raise _refusal(where, "this JWK is neither an RSA nor an EC key", f"make a key for one of {', '.join(ALGORITHMS)}")
    try:
        return reader.from_jwk(dict(members))
    except (jwt.exceptions.PyJWTError, ValueError, TypeError, KeyError):
        raise _refusal(where, "the JWK's members do not make a key", "store it as it was issued") from None


def _from_pem(text: str, where: str) -> Any:
    _jwt()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if "-----BEGIN" not in text:
        raise _refusal(where, "this is neither a PEM text nor a JWK", "store the key with its BEGIN and END lines")
    if "PRIVATE KEY-----" not in text:
        raise _refusal(where, "this PEM text is no private key", "store the one that says PRIVATE KEY")
    # environment files often cannot hold line ends
    pem = text.replace("\\n", "\n")
    try:
        return load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise _refusal(where, "the private key is encrypted", "decrypt it with `openssl pkey -in KEY -out PLAIN`") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _refusal(where, "the PEM text cannot be read as a private key", "store it whole, as it was issued") from None


def _algorithm(private: Any, wanted: str | None, where: str) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    fitting: tuple[str, ...] = ()
    if isinstance(private, rsa.RSAPrivateKey):
        if private.key_size < SMALLEST_RSA_KEY:
            raise _refusal(where, f"the RSA key is shorter than {SMALLEST_RSA_KEY} bits", "make a longer one")
        fitting = RSA_ALGORITHMS
    elif isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in EC_ALGORITHMS:
        fitting = (EC_ALGORITHMS[private.curve.name],)
    if not fitting:
        raise _refusal(where, "the key is of a kind that cannot be used here", f"make one for {', '.join(ALGORITHMS)}")
    if wanted is not None and wanted not in fitting:
        raise _refusal(where, "the algorithm does not fit the private key", f"with this key: {' or '.join(fitting)}")
    return wanted or fitting[0]


def _refusal(where: str, message: str, hint: str) -> ConfigurationError:
    return ConfigurationError(Problem(where, message, hint))
