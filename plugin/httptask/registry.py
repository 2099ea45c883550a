"""All known tasks as an immutable mapping id -> TaskTemplate, loaded one by one when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from httptask.errors import Problem, UnknownTask
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from httptask.model import TaskTemplate


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a task. `path` is in OpenAPI's spelling; `source` is the file."""

    id: str
    provider: str
    method: str
    path: str
    summary: str
    tags: tuple[str, ...]
    scopes: tuple[str, ...]
    deprecated: bool
    source: str

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form of contracts."""
        return {
            "id": self.id,
            "provider": self.provider,
            "method": self.method,
            "path": self.path,
            "summary": self.summary,
            "tags": list(self.tags),
            "scopes": list(self.scopes),
            "deprecated": self.deprecated,
        }

    def matches(self, words: tuple[str, ...]) -> bool:
        """Tell whether every word occurs in id, path, method, summary or tags, without regard to case."""
        text = " ".join((self.id, self.method, self.path, self.summary, *self.tags)).lower()
        return all(word in text for word in words)


class Registry(Mapping[str, "TaskTemplate"]):
    """The catalogue. Summaries are at hand; a template is read and checked when it is first asked for, then kept.

    `problems` are files that could not be listed; the others stay usable.
    """

    def __init__(
        self, summaries: Mapping[str, Summary], load: Callable[[Summary], TaskTemplate], problems: tuple[Problem, ...] = ()
    ) -> None:
        """Keep the catalogue and the way to load from it."""
        self._summaries = dict(sorted(summaries.items()))
        self._load = load
        self._loaded: dict[str, TaskTemplate] = {}
        self.problems = problems

    def __getitem__(self, task: str) -> TaskTemplate:
        """Return a template.

        Raises:
            UnknownTask: there is none of this id; names the nearest one, and the files that could not be listed.
            TemplateInvalid: its file is wrong.

        """
        if task not in self._loaded:
            summary = self._summaries.get(task)
            if summary is None:
                hint = did_you_mean(task, self._summaries) or "`httptask list` shows all tasks; --templates DIR adds your own"
                raise UnknownTask([Problem(task, "no such task", hint), *self.problems])
            self._loaded[task] = self._load(summary)
        return self._loaded[task]

    def __contains__(self, task: object) -> bool:
        """Tell whether a task of this id is known."""
        return task in self._summaries

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids in order."""
        return iter(self._summaries)

    def __len__(self) -> int:
        """Return the number of tasks."""
        return len(self._summaries)

    def summaries(self, search: str = "") -> tuple[Summary, ...]:
        """Return the summaries that hold every word of `search`."""
        words = tuple(search.lower().split())
        return tuple(summary for summary in self._summaries.values() if summary.matches(words))
