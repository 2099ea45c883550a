import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from httptask.clock import FakeClock, SystemClock


def test_the_system_clock_tells_the_real_time():
    clock = SystemClock()
    assert abs(clock.now() - time.time()) < 5
    assert clock.monotonic() <= clock.monotonic()
    assert 0 <= clock.random() < 1


def test_the_system_clock_really_waits(monkeypatch):
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    SystemClock().sleep(1.5)
    assert waits == [1.5]


def test_sleeping_moves_a_fake_clock_on_and_is_remembered():
    clock = FakeClock(start=1000.0)
    clock.sleep(2.5)
    clock.sleep(0)
    assert (clock.now(), clock.monotonic(), clock.sleeps) == (1002.5, 2.5, (2.5, 0))


def test_advancing_is_not_a_wait():
    clock = FakeClock(start=1000.0)
    clock.advance(3)
    assert (clock.now(), clock.sleeps) == (1003.0, ())


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_fake_clock_does_not_run_backwards(seconds):
    clock = FakeClock()
    with pytest.raises(ValueError, match="0 or more"):
        clock.sleep(seconds)
    assert clock.sleeps == ()


def test_chance_is_a_number_or_a_function():
    numbers = count()
    assert FakeClock(jitter=0.25).random() == 0.25
    clock = FakeClock(jitter=lambda: next(numbers) / 10)
    assert [clock.random(), clock.random()] == [0.0, 0.1]


def test_no_wait_is_lost_when_threads_share_a_fake_clock():
    clock = FakeClock(start=0.0)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(clock.sleep, [1.0] * 400))
    assert (clock.now(), len(clock.sleeps)) == (400.0, 400)


def test_a_thread_that_fails_fails_the_test_that_started_it():
    def fail():
        raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        FakeClock().run_threads([fail])
