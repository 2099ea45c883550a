import io
import sys

import pytest

from httptask.cli.console import Console
from httptask.cli.narrator import Narrator
from httptask.events import AttemptFinished, ItemFinished, Pacing, StepFinished, StepStarted, TaskStarted
from httptask.outcome import Attempt

pytestmark = pytest.mark.broad


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True

    @property
    def screen(self):
        """What stands on each line in the end: a carriage return goes back, `\\x1b[K` clears."""
        return [line.rpartition("\r\x1b[K")[2] for line in self.getvalue().split("\n")]

    @property
    def frames(self):
        return [frame for frame in self.getvalue().split("\r\x1b[K")[1:] if frame]


class Telling:
    """A narrator over a made-up stderr, and the clock that it looks at."""

    def __init__(self, stream, *, verbose=False):
        self.stream, self.now = stream, 0.0
        self.console = Console(verbose=verbose)
        self.narrator = Narrator(self.console, requests=True, monotonic=lambda: self.now)

    def each(self, total, *, failed=(), takes=0.1, upto=None):
        self.narrator(StepStarted("create", "acme.make", total))
        for index in range(total if upto is None else upto):
            self.narrator(TaskStarted("acme.make", "POST", "https://x/y"))
            self.narrator(AttemptFinished("acme.make", Attempt(1, "answered", 0.0, 0.01, 200), "POST https://x/y"))
            self.now += takes
            self.narrator(ItemFinished("create", index, "failed" if index in failed else "succeeded"))

    @property
    def lines(self):
        return self.stream.getvalue().splitlines()


@pytest.fixture
def telling(monkeypatch):
    """Replace stderr where the test runs: between set-up and test, pytest puts its own there."""
    monkeypatch.setenv("COLUMNS", "60")

    def begin(stream, **how):
        monkeypatch.setattr(sys, "stderr", stream)
        return Telling(stream, **how)

    return begin


def test_many_items_are_one_line_of_a_terminal_and_no_requests(telling):
    told = telling(terminal := Terminal())
    told.each(1000, failed={3, 7}, takes=1.0, upto=312)
    assert len(terminal.screen) == 2, "the step's beginning, and the line that is written over"
    assert terminal.frames[-1] == "  create  312 of 1000  (2 failed)"
    assert "POST" not in terminal.getvalue()


def test_the_line_makes_room_for_the_end_of_the_step(telling):
    told = telling(terminal := Terminal())
    told.each(50)
    told.narrator(StepFinished("create", "succeeded"))
    told.console.note("after")
    assert terminal.screen[1:] == ["✓ create  succeeded".replace("✓", "\x1b[32m✓\x1b[0m"), "after", ""]


def test_the_line_is_written_over_no_faster_than_eyes_can_read(telling):
    told = telling(terminal := Terminal())
    told.each(1000, takes=0.001)
    assert len(terminal.frames) <= 6


def test_the_line_says_what_is_waited_for_and_fits_the_terminal(telling):
    told = telling(terminal := Terminal())
    told.each(20, upto=5)
    told.now += 1
    told.narrator(Pacing("acme.make", 12))
    assert terminal.frames[-1] == "  create  5 of 20  waiting 12 s for the rate limit to reset"
    told.now += 1
    told.narrator(Pacing("acme.make", 10**30))
    assert len(terminal.frames[-1]) == 59


def test_a_short_list_is_told_by_its_requests(telling):
    told = telling(terminal := Terminal())
    told.each(3)
    assert terminal.getvalue().count("POST https://x/y") == 3
    assert not terminal.frames


def test_nothing_is_written_over_in_a_file(telling):
    told = telling(file := io.StringIO())
    told.each(500)
    assert "\r" not in file.getvalue()
    assert " of 500" not in file.getvalue()


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_who_asks_for_more_gets_requests_and_a_line_for_each_hundred_items(stream, telling):
    told = telling(stream(), verbose=True)
    told.each(350, failed={0})
    assert [line for line in told.lines if " of 350" in line] == [
        "  create  100 of 350  (1 failed)",
        "  create  200 of 350  (1 failed)",
        "  create  300 of 350  (1 failed)",
    ]
    assert told.stream.getvalue().count("POST https://x/y") == 350
    assert "\r" not in told.stream.getvalue()
