"""Writes new definition files: whole or not at all, and never over somebody's work."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from httptask.atomic import written_beside
from httptask.errors import ConfigurationError, Problem
from httptask.loader import shown

#: What a new file may be, before the user's mask takes away from it.
_MODE = 0o666


def write_files(files: Mapping[Path, str], *, replaced: Path | None = None) -> None:
    """Write all of these files, or none: only `replaced` may be there already.

    Raises:
        ConfigurationError: a file is there, or the system refuses to write.

    """
    there = [file for file in files if file != replaced and os.path.lexists(file)]
    if there:
        hint = "choose another folder or id, or --force to replace the task's file"
        raise ConfigurationError(Problem(shown(file), "this file is there already", hint) for file in there)
    done: list[Path] = []
    made: list[Path] = []
    try:
        for file, text in files.items():
            made += _make_folder(file.parent)
            _write(file, text.encode(), replaces=file == replaced)
            done += [] if file == replaced else [file]
    except OSError as error:
        _take_back(done, made)
        message = f"cannot be written: {error.strerror or type(error).__name__}"
        raise ConfigurationError(Problem(shown(file), message, "check that you may write into the folder")) from None


def _make_folder(folder: Path) -> list[Path]:
    """Make a folder and those above it; return the new ones, outermost first."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing[::-1]


def _write(file: Path, content: bytes, *, replaces: bool) -> None:
    """Write beside the file, then give it its name: a reader sees all of it, and a file that came meanwhile stays."""
    with written_beside(file, content) as temporary:
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(_MODE & ~mask)
        if replaces:
            temporary.replace(file)
        else:
            os.link(temporary, file)  # fails where a name is taken, as renaming does not


def _take_back(files: list[Path], folders: list[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
    for folder in reversed(folders):
        with suppress(OSError):  # somebody else put something there meanwhile
            folder.rmdir()
