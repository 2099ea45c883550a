"""What a person was asked before something leaves: each question may be answered once, and soon, and means just what it said."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from httptask.clock import SystemClock
from httptask.errors import Problem, RequestChanged
from httptask.identity import new_token
from httptask.secrets import Secret

if TYPE_CHECKING:
    from httptask.message import Request

#: Seconds for which a question stands.
STANDS = 300.0
#: Questions that stand at the same time.
MOST = 32


def gone(hint: str) -> Problem:
    """Return why nothing was done for an answer to a question that does not stand; the hint says how to be asked again."""
    return Problem("confirmation", "this question was answered before, or is too old", f"nothing was sent; {hint} to be asked")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: the act, where it goes, and what an answer leads to. Held on the server alone, for it may hold secrets."""

    act: str
    button: str
    facts: tuple[tuple[str, str], ...]
    subject: Any
    asked: float = 0.0


@dataclass
class Confirmations:
    """The questions that stand, by a text that nobody can guess."""

    monotonic: Callable[[], float] = field(default_factory=lambda: SystemClock().monotonic)
    _asked: OrderedDict[str, Question] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def ask(self, question: Question) -> tuple[str, Question]:
        """Keep a question; return its name and itself."""
        name, question = new_token(), replace(question, asked=self.monotonic())
        with self._lock:
            self._asked[name] = question
            while len(self._asked) > MOST:
                self._asked.popitem(last=False)
        return name, question

    def answered(self, name: str, kind: type) -> Any:
        """Return the subject of a question, which is thereby answered; None when it does not stand or is about something else."""
        with self._lock:
            question = self._asked.get(name)
            if question is None or not isinstance(question.subject, kind):
                return None
            del self._asked[name]
        return question.subject if self.monotonic() - question.asked <= STANDS else None


def digest_of(request: Request, credential: Collection[str]) -> str:
    """Return what names a rendered request; headers of the `credential` are left out, for they may be new each time."""
    headers = [
        (name, value) for name, value in request.headers if name.lower() not in credential and not isinstance(value, Secret)
    ]
    body = "" if request.body is None else request.body.hex()
    text = json.dumps([request.method, request.url, headers, request.body is not None, body])
    return hashlib.sha256(text.encode()).hexdigest()


def check_same(request: Request, credential: Collection[str], digest: str) -> None:
    """Refuse a request that is another than the one that was confirmed.

    Raises:
        RequestChanged: it is.

    """
    if digest_of(request, credential) != digest:
        message = "the request is no longer the one that was confirmed"
        raise RequestChanged(Problem("request", message, "a connection or template was changed meanwhile; look at it again"))
