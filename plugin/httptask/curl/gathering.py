"""Works that go on after a mistake, so that a person is told all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from httptask.errors import Problem, ProblemsError

T = TypeVar("T")


class Gathering:
    """Notes the problems of one part after the other."""

    def __init__(self) -> None:
        """Begin without any."""
        self._problems: list[Problem] = []

    def _attempt(self, work: Callable[[], T], nothing: T) -> T:
        """Return what a work gives; where it fails, its problems are noted and nothing takes its place."""
        try:
            return work()
        except ProblemsError as error:
            self._problems += error.problems
            return nothing
