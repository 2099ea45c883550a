"""Proves that a connection of an engine's store works, by the one safe request that its provider names."""

from __future__ import annotations

from typing import cast

from httptask.errors import ConfigurationError, Problem
from httptask.hosted.host import Host
from httptask.hosted.one_task import OneTask
from httptask.hosted.turns import Ended, Turn, take
from httptask.model import SAFE_METHODS, ConnectionCheck, Provider, TaskTemplate
from httptask.registry import Registry


def check_of(provider: Provider, tasks: Registry, *, place: str) -> tuple[ConnectionCheck, TaskTemplate]:
    """Return the provider's check and its task.

    Raises:
        ConfigurationError: it has none, or one that is not safe; told at `place`.

    """
    spec = provider.check
    if spec is None:
        hint = "add `check: {task: ..., with: {...}}` to its provider.yaml, naming a task that only asks"
        raise ConfigurationError(Problem(place, f"the provider {provider.id} does not say how to check a connection", hint))
    template = tasks[spec.task]
    if template.method not in SAFE_METHODS or template.provider.id != provider.id:
        message = f"the check of the provider {provider.id} is not a safe task of its own"
        raise ConfigurationError(Problem(place, message, "name one of its GET tasks under `check`"))
    return spec, template


def checked(provider: Provider, tasks: Registry, host: Host, *, place: str) -> Ended:
    """Send the provider's check once and return what came of it.

    Raises:
        ConfigurationError: there is no connection, or nothing to check it with.

    """
    spec, template = check_of(provider, tasks, place=place)
    host.connection(provider)
    turn = Turn("check", last=True)  # the last turn is an end
    return cast("Ended", take(OneTask(template, spec.inputs).unit(tasks), turn, host))
