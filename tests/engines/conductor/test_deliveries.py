"""What Conductor's records say of the turns before: one that was begun and never ended is known, however it comes back."""

import pytest

pytest.importorskip("conductor", reason="conductor-python is not installed: tests/engines/run conductor installs it")

from httptask.engines.conductor.deliveries import Delivery, marked, past
from httptask.hosted.marks import Mark

MARK = Mark(2, failures=2, since=5.0)


def delivery(name, polls, retried=None, output=None):
    return Delivery(name, "run", "task", "ref", polls, retried, {}, output or {})


def ended(status, error=None):
    return {"httptask": {"status": status, **({"error": error} if error else {})}}


def kept(polls):
    return {"httptask": marked(MARK, polls)}


@pytest.mark.parametrize(
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
def test_what_is_known_of_the_turns_before(now, before, mark, lost):
    earlier = {each.task_id: each for each in before}
    found = past(now, earlier.__getitem__)
    assert (found.mark, found.lost) == (mark, lost)


def test_an_end_after_the_server_had_acted_stands_however_often_it_is_begun_again():
    output = {"httptask": {"status": "failed", "error": "expression", "message": "no name", "final": True}}
    earlier = {"a": delivery("a", 1, output=output), "b": delivery("b", 1, "a")}
    assert past(delivery("b", 1, "a"), earlier.__getitem__).stands == output
    assert past(delivery("c", 1, "b"), earlier.__getitem__).stands == output
