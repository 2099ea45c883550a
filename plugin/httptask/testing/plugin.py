"""The pytest plugin, found by its entry point: `httptask_schedule` plays a fault script against a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from httptask.registry import Registry
    from httptask.simulate import Simulation

Schedule = Callable[..., "Simulation"]


@pytest.fixture(scope="session")
def httptask_registry() -> Registry:
    """The registry of the shipped templates and those of HTTPTASK_PATH."""
    from httptask.loader import open_registry
    from httptask.surroundings import Surroundings, template_path

    return open_registry(template_path(Surroundings.current()))


@pytest.fixture
def httptask_schedule(httptask_registry: Registry) -> Schedule:
    """Play a fault script: `httptask_schedule("okta.list_agent_pools", {}, "503x2, ok").text()` is the schedule.

    `templates=DIR` adds a folder of templates; `seed` chooses the jitter.
    """
    from httptask.loader import open_registry
    from httptask.simulate import DEFAULT_SEED, simulate

    def schedule(
        task: str, inputs: Mapping[str, Any], script: str, *, seed: int = DEFAULT_SEED, templates: Path | None = None
    ) -> Simulation:
        registry = open_registry((templates,)) if templates else httptask_registry
        return simulate(registry[task], inputs, script, seed=seed)

    return schedule
