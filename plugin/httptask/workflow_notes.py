"""What the checks of a workflow file share: its steps with their places, and the problems found so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.errors import Problem, ProblemsError, WorkflowInvalid
from httptask.model import Place, Step, TaskTemplate
from httptask.places import Document, Path


@dataclass(frozen=True, slots=True)
class Placed:
    """A step, what the file says of it and where, and the task it uses, None where there is none or it is not known."""

    path: Path
    data: Mapping[str, Any]
    step: Step
    template: TaskTemplate | None = None
    inner: tuple[Placed, ...] = ()


def every(steps: Iterable[Placed]) -> Iterator[Placed]:
    """Yield steps in the order of the file, those of groups after the group."""
    for placed in steps:
        yield placed
        yield from placed.inner


class WorkflowNotes:
    """Gathers problems, so that one reading of a file reports them all."""

    def __init__(self, document: Document) -> None:
        """Start with none; `noted` are the paths of values with a problem."""
        self.document = document
        self.noted: set[Path] = set()
        self._found: list[tuple[Place, Problem]] = []

    def note(self, path: Path, message: str, hint: str = "", *, key: bool = False) -> None:
        """Keep a problem at the place of a value, or of its `key`."""
        place = self.document.key_place(path) if key else self.document.place(path)
        self._found.append((place, Problem(str(place), message, hint)))
        self.noted.add(path)

    def take(self, path: Path, problem: Problem) -> None:
        """Keep a problem of another file, which the value at `path` names."""
        self._found.append((self.document.place(path), problem))

    def attempt(self, path: Path, check: Callable[[], Any]) -> Any:
        """Return what a check returns; its problems are noted at this place, and it counts as None."""
        try:
            return check()
        except ProblemsError as error:
            for problem in error.problems:
                self.note(path, f"{problem.where}: {problem.message}" if problem.where else problem.message, problem.hint)
            return None

    def finish(self) -> None:
        """Raise if anything was noted.

        Raises:
            WorkflowInvalid: every problem, each once, in the order of the file.

        """
        self._found.sort(key=lambda found: (found[0].line, found[0].column))
        if self._found:
            raise WorkflowInvalid(tuple(dict.fromkeys(problem for _, problem in self._found)))
