"""Threads of which one runs at a time: at every event of a port a seeded choice says which. Time moves when all wait for it."""

import threading
from dataclasses import dataclass, field

from httptask.lanes import InlineLanes
from model_server import Killed


@dataclass(eq=False)
class _Turn:
    """One thread that waits until it is its turn: when `ready` says so, or the clock has come to `due`."""

    ready: object = None
    due: float | None = None
    gate: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self):
        self.gate.acquire()


class Baton:
    """Who runs. `passed` is the time; a dead process's threads end at their next event."""

    def __init__(self, chance, passed=0.0):
        self.chance = chance
        self.passed = passed
        self.dead = False
        self.waiting = []

    def hand_over(self, ready=None, due=None):
        """Let others run; return when it is this thread's turn again."""
        if self.waiting or ready or due is not None:
            turn = _Turn(ready, due)
            self.waiting.append(turn)
            if self.next() is not turn:
                turn.gate.acquire()
        if self.dead:
            raise Killed

    def start(self, act):
        """Begin a thread, which waits for its turn."""
        turn = _Turn()
        self.waiting.append(turn)

        def run():
            turn.gate.acquire()
            act()
            self.next()

        threading.Thread(target=run, daemon=True).start()

    def next(self):
        """Choose who goes on and let it go."""
        able = [turn for turn in self.waiting if self.dead or self._is_able(turn)]
        if not able:
            self.passed = min(turn.due for turn in self.waiting if turn.due is not None)
            able = [turn for turn in self.waiting if self._is_able(turn)]
        chosen = able[0] if len(able) == 1 else self.chance.choice(able)
        self.waiting.remove(chosen)
        chosen.gate.release()
        return chosen

    def _is_able(self, turn):
        return (turn.ready is None or turn.ready()) and (turn.due is None or turn.due <= self.passed)


class SeededLanes:
    """The port `Lanes` over a baton: works side by side, results in order, interleaved as a seed says."""

    def __init__(self, baton):
        self.baton = baton

    def run(self, works, width, ends):
        if width == 1:
            return InlineLanes().run(works, width, ends)
        return _Round(self.baton, iter(works), width, ends).results()


@dataclass
class _Round:
    baton: Baton
    works: object
    width: int
    ends: object
    done: dict = field(default_factory=dict)
    begun: int = 0
    taken: int = 0
    running: int = 0
    closed: bool = False
    error: BaseException | None = None

    def results(self):
        while True:
            self.begin()
            if self.error is not None:
                self.baton.hand_over(ready=lambda: self.running == 0)
                raise self.error
            if self.taken in self.done:
                yield self.done.pop(self.taken)
                self.taken += 1
            elif self.taken == self.begun:
                return
            else:
                ended = self.begun - self.running
                self.baton.hand_over(ready=lambda ended=ended: self.begun - self.running > ended)

    def begin(self):
        while not self.closed and self.error is None and self.running < self.width:
            work = next(self.works, None)
            if work is None:
                self.closed = True
                return
            index, self.begun, self.running = self.begun, self.begun + 1, self.running + 1
            self.baton.start(lambda index=index, work=work: self.act(index, work))

    def act(self, index, work):
        try:
            self.done[index] = work.run()
            self.closed = self.closed or self.ends(self.done[index])
        except BaseException as error:  # noqa: BLE001 - whatever a work raises belongs to whoever asked
            self.error = error
        self.running -= 1
