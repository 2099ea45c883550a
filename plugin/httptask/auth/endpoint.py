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
    from httptask.message import Timeouts
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
        """Return a new grant, after three attempts at most, all of them within `means.timeouts.total`.

        Raises:
            CredentialError: there is none; says what the endpoint said, and what to do.

        """
        return _Asking(self, scopes, means, means.clock.monotonic()).run()


@dataclass(slots=True)
class _Asking:
    """One try to get a grant. `sent` is what the client said of itself, which an answer may repeat."""

    endpoint: TokenEndpoint
    scopes: tuple[str, ...]
    means: Means
    began: float
    sent: list[Secret] = field(default_factory=list)

    def run(self) -> Grant:
        earlier: list[retrying.Facts] = []
        while True:
            asked = self.means.clock.monotonic()
            response, error = self._attempt()
            token = _members(response) if response is not None and response.status == HTTPStatus.OK else None
            if token is not None and isinstance(token.get("access_token"), str):
                return self._grant(token, asked)
            facts = self._facts(response, error)
            decision = self._decide(facts, earlier, self.means.timeouts.total)
            if isinstance(decision, retrying.Stop):
                refusal = self._refusal(response, error, decision)
                refusal.out_of_time = isinstance(self._decide(facts, earlier, None), retrying.Retry)
                raise refusal
            earlier.append(facts)
            self.means.clock.sleep(decision.delay)

    def _decide(
        self, facts: retrying.Facts, earlier: list[retrying.Facts], deadline: float | None
    ) -> retrying.Retry | retrying.Stop:
        clock = self.means.clock
        elapsed = clock.monotonic() - self.began
        return retrying.decide(
            POLICY, facts, earlier, elapsed=elapsed, deadline=deadline, budget_left=math.inf, jitter=clock.random()
        )

    def _attempt(self) -> tuple[Response | None, TransportError | None]:
        """Ask once; meet a demand for a proof, then one for a nonce, at once, with a new assertion each time."""
        try:
            response = self._post()
            if self.endpoint.dpop is None and _error(response) == "invalid_dpop_proof":
                self.endpoint.dpop = True
                response = self._post()
            if _error(response) == "use_dpop_nonce" and NONCE_HEADER in response.headers:
                response = self._post()
        except TransportError as error:
            return None, error
        return response, None

    def _post(self) -> Response:
        now, url = self.means.clock.now(), self.endpoint.url
        introduction = self.endpoint.client.introduce(url, now)
        fields: Form = (("grant_type", "client_credentials"), *introduction.fields)
        if self.scopes:
            fields = (*fields, ("scope", " ".join(self.scopes)))
        request = _form_request(url, fields)
        if introduction.header is not None:
            request = request.with_header("Authorization", introduction.header)
        if self.endpoint.dpop:
            request = self._proved(request, now)
        said = (*(value for _, value in fields), *(value for _, value in request.headers))
        self.sent += [value for value in said if isinstance(value, Secret)]
        response = self.means.transport.send(request, self._timeouts())
        self.endpoint.prover.learn(url, response.headers)
        return response

    def _timeouts(self) -> Timeouts:
        """Return what one exchange may take: no more than is left for all of them."""
        given = self.means.timeouts
        if given.total is None:
            return given
        return given.within(given.total - (self.means.clock.monotonic() - self.began))

    def _proved(self, request: Request, now: float) -> Request:
        try:
            return self.endpoint.prover.prove(request, now=now)
        except ConfigurationError as error:  # the endpoint demanded a proof that nobody had prepared for
            (problem,) = error.problems
            raise CredentialError(problem.message, hint=problem.hint, code="invalid_dpop_proof") from None

    def _grant(self, members: Mapping[str, Any], asked: float) -> Grant:
        wanted = "DPoP" if self.endpoint.dpop else "Bearer"
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
            rate_limit=self.endpoint.rate_limit,
        )

    def _refusal(self, response: Response | None, error: TransportError | None, stop: retrying.Stop) -> CredentialError:
        if response is None:
            return refusals.unreachable(str(error), error.code if error else None, stop)
        client = self.endpoint.client
        secrets = (*client.secrets, *self.sent)
        answer = refusals.Refused(response.status, _members(response), response.headers, client.kind, self.scopes, secrets)
        return refusals.refused(answer, self.endpoint.hints, stop, now=self.means.clock.now())


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
    """Return a lifetime, None for one that says nothing; some servers write the number as text."""
    try:
        seconds = max(float(value), 0.0)
    except (TypeError, ValueError):
        return None
    except OverflowError:  # a whole number beyond every float
        return 0.0 if value < 0 else None
    return seconds if seconds < math.inf else None
