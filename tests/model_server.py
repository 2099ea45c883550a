"""A server in memory that counts what it did, tasks that use it, and processes that end at any moment and are resumed.

Paths: `/get/N` changes nothing and tells what was done to N, `/tick/N` counts how often it was asked. `/make/N` does it once
more with each POST, `/checked/N` and `/since/N` as well, and their tasks have a verify rule; `/keyed/N` does it once for each
idempotency key; `/put/N` and `/delete/N` may be repeated.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from builders import connection, parameter, provider, template
from httptask.clock import FakeClock
from httptask.errors import ConnectFailed, ConnectionLost, TimedOut
from httptask.lanes import InlineLanes
from httptask.memory_journal import MemoryJournal
from httptask.message import Headers, Response
from httptask.model import IdempotencyKey, Output, Place, Step, Verify, Workflow
from httptask.ports import Entry
from httptask.recording import ASSUMED, RESULT, RunRecorder
from httptask.registry import Registry
from httptask.runner import Runner
from httptask.workflow import WorkflowRunner

VALID_FOR = 3600.0
ACME = provider(retry={"readTimeout": 10})
KEYED = provider(id="keyed", idempotency_key=IdempotencyKey("Idempotency-Key", valid_for=VALID_FOR))
OUTPUTS = {"did": Output("{{ response.body.did }}", {}), "name": Output("{{ response.body.name }}", {})}
VERIFY = Verify(
    task="acme.get",
    inputs={"name": "{{ inputs.name }}"},
    applied="{{ response.status == 200 and response.body.did > 0 }}",
    not_applied="{{ response.status == 200 and response.body.did == 0 }}",
    candidates=None,
    outputs={"did": "{{ response.body.did }}", "name": "{{ response.body.name }}"},
    uses_before=False,
)
SINCE = Verify(
    task="acme.get",
    inputs={"name": "{{ inputs.name }}"},
    applied="{{ response.body.did > before.body.did }}",
    not_applied="{{ response.body.did == before.body.did }}",
    candidates=None,
    outputs=VERIFY.outputs,
    uses_before=True,
)


def task(name, method="POST", **changes):
    kind = name.partition(".")[2]
    path, given = f"/{kind}/{{{{ name }}}}", (parameter("name", "path"), parameter("of"))
    return template(
        **{"id": name, "method": method, "path": path, "parameters": given, "outputs": OUTPUTS, "provider": ACME, **changes}
    )


TASKS = {
    each.id: each
    for each in (
        task("acme.get", "GET"),
        task("acme.tick", "GET", outputs={"name": OUTPUTS["name"]}),
        task("acme.make"),
        task("acme.checked", verify=VERIFY),
        task("acme.since", verify=SINCE),
        task("keyed.keyed", provider=KEYED),
        task("acme.put", "PUT"),
        task("acme.delete", "DELETE"),
    )
}


def registry(tasks):
    made = Registry(dict.fromkeys(tasks, None), None)
    made._loaded = dict(tasks)
    return made


REGISTRY = registry(TASKS)


class Killed(BaseException):
    """The process ends here, and nothing that it wanted to do afterwards happens."""


REFUSED = ConnectFailed("the connection was refused", phase="notSent", code="refused")
LOST = ConnectionLost("the peer reset the connection", phase="sentWithoutAnswer", code="connectionLost")
TIMEOUT = TimedOut("no answer in time", phase="sentWithoutAnswer", code="readTimeout")


@dataclass
class ModelServer:
    """Answers what it is asked; `plays` are the troubles of the next requests: one function each, or None.

    A play is handed `apply`, which does what was asked and returns the answer; it may call it or not, raise, or answer itself.
    """

    clock: object
    plays: list = field(default_factory=list)
    did: Counter = field(default_factory=Counter)
    requests: list = field(default_factory=list)
    keys: dict = field(default_factory=dict)

    def send(self, request, timeouts):
        self.requests.append(request)
        play = self.plays.pop(0) if self.plays else None
        return play(lambda: self.apply(request)) if play else self.apply(request)

    def apply(self, request):
        _, kind, name = request.url.split("?")[0].removeprefix("https://api.example.com").split("/")
        key = request.headers.get("Idempotency-Key")
        if key in self.keys and self.clock.now() - self.keys[key][0] < VALID_FOR:
            return self.keys[key][1]
        if kind != "get":
            self.did[name] += 1
        if kind in {"put", "delete"}:
            self.did[name] = 1
        answer = reply(200, did=self.did[name], name=name)
        if key is not None:
            self.keys[key] = self.clock.now(), answer
        return answer

    def sent(self, method=None):
        found = [(each.method, each.url.removeprefix("https://api.example.com")) for each in self.requests]
        return [url for verb, url in found if method in {None, verb}]


def reply(status, headers=None, **body):
    return Response(status, Headers.of({"Content-Type": "application/json", **(headers or {})}), json.dumps(body).encode())


def answering(status, headers=None, **body):
    """The server answers so, and does nothing."""
    return lambda apply: reply(status, headers, **body)


def failing(error):
    """Nothing reaches the server, or nothing of the answer is seen: it does nothing."""

    def play(apply):
        raise error

    return play


def applied_then(error):
    """The server does it, and then this happens."""

    def play(apply):
        apply()
        raise error

    return play


def step(name, kind="make", **changes):
    kinds = {"keyed": "keyed.keyed"}
    values = {"task": kinds.get(kind, f"acme.{kind}"), "inputs": {"name": name}} if kind else {}
    return Step(id=name, source=Place("flow.yaml"), **{**values, **changes})


def workflow(*steps, **changes):
    values = {"description": "", "inputs": {"type": "object"}, "connection": None, "outputs": {}, "source": Place("flow.yaml")}
    return Workflow(name=changes.pop("name", "w"), steps=steps, **{**values, **changes})


class Life:
    """One run over all its processes: each `run` is a process of its own that knows only what the journal kept."""

    def __init__(self, flow, *plays, clock=None, **world):
        self.flow = flow
        self.clock = clock or FakeClock()
        self.server = ModelServer(self.clock, list(plays))
        self.journal = MemoryJournal("r1", durable=True)
        self.world = {
            "lanes": InlineLanes(),
            "clock": self.clock,
            "transport": self.server,
            "connection": connection(),
            "journal": MemoryJournal,
        }
        self.world.update(world)
        self.more = {}
        self.tasks = {}
        self.resumed = False
        self.recorder = None

    def run(self, *plays, flow=None, **world):
        """Let a process run until it ends or is killed; return its result, or None."""
        self.server.plays.extend(plays)
        world = {**self.world, **world}
        self.journal = world["journal"](self.journal.run_id, durable=True, kept=self.journal.copy().kept)
        ran = max((entry.ran for entry in self.journal.kept), default=0.0)
        self.recorder = RunRecorder(self.journal, world["clock"], resumed=self.resumed, ran_before=ran, **self.more)
        self.resumed = True
        runner = Runner(world["transport"], world["clock"], tasks={**TASKS, **self.tasks})
        connect = lambda template: world["connection"]  # noqa: E731 - a name for a function of one line
        whole = WorkflowRunner(
            runner, registry({**TASKS, **self.tasks}), connect, world["clock"], lanes=world["lanes"], recorder=self.recorder
        )
        try:
            return whole.run(flow or self.flow, {})
        except Killed:
            return None

    def kept(self, kind):
        return [entry for entry in self.journal.kept if entry.kind == kind]

    def say(self, path, kind, **data):
        """Let a person say something of a path between two processes."""
        ran = max((entry.ran for entry in self.journal.kept), default=0.0)
        self.journal.kept.append(Entry(path, kind, data, self.clock.now(), ran))

    def assume(self, path, *, outputs=None):
        """Let a person say what came of a lost request: these outputs, or that it was not applied."""
        if outputs is None:
            numbers = [entry.data["number"] for entry in self.kept("intent") if entry.path.startswith(f"{path}/attempt:")]
            self.say(path, ASSUMED, attempts=max(numbers))
        else:
            self.say(path, RESULT, status="succeeded", outputs={"value": outputs})


def statuses(result):
    return {each.id: each.status for each in (*result.steps, *result.on_failure)}
