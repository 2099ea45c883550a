"""Names for what a pasted request does not name: the provider, the task, its path parameters. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container, Sequence
from keyword import iskeyword

#: Longer names are cut: nobody types them.
_LONGEST = 48
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_IRREGULAR = {
    "people": "person",
    "children": "child",
    "statuses": "status",
    "aliases": "alias",
    "movies": "movie",
    "cookies": "cookie",
    "series": "series",
    "news": "news",
    "indices": "index",
    "matrices": "matrix",
    "analyses": "analysis",
    "media": "media",
    "bonuses": "bonus",
    "viruses": "virus",
    "buses": "bus",
    "caches": "cache",
    "axes": "axis",
    "releases": "release",
}
#: Words that say nothing of what a path leads to.
_HOLLOW = frozenset({"api", "rest", "v", "latest"})
#: Below a country's domain, these are no names of their own: `example.co.uk`.
_SECOND_LEVEL = frozenset({"co", "com", "org", "net", "gov", "ac", "edu"})
#: Names of Jinja's own, which a bare name in a path would be read as.
_RESERVED = frozenset({"true", "false", "none", "not", "in", "is", "and", "or", "if", "else", "loop", "inputs", "body"})

#: Method -> verb for one thing, verb for a list.
_VERBS = {
    "GET": ("get", "list"),
    "HEAD": ("check", "check"),
    "POST": ("update", "create"),
    "PUT": ("replace", "replace"),
    "PATCH": ("update", "update"),
    "DELETE": ("delete", "delete"),
    "OPTIONS": ("describe", "describe"),
}


def identifier(text: str, fallback: str) -> str:
    """Return a name of letters and digits, `your-domain` as `yourDomain`; `fallback` where nothing is left."""
    first, *others = re.findall(r"[A-Za-z0-9]+", text) or [fallback]
    begin = first.lower() if first.isupper() else first[0].lower() + first[1:]
    name = begin + "".join(word[0].upper() + word[1:] for word in others)
    return (name if name[0].isalpha() else f"{fallback}{name}")[:_LONGEST]


def unused(name: str, taken: Container[str]) -> str:
    """Return the name, with a number where it is taken, and changed where an expression would read something else."""
    if iskeyword(name) or name.lower() in _RESERVED:
        name += "Value"
    number = 2
    found = name
    while found in taken:
        found = f"{name}{number}"
        number += 1
    return found


def singular(word: str) -> str:
    """Return an English word's singular, as far as a rule of thumb goes."""
    lower = word.lower()
    if lower in _IRREGULAR:
        return word[0] + _IRREGULAR[lower][1:]
    if lower.endswith("ies") and len(lower) > len("ties"):
        return word[:-3] + "y"
    if lower.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    return word[:-1] if is_plural(word) else word


def is_plural(word: str) -> bool:
    """Tell whether a word looks like an English plural."""
    lower = word.lower()
    known = lower in _IRREGULAR and _IRREGULAR[lower] != lower
    return known or (lower.endswith("s") and not lower.endswith(("ss", "us", "is")) and len(lower) > len("its"))


def id_name(before: str | None) -> str:
    """Return the name of the path parameter behind a literal segment: `agentPools` gives `agentPoolId`."""
    words = _words(before or "")
    if not words or all(word in _HOLLOW or word.isdigit() for word in words):
        return "id"
    return identifier(" ".join([*words[:-1], singular(words[-1])]), "id")[: _LONGEST - 2] + "Id"


def provider_id(host: str) -> str:
    """Return a provider's id made from a host: `api.example.com` gives `example`. Placeholders of the host count for nothing."""
    name = re.sub(r":\d*$", "", host).strip("[]")
    try:
        ipaddress.ip_address(name)
    except ValueError:
        labels = [label for label in re.sub(r"\{[^}]*\}", "", name).split(".") if label]
    else:
        labels = ["local"]
    if len(labels) > 1:
        labels.pop()
    if len(labels) > 1 and labels[-1] in _SECOND_LEVEL:
        labels.pop()
    return identifier_of_task(labels[-1] if labels else "api", "api")


def identifier_of_task(text: str, fallback: str) -> str:
    """Return a name that may be a part of a task's id: lower case, digits and underscores, a letter first."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:_LONGEST].rstrip("_")
    if not name:
        return fallback
    return name if name[0].isalpha() else f"{fallback}_{name}"


def operation(method: str, segments: Sequence[str | None]) -> str:
    """Return a task's name within its provider: `create_widget` for POST /v1/widgets. None stands for a path parameter."""
    return identifier_of_task("_".join(_operation_words(method, segments)), "call")


def summary(name: str) -> str:
    """Return a task's summary made from its name."""
    return name.replace("_", " ").capitalize()


def _operation_words(method: str, segments: Sequence[str | None]) -> list[str]:
    """Return a verb and what it is done to: the last two things that the path names."""
    names = [words for segment in segments if segment and (words := _spoken(segment))]
    last, before = (names[-1] if names else []), (names[-2] if len(names) > 1 else [])
    ends_in_id = bool(segments) and segments[-1] is None
    owner = [*before[:-1], singular(before[-1])] if before else []
    if not last:
        return ["post" if method == "POST" else _VERBS[method][0], "root"]
    if ends_in_id:
        return [_VERBS[method][0], *owner, *last[:-1], singular(last[-1])]
    if is_plural(last[-1]):
        one = method == "POST"
        return [_VERBS[method][1], *owner, *last[:-1], singular(last[-1]) if one else last[-1]]
    if method == "POST":  # an action, as in /widgets/{id}/activate
        return [*last, *owner] if len(segments) > 1 and segments[-2] is None else ["post", *owner, *last]
    return [_VERBS[method][0], *owner, *last]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORDS.findall(text)]


def _spoken(segment: str) -> list[str]:
    """Return a segment's words; none of one that says nothing, such as `api` or `v1`."""
    words = _words(segment)
    return [] if all(word in _HOLLOW or word.isdigit() for word in words) else words
