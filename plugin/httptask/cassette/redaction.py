"""Takes out of recorded exchanges what nobody may read: each secret becomes a placeholder, the same one wherever it stands.

A secret is what the project knows as one: credentials and secret inputs, what schemas, names of fields, headers and query
parameters call secret, and copies of all these. A placeholder is made of letters that no encoder changes, so that a value which a
flow passes from an answer into a later request stands there as the same placeholder, while recording and at replay. A body's
digest is taken of placeholders, too, and tells nothing of a secret.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from httptask import sensitive
from httptask.cassette.exchanges import Asked, Content, Exchange, Lost
from httptask.message import HeaderValue
from httptask.model import TaskTemplate
from httptask.render import path_parts
from httptask.secret_search import SHORTEST_SEARCHED, VerbatimSearch
from httptask.secrets import CUT, MASK, MOST_VERBATIM, Redactor, Secret, credential_of, is_blank, is_sensitive_field, named_values

PLACEHOLDER = re.compile(r"__withheld_[0-9]+__")
#: A shorter value of an answer is withheld in its own place only.
_SHORTEST_WHOLE = 4
#: One word, as enumerations have: an answer that gives it a secret's name must not make every copy of it one.
_WORD = re.compile(r"[A-Z]?[a-z]{1,31}|[A-Z]+(?:_[A-Z]+){0,3}")
#: A key below a value that is secret as a whole: shown where it is a name, and not where it may be data.
_NAME = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*")
_LONGEST_NAME = 40
#: Known secrets that are looked for in every form and in pieces, credentials first: each makes the search longer.
_MOST_IN_EVERY_FORM = 100


def placeholder(number: int) -> str:
    """Return what stands for a secret."""
    return f"__withheld_{number}__"


def redacted(
    exchanges: Sequence[Exchange],
    templates: Iterable[TaskTemplate],
    known: Redactor,
    stand_in: Callable[[int], str] = placeholder,
) -> tuple[Exchange, ...]:
    """Return exchanges in which every secret is a placeholder.

    Args:
        exchanges: as they happened.
        templates: the tasks that were run; their schemas and parameters say what is secret.
        known: credentials and secret inputs, and what answers were found to call secret.
        stand_in: gives what stands for each secret, which is known by its number.

    """
    vault = _Vault.of(known, stand_in)
    tasks = tuple(templates)
    for exchange in exchanges:
        _Walk(tasks, _Learning(vault)).exchange(exchange)
    finding = _Finding.of(vault, known)
    walk = _Walk(tasks, finding)
    return tuple(walk.exchange(exchange) for exchange in exchanges)


@dataclass(slots=True)
class _Vault:
    """The secrets, in the order in which they were met: given to the program, sent by it, or told by an answer."""

    stand_in: Callable[[int], str]
    given: dict[str, None] = field(default_factory=dict)
    answered: dict[str, None] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, known: Redactor, stand_in: Callable[[int], str]) -> _Vault:
        """Take what is known already, without the words that schemes send before it."""
        vault = cls(stand_in)
        for secret in known.secrets:
            parts = [(credential_of("Authorization", part) or ("", ""))[1] for part in secret.parts()]
            (vault.answered if secret.verbatim else vault.given).update(dict.fromkeys(filter(None, parts)))
        return vault

    def holds(self, text: str) -> bool:
        return text in self.given or text in self.answered

    def placeholder(self, text: str) -> str:
        """Return what stands in place of a secret; numbers are given in the order of use."""
        return self.stand_in(self.numbers.setdefault(text, len(self.numbers) + 1))


@dataclass(slots=True)
class _Learning:
    """Learns what stands in the places of secrets, and changes nothing. `sent`: the message at hand is a request."""

    vault: _Vault
    sent: bool = True

    def place(self, text: str) -> str:
        if not PLACEHOLDER.fullmatch(text):
            into = self.vault.given if self.sent else self.vault.answered
            if not self.vault.holds(text):
                into[text] = None
        return text

    def copy(self, text: str) -> str | None:  # noqa: ARG002 - what stands elsewhere is found later
        return None

    def within(self, text: str) -> str:
        return text

    ended = within

    def number(self, value: float) -> Any:
        return value

    def raw(self, data: bytes) -> bytes:
        return data


@dataclass(slots=True)
class _Finding:
    """Puts placeholders in the places of secrets, and wherever else a secret stands.

    What a request holds of secrets that answers told is found as whole values: a flow passes values on. A known credential is
    found in every form that the Redactor knows; where it is not whole, the mask takes its place.
    """

    vault: _Vault
    copies: VerbatimSearch
    net: Redactor
    cut_net: Redactor
    sent: bool = True

    @classmethod
    def of(cls, vault: _Vault, known: Redactor) -> _Finding:
        """Prepare the search."""
        told = [text for text in vault.answered if not _WORD.fullmatch(text)]
        searched = [text for text in (*vault.given, *told[-MOST_VERBATIM:]) if text not in "__withheld_"]
        net = Redactor([secret for secret in known.secrets if not secret.verbatim][:_MOST_IN_EVERY_FORM])
        return cls(vault, VerbatimSearch(searched), net, net.extended(Secret(text, verbatim=True) for text in searched))

    def place(self, text: str) -> str:
        """Return what stands in the place of a secret."""
        return text if PLACEHOLDER.fullmatch(text) else self.vault.placeholder(text)

    def copy(self, text: str) -> str | None:
        """Return what stands in place of a value that is a secret as a whole, None for any other."""
        is_copy = self.vault.holds(text) and (self.sent or self._is_telling(text))
        return self.vault.placeholder(text) if is_copy else None

    def within(self, text: str) -> str:
        """Return text that may hold a secret."""
        return self.net.text(self.copies.replaced(text, self.vault.placeholder))

    def ended(self, text: str) -> str:
        """Return text that was cut off, perhaps within a secret."""
        return self.cut_net.text(self.copies.replaced(text, self.vault.placeholder) + CUT).removesuffix(CUT)

    def number(self, value: float) -> Any:
        """Return a number; one that spells a secret becomes text."""
        spelled = repr(value)
        if not self.sent and len(spelled) < SHORTEST_SEARCHED:
            return value
        found = self.copy(spelled) or self.within(spelled)
        return value if found == spelled else found

    def raw(self, data: bytes) -> bytes:
        """Return bytes that are no text."""
        for text in (*self.vault.given, *self.vault.answered):
            for charset in ("utf-8", "utf-16-le", "utf-16-be"):
                form = text.encode(charset, "surrogatepass")
                if len(text) >= SHORTEST_SEARCHED and form in data:
                    data = data.replace(form, self.vault.placeholder(text).encode(charset))
        return data

    def _is_telling(self, text: str) -> bool:
        """Tell whether a text of an answer is a copy of a secret, and not one word that both happen to hold."""
        return len(text) >= _SHORTEST_WHOLE and (text in self.vault.given or not _WORD.fullmatch(text))


@dataclass(slots=True)
class _Walk:
    """Leads a hand along every text of an exchange."""

    templates: tuple[TaskTemplate, ...]
    hand: _Learning | _Finding

    def exchange(self, exchange: Exchange) -> Exchange:
        """Return an exchange as the hand leaves it."""
        fitting = _fitting(self.templates, exchange.asked)
        self.hand.sent = True
        asked = self._asked(exchange.asked, fitting)
        self.hand.sent = False
        came = exchange.came
        if isinstance(came, Lost):
            return replace(exchange, asked=asked, came=replace(came, detail=self._text(came.detail)))
        headers = tuple((self.hand.within(name), self._header(name, value, frozenset())) for name, value in came.headers)
        content = self._content(came.content, fitting, sensitive.in_response_body, cut=came.incomplete is not None)
        return replace(exchange, asked=asked, came=replace(came, headers=headers, content=content))

    def _asked(self, asked: Asked, fitting: Sequence[TaskTemplate]) -> Asked:
        names = frozenset(name for template in fitting for name in sensitive.secret_parameters(template))
        path, mark, query = asked.target.partition("?")
        return replace(
            asked,
            target=self._path(path, fitting) + mark + "&".join(self._pair(pair, names) for pair in query.split("&")),
            headers=tuple((name, self._header(name, value, names)) for name, value in asked.headers),
            content=self._content(asked.content, fitting, sensitive.in_request_body, cut=False),
        )

    def _path(self, path: str, fitting: Sequence[TaskTemplate]) -> str:
        for start, end in sorted({span for template in fitting for span in secret_spans(template, path)}, reverse=True):
            path = path[:start] + self.hand.place(unquote(path[start:end])) + path[end:]
        return "/".join(map(self._encoded, path.split("/")))

    def _pair(self, pair: str, names: frozenset[str]) -> str:
        name, sign, value = pair.partition("=")
        plain = unquote_plus(name)
        if value and (plain in names or is_sensitive_field(plain) or credential_of(plain, value) is not None):
            return name + sign + self.hand.place(unquote(value))
        return self._encoded(name) + sign + self._encoded(value)

    def _encoded(self, text: str) -> str:
        """Return a part of a URL; one that holds no secret stays as it is spelled."""
        plain = unquote(text)
        found = self.hand.copy(plain) or self.hand.within(plain)
        return text if found == plain else quote(found, safe=MASK + "+")

    def _header(self, name: str, value: HeaderValue, names: frozenset[str]) -> HeaderValue:
        credential = credential_of(name, value)
        if credential is None and not isinstance(value, Secret):
            return self.hand.place(value) if name.lower() in names and value else self._text(value)
        word, rest = credential or ("", "")
        for pair in rest.split(";") if name.lower() == "cookie" else rest.split(";")[: name.lower() == "set-cookie"]:
            self._learn(pair.partition("=")[2].strip())
        return word + self.hand.place(rest) if rest else word

    def _learn(self, text: str) -> None:
        """Learn the value of a cookie, which a body may repeat."""
        if len(text) >= SHORTEST_SEARCHED and isinstance(self.hand, _Learning) and not _WORD.fullmatch(text):
            self.hand.place(text)

    def _content(
        self,
        content: Content | None,
        fitting: Sequence[TaskTemplate],
        places: Callable[[TaskTemplate | None, Any, Callable[[Any], Any]], Any],
        *,
        cut: bool,
    ) -> Content | None:
        if content is None:
            return None
        if content.kind == "base64":
            return Content("base64", base64.b64encode(self.hand.raw(base64.b64decode(content.value))).decode("ascii"))
        if content.kind == "text":
            return Content("text", self.hand.ended(self._text(content.value)) if cut else self._text(content.value))
        value = content.value
        for template in fitting or (None,):
            value = places(template, value, self._placed)
        return Content("json", self._json(value))

    def _placed(self, value: Any) -> Any:
        """Return what stands in the place of a secret value: its shape, with a placeholder for each text and number."""
        if isinstance(value, dict):
            return {self._key(key): self._placed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._placed(item) for item in value]
        return value if is_blank(value) else self.hand.place(str(value))

    def _key(self, key: str) -> str:
        return key if _NAME.fullmatch(key) and len(key) <= _LONGEST_NAME else self.hand.place(key)

    def _json(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self.hand.within(key): self._json(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._json(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        return value if value is None or isinstance(value, bool) else self.hand.number(value)

    def _text(self, text: str) -> str:
        """Return text: a copy of a secret, or one in which its own names call values secret, as in a query or a form."""
        copy = self.hand.copy(text)
        if copy is not None:
            return copy
        parts, done = [], 0
        for start, end in named_values(text):
            parts += [self.hand.within(text[done:start]), self.hand.place(unquote(text[start:end]))]
            done = end
        return "".join([*parts, self.hand.within(text[done:])])


def _fitting(templates: Sequence[TaskTemplate], asked: Asked) -> tuple[TaskTemplate, ...]:
    """Return the tasks whose request this may be; where none fits, as behind a link, all of the same API."""
    of_api = [template for template in templates if asked.server in {None, template.provider.id}]
    found = [each for each in of_api if each.method == asked.method and _shape(each).search(asked.path)]
    return tuple(found or of_api)


def secret_spans(template: TaskTemplate, path: str) -> list[tuple[int, int]]:
    """Return where in a path parameters stand that the schema calls secret."""
    match = _shape(template).search(path)
    names = [part.name for part in path_parts(template) if not isinstance(part, str)]
    secret = sensitive.secret_parameters(template)
    return [match.span(index) for index, name in enumerate(names, 1) if name in secret] if match else []


@lru_cache(maxsize=1024)
def _shape(template: TaskTemplate) -> re.Pattern[str]:
    """Return an expression for the path, behind whatever base path there is, with a group for each parameter."""
    parts = (re.escape(part) if isinstance(part, str) else "([^/]+)" for part in path_parts(template))
    return re.compile("".join(parts) + r"\Z")
