import hashlib
import re
import sqlite3
import threading

import pytest

from httptask.errors import JournalError
from httptask.journal import CHUNK, Journal
from httptask.journal_file import APPLICATION_ID, MIGRATIONS
from httptask.ports import Entry
from journals import record

DIGEST = hashlib.sha256(b"text").hexdigest()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


@pytest.fixture
def journal(path):
    with Journal(path) as opened:
        yield opened


@pytest.fixture
def held(journal):
    held = journal.create(record(), b"definition")
    yield held
    held.close()


def writer(journal):
    return journal._opened[0]


def pragma(connection, name):
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


class Statements:
    """What a journal's writer executes, as SQLite itself tells it; `slow` makes it wait at its next transaction."""

    def __init__(self, journal, *, slow=False):
        self.seen = []
        self.reached = threading.Event()
        self.going = threading.Event()
        if not slow:
            self.going.set()
        writer(journal).set_trace_callback(self._take)

    def _take(self, statement):
        self.seen.append(statement)
        self.reached.set()
        self.going.wait(5)

    def named(self, word):
        return [text for text in self.seen if text.startswith(word)]


def test_every_connection_keeps_a_log_and_forces_it_to_the_disk(journal, held):
    held.last("a", "result")
    assert len(journal._opened) == 2, "one that writes, one that reads"
    assert [(pragma(each, "journal_mode"), pragma(each, "synchronous")) for each in journal._opened] == [("wal", 2)] * 2


def test_a_connection_that_does_not_force_its_log_is_refused(path, monkeypatch):
    class Lax(sqlite3.Connection):
        def execute(self, statement, *values):
            return super().execute(statement.replace("synchronous=FULL", "synchronous=NORMAL"), *values)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, factory=Lax, **more))
    with pytest.raises(JournalError, match="cannot keep a write-ahead log"):
        Journal(path)


def test_a_transaction_takes_the_right_to_write_at_its_beginning(journal):
    statements = Statements(journal)
    journal.create(record(), b"").close()
    assert [text.split()[0] for text in statements.seen] == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert statements.named("BEGIN") == ["BEGIN IMMEDIATE"]


def test_a_new_file_has_this_programs_mark_and_version(path, journal):
    assert (pragma(writer(journal), "application_id"), pragma(writer(journal), "user_version")) == (0x68747470, 2)


def test_the_folder_of_a_new_file_is_made_for_its_owner_alone(tmp_path):
    Journal(tmp_path / "state" / "httptask" / "runs.db").close()
    assert (tmp_path / "state" / "httptask").stat().st_mode & 0o777 == 0o700


def test_an_empty_file_becomes_a_journal(path):
    path.touch(mode=0o644)
    with Journal(path) as journal:
        assert journal.records() == []
        assert pragma(writer(journal), "user_version") == 2


def test_opening_a_journal_again_writes_nothing(path):
    Journal(path).close()
    before = path.read_bytes()
    Journal(path).close()
    assert path.read_bytes() == before


def test_every_file_of_a_journal_is_its_owners_alone(path):
    path.touch(mode=0o666)
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        files = [path, *path.parent.glob("runs.db-*"), *path.with_name("runs.db.locks").iterdir()]
        assert {file.name for file in files} == {"runs.db", "runs.db-wal", "runs.db-shm", ".new.lock", "r1.lock"}
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        held.close()


