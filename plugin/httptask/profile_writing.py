"""Adds a profile to connections.toml: appended, so that what stands there is kept byte for byte, and atomically."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from httptask.atomic import replace_file
from httptask.errors import ConfigurationError, Problem
from httptask.profiles import read_profiles

if TYPE_CHECKING:
    from httptask.surroundings import Surroundings

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def check_name(name: str, around: Surroundings) -> None:
    """Refuse a name that cannot be a new profile's.

    Raises:
        ConfigurationError: it is no plain word, is taken, or the file of profiles cannot be read.

    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(Problem("NAME", "this cannot be the name of a connection", "use letters, digits, - and _"))
    if name in (read_profiles(around, required=False) or {}):
        message = f"{around.profiles_file} already has a connection {name}"
        raise ConfigurationError(Problem("NAME", message, "choose another name, or edit the file"))


def add_profile(name: str, values: Mapping[str, str], around: Surroundings) -> Path:
    """Append `[connections.NAME]` with these texts and return the file, readable by its owner only.

    Raises:
        ConfigurationError: the name is taken, or the file cannot be written or would not be read as meant.

    """
    check_name(name, around)
    file = around.profiles_file
    # a link is followed, so that a file kept under version control elsewhere stays linked
    target = Path(os.path.realpath(file))
    try:
        before = target.read_bytes() if target.exists() else b""
        after = before + _table(name, values, before)
        _check(after, name, values, file)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(target, after)
    except OSError as error:
        hint = "check that you may write it and its folder"
        raise ConfigurationError(
            Problem(str(file), f"cannot be written: {error.strerror or 'the path is not valid'}", hint)
        ) from None
    return file


def _table(name: str, values: Mapping[str, str], before: bytes) -> bytes:
    newline = "\r\n" if b"\r\n" in before else "\n"
    gap = [] if not before else [""] if before.endswith(b"\n") else ["", ""]
    # JSON's escapes in double quotes are TOML's, but for DEL
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f") for key, value in values.items()]
    return newline.join([*gap, f"[connections.{name}]", *lines, ""]).encode()


def _check(raw: bytes, name: str, values: Mapping[str, str], file: Path) -> None:
    """Refuse to write what would be read otherwise than meant, as below an inline table `connections = {...}`."""
    with contextlib.suppress(ValueError, RecursionError, KeyError, TypeError):
        if tomllib.loads(raw.decode("utf-8-sig"))["connections"][name] == dict(values):
            return
    hint = "write [connections.NAME] into the file by hand"
    raise ConfigurationError(Problem(str(file), "a table cannot be added at the end of this file", hint))
