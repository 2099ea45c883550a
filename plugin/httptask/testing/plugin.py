"""The pytest plugin, found by its entry point.

`httptask_schedule` plays a fault script against a task, `httptask_cassette` runs tasks and workflows against what was recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from httptask.registry import Registry
    from httptask.simulate import Simulation
    from httptask.testing.cassettes import Take

Schedule = Callable[..., "Simulation"]
Cassettes = Callable[..., "Take"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--httptask-record`."""
    words = "Record the cassettes that are missing, over the connections that are configured."
    parser.getgroup("httptask").addoption("--httptask-record", action="store_true", help=words)


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


@pytest.fixture
def httptask_cassette(request: pytest.FixtureRequest, httptask_registry: Registry) -> Iterator[Cassettes]:
    """Run against a cassette: `httptask_cassette().workflow("flow.yaml", {"poolType": "AD"})` gives a RunResult.

    The cassette stands in `cassettes/` beside the test and is called like it; `file` names another one beside the test. It is
    replayed if it is there. One that is missing is recorded with `--httptask-record` alone, over `connection`, the `sandbox`
    (True, or its options), or else what is configured. `templates=DIR` adds a folder of templates.
    """
    from httptask.loader import open_registry
    from httptask.testing.cassettes import recorded, replayed
    from httptask.wiring import Where, connections

    folder = request.path.parent

    def take(
        file: str | None = None,
        *,
        sandbox: bool | Mapping[str, Any] = False,
        connection: str | None = None,
        templates: Path | None = None,
    ) -> Take:
        registry = open_registry((templates,)) if templates else httptask_registry
        cassette = folder / (file or _named_like(request))
        if cassette.exists():
            return replayed(cassette, registry, folder)
        if not request.config.getoption("--httptask-record"):
            pytest.fail(f"there is no cassette {cassette}; pytest --httptask-record records it", pytrace=False)
        options = sandbox if isinstance(sandbox, Mapping) else {}
        where = Where(sandbox=sandbox is not False, name=connection)
        connect = stack.enter_context(connections(where, options))
        return recorded(cassette, registry, folder, connect=connect, stack=stack)

    with ExitStack() as stack:
        yield take


def _named_like(request: pytest.FixtureRequest) -> str:
    """Return the cassette's path for a test, in letters that every file system takes."""
    name = re.sub(r"[^\w.-]+", "_", request.node.name).strip("_")
    return f"cassettes/{request.path.stem}/{name}.yaml"
