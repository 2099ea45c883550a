"""The journal of runs: what was about to be sent, and what came of it, written down before and after.

One file for all runs of a user. SQLite in WAL mode with `synchronous=FULL`: a transaction that was committed survives the loss of
power (sqlite.org/pragma.html#pragma_synchronous). One thread writes, and commits for everybody who waits at that moment together.
A run is held by an operating system lock, which ends with the process that holds it, however that ends. Where such a lock fails
(its file was removed, or lies where locks do not work), the run's row says who took it last, and each transaction asks it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from httptask.errors import JournalError, Problem
from httptask.identity import new_id
from httptask.journal_file import MIGRATIONS, WORDS, explanation, identity, keep_private, make, migrate, refuse, version
from httptask.ports import Entry

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: Seconds to wait for other processes that write at the same moment.
BUSY = 30.0
#: Entries read at a time, so that no long read keeps the log from being shortened.
CHUNK = 200
_COLUMNS = ("id", "workflow", "file", "status", "created", "updated", "ran", "definition", "connections", "message")
_CONNECTIONS = _COLUMNS.index("connections")
_ENTRY = "INSERT INTO entries(run, path, kind, at, ran, data) VALUES(?, ?, ?, ?, ?, ?)"
#: A digest names one content: whatever stands there instead is damaged.
_DEFINITION = (
    "INSERT INTO definitions VALUES(?, ?) ON CONFLICT(digest) DO UPDATE SET content = excluded.content "
    "WHERE content IS NOT excluded.content"
)
_ROW = ", (?, ?, ?, ?, ?, ?)"
#: Entries in one statement: each has six of the 999 values that every SQLite takes (sqlite.org/limits.html).
_ROWS = 150


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run as the list of runs shows it; times are epoch seconds, `ran` is seconds of running time.

    `status` is `running` while somebody executes it, and stays so when the process died: `Journal.is_held` tells them apart.
    `definition` is the digest of everything that the run executes, `connections` says where it sends (never a credential).
    """

    id: str
    workflow: str
    file: str
    status: str
    created: float
    updated: float
    ran: float
    definition: str
    connections: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


class Holder(NamedTuple):
    """Who holds a run: what its row says as long as nobody else took it."""

    run: str
    owner: str


@dataclass(slots=True)
class _Ticket:
    """What one writer waits for."""

    done: threading.Event = field(default_factory=threading.Event)
    error: JournalError | None = None


@dataclass(frozen=True, slots=True)
class _Write:
    statements: Sequence[tuple[str, tuple[Any, ...]]]
    ticket: _Ticket | None
    holder: Holder | None


