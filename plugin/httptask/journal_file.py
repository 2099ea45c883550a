"""The file of the journal: made for its owner only, of this version, and told apart from everything that is not ours."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from httptask.errors import JournalError, Problem

#: `http` in ASCII: tells our file from other databases (sqlite.org/pragma.html#pragma_application_id).
APPLICATION_ID = 0x68747470
#: Bytes of the smallest database (sqlite.org/fileformat.html); SQLite takes a shorter file for a new one and overwrites it.
SMALLEST = 512
#: Each makes the file of the version before it into the next one.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE runs(
      id TEXT PRIMARY KEY, workflow TEXT NOT NULL, file TEXT NOT NULL, status TEXT NOT NULL, created REAL NOT NULL,
      updated REAL NOT NULL, ran REAL NOT NULL, definition TEXT NOT NULL, connections TEXT NOT NULL, message TEXT NOT NULL
    ) STRICT;
    CREATE TABLE definitions(digest TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
    CREATE TABLE entries(
      seq INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL, at REAL NOT NULL,
      ran REAL NOT NULL, data TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entries_by_path ON entries(run, kind, path, seq);
    """,
    "ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT ''",
)


def make(path: Path) -> None:
    """Make the file if there is none, for its owner only. It is not opened: closing it would end SQLite's own locks on it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        refuse(path, "this is no regular file", "name a file of its own")
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        refuse(path, "this file belongs to another user", "name one of your own with --journal or HTTPTASK_JOURNAL")
    if 0 < found.st_size < SMALLEST:
        refuse(path, *WORDS["SQLITE_NOTADB"])


def identity(path: Path) -> tuple[int, int]:
    """Return what tells a file from another one that takes its place."""
    found = path.stat()
    return found.st_dev, found.st_ino


def keep_private(path: Path) -> None:
    """Let nobody but its owner read the file."""
    if path.stat().st_mode & 0o077 and os.name == "posix":
        path.chmod(0o600)


def version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of a file's schema, 0 for a new one; refuse another program's database, and a later version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (application or tables):
        refuse(path, "this database belongs to another program", "name another file; it was left as it is")
    if version > len(MIGRATIONS):
        refuse(path, "this journal was written by a later version of httptask", "update httptask, or name another file")
    return int(version)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema to this version, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    for migration in MIGRATIONS[version(connection, path) :]:
        for statement in migration.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def refuse(path: Path, message: str, hint: str) -> NoReturn:
    """Raise that the file cannot be used.

    Raises:
        JournalError: always.

    """
    raise JournalError(Problem(str(path), message, hint))


_ELSEWHERE = "name another file with --journal or HTTPTASK_JOURNAL; `run --no-journal` keeps no record"
WORDS: Mapping[str, tuple[str, str]] = {
    "SQLITE_FULL": ("the disk is full", "make room; what was written is safe"),
    "SQLITE_READONLY": ("it cannot be written", "check that you may write the file and its folder"),
    "SQLITE_CANTOPEN": ("it cannot be opened", _ELSEWHERE),
    "SQLITE_CORRUPT": ("it is damaged", "keep a copy, and name another file"),
    "SQLITE_NOTADB": ("this is no journal, or it is damaged", "name another file; it was left as it is"),
    "SQLITE_BUSY": ("other processes keep it busy", "try again"),
    "SQLITE_IOERR": ("the disk reports an error", "check the disk; what was written before is safe"),
}


def explanation(path: Path, error: sqlite3.Error | OSError | UnicodeError) -> JournalError:
    """Return what SQLite or the system says in words that help."""
    if isinstance(error, OSError):
        return JournalError(Problem(str(path), f"cannot be used: {error.strerror or type(error).__name__}", _ELSEWHERE))
    if isinstance(error, UnicodeError):
        return JournalError(Problem(str(path), "a text that is no UTF-8 can neither be stored nor looked for"))
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    message, hint = next((words for code, words in WORDS.items() if name.startswith(code)), (f"cannot be used: {name}", ""))
    return JournalError(Problem(str(path), message, hint))
