"""A pasted path becomes a template's path: what looks like an id, and what a document left to fill in, is a parameter. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from httptask.curl.naming import id_name, identifier, unused
from httptask.curl.pasted import PLACEHOLDER
from httptask.curl.signs import Watch
from httptask.errors import ImportFailed, Problem
from httptask.origins import hides_dot_segment

#: What a template's path may hold as it is; a percent sign only where it begins an encoding.
_LITERAL = "~!$&'()*+,;=:@"
_ENCODED = re.compile(r"(%[0-9A-Fa-f]{2})")
_COLON = re.compile(r":([A-Za-z_][A-Za-z0-9_]*)\Z")
_UUID = re.compile(r"[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\Z", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+\Z")
#: Digits and letters together, at least eight; `v2022-11-28` is a version, and words with one short number are words.
_MIXED = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])(?!v[0-9])[A-Za-z0-9_-]{8,}\Z")
_MORE_WORDS = r"(?:[-_]?[A-Z][a-z]+|[-_][a-z]+)*"
_NUMBERED_WORDS = re.compile(rf"[A-Z]?[a-z]+{_MORE_WORDS}[-_]?[0-9]{{1,2}}(?:[-_]?[A-Z]?[a-z]+)?{_MORE_WORDS}\Z")
_HEXADECIMAL = re.compile(r"[0-9a-f]{16,}\Z", re.IGNORECASE)
#: In the address of a hook, what is long and mixed is the right to call it.
_HOOK = re.compile(r"hooks?|webhooks?", re.IGNORECASE)
_SHORTEST_HOOK_SECRET = 16


@dataclass(frozen=True, slots=True)
class PathParameter:
    """A parameter of the path. Without `example` the command held none, or one that may not be shown."""

    name: str
    example: str | None = None
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class PathFound:
    """A template's path, its parameters, and its segments: a literal one decoded, None where a parameter is."""

    template: str
    parameters: tuple[PathParameter, ...]
    segments: tuple[str | None, ...]


def path_of(path: str, watch: Watch, *, host: str, taken: Iterable[str]) -> PathFound:
    """Return the template's path for a pasted one.

    Args:
        path: as it was pasted, from its first slash on.
        watch: finds credentials.
        host: of the URL; some say that a part of the path is a credential.
        taken: names that parameters elsewhere have.

    Raises:
        ImportFailed: a dot segment or an empty segment: servers read them in different ways.

    """
    segments = path.split("/")[1:]
    if "" in segments[:-1]:
        raise ImportFailed(Problem("URL", "its path has an empty part, as in //", "write the path that is meant"))
    if any(hides_dot_segment(segment) for segment in segments):
        raise ImportFailed(Problem("URL", "its path holds a . or .. segment, plain or encoded", "write the path that is meant"))
    return _Path(watch, set(taken), frozenset(hook_secrets(path, host))).of(segments)


def hook_secrets(path: str, host: str) -> Iterator[str]:
    """Yield what of a hook's address is the right to call it."""
    segments = [unquote(segment) for segment in path.split("/")]
    if host.startswith("hooks.") or any(_HOOK.fullmatch(segment) for segment in segments):
        yield from (segment for segment in segments if len(segment) >= _SHORTEST_HOOK_SECRET and _MIXED.match(segment))


class _Path:
    """Reads segment by segment; a parameter is named after the literal one before it."""

    def __init__(self, watch: Watch, taken: set[str], secret: frozenset[str]) -> None:
        self._watch = watch
        self._taken = taken
        self._secret = secret
        self._before: str | None = None
        self._parameters: list[PathParameter] = []

    def of(self, segments: Iterable[str]) -> PathFound:
        pieces = [self._segment(segment) for segment in segments]
        return PathFound(
            "/" + "/".join(text for text, _ in pieces), tuple(self._parameters), tuple(literal for _, literal in pieces)
        )

    def _segment(self, segment: str) -> tuple[str, str | None]:
        """Return a segment of the template's path, and what it says if it is literal."""
        try:
            decoded = unquote(segment, errors="strict")
        except UnicodeDecodeError:
            raise ImportFailed(Problem("URL", "a percent-encoding in its path is not UTF-8", "encode text as UTF-8")) from None
        if colon := _COLON.match(decoded):
            return self._parameter(identifier(colon[1], "id")), None
        if PLACEHOLDER.search(decoded):
            return "".join(self._filled_in(decoded)), None
        if self._is_secret(decoded):
            return self._parameter(id_name(self._before), is_secret=True), None
        if _is_id(decoded):
            return self._parameter(id_name(self._before), decoded), None
        self._before = decoded
        return _literal(segment), decoded

    def _filled_in(self, text: str) -> Iterator[str]:
        """Yield a segment's literal parts and its placeholders, as in `{id}.json`."""
        done = 0
        for match in PLACEHOLDER.finditer(text):
            if self._watch.suspects(text[done : match.start()]):
                raise ImportFailed(Problem("URL", "a part of its path is a credential", "leave it to a placeholder"))
            yield _literal(quote(text[done : match.start()], safe=_LITERAL))
            yield self._parameter(identifier(next(filter(None, match.groups())), "id"))
            done = match.end()
        if self._watch.suspects(text[done:]):
            raise ImportFailed(Problem("URL", "a part of its path is a credential", "leave it to a placeholder"))
        yield _literal(quote(text[done:], safe=_LITERAL))

    def _is_secret(self, text: str) -> bool:
        return text in self._secret or self._watch.suspects(text)

    def _parameter(self, wanted: str, example: str | None = None, *, is_secret: bool = False) -> str:
        name = unused(wanted, self._taken)
        self._taken.add(name)
        self._parameters.append(PathParameter(name, example, is_secret))
        return "{{ " + name + " }}"


def _is_id(text: str) -> bool:
    is_mixed = _MIXED.match(text) is not None and not _NUMBERED_WORDS.match(text)
    return is_mixed or any(pattern.match(text) for pattern in (_NUMBER, _UUID, _HEXADECIMAL))


def _literal(segment: str) -> str:
    """Return a segment with everything encoded that a template's path cannot hold; what was encoded stays so."""
    pieces = _ENCODED.split(segment)
    return "".join(piece if _ENCODED.fullmatch(piece) else quote(piece, safe=_LITERAL) for piece in pieces)
