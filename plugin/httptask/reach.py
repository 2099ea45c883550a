"""What is read of a step after it has ended, so that a run need keep no more of it than that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from httptask.errors import ExpressionError
from httptask.expressions import Reference, compile_text, texts
from httptask.model import Step, Workflow

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """Paths below `steps.<id>` that are read, shortest only, as in `("outputs", "id")`; `whole` when all of it is.

    A path ends where a key is computed, where a list is entered, and at `("response", "headers")`, whose names know no case.
    """

    paths: frozenset[Path] = frozenset()
    whole: bool = False

    def covers(self, *path: str) -> bool:
        """Tell whether anything at, above or below a path is read."""
        return self.whole or any(known[: len(path)] == path[: len(known)] for known in self.paths)


def reachable(workflow: Workflow) -> Mapping[str, Reach]:
    """Return for each step of a workflow, those of groups and `onFailure` included, what other expressions read of it.

    A workflow used as a step has steps of its own, which nothing outside of it reads: ask again for that one.
    """
    steps = list(workflow.every_step())
    read: dict[str, set[Path]] = {step.id: set() for step in steps}
    for reference in _references(workflow):
        if reference == ("steps",):
            for paths in read.values():
                paths.add(())
        elif reference[0] == "steps" and reference[1] in read:
            read[reference[1]].add(_literal(reference[2:]))
    return {step: Reach(_shortest(paths), whole=() in paths) for step, paths in read.items()}


def expressions(step: Step) -> Iterator[Any]:
    """Yield the parts of a step that may hold expressions over other steps."""
    yield from (step.inputs, step.headers, step.outputs, step.condition, step.approve)
    if step.for_each is not None:
        yield step.for_each.items
    if step.until is not None:
        yield from (step.until.condition, step.until.fail_if)


def references(tree: Any) -> Iterator[Reference]:
    """Yield every path that the expressions of a JSON tree read, as far as it is literal."""
    for text in texts(tree):
        try:
            yield from compile_text(text).references
        except ExpressionError:
            continue  # a checked workflow has none


def _references(workflow: Workflow) -> Iterator[Reference]:
    for step in workflow.every_step():
        for tree in expressions(step):
            yield from references(tree)
    yield from references(workflow.outputs)


def _literal(path: Path) -> Path:
    """Cut a path at the index of a list, and at headers."""
    if path[:2] == ("response", "headers"):
        return path[:2]
    return path[: next((at for at, part in enumerate(path) if part.lstrip("-").isdigit()), len(path))]


def _shortest(paths: set[Path]) -> frozenset[Path]:
    if () in paths:
        return frozenset()
    return frozenset(path for path in paths if not any(path[:end] in paths for end in range(1, len(path))))
