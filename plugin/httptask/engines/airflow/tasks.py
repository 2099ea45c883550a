"""The definitions that DAG files name, read once for a process: Airflow parses a file in the process that then runs its task."""

from __future__ import annotations

from functools import lru_cache

from httptask import wiring
from httptask.registry import Registry


@lru_cache
def registry(folders: tuple[str, ...] = ()) -> Registry:
    """Return the shipped templates with those of HTTPTASK_PATH and of these folders.

    Raises:
        TemplateInvalid: a folder that is none, or one id in two files.

    """
    return wiring.registry(folders)


def names_of(folders: wiring.Folders) -> tuple[str, ...]:
    """Return the names of folders, which Airflow can write down."""
    return tuple(map(str, wiring.listed(folders)))
