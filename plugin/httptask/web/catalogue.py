"""The tasks that the page shows: edited files are seen at the next request, and a broken one hides nothing that was good."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from httptask.errors import DefinitionError, Problem, UnknownTask
from httptask.loader import Library, shipped
from httptask.registry import Registry, Summary
from httptask.suggest import nearest

if TYPE_CHECKING:
    from httptask.model import TaskTemplate

_SUFFIXES = (".yaml", ".yml")
#: A file's path, when it was changed last, and its size.
Stamp = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A task, and what is wrong with its file: then the template is the last good one."""

    template: TaskTemplate
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Results:
    """What a search found: the tasks of one page, how many there are, and a word that was perhaps meant."""

    summaries: tuple[Summary, ...]
    total: int
    meant: str | None = None


class Catalogue:
    """Folders of templates, read again when a file in them changes. Safe to share between threads."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Name the folders beside the shipped one.

        Raises:
            DefinitionError: a folder is none, or holds one id twice.

        """
        self._folders = (shipped("task_templates"), *folders)
        self._extra = tuple(folders)
        self._listed: dict[str, Mapping[str, Any]] = {}
        self._good: dict[str, TaskTemplate] = {}
        self._lock = Lock()
        self._stamp = stamp_of(self._folders)
        self._registry = Library(self._extra, listed=self._listed).registry()
        self._problems: tuple[Problem, ...] = ()

    def registry(self) -> Registry:
        """Return the tasks as the files have them now, or as they had them last when they cannot be read as a whole."""
        stamp = stamp_of(self._folders)
        with self._lock:
            if stamp != self._stamp:
                self._read_again()
                self._stamp = stamp
            return self._registry

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with the files: those that cannot be listed, and what keeps all of them from being read again."""
        return (*self._problems, *self._registry.problems)

    def task(self, name: str) -> Found:
        """Return a task; the last good one, with what is wrong, when its file is broken.

        Raises:
            DefinitionError: there is no such task, or it was never good.

        """
        registry = self.registry()
        try:
            found = Found(registry[name])
        except DefinitionError as error:
            if name not in self._good or (isinstance(error, UnknownTask) and not _is_there(self._good[name])):
                raise
            return Found(self._good[name], tuple(p for p in error.problems if p.where != name))
        self._good[name] = found.template
        return found

    def search(self, query: str, start: int, count: int) -> Results:
        """Return the tasks that hold every word, the likeliest first."""
        registry = self.registry()
        found = registry.summaries(query)
        words = tuple(query.lower().split())
        if words:
            found = tuple(sorted(found, key=lambda summary: _rank(summary, words)))
        meant = None if found or not words else nearest(words[-1], _vocabulary(registry))
        return Results(found[start : start + count], len(found), meant)

    def _read_again(self) -> None:
        try:
            self._registry = Library(self._extra, listed=self._listed).registry()
            self._problems = ()
        except DefinitionError as error:
            self._problems = error.problems


def stamp_of(folders: Sequence[Path]) -> Stamp:
    """Return what changes whenever a definition file below these folders does, without reading one."""
    return tuple(sorted(stamp for folder in folders for stamp in _stamps(str(folder))))


def _stamps(folder: str) -> Iterator[tuple[str, int, int]]:
    waiting = [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:  # a folder that is gone has no files
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.name.endswith(_SUFFIXES):
                yield _stamp(entry)


def _stamp(entry: os.DirEntry[str]) -> tuple[str, int, int]:
    try:
        state = entry.stat()
    except OSError:  # a link that leads nowhere is a mistake to be shown, and its mending a change
        return entry.path, 0, -1
    return entry.path, state.st_mtime_ns, state.st_size


def _rank(summary: Summary, words: tuple[str, ...]) -> tuple[int, int]:
    """Return the place of a task among those found: by id first, then by summary, then by what else holds the words."""
    name = summary.id.partition(".")[2].lower()
    whole = " ".join(words)
    if whole in {summary.id.lower(), name}:
        return 0, 0
    in_name = sum(word in summary.id.lower() for word in words)
    begins = sum(name.startswith(word) for word in words)
    in_summary = sum(word in summary.summary.lower() for word in words)
    return 1, -(4 * begins + 2 * in_name + in_summary)


def _vocabulary(registry: Registry) -> set[str]:
    return {word for name in registry for word in name.replace(".", "_").split("_")}


def _is_there(template: TaskTemplate) -> bool:
    return Path(template.source.file).is_file()
