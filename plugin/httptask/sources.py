"""Every source of connections that would speak, without a credential being read: what `httptask connections` lists.

Each is built by the code that builds the real one, with references checked and not resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from httptask import profiles as profile_file
from httptask import settings
from httptask.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from httptask.model import Connection, Provider
    from httptask.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Source:
    """One source of connections for one provider. `name` is None for what is no profile; `default`: no option overrides it."""

    provider: str
    place: str
    name: str | None = None
    base_url: str | None = None
    scheme: str | None = None
    reference: str | None = None
    default: bool = False
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form: `{name, provider, baseUrl, scheme, reference, source, default, problems}`."""
        return {
            "name": self.name,
            "provider": self.provider,
            "baseUrl": self.base_url,
            "scheme": self.scheme,
            "reference": self.reference,
            "source": self.place,
            "default": self.default,
            "problems": [problem.to_json() for problem in self.problems],
        }


def listed(providers: Iterable[Provider], around: Surroundings) -> tuple[Source, ...]:
    """Return every source of every provider, highest first, profiles last; a faulty one is listed with what is wrong.

    A file of profiles that is wrong as a whole is a source of its own, of no provider, beside the profiles that can be read.
    """
    unresolved = replace(around, resolves=False)
    profiles, problems = profile_file.usable_profiles(unresolved)
    known = tuple(providers)
    found = [source for provider in known for source in _with_default(_of(provider, profiles, unresolved))]
    whole = [Source("", str(around.profiles_file), problems=problems)] if problems else []
    return (*found, *_strangers(profiles, known, unresolved), *whole)


def _of(provider: Provider, profiles: Mapping[str, Any], around: Surroundings) -> Iterator[Source]:
    variables = " and ".join(filter(None, (provider.environment.base_url, provider.environment.token)))
    files = " and ".join(provider.environment.config_files)
    nothing = settings.ConnectionRequest()
    yield from _tried(Source(provider.id, variables), lambda: settings.from_environment(provider, nothing, around))
    yield from _tried(Source(provider.id, files), lambda: settings.from_config_files(provider, nothing, around))
    for name in profile_file.names_for(provider, profiles):
        yield from _tried(
            Source(provider.id, str(around.profiles_file), name),
            lambda name=name: profile_file.from_profile(provider, name, profiles, around=around),  # type: ignore[misc] # bound now
        )


def _tried(source: Source, build: Callable[[], Connection | None]) -> Iterator[Source]:
    try:
        connection = build()
    except ConfigurationError as error:
        yield replace(source, problems=error.problems)
        return
    if connection is not None:
        auth = connection.auth
        yield replace(
            source,
            place=connection.source,
            base_url=connection.base_url,
            scheme=auth.scheme if auth else None,
            reference=auth.secrets[0].reference if auth and auth.secrets else None,
        )


def _with_default(sources: Iterable[Source]) -> Iterator[Source]:
    """Mark the source that is used without an option: the first that is no profile, else the profile `default`."""
    decided = False
    for source in sources:
        chosen = not decided and source.name in {None, settings.DEFAULT_PROFILE}
        decided = decided or chosen
        yield replace(source, default=chosen)


def _strangers(profiles: Mapping[str, Any], known: tuple[Provider, ...], around: Surroundings) -> Iterator[Source]:
    """Yield the profiles that name no provider, or one that no template folder describes."""
    ids = {provider.id for provider in known}
    words = f"known: {', '.join(sorted(ids))}"
    for name, data in profiles.items():
        stranger = profile_file.provider_of(data)
        where = f"{around.profiles_file}: connections.{name}"
        if stranger is None:
            problem = Problem(where, "provider is missing: a connection belongs to one API", f"name one; {words}")
            yield Source("", str(around.profiles_file), name, problems=(problem,))
        elif stranger not in ids:
            hint = f"{words}; name a folder with --templates or HTTPTASK_PATH"
            problem = Problem(f"{where}.provider", "no templates of this provider are known", hint)
            yield Source(stranger, str(around.profiles_file), name, problems=(problem,))
