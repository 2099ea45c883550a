"""An orchestration engine in memory: keeps marks, begins turns again when due or when a worker was lost, walks outlines."""

from dataclasses import dataclass, field

from httptask.auth import auth_for
from httptask.clock import FakeClock
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.outline import outlined
from httptask.hosted.packed import packed, unit_from
from httptask.hosted.performing import perform, told
from httptask.hosted.turns import Again, Turn
from httptask.hosted.units import Unit
from httptask.hosted.walking import Approve, Do, Sleep, Together, walk
from httptask.loader import Library
from httptask.model import Connection
from httptask.sandbox.core import Sandbox
from httptask.sandbox.inprocess import SandboxTransport
from httptask.sandbox.options import FaultRule, SandboxOptions
from httptask.secrets import Secret

TOKEN = "sandbox-token"
URL = "https://example.okta.com"


class Killed(BaseException):
    """The worker is gone at this moment."""


@dataclass
class Wire:
    """Counts what is sent; `kills` are words, one for each unsafe request: `before` or `after` it is applied, or none."""

    inner: object
    kills: list = field(default_factory=list)
    sent: list = field(default_factory=list)

    def send(self, request, timeouts):
        unsafe = request.method not in {"GET", "HEAD"}
        word = self.kills.pop(0) if unsafe and self.kills else ""
        if word == "before":
            raise Killed
        self.sent.append(f"{request.method} {request.url.removeprefix(URL)}")
        response = self.inner.send(request, timeouts)
        if word == "after":
            raise Killed
        return response


@dataclass
class MemoryEngine:
    """Runs units and workflows against a sandbox in this process, on a clock that only jumps."""

    faults: tuple = ()
    kills: list = field(default_factory=list)
    approves: bool = True
    most: int | None = None
    keeps: bool = True
    retry: dict = field(default_factory=dict)
    host_options: dict = field(default_factory=dict)
    waits: list = field(default_factory=list)
    masked: list = field(default_factory=list)
    turns: list = field(default_factory=list)

    def __post_init__(self):
        self.clock = FakeClock()
        rules = tuple(FaultRule.parse(script, match) for match, script in self.faults)
        self.sandbox = Sandbox(SandboxOptions(faults=rules), clock=self.clock)
        self.wire = Wire(SandboxTransport(self.sandbox), self.kills)
        self.registry = Library().registry()
        self.host = Host(
            self._connect,
            "Memory",
            mask=self.masked.append,
            clock=self.clock,
            wrap=lambda _: self.wire,
            **self.host_options,
        )

    def _connect(self, provider, name):
        auth = auth_for(provider, None, secret=Secret(TOKEN, reference="engine"))
        return Connection(name or "engine", URL, auth, retry=self.retry)

    def applied(self, request):
        """How often a request such as `POST /api/v1/x` was carried out."""
        return self.sandbox._session.applied[request]

    def play(self, faults):
        """Let the sandbox play faults from now on: pairs of what they are for and a script."""
        for match, script in faults:
            self.sandbox._session.faults.add(FaultRule.parse(script, match))

    def run(self, unit):
        """Do one unit to its end, as an engine with durable marks does it."""
        return self._performed(unit, {})

    def _performed(self, unit, more):
        mark, lost = None, False
        while True:

            def keep(kept):
                nonlocal mark
                mark = kept.to_json()

            turn = Turn("run-1", Mark.from_json(mark), lost, self.most, keep=keep if self.keeps else None)
            try:
                done = perform(unit, turn, self.host, more)
            except Killed:
                self.turns.append("lost")
                lost = True
                continue
            self.turns.append(done)
            if not isinstance(done, Again):
                return done
            mark, lost = done.mark.to_json(), False
            self.waits.append(done.wait)
            self.clock.advance(done.wait)

    def run_workflow(self, workflow, inputs):
        """Run a whole workflow from its outline, each unit as JSON."""
        outline = outlined(workflow, self.registry, engine="Memory")
        definition = packed(workflow, self.registry)
        return self._drive(walk(type(outline).from_json(outline.to_json())), definition, inputs)

    def _drive(self, walking, definition, inputs):
        answer = None
        while True:
            try:
                command = walking.send(answer)
            except StopIteration as end:
                return end.value
            answer = self._answer(command, definition, inputs)

    def _answer(self, command, definition, inputs):
        match command:
            case Do(action, node, results, item, more):
                data = {"definition": definition, "path": node.path, "action": action, "inputs": inputs}
                unit = unit_from({**data, "results": results, "item": item, "began": None})
                return told(self._performed(unit, more))
            case Sleep(_, seconds):
                self.waits.append(seconds)
                self.clock.advance(seconds)
                return None
            case Approve():
                return self.approves
            case Together(walks, _, ends):
                done = []
                for one in walks:
                    done.append(self._drive(one(), definition, inputs))
                    if ends(done[-1]):
                        break
                return done


def one_step(engine, workflow, path, inputs, results=None):
    """A unit of a workflow, for tests of a single step."""
    return Unit(workflow, engine.registry, path, inputs, results=results or {})
