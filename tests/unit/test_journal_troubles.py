import sqlite3

import pytest

from httptask.errors import JournalError
from httptask.journal import Journal
from httptask.ports import Entry
from journals import record


@pytest.fixture
def path(tmp_path):
    return tmp_path / "runs.db"


def writer(journal):
    return journal._opened[0]


def refusal(path):
    with pytest.raises(JournalError) as caught:
        Journal(path)
    (problem,) = caught.value.problems
    assert problem.where == str(path)
    return problem


def database(path, *statements):
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


FOREIGN = {
    "another program's tables": ["CREATE TABLE t(a)"],
    "another program's mark": ["PRAGMA application_id = 7"],
    "a later version": ["PRAGMA application_id = 0x68747470", "PRAGMA user_version = 99"],
}


@pytest.mark.parametrize("statements", FOREIGN.values(), ids=FOREIGN)
def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(path, statements):
    database(path, *statements)
    path.chmod(0o644)
    before = path.read_bytes()
    problem = refusal(path)
    assert "belongs to another program" in problem.message or "a later version of httptask" in problem.message
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (before, 0o644)
    assert [file.name for file in path.parent.iterdir()] == ["runs.db"]


@pytest.mark.parametrize("content", [b"no database, but a text that is long enough" * 20, b"x"])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path, content):
    path.write_bytes(content)
    assert refusal(path).message == "this is no journal, or it is damaged"
    assert path.read_bytes() == content


def test_a_folder_is_no_journal(path):
    path.mkdir()
    assert refusal(path).message == "this is no regular file"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match="cannot be used: File exists"):
        Journal(tmp_path / "file" / "runs.db")


def test_a_file_of_another_user_is_refused(path, monkeypatch):
    Journal(path).close()
    monkeypatch.setattr("os.geteuid", lambda: 4242)
    assert refusal(path).message == "this file belongs to another user"


def test_a_damaged_file_is_told_when_it_is_read(path):
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        held.commit(*(Entry(f"a[{n}]", "result", {"text": "x" * 200}) for n in range(200)))
        held.close()
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    path.write_bytes(content)
    with Journal(path) as journal, pytest.raises(JournalError, match="it is damaged"):
        list(journal.hold("r1").below("a[", "result"))


def test_a_damaged_entry_is_told_when_it_is_read(path):
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        held.commit(Entry("a", "result", {}))
        journal.write([("UPDATE entries SET data = '{\"status\": '", ())], wait=True)
        with pytest.raises(JournalError, match="it is damaged"):
            held.last("a", "result")
        held.close()


def full(journal):
    pages = writer(journal).execute("PRAGMA page_count").fetchone()[0]
    writer(journal).execute(f"PRAGMA max_page_count = {pages}")


def read_only(journal):
    writer(journal).execute("PRAGMA query_only = ON")


LARGE = Entry("a", "result", {"text": "x" * 20_000})


@pytest.mark.parametrize(("trouble", "words"), [(full, "the disk is full"), (read_only, "it cannot be written")])
def test_what_cannot_be_written_is_told_and_what_was_written_stays(path, trouble, words):
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        held.commit(Entry("a", "intent", {}))
        trouble(journal)
        with pytest.raises(JournalError, match=words):
            held.commit(LARGE)
        assert held.last("a", "intent") is not None
        assert held.last("a", "result") is None
        held.close()
    with Journal(path) as later:
        assert later.record("r1").id == "r1"


def test_after_a_loss_nothing_more_is_written_for_order_matters(path):
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        full(journal)
        with pytest.raises(JournalError, match="the disk is full"):
            held.commit(LARGE)
        writer(journal).execute("PRAGMA max_page_count = 1000000")
        with pytest.raises(JournalError, match="the disk is full"):
            held.commit(Entry("a", "result", {}))
        held.close()


def test_an_append_that_was_lost_is_told_with_the_next_commit(path):
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        read_only(journal)
        held.append(Entry("a", "before", {}))
        with pytest.raises(JournalError, match="it cannot be written"):
            held.commit(Entry("a", "intent", {}))
        held.close()


def test_a_run_can_be_looked_at_in_a_journal_that_cannot_grow(path):
    with Journal(path) as journal:
        journal.create(record(), b"").close()
    with Journal(path) as journal:
        read_only(journal)
        assert [found.id for found in journal.records()] == ["r1"]


def removed(path):
    path.unlink()


def replaced(path):
    content = path.read_bytes()
    path.rename(path.with_name("old.db"))
    path.write_bytes(content)


GONE = "the journal was removed or replaced while it was in use"


@pytest.mark.parametrize("change", [removed, replaced])
def test_nothing_counts_as_written_once_the_file_was_removed_or_replaced(path, change):
    with Journal(path) as journal:
        held = journal.create(record(), b"")
        change(path)
        with pytest.raises(JournalError, match=GONE):
            held.commit(Entry("a", "intent", {}))
        held.close()


def test_a_file_that_was_removed_is_not_made_anew_by_reading(path):
    with Journal(path) as journal:
        path.unlink()
        with pytest.raises(JournalError, match=GONE):
            journal.records()
    assert not path.exists()
