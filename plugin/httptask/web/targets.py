"""Where a request may go from the page: the connections that are configured, and the sandbox. Never a URL that somebody typed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from httptask.errors import ConfigurationError, Problem
from httptask.settings import SANDBOX_PROVIDER, dry_connection
from httptask.sources import Source, listed
from httptask.surroundings import Surroundings
from httptask.wiring import Where, dry_run_connection, sandbox_connection

if TYPE_CHECKING:
    from httptask.model import Connection, Provider, Workflow
    from httptask.registry import Registry
    from httptask.web.sandboxes import PageSandbox

SANDBOX = "sandbox"
DEFAULT = "default"
#: Shows the documented server and a placeholder; nothing can be sent there.
NOWHERE = "nowhere"
_PROFILE = "profile:"


@dataclass(frozen=True, slots=True)
class Target:
    """One choice of the connection picker. `key` is what a form says; what has `problems` cannot be chosen."""

    key: str
    title: str
    base_url: str
    detail: str
    problems: tuple[Problem, ...] = ()

    @property
    def is_real(self) -> bool:
        """Whether requests reach a server that somebody works with."""
        return self.key not in {SANDBOX, NOWHERE}


def targets_of(provider: Provider, around: Surroundings, sandbox: PageSandbox) -> tuple[Target, ...]:
    """Return what can be chosen for a task of this provider, the sandbox first; credentials are not read for this."""
    found = [_of_source(source) for source in listed((provider,), around) if source.provider == provider.id]
    if provider.id == SANDBOX_PROVIDER:
        detail = "an Okta Agent Pools server on this machine; nothing leaves it"
        found.insert(0, Target(SANDBOX, "Sandbox (built in)", sandbox.base_url or "starts when it is needed", detail))
    if not any(not target.problems for target in found):
        detail = "no connection is configured; `httptask connections add NAME` writes one"
        found.insert(0, Target(NOWHERE, "None, preview only", provider.default_url, detail))
    return tuple(found)


def targets_of_workflow(workflow: Workflow, registry: Registry, around: Surroundings, sandbox: PageSandbox) -> tuple[Target, ...]:
    """Return what can be chosen for a run: the sandbox, each profile where one API is used, and what is configured for all."""
    providers = {registry[task].provider.id: registry[task].provider for task in workflow.tasks()}
    if len(providers) == 1 and workflow.connection is None:
        return targets_of(next(iter(providers.values())), around, sandbox)
    found = [_configured(workflow, providers.values(), around)]
    if set(providers) <= {SANDBOX_PROVIDER}:
        detail = "an Okta Agent Pools server on this machine; nothing leaves it"
        found.insert(0, Target(SANDBOX, "Sandbox (built in)", "starts with the run", detail))
    return tuple(found)


def _configured(workflow: Workflow, providers: Iterable[Provider], around: Surroundings) -> Target:
    """Return the choice of what is configured: the workflow's own connection, or the first source of each API."""
    if workflow.connection is not None:
        return Target(DEFAULT, "The workflow's own", workflow.connection, "the file names its connection")
    sources = {source.provider: source for source in listed(providers, around) if source.default and not source.problems}
    urls = [f"{provider.id}: {sources[provider.id].base_url if provider.id in sources else 'none'}" for provider in providers]
    missing = [provider.id for provider in providers if provider.id not in sources]
    problems = tuple(Problem(name, "no connection is configured for this API") for name in missing)
    return Target(DEFAULT, "As configured", ", ".join(urls) or "no API is used", "the first source of each API", problems)


def _of_source(source: Source) -> Target:
    key = DEFAULT if source.default and source.name is None else f"{_PROFILE}{source.name}"
    detail = ", ".join(filter(None, (source.scheme, source.reference, f"from {source.place}")))
    problems = source.problems
    if source.name is None and not source.default:
        problems = (*problems, Problem(source.place, "another source comes first", "`httptask connections` shows the order"))
        key = f"shadowed:{source.place}"
    return Target(key, source.name or "Environment", source.base_url or "(faulty)", detail, problems)


def chosen(targets: tuple[Target, ...], key: str | None) -> Target:
    """Return the target of this key; the first that can be used, else the first, when a form says nothing yet.

    Raises:
        ConfigurationError: there is none of this key, or it is faulty.

    """
    usable = next((target for target in targets if not target.problems), targets[0])
    if key is None:
        return usable
    found = next((target for target in targets if target.key == key), None)
    if found is None:
        names = ", ".join(target.title for target in targets if not target.problems)
        raise ConfigurationError(Problem("connection", "there is no such connection", f"choose one of: {names}"))
    if found.problems:
        raise ConfigurationError(found.problems)
    return found


def where_of(target: Target, sandbox: PageSandbox) -> Where:
    """Return where requests go, as runs and trials are told.

    Raises:
        ConfigurationError: nothing can be sent there.

    """
    if target.key == NOWHERE:
        hint = "`httptask connections add NAME` writes one"
        raise ConfigurationError(Problem("connection", "no connection is configured, so nothing can be sent", hint))
    if target.key == SANDBOX:
        return Where(sandbox=True, lent=sandbox.shared())
    name = target.key.removeprefix(_PROFILE) if target.key.startswith(_PROFILE) else None
    return Where(name=name)


def connection_of(target: Target, provider: Provider, sandbox: PageSandbox) -> Connection:
    """Return the connection of a target, its credential read.

    Raises:
        ConfigurationError: it cannot be used.

    """
    if target.key == NOWHERE:
        return dry_connection(provider)
    where = where_of(target, sandbox)
    if where.lent is not None:
        return sandbox_connection(provider, where.lent.base_url, where.lent.token)
    return dry_run_connection(where, provider)
