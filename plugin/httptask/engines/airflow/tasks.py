"""The definitions that DAG files name, read once for a process: Airflow parses a file in the process that then runs its task."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from httptask import wiring
from httptask.registry import Registry

#: Folders with templates, as people name them; a single one need not stand in a list.
Folders: TypeAlias = str | Path | Sequence[str | Path]


@lru_cache
def registry(folders: tuple[str, ...] = ()) -> Registry:
    """Return the shipped templates with those of HTTPTASK_PATH and of these folders.

    Raises:
        TemplateInvalid: a folder that is none, or one id in two files.

    """
    return wiring.registry(folders)


def names_of(folders: Folders) -> tuple[str, ...]:
    """Return the names of folders; a text is one of them, and not its letters."""
    return (str(folders),) if isinstance(folders, str | Path) else tuple(map(str, folders))
