"""What Conductor's records say of the turns before: one that was begun and never ended is known, however it comes back."""

from dataclasses import replace

import pytest

pytest.importorskip("conductor", reason="conductor-python is not installed: tests/engines/run conductor installs it")

from httptask.engines.conductor.deliveries import NOT_AGAIN, Delivery, handed_back, marked, past, rerun
from httptask.hosted.marks import Mark

MARK = Mark(2, failures=2, since=5.0)


def delivery(name, polls, retried=None, output=None):
    return Delivery(name, "run", "task", "ref", polls, retried, {}, output or {})


def ended(status, error=None):
    return {"httptask": {"status": status, **({"error": error} if error else {})}}


def kept(polls):
    return {"httptask": marked(MARK, polls)}


KNOWN = pytest.mark.parametrize(
    ("now", "before", "mark", "lost"),
    [
        (delivery("a", 1), [], Mark(), False),
        (delivery("a", 3, output=kept(2)), [], MARK, False),
        (delivery("a", 3, output=kept(1)), [], MARK, True),
        (delivery("a", 2), [], Mark(), True),
        (delivery("b", 1, "a"), [delivery("a", 1)], Mark(), True),
        (delivery("b", 1, "a"), [delivery("a", 0)], Mark(), False),
        (delivery("b", 1, "a"), [delivery("a", 3, output=kept(2))], MARK, True),
        (delivery("b", 1, "a"), [delivery("a", 2, output=kept(2))], MARK, False),
        (delivery("c", 1, "b"), [delivery("b", 1, "a"), delivery("a", 2, output=kept(2))], MARK, True),
        (delivery("b", 1, "a"), [delivery("a", 1, output=ended("failed", "notFound"))], Mark(), False),
        (delivery("b", 1, "a"), [delivery("a", 1, output=ended("unknown", "OutcomeUnknown"))], Mark(), True),
        (delivery("c", 1, "b"), [delivery("b", 1, "a"), delivery("a", 1, output=ended("failed", "notFound"))], Mark(), True),
    ],
)


@KNOWN
def test_what_is_known_of_the_turns_before(now, before, mark, lost):
    earlier = {each.task_id: each for each in before}
    found = past(now, earlier.__getitem__)
    assert (found.mark, found.lost) == (mark, lost)


def test_a_task_is_as_old_as_the_first_attempt_whose_place_it_takes():
    first, second, third = (
        replace(delivery(name, 1, retried), scheduled=at)
        for name, retried, at in (("a", None, 10.0), ("b", "a", 20.0), ("c", "b", 30.0))
    )
    assert past(third, {"a": first, "b": second}.__getitem__).since == 10.0
    assert past(first, {}.__getitem__).since == 10.0


def test_how_old_a_task_is_that_a_person_runs_again_nobody_knows():
    lines = [f"{NOT_AGAIN}OutcomeUnknown: nobody knows"]
    assert rerun(replace(delivery("a", 1), scheduled=10.0), lambda _: lines).since == 0.0


def again(before):
    """The same task, handed back and handed out again."""
    return replace(before, polls=before.polls + 1, output=handed_back(before))


@KNOWN
def test_a_delivery_that_was_handed_back_before_anything_was_sent_changes_nothing_of_what_is_known(now, before, mark, lost):
    earlier = {each.task_id: each if each.polls == 0 else again(each) for each in before}
    found = past(again(again(now)), earlier.__getitem__)
    assert (found.mark, found.lost) == (mark, lost)


def test_a_worker_that_is_lost_after_a_delivery_was_handed_back_is_known():
    assert past(replace(again(delivery("a", 1)), polls=3), {}.__getitem__).lost
    assert past(replace(again(delivery("a", 3, output=kept(2))), polls=5), {}.__getitem__).lost
    taken = {"a": again(delivery("a", 1)), "b": replace(again(delivery("b", 1)), polls=1)}
    assert past(delivery("c", 1, "a"), taken.__getitem__).lost
    assert not past(delivery("c", 1, "b"), taken.__getitem__).lost


def test_what_a_person_runs_again_is_known_by_its_log_after_it_was_handed_back():
    log = [f"{NOT_AGAIN}OutcomeUnknown: lost"]
    for now in (delivery("a", 1), again(delivery("a", 1)), again(again(delivery("a", 1)))):
        assert rerun(now, lambda _: log).lost
    assert rerun(again(delivery("a", 2)), lambda _: log) is None


def test_an_end_after_the_server_had_acted_stands_however_often_it_is_begun_again():
    output = {"httptask": {"status": "failed", "error": "expression", "message": "no name", "final": True}}
    earlier = {"a": delivery("a", 1, output=output), "b": delivery("b", 1, "a")}
    assert past(delivery("b", 1, "a"), earlier.__getitem__).stands == output
    assert past(delivery("c", 1, "b"), earlier.__getitem__).stands == output