class Journal:
    """A journal file. Safe to share between threads; several processes may use the same file for different runs."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it.

        Raises:
            JournalError: it cannot be used, is not ours, or belongs to somebody else.

        """
        self.path = Path(os.path.realpath(path))
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._broken: JournalError | None = None
        self._lost: dict[Holder, JournalError] = {}
        self._opened: list[sqlite3.Connection] = []
        self._readers: deque[sqlite3.Connection] = deque()
        try:
            with self._explained():
                make(self.path)
                self._file = identity(self.path)
                connection = self._prepared()
                self._check_in_place()
        except JournalError:
            self._disconnect()
            raise
        self._writer = threading.Thread(target=self._write_all, args=(connection,), daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        self._writes.put(None)
        self._writer.join()
        self._broken = self._broken or JournalError(Problem(str(self.path), "it is closed"))
        self._disconnect()

    def __enter__(self) -> Self:
        """Return the journal."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def create(self, record: RunRecord, definition: bytes) -> HeldRun:
        """Note a new run and hold it.

        Raises:
            JournalError: it cannot be written.

        """
        lock = self._lock(record.id)
        holder = Holder(record.id, new_id())
        file = os.fsencode(record.file).decode("utf-8", "replace")  # a name that is no UTF-8 cannot be stored, and is only shown
        values = (record.id, record.workflow, file, record.status, record.created, record.updated, record.ran)
        self.write(
            [
                (_DEFINITION, (record.definition, definition)),
                (
                    f"INSERT INTO runs({', '.join(_COLUMNS)}, owner) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (*values, record.definition, _json(record.connections), _storable(record.message), holder.owner),
                ),
            ],
            wait=True,
        )
        return HeldRun(self, holder, lock)

    def hold(self, run_id: str) -> HeldRun:
        """Hold a run that is there, to execute, resume or delete it.

        Raises:
            JournalError: there is no such run, or another process holds it.

        """
        found = self.record(run_id).id
        holder = Holder(found, new_id())
        held = HeldRun(self, holder, self._lock(found))
        try:
            self.record(found)  # somebody may have deleted it before the lock was ours
        except JournalError:
            held.close(forget=True)
            raise
        try:
            self.write([("UPDATE runs SET owner = ? WHERE id = ?", (holder.owner, found))], wait=True)
        except JournalError:
            held.close()
            raise
        return held

    def is_held(self, run_id: str) -> bool:
        """Tell whether some process executes the run now."""
        try:
            self._lock(run_id).release()
        except JournalError:
            return True
        return False

    def record(self, run_id: str) -> RunRecord:
        """Return one run.

        Raises:
            JournalError: there is none of this id; an id may be cut short as long as it is the only one that begins so.

        """
        known = _storable(run_id) == run_id  # a text that is no UTF-8 names no run, and cannot be asked for
        span = (run_id, run_id + "\U0010ffff")
        found = list(self._runs("WHERE id >= ? AND id < ? ORDER BY id LIMIT 2", span)) if known else []
        exact = [record for record in found if record.id == run_id]
        if run_id and (exact or len(found) == 1):
            return (exact or found)[0]
        message = "more than one run begins so" if found and run_id else "there is no such run"
        raise JournalError(Problem("RUN", f"{message} in {self.path}", "`httptask runs` lists them"))

    def records(self, limit: int = 100) -> list[RunRecord]:
        """Return the newest runs, newest first."""
        return list(self._runs("ORDER BY rowid DESC LIMIT ?", (limit,)))

    def definition(self, digest: str) -> bytes:
        """Return what a run executes.

        Raises:
            JournalError: it is not there, or not what it was.

        """
        found = self.read("SELECT content FROM definitions WHERE digest = ?", (digest,))
        if not found:
            raise JournalError(Problem(str(self.path), "the definition of this run is missing", "start a new run"))
        content = bytes(found[0][0])
        if hashlib.sha256(content).hexdigest() != digest:
            raise JournalError(Problem(str(self.path), "the definition of this run was changed or is damaged", "start a new run"))
        return content

    def entries(self, run_id: str, kind: str, path: str = "") -> Iterator[Entry]:
        """Yield a run's entries of a kind whose path starts with `path`, oldest first, a few at a time."""
        # the index alone says which are next: their data is read once, not sorted anew for each few
        following = (
            "SELECT seq FROM entries WHERE run = ? AND kind = ? AND path >= ? AND path < ? AND seq > ? ORDER BY seq LIMIT ?"
        )
        query = f"SELECT seq, path, at, ran, data FROM entries WHERE seq IN ({following}) ORDER BY seq"  # noqa: S608 - our own text
        seq = 0
        while rows := self.read(query, (run_id, kind, path, path + "\U0010ffff", seq, CHUNK)):
            for seq, found, at, ran, data in rows:  # noqa: B007 - the last one is where the next read begins
                yield Entry(found, kind, self.decoded(data), at, ran)

    def ran(self, run_id: str) -> float:
        """Return the seconds of running time that a run's entries tell of."""
        ((ran,),) = self.read("SELECT coalesce(max(ran), 0.0) FROM entries WHERE run = ?", (run_id,))
        return float(ran)

    def delete(self, run_id: str) -> None:
        """Forget a run and, if no other run needs it, its definition.

        Raises:
            JournalError: somebody executes it, or the file cannot be written.

        """
        held = self.hold(run_id)
        try:
            self.write(
                [
                    ("DELETE FROM entries WHERE run = ?", (held.run_id,)),
                    ("DELETE FROM runs WHERE id = ?", (held.run_id,)),
                    ("DELETE FROM definitions WHERE digest NOT IN (SELECT definition FROM runs)", ()),
                ],
                wait=True,
                holder=held.holder,
            )
        finally:
            held.close(forget=True)

    def write(self, statements: Sequence[tuple[str, tuple[Any, ...]]], *, wait: bool, holder: Holder | None = None) -> None:
        """Hand statements to the writer as one transaction, which it may share; with `wait` return once it is durable.

        Those of a `holder` are written only as long as the run is still its own.

        Raises:
            JournalError: these, or earlier ones, could not be written.

        """
        error = self._broken or self._lost_to(holder)
        if error is not None:
            raise error
        ticket = _Ticket() if wait else None
        self._writes.put(_Write(statements, ticket, holder))
        if ticket is None:
            return
        ticket.done.wait()
        if ticket.error is not None:
            raise ticket.error

    def read(self, query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        Raises:
            JournalError: the file cannot be read.

        """
        with self._explained(), self._reader() as connection:
            rows: list[tuple[Any, ...]] = connection.execute(query, values).fetchall()
            return rows

    def decoded(self, text: str) -> Any:
        """Return the value that a text of the file spells.

        Raises:
            JournalError: it spells none: the file is damaged.

        """
        try:
            return json.loads(text)
        except ValueError:
            refuse(self.path, *WORDS["SQLITE_CORRUPT"])

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection: there are as many as threads that read at one moment, however many threads come and go."""
        try:
            connection = self._readers.pop()
        except IndexError:
            self._check_in_place()  # SQLite would make a file that is gone anew
            connection = self._keeping(self._connect())
        try:
            yield connection
        finally:
            self._readers.append(connection)

    def _prepared(self) -> sqlite3.Connection:
        """Return a connection to a file of this version. A file that is not ours is left as it is."""
        connection = self._connect()
        if version(connection, self.path) == len(MIGRATIONS):
            keep_private(self.path)
            return self._keeping(connection)
        # Two processes that turn on the log of a new file at the same moment would refuse each other.
        lock = self._lock(".new", timeout=BUSY)
        try:
            keep_private(self.path)
            migrate(self._keeping(connection), self.path)
        finally:
            lock.release()
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        self._opened.append(connection)
        return connection

    def _disconnect(self) -> None:
        for connection in self._opened:
            connection.close()

    def _keeping(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Return a connection whose commits outlive a loss of power."""
        (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        connection.execute("PRAGMA synchronous=FULL")
        (level,) = connection.execute("PRAGMA synchronous").fetchone()
        if mode != "wal" or level != 2:  # noqa: PLR2004 - 2 is FULL
            refuse(self.path, "this place cannot keep a write-ahead log", "put the journal on a local disk")
        return connection

    def _write_all(self, connection: sqlite3.Connection) -> None:
        """Write until the end: what waits at one moment goes into one transaction."""
        while True:
            writes = [self._writes.get()]
            with contextlib.suppress(queue.Empty):
                while True:
                    writes.append(self._writes.get_nowait())
            wanted = [write for write in writes if write is not None]
            if wanted:
                self._commit(connection, wanted)
            if None in writes:
                return

    def _commit(self, connection: sqlite3.Connection, writes: Sequence[_Write]) -> None:
        try:
            if self._broken is not None:
                raise self._broken
            with self._explained():
                connection.execute("BEGIN IMMEDIATE")
                self._ask_for_owners(connection, writes)
                for statement, values in _joined([write for write in writes if self._lost_to(write.holder) is None]):
                    connection.execute(statement, values)
                self._check_in_place()
                connection.execute("COMMIT")
        except JournalError as error:
            self._broken = error
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        for write in writes:
            if write.ticket is not None:
                write.ticket.error = self._broken or self._lost_to(write.holder)
                write.ticket.done.set()

    def _ask_for_owners(self, connection: sqlite3.Connection, writes: Sequence[_Write]) -> None:
        """Find the runs that somebody else took over or deleted; the other runs of a transaction are written all the same."""
        for holder in {write.holder for write in writes}:
            if holder is None or holder in self._lost:
                continue
            found = connection.execute("SELECT owner FROM runs WHERE id = ?", (holder.run,)).fetchone()
            if found != (holder.owner,):
                message = "another process took this run over" if found else "another process deleted this run"
                hint = "`httptask runs show` says how it stands" if found else "start a new run"
                self._lost[holder] = JournalError(Problem(holder.run, message, hint))

    def _lost_to(self, holder: Holder | None) -> JournalError | None:
        return self._lost.get(holder) if holder is not None else None

    def _check_in_place(self) -> None:
        """Refuse to go on with a file that was opened and is no longer there: nobody would ever read what is written into it."""
        try:
            in_place = identity(self.path) == self._file
        except FileNotFoundError:
            in_place = False
        if not in_place:
            refuse(self.path, "the journal was removed or replaced while it was in use", "put it back, or start a new run")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, UnicodeError) as error:
            raise explanation(self.path, error) from None

    def _runs(self, condition: str, values: tuple[Any, ...]) -> Iterator[RunRecord]:
        for row in self.read(f"SELECT {', '.join(_COLUMNS)} FROM runs {condition}", values):  # noqa: S608 - no caller's text is in it
            yield RunRecord(*(self.decoded(value) if index == _CONNECTIONS else value for index, value in enumerate(row)))

    def _lock(self, run_id: str, timeout: float = 0) -> BaseFileLock:
        from filelock import FileLock, Timeout

        folder = self.path.with_name(self.path.name + ".locks")
        lock = FileLock(folder / f"{run_id}.lock", timeout=timeout, mode=0o600, thread_local=False)
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            lock.acquire()
        except Timeout:
            hint = "wait until it ends, or stop it with Ctrl-C there"
            raise JournalError(Problem(run_id, "another process executes this run", hint)) from None
        except OSError as error:
            raise explanation(folder, error) from None
        return lock


class HeldRun:
    """The journal of one run, held by this process: the port `RunJournal`."""

    durable = True

    def __init__(self, journal: Journal, holder: Holder, lock: BaseFileLock) -> None:
        """Take over the lock."""
        self._journal = journal
        self.holder = holder
        self._id = holder.run
        self._lock = lock

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._id

    def append(self, *entries: Entry) -> None:
        """Write entries; they are durable with the next commit."""
        self._journal.write(self._statements(entries), wait=False, holder=self.holder)

    def commit(self, *entries: Entry) -> None:
        """Write entries and return once they are durable."""
        self._journal.write(self._statements(entries), wait=True, holder=self.holder)

    def last(self, path: str, kind: str) -> Entry | None:
        """Return the newest entry of a kind about a path."""
        query = "SELECT at, ran, data FROM entries WHERE run = ? AND kind = ? AND path = ? ORDER BY seq DESC LIMIT 1"
        for at, ran, data in self._journal.read(query, (self._id, kind, path)):
            return Entry(path, kind, self._journal.decoded(data), at, ran)
        return None

    def below(self, path: str, kind: str) -> Iterator[Entry]:
        """Yield the entries of a kind whose path starts with `path`, oldest first."""
        yield from self._journal.entries(self._id, kind, path)

    def ran(self) -> float:
        """Return the seconds of running time that were written down."""
        return self._journal.ran(self._id)

    def note_status(self, status: str, *, now: float, ran: float, message: str = "") -> None:
        """Say in the list of runs how this one stands."""
        statement = "UPDATE runs SET status = ?, updated = ?, ran = ?, message = ? WHERE id = ?"
        self._journal.write([(statement, (status, now, ran, _storable(message), self._id))], wait=True, holder=self.holder)

    def close(self, *, forget: bool = False) -> None:
        """Let go of the run; with `forget` its lock's file goes too."""
        if forget:
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _statements(self, entries: Sequence[Entry]) -> list[tuple[str, tuple[Any, ...]]]:
        return [(_ENTRY, (self._id, entry.path, entry.kind, entry.at, entry.ran, _json(entry.data))) for entry in entries]


def _joined(writes: Sequence[_Write]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield the statements of some writes, entries that follow each other as one.

    sqlite3 lets other threads run with each call, and goes on only when they let it: with 32 busy ones, a transaction of
    40 calls takes 40 of their turns.
    """
    statements = (statement for write in writes for statement in write.statements)
    for text, alike in groupby(statements, key=itemgetter(0)):
        while group := [values for _, values in islice(alike, _ROWS if text == _ENTRY else 1)]:
            yield text + _ROW * (len(group) - 1), tuple(chain.from_iterable(group))


def _json(value: object) -> str:
    """Return a value as ASCII: JSON may hold half a surrogate pair, which SQLite's UTF-8 cannot."""
    return json.dumps(value, separators=(",", ":"))


def _storable(text: str) -> str:
    """Return a text that SQLite's UTF-8 can hold: halves of surrogate pairs become question marks."""
    return text.encode("utf-8", "replace").decode()
