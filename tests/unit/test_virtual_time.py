import threading

import pytest

from httptask.clock import START
from httptask.virtual_time import VirtualClock, VirtualLanes


class Doing:
    def __init__(self, act):
        self.act = act

    def run(self):
        return self.act()

    def given_up(self):
        raise AssertionError("no lane is given up")

    def patience(self):
        return 0.0


def never(_):
    return False


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def lanes(clock):
    return VirtualLanes(clock)


def sleeping(clock, seconds, log=None, result=None):
    def act():
        clock.sleep(seconds)
        if log is not None:
            log.append(seconds)
        return seconds if result is None else result

    return Doing(act)


def test_a_sleep_takes_no_time_and_moves_the_clock(clock):
    clock.sleep(3600)
    assert (clock.monotonic(), clock.now()) == (3600, START + 3600)


def test_time_never_runs_backwards(clock):
    with pytest.raises(ValueError, match="moved back"):
        clock.sleep(-1)
    with pytest.raises(ValueError, match="moved back"):
        clock.sleep(float("nan"))


def test_chance_is_the_same_each_time():
    assert [VirtualClock(seed=7).random() for _ in range(2)] == [VirtualClock(seed=7).random() for _ in range(2)]
    assert VirtualClock(seed=7).random() != VirtualClock(seed=8).random()


def test_waits_side_by_side_overlap_and_results_come_in_order(clock, lanes):
    log = []
    works = [sleeping(clock, seconds, log) for seconds in (30, 10, 20)]
    assert list(lanes.run(works, 3, never)) == [30, 10, 20]
    assert log == [10, 20, 30]
    assert clock.monotonic() == 30


def test_no_more_works_run_at_a_time_than_the_width(clock, lanes):
    assert list(lanes.run([sleeping(clock, 10) for _ in range(5)], 2, never)) == [10] * 5
    assert clock.monotonic() == 30


def test_one_lane_does_one_work_after_the_other(clock, lanes):
    assert list(lanes.run([sleeping(clock, 10) for _ in range(3)], 1, never)) == [10] * 3
    assert clock.monotonic() == 30


def test_after_a_result_that_ends_none_is_begun(clock, lanes):
    begun = []

    def work(index, seconds):
        def act():
            begun.append(index)
            clock.sleep(seconds)
            return index

        return Doing(act)

    works = (work(index, seconds) for index, seconds in enumerate([5, 1, 9, 9, 9]))
    assert list(lanes.run(works, 2, lambda result: result == 1)) == [0, 1]
    assert begun == [0, 1]


def test_works_within_works_share_the_time(clock, lanes):
    def outer():
        return sum(lanes.run([sleeping(clock, 10), sleeping(clock, 20)], 2, never))

    assert list(lanes.run([Doing(outer), Doing(outer), sleeping(clock, 5)], 3, never)) == [30, 30, 5]
    assert clock.monotonic() == 20


def test_an_error_reaches_whoever_asks_and_leaves_no_thread_behind(clock, lanes):
    def fail():
        clock.sleep(1)
        raise KeyError("miss")

    before = threading.active_count()
    with pytest.raises(KeyError, match="miss"):
        list(lanes.run([sleeping(clock, 50), Doing(fail), *(sleeping(clock, 50) for _ in range(8))], 2, never))
    assert threading.active_count() <= before + 1  # the last one may be on its way out
    clock.sleep(1)


def test_the_same_works_interleave_the_same_way_each_time():
    def story():
        clock, log = VirtualClock(), []

        def work(name):
            def act():
                for step in range(3):
                    log.append((name, step, clock.monotonic()))
                    clock.sleep(clock.random())

            return Doing(act)

        list(VirtualLanes(clock).run([work(name) for name in "abcd"], 3, never))
        return log

    assert story() == story()
