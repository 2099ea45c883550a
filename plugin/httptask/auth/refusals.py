"""What a token endpoint's refusal means and what to do: one table of words (RFC 6749 section 5.2, RFC 9449 section 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from httptask.errors import CredentialError
from httptask.secrets import Redactor, Secret
from httptask.waits import http_date

if TYPE_CHECKING:
    from collections.abc import Mapping

    from httptask.auth.client import Kind
    from httptask.message import Headers
    from httptask.retrying import Stop

LONGEST_DESCRIPTION = 300
#: Characters of an error word (RFC 6749 section 5.2), and how long one is taken for a word.
_ERROR_WORD = re.compile(r"[ !#-\[\]-~]{1,64}")
#: Seconds by which clocks may differ before it is worth a word.
NOTABLE_SKEW = 60
_ABOUT_TIME = frozenset({"invalid_client", "invalid_dpop_proof", "use_dpop_nonce"})
_ADVICE: Mapping[str, str] = {
    "invalid_client.clientSecret": "check the client id, and that this secret is the client's current one",
    "invalid_client.privateKey": "check the client id, and that the server knows the public half of this key and its id",
    "unauthorized_client": "allow this client the grant type client_credentials",
    "unsupported_grant_type": "the server does not offer client_credentials; check tokenUrl",
    "invalid_grant": "allow this client the grant type client_credentials",
    "invalid_scope": "grant it to the client, or name other scopes in the connection",
    "access_denied": "let an administrator give the client access",
    "invalid_request": "check tokenUrl, and how the client is to authenticate",
    "use_dpop_nonce": "the server asked for a new DPoP nonce twice; try again",
    "invalid_dpop_proof": "say dpop = true in the connection",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A token endpoint's answer without a token. `members` is None when the body is no JSON object.

    `secrets` are the client's own, and what was made of them for these requests: assertions and proofs.
    """

    status: int
    members: Mapping[str, Any] | None
    headers: Headers
    kind: Kind
    scopes: tuple[str, ...] = ()
    secrets: tuple[Secret, ...] = field(default=(), repr=False)

    @property
    def word(self) -> str | None:
        """The error word of RFC 6749; None where no token endpoint speaks."""
        return self._word("error")

    @property
    def code(self) -> str | None:
        """The error word, or the code of an API in Okta's shape."""
        return self.word or self._word("errorCode")

    @property
    def description(self) -> str:
        """The server's own sentence, with the secrets masked."""
        text = self._text("error_description") or self._text("errorSummary") or ""
        return Redactor(self.secrets).free(text)[:LONGEST_DESCRIPTION]

    def _word(self, name: str) -> str | None:
        """Return a member, None if no error word looks like it, or if it holds a secret."""
        text = self._text(name) or ""
        return text if _ERROR_WORD.fullmatch(text) and Redactor(self.secrets).text(text) == text else None

    def _text(self, name: str) -> str | None:
        value = (self.members or {}).get(name)
        return value if isinstance(value, str) and value else None


def refused(answer: Refused, hints: Mapping[str, str], stop: Stop, *, now: float) -> CredentialError:
    """Return the error for an answer without a token; `hints` are the provider's own, by error word."""
    code = answer.code
    said = ": ".join(filter(None, (f"{answer.status} {code}" if code else str(answer.status), answer.description)))
    message = f"{_headline(answer)} (the token endpoint answered {said})"
    advice, skew = _advice(answer, hints), _skew(answer, now)
    hint = f"{advice.rstrip('.')}. {skew}" if advice and skew else advice or skew
    return CredentialError(message, hint=hint, code=code, retryable=stop.retryable, retry_after=stop.retry_after)


def unreachable(detail: str, code: str | None, stop: Stop) -> CredentialError:
    """Return the error for a token endpoint that gave no answer."""
    message = f"no access token: the token endpoint gave no answer: {detail}"
    hint = "check base URL, tokenUrl and network; nothing of the task was sent"
    return CredentialError(message, hint=hint, code=code, retryable=stop.retryable, retry_after=stop.retry_after)


def wrong_kind(kind: object, wanted: str) -> CredentialError:
    """Return the error for a token of another type than was asked for, which must not be used (RFC 6749 section 7.1)."""
    named = kind if isinstance(kind, str) and kind.lower() in {"bearer", "dpop", "mac", "n_a"} else "unknown"
    hint = "say dpop = true in the connection" if named.lower() == "dpop" else "check tokenUrl, and whether the client uses DPoP"
    return CredentialError(f"the token endpoint issued a token of type {named} where {wanted} was asked for", hint=hint)


def _headline(answer: Refused) -> str:
    if answer.code == "invalid_scope" and answer.scopes:
        named = [scope for scope in answer.scopes if scope in answer.description.split()] or list(answer.scopes)
        return f"the app lacks the scope {named[0]}" if len(named) == 1 else f"the app lacks one of the scopes {', '.join(named)}"
    headlines = {
        "invalid_client": "the client was not accepted",
        "access_denied": "the client may not have this access",
        "invalid_dpop_proof": "the DPoP proof was not accepted",
        "use_dpop_nonce": "the DPoP nonce was not accepted",
    }
    return headlines.get(answer.code or "", "no access token")


def _advice(answer: Refused, hints: Mapping[str, str]) -> str:
    """Return what to do; words of the API's own errors are none of a token endpoint's."""
    word = answer.word or ""
    for known, key in ((hints, f"{word}.{answer.kind}"), (hints, word), (_ADVICE, f"{word}.{answer.kind}"), (_ADVICE, word)):
        if advice := known.get(key):
            return advice
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "try again later; tokens are kept in memory, so that many short runs ask more often than one long one"
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "try again later"
    return "check tokenUrl: this does not look like a token endpoint" if answer.word is None else ""


def _skew(answer: Refused, now: float) -> str:
    """Return a word on this machine's clock where a wrong one explains the refusal."""
    date = http_date(answer.headers.get("Date"))
    if date is None:
        return ""
    server = date.timestamp()
    if answer.code not in _ABOUT_TIME or abs(now - server) < NOTABLE_SKEW:
        return ""
    ahead = "ahead of" if now > server else "behind"
    return f"This machine's clock is {abs(now - server):.0f} s {ahead} the server's: set it right."
