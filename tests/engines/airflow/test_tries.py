"""Which turn a try is, by what the tries before it left; needs no Airflow."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from httptask.engines.airflow.tries import NAME, Tries
from httptask.hosted.marks import Mark
from httptask.hosted.turns import Again, Ended


class Store(dict):
    set = dict.__setitem__


@dataclass
class Instance:
    try_number: int = 1
    max_tries: int = 3


@dataclass
class Task:
    store: Store = field(default_factory=Store)
    ti: Instance = field(default_factory=Instance)

    def tries(self, number, most=3, **more):
        self.ti.try_number, self.ti.max_tries = number, most
        run = SimpleNamespace(run_after=datetime.fromtimestamp(50.0, UTC))
        return Tries({"ti": self.ti, "task_state_store": self.store, "dag_run": run}, **more)


def again(number, why="retry"):
    return Again(1.0, Mark(number), why, "because")


def test_the_first_try_follows_nothing():
    turn = Task().tries(1).turn("run")
    assert (turn.mark, turn.lost, turn.last, turn.since) == (Mark(), False, False, 50.0)


def test_a_try_that_the_one_before_asked_for():
    task = Task()
    task.tries(1).leave(again(1))
    turn = task.tries(2).turn("run", most=5)
    assert (turn.mark.number, turn.lost, turn.most) == (1, False, 5)
    assert task.tries(4).turn("run").last


def test_a_try_that_nobody_asked_for_follows_a_lost_worker():
    task = Task()
    assert task.tries(2).turn("run").lost
    task.tries(1).leave(again(1))
    turn = task.tries(3).turn("run")
    assert (turn.mark.number, turn.lost) == (1, True)


def test_an_asking_goes_on_in_its_try_and_no_other_trusts_it():
    task = Task()
    task.tries(1, polls=True).leave(again(1, "poll"))
    assert not task.tries(1, polls=True).turn("run").lost
    assert task.tries(2, polls=True).turn("run").lost
    assert not task.tries(9, polls=True).turn("run").last


def test_what_is_kept_before_an_attempt_says_nothing_of_its_end():
    task = Task()
    task.tries(1).turn("run").keep(Mark(0))
    assert task.tries(2).turn("run").lost


def test_a_person_who_clears_a_task_after_its_end_wants_it_anew():
    task = Task()
    task.tries(1).end()
    assert task.tries(2, most=3).turn("run").lost  # Airflow did not take note of the end
    turn = task.tries(2, most=4).turn("run")
    assert (turn.mark, turn.lost) == (Mark(), False)


def test_a_try_that_ended_before_anything_was_sent_is_not_lost():
    task = Task()
    task.tries(1).leave_unbegun()
    assert not task.tries(2).turn("run").lost


def test_a_try_that_ended_unbegun_says_nothing_of_a_lost_one_before():
    task = Task()
    task.tries(2).leave_unbegun()
    assert NAME not in task.store
    assert task.tries(3).turn("run").lost


@pytest.mark.parametrize("number", [1, 2])
def test_the_end_of_a_try_that_was_cleared_before(number):
    task = Task()
    task.tries(1).end()
    task.tries(number + 1, most=3 + number).end()
    assert not task.tries(number + 2, most=4 + number).turn("run").lost


def test_something_may_have_been_sent_by_a_lost_try_and_by_none_else():
    task = Task()
    assert not task.tries(1).is_pending
    assert task.tries(2).is_pending
    task.tries(1).leave(again(1))
    assert not task.tries(2).is_pending
    task.tries(2).end()
    assert not task.tries(3, most=4).is_pending


def test_an_item_is_begun_once_unless_a_person_wants_it_anew():
    task = Task()
    assert not task.tries(1).is_begun
    assert not task.tries(2).is_begun  # its worker was lost before it came to anything
    task.tries(2).end()
    assert not task.tries(3).is_begun  # Airflow did not take note of the end
    assert task.tries(3, most=4).is_begun
    task = Task()
    task.tries(1).begin()
    assert task.tries(2).is_begun


def test_an_end_after_which_nothing_may_be_sent_again_is_told_to_whoever_clears_the_task():
    task = Task()
    task.tries(1).end("use", Ended("failed", {"status": "failed"}))
    assert task.tries(2, most=4).final is None
    ended = Ended("failed", {"status": "failed", "final": True})
    task.tries(2, most=4).end("use", ended)
    assert task.tries(3, most=5).final == ("use", ended)


SUCCEEDED, HANDLED = Ended("succeeded", {"status": "succeeded"}), Ended("unknown", {"status": "unknown", "handled": True})


@pytest.mark.parametrize("ended", [SUCCEEDED, HANDLED], ids=lambda ended: ended.status)
def test_a_success_of_which_airflow_took_no_note_is_lost_to_whoever_clears_the_task(ended):
    task = Task()
    task.tries(1, most=0).end("use", ended)
    assert task.tries(2, most=1).turn("run").lost
    task.tries(2, most=1).end("use", ended)
    task.tries(2, most=1).note()
    assert task.tries(2, most=1).turn("run").lost  # begun again by Airflow, and by nobody
    assert not task.tries(3, most=2).turn("run").lost


def test_a_note_is_made_of_an_end_that_is_kept_and_of_nothing_else():
    task = Task()
    task.tries(1).note()
    assert not task.store  # Airflow has removed it
    task.tries(1).leave(again(1))
    task.tries(1).note()
    assert task.tries(2).turn("run").mark == Mark(1)


@pytest.mark.parametrize("ended", [Ended("failed", {"status": "failed"}), Ended("skipped", {"status": "skipped"})])
def test_a_failure_looks_the_same_to_a_person_whether_airflow_learned_of_it_or_not(ended):
    task = Task()
    task.tries(1, most=0).end("use", ended)
    assert not task.tries(2, most=1).turn("run").lost
