"""A workflow recorded against a server in memory, and replayed without it."""

import json
from collections import Counter

from builders import body, connection, parameter, provider, template
from httptask.auth import auth_for
from httptask.auth.client import ClientSecret
from httptask.auth.endpoint import TokenEndpoint
from httptask.auth.oauth2 import ClientCredentials
from httptask.cassette import Recorder, Replay, load
from httptask.loader import load_workflow
from httptask.memory_journal import MemoryJournal
from httptask.message import Headers, Request, Response
from httptask.model import Output, Paging, ResponseSpec, SecurityScheme, Verify
from httptask.recording import RunRecorder
from httptask.registry import Registry
from httptask.runner import Options, Runner
from httptask.secrets import Redactor, Secret
from httptask.virtual_time import VirtualClock, VirtualLanes
from httptask.workflow import WorkflowRunner

PASSWORD = {"type": "string", "format": "password"}
CREDENTIAL = "Cr3d+ent/ial=of~Acme"
SCHEMES = {"key": SecurityScheme("key", "apiKey", prefix="SSWS ", location="header", field_name="Authorization")}
ACME = provider(security_schemes=SCHEMES)
OTHER = provider(id="other", title="Other", server_url="https://other.example.com", security_schemes=SCHEMES)
NAMED = (parameter("name", "path"),)
CHECK = Verify(
    task="acme.get",
    inputs={"name": "{{ inputs.name }}"},
    applied="{{ response.body.done }}",
    not_applied="{{ not response.body.done }}",
    candidates=None,
    outputs={"name": "{{ response.body.name }}"},
    uses_before=False,
)
TASKS = {
    each.id: each
    for each in (
        template(
            id="acme.get",
            provider=ACME,
            path="/get/{{ name }}",
            parameters=NAMED,
            outputs={"body": Output("{{ response.body }}", {})},
        ),
        template(id="acme.make", provider=ACME, method="POST", path="/make/{{ name }}", parameters=NAMED, verify=CHECK),
        template(
            id="acme.login",
            provider=ACME,
            method="POST",
            path="/login",
            body=body(schema={"properties": {"user": {}, "pass": PASSWORD}}),
            responses={"200": ResponseSpec("", {"properties": {"ticket": PASSWORD}})},
            outputs={"ticket": Output("{{ response.body.ticket }}", {}), "token": Output("{{ response.body.token }}", {})},
        ),
        template(
            id="acme.use",
            provider=ACME,
            method="POST",
            path="/use/{{ ticket }}",
            parameters=(parameter("ticket", "path"), parameter("token"), parameter("X-Session", "header")),
            body=body(schema={}),
        ),
        template(
            id="acme.list",
            provider=ACME,
            path="/list",
            parameters=(parameter("after"),),
            paging=Paging("link"),
            outputs={"names": Output("{{ response.body }}", {})},
        ),
        template(id="other.get", provider=OTHER, path="/get/{{ name }}", parameters=NAMED),
    )
}
REGISTRY = Registry(dict.fromkeys(TASKS, None), None)
REGISTRY._loaded = dict(TASKS)


def reply(status=200, value=None, **headers):
    fields = [("Content-Type", "application/json"), *((name.replace("_", "-"), text) for name, text in headers.items())]
    return Response(status, Headers(tuple(fields)), b"" if value is None else json.dumps(value).encode())


class Studio:
    """`answer(request, times)` plays the server: `times` is how often this method and URL was asked, from 1."""

    def __init__(self, folder, answer, *, connections=None, takes=0.5):
        self.folder, self.answer, self.takes = folder, answer, takes
        self.file = folder / "c.yaml"
        self.asked = Counter()
        self.clock = VirtualClock()
        self.connections = connections or {
            "acme": connection(auth=auth_for(ACME, None, secret=Secret(CREDENTIAL))),
            "other": connection(base_url="https://other.example.com", auth=auth_for(OTHER, None, secret=Secret(CREDENTIAL))),
        }

    def send(self, request, timeouts):
        key = (request.method, request.url)
        self.asked[key] += 1
        times = self.asked[key]
        self.clock.sleep(self.takes)
        answer = self.answer(request, times)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def workflow(self, text):
        (self.folder / "flow.yaml").write_text("name: w\n" + text, encoding="utf-8")
        return load_workflow(self.folder / "flow.yaml", REGISTRY)

    def record(self, text, inputs=None, **changes):
        recorder = Recorder(self.file, TASKS, self.clock, **changes)
        recorder.connected(self.connections)
        run = self._run(text, inputs, recorder, lambda template: self.connections[template.provider.id], self.clock)
        recorder.finish()
        return run

    def replay(self, text, inputs=None):
        cassette = load(self.file)
        self.played = Replay(cassette, TASKS, VirtualClock(cassette.recorded_at))
        return self._run(text, inputs, self.played, self.played.connect, self.played.clock)

    def _run(self, text, inputs, tape, connect, clock):
        journal = RunRecorder(MemoryJournal("r1"), clock, Redactor)
        if isinstance(tape, Recorder):
            tape.knowing(journal.redactor)
        runner = Runner(tape.wrap(self), clock, tape, tasks=TASKS)
        lanes = VirtualLanes(clock)
        return WorkflowRunner(runner, REGISTRY, connect, clock, tape, lanes, journal).run(self.workflow(text), inputs or {})

    def task(self, task, inputs=None, **options):
        """Replay one task."""
        cassette = load(self.file)
        self.played = Replay(cassette, TASKS, VirtualClock(cassette.recorded_at))
        runner = Runner(self.played.wrap(self), self.played.clock, self.played, tasks=TASKS)
        return runner.run(TASKS[task], inputs or {}, self.played.connect(TASKS[task]), Options(**options))


def comparable(value, *, times=False):
    """A run's JSON without what differs from one time to the next."""
    if isinstance(value, dict):
        left_out = set() if times else {"startedAt", "elapsedMs", "timings", "waitMs", "reason", "runId"}
        return {key: comparable(item, times=times) for key, item in value.items() if key not in left_out}
    return [comparable(item, times=times) for item in value] if isinstance(value, list) else value


def get(name):
    return f"{{id: s_{name}, task: acme.get, with: {{name: {name}}}}}"


def steps(*lines):
    return "steps:\n" + "".join(f"  - {line}\n" for line in lines)


def each(items, width, more=""):
    listed = f"{{{{ {json.dumps(list(items))} }}}}"
    repeated = f"{{items: '{listed}', maxParallel: {width}{more}}}"
    return f"{{id: each, task: acme.get, forEach: {repeated}, with: {{name: '{{{{ item }}}}'}}}}"


def same(one, other):
    return comparable(one.to_json()) == comparable(other.to_json())


def plays(*answers):
    """Answers to the same request, in order."""
    return lambda request, times: answers[times - 1]


def named(request, times):
    return reply(200, {"name": request.url.rpartition("/")[2], "times": times})


def asking(name):
    return Request("GET", f"https://api.example.com/get/{name}", Headers())


TOKEN = "https://api.example.com/oauth2/v1/token"


def oauth(**options):
    client = ClientSecret("svc", Secret("cl1ent+secret/=x", reference="env:SECRET"))
    return connection(auth=ClientCredentials("oauth2", TokenEndpoint(TOKEN, client, **options)))
