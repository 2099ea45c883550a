"""Asks a token endpoint for an access token: the client credentials grant (RFC 6749 section 4.4), with DPoP where wanted.

Asking twice harms nothing, so that a request without an answer, a 429 and a 5xx are repeated by the rules of `retrying`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from httptask import retrying
from httptask.auth import refusals
from httptask.auth.cache import Grant
from httptask.auth.dpop import NONCE_HEADER, Prover
from httptask.errors import ConfigurationError, CredentialError, TransportError
from httptask.message import Headers, Request, Response
from httptask.model import RateLimitSpec, RetryPolicy
from httptask.secrets import Secret
from httptask.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httptask.auth.client import Client, Form
    from httptask.ports import Means

POLICY = RetryPolicy(max_attempts=3)


@dataclass(slots=True)
class TokenEndpoint:
    """One client at one token endpoint.

    Attributes:
        url: absolute; also the audience of assertions and the `htu` of proofs.
        client: says who asks.
        prover: signs DPoP proofs.
        dpop: ask for a token bound to the prover's key; None: only once the endpoint demands it.
        hints: what to do, by the endpoint's error word.
        rate_limit: names of the counters that the server sends.

    """

    url: str
    client: Client
    prover: Prover = field(default_factory=Prover)
    dpop: bool | None = None
    hints: Mapping[str, str] = field(default_factory=dict)
    rate_limit: RateLimitSpec | None = None

    def ask(self, scopes: tuple[str, ...], means: Means) -> Grant:
        """Return a new grant, after three attempts at most.

        Raises:
            CredentialError: there is none; says what the endpoint said, and what to do.

        """
        began = means.clock.monotonic()
        earlier: list[retrying.Facts] = []
        while True:
            asked = means.clock.monotonic()
            response, error = self._attempt(scopes, means)
            token = _members(response) if response is not None and response.status == HTTPStatus.OK else None
            if token is not None and isinstance(token.get("access_token"), str):
                return self._grant(token, asked)
            facts = self._facts(response, error)
            decision = retrying.decide(
                POLICY,
                facts,
                earlier,
                elapsed=means.clock.monotonic() - began,
                deadline=means.timeouts.total,
                budget_left=math.inf,
                jitter=means.clock.random(),
            )
            if isinstance(decision, retrying.Stop):
                raise self._refusal(response, error, scopes, means, decision)
            earlier.append(facts)
            means.clock.sleep(decision.delay)

    def _attempt(self, scopes: tuple[str, ...], means: Means) -> tuple[Response | None, TransportError | None]:
        """Ask once; meet a demand for a proof, then one for a nonce, at once, with a new assertion each time."""
        try:
            response = self._post(scopes, means)
            if self.dpop is None and _error(response) == "invalid_dpop_proof":
                self.dpop = True
                response = self._post(scopes, means)
            if _error(response) == "use_dpop_nonce" and NONCE_HEADER in response.headers:
                response = self._post(scopes, means)
        except TransportError as error:
            return None, error
        return response, None

    def _post(self, scopes: tuple[str, ...], means: Means) -> Response:
        now = means.clock.now()
        introduction = self.client.introduce(self.url, now)
        fields: Form = (("grant_type", "client_credentials"), *introduction.fields)
        if scopes:
            fields = (*fields, ("scope", " ".join(scopes)))
        request = _form_request(self.url, fields)
        if introduction.header is not None:
            request = request.with_header("Authorization", introduction.header)
        if self.dpop:
            request = self._proved(request, now)
        response = means.transport.send(request, means.timeouts)
        self.prover.learn(self.url, response.headers)
        return response

    def _proved(self, request: Request, now: float) -> Request:
        try:
            return self.prover.prove(request, now=now)
        except ConfigurationError as error:  # the endpoint demanded a proof that nobody had prepared for
            (problem,) = error.problems
            raise CredentialError(problem.message, hint=problem.hint, code="invalid_dpop_proof") from None

    def _grant(self, members: Mapping[str, Any], asked: float) -> Grant:
        wanted = "DPoP" if self.dpop else "Bearer"
        kind = members.get("token_type")
        if not isinstance(kind, str) or kind.lower() != wanted.lower():
            raise refusals.wrong_kind(kind, wanted)
        token = Secret(members["access_token"], reference="access token")
        if not token.reveal().isascii() or not token.reveal().isprintable() or not token.reveal().strip():
            raise CredentialError("the token endpoint gave an access token that no header can carry")
        return Grant(token, wanted, asked, _seconds(members.get("expires_in")))

    def _facts(self, response: Response | None, error: TransportError | None) -> retrying.Facts:
        return retrying.Facts(
            method="POST",
            idempotent=True,
            phase=error.phase if error else "answered",
            status=response.status if response else None,
            error=error.code if error else None,
            headers=response.headers if response else Headers(),
            readable=False,
            truncated=response is not None and response.incomplete in {"truncated", "timedOut"},
            rate_limit=self.rate_limit,
        )

    def _refusal(
        self,
        response: Response | None,
        error: TransportError | None,
        scopes: tuple[str, ...],
        means: Means,
        stop: retrying.Stop,
    ) -> CredentialError:
        if response is None:
            return refusals.unreachable(str(error), error.code if error else None, stop)
        answer = refusals.Refused(
            response.status, _members(response), response.headers, self.client.kind, scopes, tuple(self.client.secrets)
        )
        return refusals.refused(answer, self.hints, stop, now=means.clock.now())


def _form_request(url: str, fields: Form) -> Request:
    """Return the request with the form in clear; the caller sends it and shows it to nobody."""
    pairs = (f"{quote_plus(name)}={quote_plus(value.reveal() if isinstance(value, Secret) else value)}" for name, value in fields)
    body = "&".join(pairs).encode("ascii")
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": f"httptask/{VERSION}",
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": str(len(body)),
    }
    return Request("POST", url, Headers.of(headers), body)


def _members(response: Response) -> dict[str, Any] | None:
    """Return the body's members, None if it is no whole JSON object."""
    if response.incomplete is not None:
        return None
    try:
        members = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return members if isinstance(members, dict) else None


def _error(response: Response) -> str | None:
    error = (_members(response) or {}).get("error") if response.status == HTTPStatus.BAD_REQUEST else None
    return error if isinstance(error, str) else None


def _seconds(value: Any) -> float | None:
    """Return a lifetime; some servers write the number as text."""
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if 0 <= seconds < math.inf else None
