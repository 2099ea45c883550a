"""OAuth 2.0 client credentials as a credential of requests: tokens are asked for when needed, kept, and renewed in time."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from httptask.auth import dpop
from httptask.auth.cache import TokenCache
from httptask.challenges import challenges
from httptask.secrets import Secret

if TYPE_CHECKING:
    from httptask.auth.cache import Grant
    from httptask.auth.endpoint import TokenEndpoint
    from httptask.message import Request, Response
    from httptask.ports import Means


class ClientCredentials:
    """Sends an access token as `Bearer` (RFC 6750), or as `DPoP` with a proof for each request (RFC 9449). Thread-safe."""

    def __init__(self, scheme: str, endpoint: TokenEndpoint, scopes: tuple[str, ...] | None = None) -> None:
        """Ask nobody yet.

        Args:
            scheme: name of the security scheme in the provider file.
            endpoint: where tokens come from.
            scopes: asked for in place of what each task needs.

        Raises:
            ConfigurationError: DPoP is wanted and PyJWT or cryptography is not installed.

        """
        self.scheme = scheme
        self._endpoint = endpoint
        self._scopes = scopes
        self._cache = TokenCache()
        if endpoint.dpop:
            _ = endpoint.prover.key

    def __repr__(self) -> str:
        """Return the scheme and the endpoint, no secret."""
        return f"ClientCredentials({self.scheme!r}, {self._endpoint.url!r})"

    @property
    def headers(self) -> frozenset[str]:
        """The headers this scheme owns."""
        return frozenset({"authorization"} if self._endpoint.dpop is False else {"authorization", "dpop"})

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The client's own, and the access tokens got by now."""
        return (*self._endpoint.client.secrets, *(grant.header for grant in self._cache.grants))

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The token endpoint."""
        return (self._endpoint.url,)

    @property
    def refreshable(self) -> bool:
        """Always: another token can be asked for."""
        return True

    def challenged(self, sent: Request, answer: Response) -> bool:
        """Keep the nonce of any answer for the next proofs (RFC 9449 section 8.2); tell whether a new one is asked for."""
        learned = self._endpoint.prover.learn(sent.url, answer.headers, resource=True)
        return learned and asks_for_nonce(answer)

    def refresh(self, sent: Request, answer: Response) -> None:
        """Keep the token if only another DPoP nonce was asked for (RFC 9449 section 9), else give it up."""
        self._endpoint.prover.learn(sent.url, answer.headers, resource=True)
        if asks_for_nonce(answer) and dpop.NONCE_HEADER in answer.headers:
            return
        for name, value in sent.headers:
            if name.lower() == "authorization" and isinstance(value, Secret):
                self._cache.drop(value)

    def preview(self, request: Request) -> Request:
        """Return the request with a placeholder in the header of the token, and in that of the proof if there will be one."""
        word = "DPoP" if self._endpoint.dpop else "Bearer"
        request = request.with_header("Authorization", Secret(f"{word} no-token-was-asked-for", reference="placeholder"))
        if not self._endpoint.dpop:
            return request
        return request.with_header(dpop.HEADER, Secret("no proof was made", reference="placeholder"))

    def apply(self, request: Request, means: Means) -> Request:
        """Return the request with a token for the scopes that are needed.

        Raises:
            CredentialError: the token cannot be got.

        """
        grant = self._grant(means)
        request = request.with_header("Authorization", grant.header)
        if grant.kind != dpop.HEADER:
            return request
        return self._endpoint.prover.prove(request, now=means.clock.now(), token=grant.token)

    def _grant(self, means: Means) -> Grant:
        scopes = means.scopes if self._scopes is None else self._scopes

        def ask(left: float | None) -> Grant:
            within = means if left is None else replace(means, timeouts=means.timeouts.within(left))
            return self._endpoint.ask(scopes, within)

        return self._cache.get(frozenset(scopes), ask, clock=means.clock.monotonic, patience=means.timeouts.total)


def asks_for_nonce(answer: Response) -> bool:
    """Tell whether an answer refuses a proof for want of a nonce (RFC 9449 section 9)."""
    refusals = challenges(answer.headers.all("WWW-Authenticate")) if answer.status == HTTPStatus.UNAUTHORIZED else ()
    return any(item.parameters.get("error") == "use_dpop_nonce" for item in refusals)
