import contextlib
import signal

import pytest

from httptask.errors import JournalError
from httptask.journal import Journal
from journals import ended, heard, process, record, tell

HOLD = "held = Journal(Path(sys.argv[1])).hold('r1'); say('held'); hear(); held.close(); say('free')"


@pytest.fixture
def path(tmp_path):
    with Journal(tmp_path / "runs.db") as journal:
        journal.create(record(), b"").close()
    return tmp_path / "runs.db"


@contextlib.contextmanager
def holder(path):
    started = process(HOLD, path)
    assert heard(started) == "held"
    yield started
    started.kill()
    ended(started)


def test_only_one_process_may_hold_a_run(path):
    with holder(path) as other, Journal(path) as journal:
        assert journal.is_held("r1")
        for refused in (journal.hold, journal.delete):
            with pytest.raises(JournalError, match="another process executes this run"):
                refused("r1")
        tell(other)
        assert heard(other) == "free"
        journal.hold("r1").close()


def test_the_hold_of_a_run_ends_with_its_process_however_that_ends(path):
    with holder(path) as other, Journal(path) as journal:
        other.send_signal(signal.SIGKILL)
        other.wait(5)
        assert not journal.is_held("r1")
        journal.hold("r1").close()


def test_processes_write_different_runs_into_one_file(path):
    write = (
        "journal = Journal(Path(sys.argv[1])); held = journal.create(record(sys.argv[2]), b'')\n"
        "say('ready'); hear()\n"
        "for n in range(50): held.commit(Entry(f'a[{n}]', 'result', {'of': sys.argv[2]}))\n"
        "held.close(); journal.close()"
    )
    others = [process(write, path, name) for name in ("x", "y")]
    assert [heard(other) for other in others] == ["ready", "ready"]
    for other in others:
        tell(other)
    assert [ended(other) for other in others] == [[], []]
    with Journal(path) as journal:
        for name in ("x", "y"):
            held = journal.hold(name)
            assert [entry.data["of"] for entry in held.below("a[", "result")] == [name] * 50
            held.close()


def test_processes_may_open_a_new_file_at_the_same_moment(tmp_path):
    start = "say('ready'); hear(); journal = Journal(Path(sys.argv[1])); journal.create(record(sys.argv[2]), b'').close()"
    others = [process(start, tmp_path / "new.db", f"r{number}") for number in range(4)]
    assert [heard(other) for other in others] == ["ready"] * 4
    for other in others:
        tell(other)
    assert [ended(other) for other in others] == [[]] * 4
    with Journal(tmp_path / "new.db") as journal:
        assert {found.id for found in journal.records()} == {"r0", "r1", "r2", "r3"}
