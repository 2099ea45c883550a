"""The token endpoint and what it gave out: RFC 6749, 7523 and 9449 as strictly as Okta's org authorization server."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus

from httptask.identity import new_jwt_id
from httptask.sandbox import jose
from httptask.sandbox.wire import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httptask.sandbox.options import OAuthClient, SandboxOptions
    from httptask.sandbox.wire import Fields, SandboxRequest

PATH = "/oauth2/v1/token"
READ = "okta.agentPools.read"
MANAGE = "okta.agentPools.manage"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: Seconds: the furthest end of an assertion, how far a proof's clock may be off, and how long a nonce is the current one.
LONGEST_ASSERTION = 3600
PROOF_WINDOW = 300
NONCE_SECONDS = 300

_TOO_FAR = "The client_assertion token has an expiration too far into the future."


class OAuthError(Exception):
    """A refusal in RFC 6749's words (section 5.2)."""

    def __init__(self, status: int, error: str, description: str, *, headers: Fields = ()) -> None:
        """Keep the facts."""
        self.status = status
        self.headers = headers
        self.body = {"error": error, "error_description": description}
        super().__init__(status, error)


@dataclass(frozen=True, slots=True)
class Issued:
    """What an access token stands for; `bound` is the thumbprint of the key that a DPoP token is bound to."""

    scopes: frozenset[str]
    expires: float
    bound: str | None


