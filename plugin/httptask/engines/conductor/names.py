"""Names of tasks within a Conductor workflow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Name of the tasks that decide what stands between requests.
STEP = "httptask.step"
#: The one key of a task's inputs and of its outputs that is ours; all others are the task's own.
OWN = "httptask"

_OTHER = re.compile("[^A-Za-z0-9]+")


@dataclass(slots=True)
class Names:
    """Gives each task of a workflow its reference name, the same whenever the same workflow is compiled.

    Two underscores never stand together: they are Conductor's own mark of a loop's iteration, and a loop whose tasks have them in
    their names keeps its server busy without end.
    """

    _given: dict[tuple[str, str], str] = field(default_factory=dict)
    _taken: set[str] = field(default_factory=set)

    def of(self, path: str, part: str = "") -> str:
        """Return the reference name of a step, or of one of the tasks that it is made of."""
        key = (path, part)
        if key not in self._given:
            self._given[key] = self._new(_OTHER.sub("_", f"{path}_{part}" if part else path).strip("_") or "step")
            self._taken.add(self._given[key])
        return self._given[key]

    def _new(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        return name


def reference(name: str, *parts: str) -> str:
    """Return the expression that reads a part of what a task put out, in our own key."""
    return f"${{{'.'.join((name, 'output', OWN, *parts))}}}"
