"""One scenario from one seed: a random workflow, processes that end at random events, a server with troubles.

Clock, transport and journal are ports, so that a run over all its processes plays here without a socket or a sleep. What must
hold of every scenario:

- Nothing is done twice that may be done once only; the server counts.
- What is reported as succeeded was done, and what is reported as failed or cancelled was not.
- A run ends within a bounded number of processes.
- Without troubles of the server, a run that was cut off ends as one that was not: the same statuses, the same outputs. Where
  every step can be settled it never ends unknown; where not, it ends so after a person, who looks at the server, has said what
  happened.
"""

import random
from collections import Counter
from dataclasses import dataclass, field, replace

from httptask.clock import START
from httptask.errors import JournalError, Problem
from httptask.halting import Halt
from httptask.memory_journal import MemoryJournal
from httptask.recording import APPROVAL, INTENT, RESULT, digest
from model_server import LOST, REFUSED, TIMEOUT, VALID_FOR, Life, ModelServer, reply, statuses
from simulation.scenarios import SETTLED, Drawing
from simulation.side_by_side import Baton, SeededLanes

MOST_PROCESSES = 60
#: A lost request lands at most so many seconds later: less than the read timeout, which is what a verdict waits for.
LATEST_LANDING = 9.5
ONCE = ("make", "checked", "since", "keyed")
BROKEN = JournalError(Problem("runs.db", "the disk is full"))


@dataclass
class World:
    """Where a scenario plays: its time, its chance, and the events at which a process is killed, halted, or loses its disk."""

    chance: random.Random
    baton: Baton
    troubles: bool
    downtime: float = 0.0
    events: int = 0
    ends: dict = field(default_factory=dict)
    halt: Halt = field(default_factory=Halt)
    broken: bool = False

    def event(self):
        """Pass one event of a port: what is planned for it happens, or another thread goes on."""
        self.events += 1
        end = self.ends.pop(self.events, None)
        if end == "kill":
            self.baton.dead = True
        elif end == "halt":
            self.halt.ask()
        elif end == "break":
            self.broken = True
        self.baton.hand_over()

    def begin(self):
        """Let a new process begin, after some time."""
        self.baton = Baton(self.chance, self.baton.passed)
        self.halt, self.broken = Halt(), False

    # the port Clock

    def now(self):
        return START + self.baton.passed + self.downtime

    def monotonic(self):
        return self.baton.passed

    def random(self):
        return self.chance.random()

    def sleep(self, seconds):
        assert seconds >= 0, "a real clock would refuse"
        self.event()
        due = self.baton.passed + seconds
        halt = self.halt
        self.baton.hand_over(ready=lambda: halt.asked or self.baton.passed >= due, due=None if halt.asked else due)
        if halt.asked:
            raise KeyboardInterrupt


class Server(ModelServer):
    """The model server with troubles at random; what it refuses, it refuses always."""

    def __init__(self, world, refused):
        super().__init__(self)
        self.world = world
        self.moment = None
        self.refused = refused
        self.landing = []
        self.names = {}
        self.times = Counter()

    def now(self):
        return self.world.now() if self.moment is None else self.moment

    def land(self):
        """Do what was on its way and has arrived by now, as of the moment at which it did."""
        due = [(at, request) for at, request in self.landing if at <= self.world.now()]
        self.landing = [(at, request) for at, request in self.landing if at > self.world.now()]
        for self.moment, request in due:
            self.apply(request)
        self.moment = None

    def send(self, request, timeouts):
        self.world.event()
        self.requests.append(request)
        self.names[digest(request)] = _asked(request)
        self.land()
        trouble = self.world.chance.random() if self.world.troubles else 1.0
        answer = self.troubled(request, trouble) if trouble < 0.3 else self.apply(request)
        self.world.event()
        return answer

    def troubled(self, request, trouble):
        if trouble < 0.04:
            raise REFUSED
        if trouble < 0.08:
            return reply(429, {"Retry-After": str(self.world.chance.randint(0, 20))})
        if trouble < 0.11:
            return reply(503, {"Retry-After": "3"})
        if trouble < 0.15:
            return reply(500)
        if trouble < 0.19:
            self.landing.append((self.world.now() + self.world.chance.random() * LATEST_LANDING, request))
            raise TIMEOUT
        if trouble < 0.23:
            raise LOST
        self.apply(request)
        if trouble < 0.26:
            return reply(500)
        raise LOST

    def apply(self, request):
        kind, name = _asked(request)
        if name in self.refused and kind not in {"get", "tick"}:
            return reply(400)
        before = self.did[name]
        answer = super().apply(request)
        self.times[kind, name] += self.did[name] - before
        return answer


def journal_of(world):
    """Return a journal of which a crash leaves what was committed, and of what was appended as much as chance will have it."""

    class Journal(MemoryJournal):
        def append(self, *entries):
            if world.broken:
                raise BROKEN
            super().append(*entries)
            if world.chance.random() < 0.5:
                super().commit()
            world.event()

        def commit(self, *entries):
            world.event()
            if world.broken:
                raise BROKEN
            super().commit(*entries)
            world.event()

    return Journal


def _asked(request):
    """Return kind and name of what a request is about."""
    return tuple(request.url.partition("?")[0].rsplit("/", 2)[1:])