class TokenDesk:
    """Gives out access tokens and knows them again. Not thread-safe by itself: the core holds one lock around each request."""

    def __init__(self, options: SandboxOptions) -> None:
        """Start with nothing issued."""
        self._options = options
        self._clients = {client.client_id: client for client in options.clients}
        self._issued: dict[str, Issued] = {}
        self._used: dict[str, float] = {}
        # no seed decides it: a token of another sandbox must not be one here
        self._instance = new_jwt_id()
        self._count = 0

    def issue(self, request: SandboxRequest, now: float) -> Mapping[str, Any]:
        """Return the body of a success.

        Raises:
            OAuthError: the request is refused.

        """
        self._forget(now)
        form = _form(request)
        client = self._client(request, form, now)
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        bound = self._bound(request, client, now)
        scopes = frozenset(form.get("scope", "").split())
        if not scopes:
            raise OAuthError(400, "invalid_scope", "The scope parameter is missing.")
        if lacking := sorted(scopes - set(client.scopes)):
            raise OAuthError(400, "invalid_scope", f"The client is not granted: {' '.join(lacking)}")
        self._count += 1
        token = "sandbox-access-" + hashlib.sha256(f"{self._instance}:{self._count}".encode()).hexdigest()[:32]
        lifetime = self._options.token_lifetime
        self._issued[token] = Issued(scopes, now + lifetime, bound)
        kind = "DPoP" if bound else "Bearer"
        return {"token_type": kind, "expires_in": lifetime, "access_token": token, "scope": " ".join(sorted(scopes))}

    def admit(self, request: SandboxRequest, scheme: str, token: str, now: float) -> None:
        """Let a request with an access token pass.

        Raises:
            ApiError: 401 for a token that does not hold, 403 for one without the scope, each with `WWW-Authenticate`.

        """
        needed = READ if request.method in {"GET", "HEAD"} else MANAGE
        issued = self._issued.get(token)
        if issued is None or now >= issued.expires or (scheme == "dpop") != (issued.bound is not None):
            raise ApiError(401, "E0000011", headers=_challenge(request, needed, "invalid_token", "The access token is invalid."))
        if issued.bound is not None:
            self._check_possession(request, issued.bound, token, now)
        # manage includes read
        if not issued.scopes & {needed, MANAGE}:
            words = "The access token provided does not contain the required scopes."
            raise ApiError(403, "E0000006", headers=_challenge(request, needed, "insufficient_scope", words))

    def _client(self, request: SandboxRequest, form: Mapping[str, str], now: float) -> OAuthClient:
        if "client_assertion" in form:
            return self._by_assertion(request, form, now)
        client_id, secret = _secret(request, form)
        client = self._clients.get(client_id)
        if client is None or client.secret is None or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise _invalid_client("No client credentials found." if not client_id else "The client secret is not valid.")
        return client

    def _by_assertion(self, request: SandboxRequest, form: Mapping[str, str], now: float) -> OAuthClient:
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise OAuthError(400, "invalid_request", "The client_assertion_type is not valid.")
        for client in self._clients.values():
            signed = jose.verified(form["client_assertion"], client.key) if client.key else None
            if signed is not None:
                self._check_assertion(request, signed.claims, client, now)
                return client
        raise _invalid_client("The client_assertion signature is not valid.")

    def _check_assertion(self, request: SandboxRequest, claims: Mapping[str, Any], client: OAuthClient, now: float) -> None:
        if claims.get("iss") != client.client_id or claims.get("sub") != client.client_id:
            raise _invalid_client("The client_assertion 'iss' and 'sub' must be the client id.")
        audience = claims.get("aud")
        if request.origin + PATH not in (audience if isinstance(audience, list) else [audience]):
            raise _invalid_client("The audience claim for client_assertion must be the endpoint invoked for the request.")
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or expires <= now:
            raise _invalid_client("The client_assertion token is expired.")
        if expires > now + LONGEST_ASSERTION:
            raise _invalid_client(_TOO_FAR)
        if not self._first_use(claims.get("jti"), expires):
            raise _invalid_client("The client_assertion token has been used before.")

    def _first_use(self, jti: Any, until: float) -> bool:
        """Note a `jti`; tell whether it is new. An assertion may have none."""
        if not isinstance(jti, str):
            return jti is None
        new = jti not in self._used
        self._used[jti] = until
        return new

    def _bound(self, request: SandboxRequest, client: OAuthClient, now: float) -> str | None:
        """Return the thumbprint of the key that the token is to be bound to, None without a proof."""
        proof = request.header("dpop")
        if proof is None:
            if client.dpop:
                raise OAuthError(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
            return None
        signed, fault = self._proof(request, proof, now)
        if signed is None:
            raise OAuthError(400, "invalid_dpop_proof", fault)
        if signed.claims.get("nonce") not in self._nonces(now):
            raise OAuthError(
                400,
                "use_dpop_nonce",
                "Authorization server requires nonce in DPoP proof.",
                headers=(("dpop-nonce", self._nonces(now)[0]),),
            )
        return jose.thumbprint(signed.headers["jwk"])

    def _check_possession(self, request: SandboxRequest, bound: str, token: str, now: float) -> None:
        signed, fault = self._proof(request, request.header("dpop") or "", now)
        if signed is not None and jose.thumbprint(signed.headers["jwk"]) != bound:
            fault = "The proof is signed with another key than the token is bound to."
        elif signed is not None and signed.claims.get("ath") != jose.hashed(token):
            fault = "The DPoP proof's ath is not the hash of the access token."
        if fault or signed is None:
            raise _possession("invalid_dpop_proof", fault)
        nonces = self._nonces(now, "resource")
        if self._options.resource_nonce and signed.claims.get("nonce") not in nonces:
            raise _possession("use_dpop_nonce", "Resource server requires nonce in DPoP proof.", ("dpop-nonce", nonces[0]))

    def _proof(self, request: SandboxRequest, proof: str, now: float) -> tuple[jose.Signed | None, str]:
        """Return a proof that holds (RFC 9449 section 4.3), or what is wrong with it."""
        signed = jose.verified_by_itself(proof)
        if signed is None:
            return None, "The DPoP proof JWT is not valid."
        claims = signed.claims
        if claims.get("htm") != request.method or claims.get("htu") != request.origin + request.path:
            return None, "The DPoP proof is for another request: htm or htu does not fit."
        issued = claims.get("iat")
        if not isinstance(issued, int | float) or abs(now - issued) > PROOF_WINDOW:
            return None, "The DPoP proof's iat is too far from the server's time."
        if not isinstance(claims.get("jti"), str) or not self._first_use(claims["jti"], now + 2 * PROOF_WINDOW):
            return None, "The DPoP proof's jti is missing or was used before."
        return signed, ""

    def _nonces(self, now: float, role: str = "nonce") -> tuple[str, str]:
        """Return the current nonce of a role of this server and the one before, which is still taken."""
        window = int(now // NONCE_SECONDS)
        return (self._nonce(role, window), self._nonce(role, window - 1))

    def _nonce(self, role: str, window: int) -> str:
        return hashlib.sha256(f"{role}:{self._instance}:{window}".encode()).hexdigest()[:24]

    def _forget(self, now: float) -> None:
        self._issued = {token: issued for token, issued in self._issued.items() if now < issued.expires}
        self._used = {jti: until for jti, until in self._used.items() if now < until}


def _form(request: SandboxRequest) -> dict[str, str]:
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise OAuthError(400, "invalid_request", "The request must be form-encoded.")
    try:
        fields = parse_qs(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(request.body))
    except ValueError:
        raise OAuthError(400, "invalid_request", "The request is not well-formed.") from None
    if any(len(values) > 1 for values in fields.values()):
        raise OAuthError(400, "invalid_request", "A parameter is given twice.")
    return {name: value for name, (value,) in fields.items()}


def _secret(request: SandboxRequest, form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, credentials = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _invalid_client(description: str) -> OAuthError:
    return OAuthError(401, "invalid_client", description)


def _possession(error: str, description: str, *headers: tuple[str, str]) -> ApiError:
    """Return the refusal of a proof at the API (RFC 9449 section 7.1)."""
    challenge = f'DPoP algs="{" ".join(jose.ALGORITHMS)}", error="{error}", error_description="{description}"'
    return ApiError(401, "E0000011", headers=(("www-authenticate", challenge), *headers))


def _challenge(request: SandboxRequest, scope: str, error: str, description: str) -> Fields:
    words = {
        "authorization_uri": f"{request.origin}/oauth2/v1/authorize",
        "realm": request.origin,
        "scope": scope,
        "error": error,
        "error_description": description,
        "resource": request.path,
    }
    return (("www-authenticate", "Bearer " + ", ".join(f'{name}="{value}"' for name, value in words.items())),)