def test_a_journal_that_was_opened_to_others_is_closed_to_them_again(path):
    Journal(path).close()
    path.chmod(0o644)
    Journal(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_committed_is_read_by_the_next_process_in_its_order(path, journal, held):
    held.append(Entry("a", "intent", {"number": 1}, at=5.0, ran=1.0))
    held.commit(Entry("a", "result", {"status": "failed"}, at=6.0, ran=2.0), Entry("a", "result", {"status": "ok"}, 7.0, 3.0))
    held.close()
    with Journal(path) as later:
        found = later.hold("r1")
        assert found.last("a", "intent") == Entry("a", "intent", {"number": 1}, 5.0, 1.0)
        assert found.last("a", "result") == Entry("a", "result", {"status": "ok"}, 7.0, 3.0)
        assert [entry.data["status"] for entry in found.below("a", "result")] == ["failed", "ok"]
        found.close()


def test_nothing_is_known_of_what_was_never_written(held):
    assert held.last("a", "result") is None
    assert list(held.below("a", "result")) == []


def test_entries_below_a_path_come_in_parts_and_in_order(journal, held):
    held.commit(*(Entry(f"create[{index}]", "result", {"n": index}) for index in range(2 * CHUNK + 1)))
    held.commit(Entry("creator", "result", {}), Entry("create[0]", "intent", {}), Entry("create", "result", {}))
    found = [entry.data["n"] for entry in held.below("create[", "result")]
    assert found == list(range(2 * CHUNK + 1))


def test_a_run_reads_no_other_runs_entries(journal, held):
    other = journal.create(record("r2"), b"")
    other.commit(Entry("a", "result", {"of": "r2"}))
    assert (held.last("a", "result"), list(held.below("a", "result"))) == (None, [])
    other.close()


@pytest.mark.parametrize("value", ["\ud800", "a\x00b", "", "ü€😀", 1.5, 10**30, None, [True, {"": []}]])
def test_every_json_value_survives(held, value):
    held.commit(Entry("a", "result", {"value": value}))
    assert held.last("a", "result").data == {"value": value}


def test_what_waits_at_one_moment_is_committed_together(journal, held):
    statements = Statements(journal, slow=True)
    threads = [threading.Thread(target=held.commit, args=(Entry(f"a[{n}]", "intent", {}),)) for n in range(20)]
    threads[0].start()
    statements.reached.wait(5)
    for thread in threads[1:]:
        thread.start()
    while journal._writes.qsize() < len(threads) - 1:
        threading.Event().wait(0.001)
    statements.going.set()
    for thread in threads:
        thread.join(5)
    assert len(statements.named("COMMIT")) == 2, "one for the first, one for all that came meanwhile"
    assert len(list(held.below("a[", "intent"))) == 20


def test_a_commit_takes_what_was_appended_before_along(journal, held):
    statements = Statements(journal)
    held.append(Entry("a", "before", {}))
    held.commit(Entry("a", "intent", {}))
    assert re.findall("'(before|intent)'", "".join(statements.named("INSERT"))) == ["before", "intent"]


def test_nothing_of_a_commit_is_kept_when_a_part_of_it_cannot_be(journal, held, path):
    with pytest.raises(JournalError):
        journal.write([("DELETE FROM runs", ()), ("INSERT INTO nowhere VALUES(1)", ())], wait=True)
    held.close()
    with Journal(path) as later:
        assert later.record("r1").status == "running"


def test_a_run_may_be_named_by_the_beginning_of_its_id(journal):
    for run_id in ("abc1", "abc2", "abd", "abc"):
        journal.create(record(run_id), b"").close()
    assert [journal.record(text).id for text in ("abc1", "abd", "abc")] == ["abc1", "abd", "abc"]
    held = journal.hold("abd")
    assert held.run_id == "abd"
    held.close()


def test_a_run_is_held_under_its_whole_id(journal, held):
    with pytest.raises(JournalError, match="another process executes this run"):
        journal.hold("r")


def test_a_run_that_was_named_by_its_beginning_is_deleted_whole(journal):
    journal.create(record("abcdef"), b"").close()
    journal.delete("abc")
    assert journal.records() == []


@pytest.mark.parametrize(("text", "message"), [("ab", "more than one run begins so"), ("x", "no such run"), ("", "no such run")])
def test_a_beginning_that_names_no_one_run_is_an_error(journal, text, message):
    for run_id in ("abc", "abd"):
        journal.create(record(run_id), b"").close()
    with pytest.raises(JournalError, match=message):
        journal.record(text)


def test_the_newest_run_comes_first(journal):
    for run_id in ("b", "a", "c"):
        journal.create(record(run_id), b"").close()
    assert [found.id for found in journal.records()] == ["c", "a", "b"]
    assert [found.id for found in journal.records(limit=1)] == ["c"]


def test_a_record_is_read_as_it_was_written_and_its_status_follows_the_run(journal, held):
    assert journal.record("r1") == record()
    held.note_status("waiting", now=9.0, ran=3.0, message="approve")
    assert journal.record("r1") == record(status="waiting", updated=9.0, ran=3.0, message="approve")


def test_a_message_with_half_a_surrogate_pair_does_not_keep_the_status_from_being_written(journal, held):
    held.note_status("failed", now=9.0, ran=3.0, message="what \ud800 is this")
    assert (journal.record("r1").status, journal.record("r1").message) == ("failed", "what ? is this")


def test_a_name_that_is_no_unicode_names_no_run(journal, held):
    with pytest.raises(JournalError, match="there is no such run"):
        journal.record("\udcff")


def test_a_path_that_is_no_unicode_is_told_as_such(held):
    with pytest.raises(JournalError, match="a text that is no UTF-8 can neither be stored nor looked for"):
        held.last("\udcff", "result")


def test_a_file_name_that_is_no_unicode_does_not_keep_a_run_from_being_written(journal):
    journal.create(record(file="b\udcffd.yaml"), b"").close()
    assert journal.record("r1").file == "b\ufffdd.yaml"


def test_deleting_a_run_forgets_its_entries_and_its_lock(journal, held, path):
    held.commit(Entry("a", "result", {}))
    held.close()
    journal.delete("r1")
    assert journal.records() == []
    assert journal.read("SELECT count(*) FROM entries", ()) == [(0,)]
    assert not path.with_name("runs.db.locks").joinpath("r1.lock").exists()


def test_a_definition_stays_as_long_as_a_run_needs_it(journal):
    for run_id in ("r1", "r2"):
        journal.create(record(run_id, definition=DIGEST), b"text").close()
    journal.delete("r1")
    assert journal.definition(DIGEST) == b"text"
    journal.delete("r2")
    with pytest.raises(JournalError, match="the definition of this run is missing"):
        journal.definition(DIGEST)


def test_a_definition_that_was_changed_is_refused_until_a_new_run_brings_it_again(journal):
    journal.create(record(definition=DIGEST), b"text").close()
    journal.write([("UPDATE definitions SET content = ?", (b"other",))], wait=True)
    with pytest.raises(JournalError, match="the definition of this run was changed or is damaged"):
        journal.definition(DIGEST)
    journal.create(record("r2", definition=DIGEST), b"text").close()
    assert journal.definition(DIGEST) == b"text"


def test_a_run_that_is_executed_cannot_be_deleted(journal, held):
    with pytest.raises(JournalError, match="another process executes this run"):
        journal.delete("r1")
    assert journal.record("r1").id == "r1"


def test_a_run_that_was_deleted_while_somebody_wanted_it_is_not_held(journal, monkeypatch):
    journal.create(record(), b"").close()
    lock = journal._lock

    def late(run_id):
        monkeypatch.setattr(journal, "_lock", lock)
        journal.delete(run_id)
        return lock(run_id)

    monkeypatch.setattr(journal, "_lock", late)
    with pytest.raises(JournalError, match="no such run"):
        journal.hold("r1")
    assert not journal.is_held("r1")


def test_a_run_may_be_let_go_by_another_thread(journal, held):
    thread = threading.Thread(target=held.close)
    thread.start()
    thread.join()
    assert not journal.is_held("r1")


def test_threads_that_come_and_go_leave_no_connections_behind(journal, held):
    for _ in range(20):
        thread = threading.Thread(target=held.last, args=("a", "result"))
        thread.start()
        thread.join()
    assert len(journal._opened) == 2


def test_writing_into_a_closed_journal_is_an_error_and_does_not_wait_for_ever(path):
    journal = Journal(path)
    held = journal.create(record(), b"")
    journal.close()
    with pytest.raises(JournalError, match="it is closed"):
        held.commit(Entry("a", "result", {}))
    held.close()


def test_many_entries_of_one_transaction_keep_their_order(journal, held):
    statements = Statements(journal)
    held.commit(*(Entry(f"a[{n}]", "intent", {"n": n}) for n in range(400)))
    assert [entry.data["n"] for entry in held.below("a[", "intent")] == list(range(400))
    assert len(statements.named("INSERT")) == 3, "as many as fit into one statement"


def test_a_journal_of_the_first_version_is_brought_to_this_one(path):
    connection = sqlite3.connect(path)
    connection.executescript(MIGRATIONS[0])
    connection.execute("INSERT INTO runs VALUES('r1', 'w', 'f', 'failed', 1.0, 2.0, 0.5, 'digest', '{}', 'why')")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with Journal(path) as journal:
        assert journal.record("r1").message == "why"
        held = journal.hold("r1")
        held.commit(Entry("a", "result", {}))
        held.note_status("succeeded", now=3.0, ran=1.0)
        held.close()
        assert journal.record("r1").status == "succeeded"


def without_its_lock(path):
    path.with_name("runs.db.locks").joinpath("r1.lock").unlink()


def test_a_run_that_another_took_over_is_written_by_that_one_alone(path, journal, held):
    without_its_lock(path)
    with Journal(path) as other:
        later = other.hold("r1")
        for writing in (
            lambda: held.commit(Entry("a", "result", {"of": "first"})),
            lambda: held.append(Entry("a", "result", {"of": "first"})),
            lambda: held.note_status("failed", now=9.0, ran=3.0),
        ):
            with pytest.raises(JournalError, match="another process took this run over"):
                writing()
        later.commit(Entry("a", "result", {"of": "second"}))
        assert [entry.data["of"] for entry in later.below("a", "result")] == ["second"]
        assert other.record("r1").status == "running"
        later.close()


def test_a_run_that_was_deleted_under_its_holder_is_not_written_any_more(path, journal, held):
    without_its_lock(path)
    with Journal(path) as other:
        other.delete("r1")
    with pytest.raises(JournalError, match="another process deleted this run"):
        held.commit(Entry("a", "result", {}))
    assert journal.read("SELECT count(*) FROM entries", ()) == [(0,)]


def test_a_run_that_was_taken_over_keeps_no_other_run_from_being_written(path, journal, held):
    other_run = journal.create(record("r2"), b"")
    without_its_lock(path)
    with Journal(path) as other:
        other.hold("r1").close()
    statements = Statements(journal, slow=True)
    going = threading.Thread(target=journal.write, args=([("SELECT 1", ())],), kwargs={"wait": True})
    going.start()
    statements.reached.wait(5)
    held.append(Entry("a", "result", {}))
    fine = threading.Thread(target=other_run.commit, args=(Entry("a", "result", {}),))
    fine.start()
    while journal._writes.qsize() < 2:
        threading.Event().wait(0.001)
    statements.going.set()
    fine.join(5)
    going.join(5)
    assert len(statements.named("COMMIT")) == 2, "both runs were in one transaction"
    other_run.commit(Entry("b", "result", {}))
    assert [entry.path for entry in other_run.below("", "result")] == ["a", "b"]
    assert list(held.below("", "result")) == []
    with pytest.raises(JournalError, match="another process took this run over"):
        held.commit(Entry("a", "result", {}))
    other_run.close()


def test_a_run_that_cannot_be_taken_over_is_let_go(path, journal):
    journal.create(record(), b"").close()
    writer(journal).execute("PRAGMA query_only = ON")
    with pytest.raises(JournalError, match="it cannot be written"):
        journal.hold("r1")
    assert not journal.is_held("r1")