def play(seed, *, troubles=None, kinds=None):
    """Play one scenario; return what happened, or raise AssertionError."""
    chance = random.Random(seed)  # noqa: S311 - a seed must give the same scenario
    troubles = chance.random() < 0.5 if troubles is None else troubles
    kinds = kinds or (SETTLED if chance.random() < 0.5 else (*SETTLED, "make"))
    drawing = Drawing(chance, kinds)
    flow = drawing.flow()
    if troubles:
        flow = replace(flow, timeout=chance.choice((None, None, 20.0, 120.0)))
    found = Scenario(flow, drawing.refused, chance, troubles=troubles)
    if troubles:
        found.drive(most_ends=4)
        return found.tally
    whole = found.drive(most_ends=0)
    length = found.world.events
    again = Scenario(flow, drawing.refused, chance, troubles=False)
    cut = again.drive(most_ends=3, length=length)
    assert (cut.status, cut.outputs) == (whole.status, whole.outputs), (cut, whole)
    assert statuses(cut) == statuses(whole)
    return again.tally


class Scenario:
    """A run over all its processes, in a world of its own."""

    def __init__(self, flow, refused, chance, *, troubles):
        self.chance = chance
        self.world = World(chance, Baton(chance), troubles)
        self.server = Server(self.world, refused)
        self.life = Life(flow, clock=self.world, transport=self.server, journal=journal_of(self.world))
        self.tally = Counter()

    def drive(self, *, most_ends, length=60):
        """Let processes run until the run has ended; a person helps where it waits or is unknown."""
        ends, at = [], 0
        for _ in range(self.chance.randint(min(1, most_ends), most_ends)):
            at += self.chance.randint(1, max(2, length))
            ends.append(at)
        kinds = ("kill", "kill", "kill", "halt", "break") if self.world.troubles else ("kill",)
        self.world.ends = {event: self.chance.choice(kinds) for event in ends}
        failed_again = self.chance.randint(0, 2) if self.world.troubles else 0
        for _ in range(MOST_PROCESSES):
            result = self.process()
            self.check(result)
            if result is None:
                continue
            if result.status == "succeeded" or (result.status == "failed" and not self.goes_on(failed_again)):
                return result
            if result.status == "failed":
                failed_again -= 1
            self.help(result)
        raise AssertionError("the run does not end")

    def goes_on(self, failed_again):
        return failed_again > 0 or self.world.broken

    def process(self):
        world = self.world
        world.begin()
        world.downtime += self.chance.choice((0.0, 0.0, 3.0, 1.5 * VALID_FOR if world.troubles else 30.0))
        self.life.more = {"halt": world.halt}
        self.tally["processes"] += 1
        result = self.life.run(lanes=SeededLanes(world.baton))
        self.tally["killed" if result is None else result.status] += 1
        return result

    def help(self, result):
        """Approve what waits, and say of each lost request what the server did."""
        if result.status == "waiting":
            for path in self.waiting():
                self.life.say(path, APPROVAL, approved=True)
        if result.status == "unknown":
            self.world.downtime += LATEST_LANDING + 1
            self.server.land()
            for path in self.lost():
                self.say_of(path)

    def say_of(self, path):
        """Say of a lost request what the server did."""
        kind, name = self.asked_for(path)
        settled = kind in SETTLED and name not in self.server.refused  # a refusal does not tell what the lost one before it did
        assert self.world.troubles or not settled, f"{path} can be settled"
        done = self.server.did[name]
        self.life.assume(path, outputs={"did": done, "name": name} if done else None)

    def waiting(self):
        """Return the paths of approvals that nobody has given yet."""
        return [path for path in _approvals(self.life.flow, "") if self.life.journal.last(path, APPROVAL) is None]

    def lost(self):
        """Return the paths of calls of which nobody knows what became of them."""
        recorder = self.life.recorder
        calls = dict.fromkeys(entry.path.rpartition("/")[0] for entry in self.life.kept(INTENT) if not entry.data["safe"])
        results = {call: self.life.journal.last(call, RESULT) for call in calls}
        over = {call for call, entry in results.items() if entry is not None and entry.data["status"] == "succeeded"}
        return [call for call in calls if call not in over and recorder.call(call, safe=False).is_lost()]

    def asked_for(self, path):
        """Return kind and name of the thing that a call is about; none, if its intention is all there ever was of it."""
        (known, *_) = [entry.data["digest"] for entry in self.life.kept(INTENT) if entry.path.startswith(f"{path}/")]
        return self.server.names.get(known, (None, None))

    def check(self, result):
        """Hold what the server did against what the run says it did."""
        for (kind, name), times in self.server.times.items():
            assert kind not in ONCE or times <= 1, f"{kind} {name} was done {times} times"
        for path, status in self.newest_results().items():
            kind, name = self.asked_for(path)
            if kind not in {None, "get", "tick"}:
                did = self.server.did[name] > 0
                assert status != "succeeded" or did, f"{path} was not done"
                assert status not in {"failed", "cancelled"} or not did, f"{path} was done and is {status}"
        assert result is None or result.status != "unknown" or self.lost() or self.world.broken, f"nothing is lost: {result}"

    def newest_results(self):
        """Return how each call ended as far as the journal knows; one that was sent again has not ended."""
        ends = {}
        for entry in self.life.journal.kept:
            if entry.kind == INTENT:
                ends[entry.path.rpartition("/")[0]] = None
            elif entry.kind == RESULT and entry.path in ends:
                ends[entry.path] = entry.data["status"]
        return {path: status for path, status in ends.items() if status is not None}


def _approvals(flow, prefix):
    for steps, before in ((flow.steps, prefix), (flow.on_failure, f"{prefix}onFailure/")):
        for each in steps:
            if each.approve is not None:
                yield before + each.id
            if each.workflow is not None:
                yield from _approvals(each.workflow, f"{before}{each.id}/")
