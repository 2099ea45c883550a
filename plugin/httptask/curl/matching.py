"""Whether a provider, or even a task, exists already for what was pasted. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from httptask.curl.naming import provider_id
from httptask.curl.pasted import Pasted
from httptask.model import Provider
from httptask.origins import origin_of
from httptask.registry import Summary

_VARIABLE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Match:
    """A provider whose server was called, and its task that does the same, if there is one."""

    provider: Provider
    task: Summary | None
    #: Names of the task's path parameters -> what the command had in their places.
    path_values: Mapping[str, str]


def match_of(pasted: Pasted, providers: Mapping[str, Provider], summaries: Iterable[Summary]) -> Match | None:
    """Return the provider and task that what was pasted calls; a provider with such a task comes first."""
    tasks = list(summaries)
    found = [_matched(pasted, provider, tasks) for provider in providers.values() if is_server_of(provider, pasted)]
    return next((match for match in found if match.task), next(iter(found), None))


def is_server_of(provider: Provider, pasted: Pasted) -> bool:
    """Tell whether a URL leads to a provider's server.

    A host that is wholly a variable, as `{yourOktaDomain}`, fits every host: there the default's domain decides, or the variable
    itself where it was left in the pasted URL.
    """
    origin, base = server_parts(provider.server_url)
    if base and pasted.path != base and not pasted.path.startswith(f"{base}/"):
        return False
    if not _VARIABLE.search(origin):
        return origin_of(pasted.origin) == origin_of(origin)
    if set(_VARIABLE.findall(origin)) & set(_VARIABLE.findall(pasted.origin)):
        return True
    pattern = "[A-Za-z0-9.-]+".join(re.escape(part) for part in _VARIABLE.split(origin)[::2])
    default = server_parts(provider.default_url)[0].partition("://")[2]
    word = provider_id(default)
    return re.fullmatch(pattern, pasted.origin) is not None and provider_id(pasted.origin.partition("://")[2]).startswith(word)


def resembling(pasted: Pasted, providers: Mapping[str, Provider], summaries: Iterable[Summary]) -> Summary | None:
    """Return a task that asks the same of a server that may have any host, as an Okta org under a domain of its own has."""
    anywhere = {name: item for name, item in providers.items() if _VARIABLE.fullmatch(item.server_url.partition("://")[2])}
    tasks = list(summaries)
    return next((match.task for item in anywhere.values() if (match := _matched(pasted, item, tasks)).task), None)


def server_parts(url: str) -> tuple[str, str]:
    """Return a server URL's origin and base path."""
    scheme, _, rest = url.partition("://")
    host, slash, base = rest.partition("/")
    return f"{scheme}://{host}", f"{slash}{base}".rstrip("/")


def _matched(pasted: Pasted, provider: Provider, tasks: Iterable[Summary]) -> Match:
    path = pasted.path.removeprefix(server_parts(provider.server_url)[1])
    segments = [unquote(segment) for segment in path.rstrip("/").split("/")]
    best: tuple[int, Summary, Mapping[str, str]] | None = None
    for task in tasks:
        values = _values(task.path, segments) if (task.provider, task.method) == (provider.id, pasted.method) else None
        if values is not None and (best is None or len(values) < best[0]):
            best = (len(values), task, values)
    return Match(provider, None, {}) if best is None else Match(provider, best[1], best[2])


def _values(path: str, segments: list[str]) -> Mapping[str, str] | None:
    """Return what stands in the places of a task's path parameters; None where the paths have another shape."""
    parts = path.rstrip("/").split("/")
    if len(parts) != len(segments):
        return None
    values: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        variable = _VARIABLE.fullmatch(part)
        if variable and segment:
            values[variable[1]] = segment
        elif unquote(part) != segment:
            return None
    return values
