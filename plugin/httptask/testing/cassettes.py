"""Tasks and workflows of a test against its cassette: replayed, or recorded where that is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask.cassette import Recorder
from httptask.clock import SystemClock
from httptask.discretion import Discretion
from httptask.executing import Company, Connect, Plan, Stage, Tape, execute
from httptask.halting import Halt
from httptask.lanes import ThreadLanes
from httptask.loader import load_workflow
from httptask.runner import Options
from httptask.taping import Replaying
from httptask.wiring import Where, http_runner

if TYPE_CHECKING:
    from httptask.outcome import Outcome
    from httptask.registry import Registry
    from httptask.runs import RunResult


class Take:
    """What a test runs against one cassette. `folder` is where its files are looked for."""

    def __init__(self, tape: Tape, stage: Stage, registry: Registry, folder: Path) -> None:
        """Begin the take."""
        self._tape = tape
        self._stage = stage
        self._registry = registry
        self._folder = folder

    @property
    def unused(self) -> tuple[str, ...]:
        """The recorded requests that were not asked for by now; none while recording."""
        return self._tape.unused if isinstance(self._tape, Replaying) else ()

    def task(self, task: str, inputs: Mapping[str, Any] | None = None, options: Options | None = None) -> Outcome:
        """Run a task to its outcome, by its retry policy.

        Raises:
            UsageError: the inputs are wrong.
            ReplayMiss: its request was not recorded.

        """
        template, tape = self._registry[task], self._tape
        connection = self._stage.connect(template)
        tape.connected({template.provider.id: connection})
        with http_runner([connection], self._registry, tape, clock=self._stage.clock, wrap=tape.wrap) as runner:
            return runner.run(template, inputs or {}, connection, options)

    def workflow(self, file: str | Path, inputs: Mapping[str, Any] | None = None, *, approved: Iterable[str] = ()) -> RunResult:
        """Run a workflow file to its end; gates that are `approved` are open.

        Raises:
            DefinitionError: the file is wrong.
            InputInvalid: the inputs are wrong.
            ReplayMiss: a request was not recorded.

        """
        workflow = load_workflow(self._folder / file, self._registry)
        plan = Plan(workflow, self._registry, inputs or {}, Where(), approved=frozenset(approved))
        return execute(plan, lambda _: None, Company(Discretion(), tape=self._tape)).result


def replayed(file: Path, registry: Registry, folder: Path) -> Take:
    """Return a take that is played.

    Raises:
        CassetteInvalid: the cassette is wrong.

    """
    tape = Replaying(file, registry)
    return Take(tape, tape.stage, registry, folder)


def recorded(file: Path, registry: Registry, folder: Path, *, connect: Connect, stack: ExitStack) -> Take:
    """Return a take that is recorded over connections of the whole test, and written when the stack ends.

    Raises:
        CassetteInvalid: it cannot be written there.

    """
    file.parent.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    stage = Stage(connect, clock, ThreadLanes(Halt(), clock))
    tape = Recorder(file, registry, clock, stage=stage)
    stack.callback(tape.finish)
    return Take(tape, stage, registry, folder)
