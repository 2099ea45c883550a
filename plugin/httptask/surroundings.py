"""What a program finds around itself, as values: the only reader of the environment, and where users have which files."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from httptask.secrets import Secret

CONFIG_VARIABLE = "HTTPTASK_CONFIG"
PATH_VARIABLE = "HTTPTASK_PATH"
JOURNAL_VARIABLE = "HTTPTASK_JOURNAL"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a program finds around itself, as values, so that everything below is testable without a machine.

    With `resolves` False references are checked but not resolved, so that connections can be listed without a credential.
    """

    env: Mapping[str, str] = field(repr=False)
    home: Path
    cwd: Path
    config_dir: Path
    resolves: bool = True
    state_dir: Path | None = None

    @classmethod
    def current(cls) -> Surroundings:
        """Return the real ones."""
        try:
            home = Path.home()
        except RuntimeError:  # a container's user without an entry and without HOME
            home = Path(os.sep)
        return cls(
            os.environ,
            home,
            Path.cwd(),
            config_folder(sys.platform, os.environ, home),
            state_dir=state_folder(sys.platform, os.environ, home),
        )

    @property
    def profiles_file(self) -> Path:
        """The file of profiles: the one that HTTPTASK_CONFIG names, else the one in the user's configuration folder."""
        named = self.env.get(CONFIG_VARIABLE)
        return self.locate(named, self.cwd) if named else self.config_dir / "httptask" / "connections.toml"

    @property
    def journal_file(self) -> Path:
        """The journal of runs: the file that HTTPTASK_JOURNAL names, else the one in the user's state folder."""
        named = self.env.get(JOURNAL_VARIABLE)
        return self.locate(named, self.cwd) if named else (self.state_dir or self.config_dir) / "httptask" / "runs.db"

    def locate(self, written: str, base: Path) -> Path:
        """Return a path as a person writes it: `~` is the home folder, and a relative path starts at `base`."""
        if written == "~" or written.startswith(("~/", f"~{os.sep}")):
            return self.home / written[2:]
        return base / written

    def secret(self, reference: str, base: Path, where: str) -> Secret:
        """Return what a reference stands for; a relative path starts at `base`.

        Raises:
            ConfigurationError: it is no reference, or what it names cannot be read.

        """
        from httptask.references import check_reference, read_reference

        if self.resolves:
            return read_reference(reference, self.env, locate=partial(self.locate, base=base), where=where)
        check_reference(reference, where)
        return Secret("not-resolved", reference=reference)


def read_regular(file: Path, most: int) -> bytes:
    """Return a user's file, or `most` + 1 bytes of a larger one.

    Raises:
        OSError: it cannot be read, or is no regular file: a pipe may never begin, and a device never end.

    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with file.open("rb") as stream:
        return stream.read(most + 1)


def config_folder(platform: str, env: Mapping[str, str], home: Path) -> Path:
    """Return the folder in which this platform keeps users' configuration."""
    if platform == "win32":
        return Path(env.get("APPDATA") or home / "AppData" / "Roaming")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    named = Path(env.get("XDG_CONFIG_HOME", ""))
    # a relative value is void by the XDG base directory specification
    return named if named.is_absolute() else home / ".config"


def state_folder(platform: str, env: Mapping[str, str], home: Path) -> Path:
    """Return the folder in which this platform keeps what programs remember of a user's work."""
    if platform == "win32":
        return Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local")
    if platform == "darwin":
        return home / "Library" / "Application Support"
    named = Path(env.get("XDG_STATE_HOME", ""))
    return named if named.is_absolute() else home / ".local" / "state"


def template_path(around: Surroundings) -> tuple[Path, ...]:
    """Return the folders with templates of one's own that HTTPTASK_PATH names, in order."""
    written = around.env.get(PATH_VARIABLE, "").split(os.pathsep)
    return tuple(around.locate(entry, around.cwd) for entry in written if entry)
