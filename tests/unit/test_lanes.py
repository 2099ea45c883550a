import sys
import threading

import pytest

from httptask.clock import FakeClock
from httptask.halting import Halt, HaltableClock
from httptask.lanes import InlineLanes, ThreadLanes

SOON = 5.0


class Do:
    """A work for a lane: `act` is what it does; given up it is worth `given`."""

    def __init__(self, act, patience=0.0, given="given up"):
        self.run = act
        self._patience = patience
        self._given = given

    def patience(self):
        return self._patience

    def given_up(self):
        return self._given


def lanes(halt=None, clock=None):
    return ThreadLanes(halt or Halt(), clock or FakeClock())


def never(_):
    return False


def test_results_come_in_the_order_of_the_works_whichever_ends_first():
    last = threading.Event()

    def first():
        assert last.wait(SOON)
        return 0

    def second():
        last.set()
        return 1

    assert list(lanes().run([Do(first), Do(second)], 2, never)) == [0, 1]


@pytest.mark.parametrize("width", [1, 3])
def test_no_more_works_run_at_a_time_than_the_width(width):
    running, most, lock = [0], [0], threading.Lock()
    full = threading.Barrier(width)

    def act():
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        full.wait(SOON)
        with lock:
            running[0] -= 1

        return "done"

    assert list(lanes().run([Do(act) for _ in range(4 * width)], width, never)) == ["done"] * 4 * width
    assert most[0] == width


def test_works_are_begun_only_a_little_ahead_of_whoever_takes_the_results():
    begun = []

    def works():
        for number in range(1000):
            begun.append(number)
            yield Do(lambda number=number: number)

    results = lanes().run(works(), 2, never)
    assert next(results) == 0
    threading.Event().wait(0.05)
    assert len(begun) <= 12
    assert sum(1 for _ in results) == 999


@pytest.mark.parametrize("some", [InlineLanes(), lanes()])
def test_after_a_result_that_ends_no_work_is_begun(some):
    begun = []

    def act(number):
        begun.append(number)
        return number

    works = (Do(lambda number=number: act(number)) for number in range(10))
    assert list(some.run(works, 1, lambda number: number == 3)) == [0, 1, 2, 3]
    assert begun == [0, 1, 2, 3]


def test_what_runs_when_another_ends_it_all_is_still_told():
    going = threading.Event()

    def slow():
        assert going.wait(SOON)
        return "slow"

    def ends(result):
        going.set()
        return result == "end"

    assert list(lanes().run([Do(slow), Do(lambda: "end"), Do(lambda: "never")], 2, ends)) == ["slow", "end"]


class Broken(Exception):
    pass


@pytest.mark.parametrize("error", [Broken(), KeyboardInterrupt()])
def test_an_error_of_a_work_reaches_whoever_asked(error):
    def act():
        raise error

    with pytest.raises(type(error)):
        list(lanes().run([Do(act), Do(lambda: 1)], 1, never))


def test_an_error_of_the_list_of_works_reaches_whoever_asked():
    def works():
        yield Do(lambda: 1)
        raise Broken

    results = lanes().run(works(), 1, never)
    with pytest.raises(Broken):
        list(results)


def test_no_works_have_no_results():
    assert list(lanes().run([], 3, never)) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_work_is_given_up_when_its_patience_is_over_or_the_stop_is_at_once(times):
    halt, clock, going = Halt(), FakeClock(), threading.Event()

    def stuck():
        for _ in range(times):
            halt.ask()
        going.wait(SOON)
        return "too late"

    patience = 0.0 if times == 1 else 1000.0
    assert list(lanes(halt, clock).run([Do(stuck, patience), Do(lambda: "next")], 1, never)) == ["given up"]
    going.set()


def test_a_work_that_ends_within_its_patience_is_told_as_it_ended():
    halt = Halt()

    def act():
        halt.ask()
        threading.Event().wait(0.08)
        return "done"

    assert list(lanes(halt).run([Do(act, 1000.0)], 1, never)) == ["done"]


def test_nothing_is_begun_after_a_stop_was_asked_for():
    halt, begun = Halt(), []

    def act():
        halt.ask()
        threading.Event().wait(0.08)
        begun.append(1)
        return "done"

    works = [Do(act, 1000.0) for _ in range(5)]
    assert list(lanes(halt).run(works, 1, never)) == ["done"]
    assert begun == [1]


def test_a_wait_ends_when_a_stop_is_asked_for_in_every_thread_that_waits():
    halt, ended = Halt(), []
    threads = [threading.Thread(target=lambda: ended.append(halt.wait(SOON))) for _ in range(3)]
    for thread in threads:
        thread.start()
    halt.ask()
    for thread in threads:
        thread.join(SOON)
    assert ended == [True] * 3


def test_a_wait_without_a_stop_takes_its_time_and_tells_so():
    halt = Halt()
    assert (halt.wait(0.01), halt.wait(-1), halt.asked, halt.at_once) == (False, False, False, False)


def test_the_second_time_means_at_once():
    halt = Halt()
    halt.ask()
    assert (halt.asked, halt.at_once) == (True, False)
    halt.ask()
    assert (halt.asked, halt.at_once) == (True, True)


def test_a_clock_that_can_be_halted_ends_its_sleep_as_an_interrupt_does():
    halt = Halt()
    clock = HaltableClock(FakeClock(), halt)
    clock.sleep(0.0)
    halt.ask()
    with pytest.raises(KeyboardInterrupt):
        clock.sleep(1000.0)
    assert clock.now() - clock.monotonic() == FakeClock().now()


def interrupted_at(number, halt):
    """Ask for a stop between two steps of the interpreter within a wait, as a signal handler does; tell whether it came to it."""
    left = [number]

    def trace(frame, event, argument):
        frame.f_trace_opcodes = True
        if event == "opcode" and frame.f_code.co_name != "ask":
            left[0] -= 1
            if left[0] == 0:
                sys.settrace(None)
                halt.ask()
        return trace if left[0] > 0 else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        halt.wait(0.0)
    finally:
        sys.settrace(before)
    return left[0] <= 0


def test_asking_from_a_signal_handler_never_waits_for_what_it_interrupted():
    done = threading.Event()

    def every_step():
        number = 1
        while interrupted_at(number, Halt()):
            number += 1
        if number > 5:
            done.set()

    threading.Thread(target=every_step, daemon=True).start()
    assert done.wait(SOON), "it waits for a lock that the interrupted code holds"
