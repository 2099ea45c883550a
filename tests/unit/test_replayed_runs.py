"""Whole runs, recorded over a scripted server and replayed without it: the same results, over the same connections."""

import pytest

import studio
from builders import connection, provider, template
from httptask.all_pages import AllPages
from httptask.cassette import Recorder, Replay, load
from httptask.cassette.exchanges import Server, located
from httptask.clock import FakeClock
from httptask.egress_policy import EgressPolicy
from httptask.errors import ConnectFailed, ReplayMiss, TimedOut
from httptask.message import Headers, Request
from httptask.model import SecurityScheme
from httptask.runner import Options, Runner
from httptask.secrets import Secret
from httptask.virtual_time import VirtualClock
from studio import ACME, CREDENTIAL, TASKS, Studio, each, get, named, plays, reply, same, steps

LOST = TimedOut("no answer in time", phase="sentWithoutAnswer", code="readTimeout")
UNSENT = ConnectFailed("refused", phase="notSent", code="refused")


@pytest.fixture
def make(tmp_path):
    return lambda answer=named, **more: Studio(tmp_path, answer, **more)


def test_a_run_replays_to_the_same_result_without_the_server(make):
    made = make()
    flow = steps(get("a"), get("b"), get("a").replace("s_a", "again"))
    recorded = made.record(flow)
    asked = dict(made.asked)
    assert same(made.replay(flow), recorded)
    assert made.asked == asked, "nothing was sent"
    assert recorded.steps[2].outcome.response.body["times"] == 2
    assert made.played.unused == ()


def test_times_are_those_of_the_recording(make):
    made = make(takes=1.25)
    recorded, replayed = made.record(steps(get("a"))), made.replay(steps(get("a")))
    one, other = recorded.steps[0].outcome.attempts[0], replayed.steps[0].outcome.attempts[0]
    assert (one.elapsed, one.started_at) == (other.elapsed, other.started_at) == (1.25, one.started_at)


def test_retries_and_their_waits_replay_at_once(make):
    made = make(plays(reply(429, Retry_After="60"), UNSENT, reply(503), reply(200, {"name": "a"})))
    recorded = made.record(steps(get("a")))
    assert [attempt.status for attempt in recorded.steps[0].outcome.attempts] == [429, None, 503, 200]
    replayed = made.replay(steps(get("a")))
    assert same(replayed, recorded)
    assert made.played.clock.monotonic() >= 62


def test_a_lost_answer_is_unknown_again_and_a_verify_task_settles_it_again(make):
    settled = make(lambda request, times: LOST if request.method == "POST" else reply(200, {"name": "a", "done": True}))
    flow = steps("{id: m, task: acme.make, with: {name: a}}")
    assert same(settled.replay(flow) if settled.record(flow) else None, settled.record(flow, overwrite=True))
    assert settled.replay(flow).status == "succeeded"
    lost = make(lambda request, times: LOST if request.method == "POST" else reply(404, {}))
    recorded = lost.record(flow, overwrite=True)
    assert recorded.status == "unknown"
    assert same(lost.replay(flow), recorded)


def test_polls_pages_items_groups_and_waits_replay(make):
    def answer(request, times):
        if request.url.endswith("/list"):
            return reply(200, ["a", "b"], Link='<https://api.example.com/list?after=b>; rel="next"')
        if "after=b" in request.url:
            return reply(200, ["c", "d", "e"])
        return reply(200, {"name": request.url.rpartition("/")[2], "times": times, "done": times > 2})

    made = make(answer)
    flow = steps(
        "{id: l, task: acme.list, paginate: {}}",
        "{id: each, task: acme.get, forEach: {items: '{{ steps.l.outputs.items }}', maxParallel: 3}, with: {name: '{{ item }}'}}",
        "{id: poll, task: acme.get, with: {name: p}, until: '{{ response.body.done }}', every: 10m, timeout: 1h}",
        "{id: both, parallel: [" + get("x") + ", " + get("y") + "]}",
        "{id: nap, wait: 1h}",
        "{id: other, task: other.get, with: {name: a}}",
    )
    recorded = made.record(flow)
    assert recorded.status == "succeeded"
    assert [item.outcome.response.body["name"] for item in recorded.steps[1].items] == list("abcde")
    assert same(made.replay(flow), recorded)
    assert made.played.unused == ()


def test_lanes_of_a_replay_share_the_time_as_those_of_the_recording_did(make):
    def answer(request, times):
        return reply(429, Retry_After="100") if times == 1 else reply(200, {"name": "x"})

    made = make(answer)
    flow = "timeout: 200s\n" + steps(
        each("12345678", 8),
    )
    recorded = made.record(flow)
    assert recorded.status == "succeeded"
    assert same(made.replay(flow), recorded)
    assert made.played.clock.monotonic() < 200


def test_a_failed_item_ends_a_replayed_step_where_it_ended_the_recorded_one(make):
    def answer(request, times):
        name = request.url.rpartition("/")[2]
        made.clock.sleep(int(name))
        return reply(404 if name == "2" else 200, {"name": name})

    made = make(answer, takes=0)
    flow = steps(
        each("925711", 3),
    )
    recorded = made.record(flow)
    assert recorded.status == "failed"
    assert same(made.replay(flow), recorded)


def test_a_list_that_took_too_long_takes_too_long_again(make):
    def answer(request, times):
        return reply(200, ["a"], Link=f'<https://api.example.com/list?after={len(made.asked)}>; rel="next"')

    def read(runner, connection, clock):
        return AllPages(TASKS["acme.list"], {}, Options(deadline=3.2)).read(runner, connection, lambda _: None, clock)

    made = make(answer, takes=1.0)
    recorder = Recorder(made.file, TASKS, made.clock)
    recorder.connected(made.connections)
    recorded = read(Runner(recorder.wrap(made), made.clock, recorder), made.connections["acme"], made.clock)
    assert (recorder.finish(), recorded.failure.kind) == (4, "deadline")
    clock = VirtualClock()
    played = Replay(load(made.file), TASKS, clock)
    replayed = read(Runner(played, clock, played), played.connect(TASKS["acme.list"]), clock)
    assert same(replayed, recorded)


def test_a_run_that_ended_at_a_failure_or_a_gate_ends_there_again(make):
    made = make(lambda request, times: reply(404, {}) if request.url.endswith("/b") else reply(200, {}))
    for flow, status in (
        (steps(get("a"), get("b"), get("c")) + "onFailure:\n  - " + get("d") + "\n", "failed"),
        (steps(get("a"), "{id: ok, approve: 'Go on?'}", get("c")), "waiting"),
    ):
        recorded = made.record(flow, overwrite=True)
        assert recorded.status == status
        assert same(made.replay(flow), recorded)


def test_two_apis_are_not_confused(make):
    made = make(lambda request, times: reply(200, {"name": request.url.split("/")[2]}))
    flow = steps(get("a"), "{id: o, task: other.get, with: {name: a}}")
    recorded = made.record(flow)
    reversed_flow = steps("{id: o, task: other.get, with: {name: a}}", get("a"))
    replayed = made.replay(reversed_flow)
    assert [step.outcome.response.body["name"] for step in replayed.steps] == ["other.example.com", "api.example.com"]
    assert recorded.status == "succeeded"


def test_a_replay_goes_to_where_the_recording_went_with_its_rules(make):
    auth = studio.auth_for(ACME, None, secret=Secret(CREDENTIAL))
    made = make(
        plays(*[reply(503)] * 9),
        connections={
            "acme": connection(
                base_url="http://127.0.0.1:8099/base",
                auth=auth,
                retry={"maxAttempts": 6},
                egress=EgressPolicy(allowed_hosts=("files.example.com",)),
            )
        },
    )
    recorded = made.record(steps(get("a")))
    assert len(recorded.steps[0].outcome.attempts) == 6
    assert same(made.replay(steps(get("a"))), recorded)
    found = made.played.connect(TASKS["acme.get"])
    assert (found.base_url, found.retry, found.egress.allowed_hosts) == (
        "http://127.0.0.1:8099/base",
        {"maxAttempts": 6},
        ("files.example.com",),
    )
    assert "target: /get/a" in made.file.read_text(encoding="utf-8")


def test_an_api_that_was_not_recorded_is_connected_to_as_documented(make):
    made = make(connections={"acme": connection()})
    made.record(steps(get("a")))
    replay = Replay(load(made.file), TASKS, FakeClock())
    assert replay.connect(TASKS["acme.get"]).auth is None, "the recording had no credential"
    assert replay.connect(TASKS["other.get"]).base_url == "https://other.example.com"
    with pytest.raises(ReplayMiss, match="no request to this server was recorded"):
        made.replay(steps("{id: o, task: other.get, with: {name: a}}"))


def test_a_key_in_the_query_is_not_recorded(make):
    keyed = provider(security_schemes={"q": SecurityScheme("q", "apiKey", location="query", field_name="api_key")})
    task = template(provider=keyed)
    auth = studio.auth_for(keyed, None, secret=Secret(CREDENTIAL))
    recorder = Recorder(make().file, {task.id: task}, FakeClock())
    recorder.connected({"acme": connection(auth=auth)})
    Runner(recorder.wrap(make()), FakeClock(), recorder).run(task, {}, connection(auth=auth))
    assert recorder.finish() == 1
    cassette = load(make().file)
    assert cassette.exchanges[0].asked.target == "/things"
    replay = Replay(cassette, {task.id: task}, FakeClock())
    assert Runner(replay, FakeClock(), replay).run(task, {}, replay.connect(task)).ok
    assert replay.connect(task).auth.preview(Request("GET", "x", Headers())).secret_query[0][0] == "api_key"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://h/a?b", ("root", "/a?b")),
        ("https://h", ("root", "/")),
        ("https://h?x=1", ("root", "/?x=1")),
        ("https://h/v1/a", ("v1", "/a")),
        ("https://h/v1?x", ("v1", "/?x")),
        ("https://h/v10/a", ("root", "/v10/a")),
        ("https://h.evil/a", (None, "https://h.evil/a")),
        ("https://h:1/a", (None, "https://h:1/a")),
    ],
)
def test_a_target_is_told_from_the_longest_base_url(url, found):
    servers = {
        "root": Server("https://h"),
        "v1": Server("https://h/v1"),
        "same": Server("https://h/v1"),
        "z": Server("https://z"),
    }
    del servers["same"]
    assert located(url, servers) == found


def test_of_two_apis_at_one_base_url_the_first_by_name_is_taken():
    servers = {"b": Server("https://h"), "a": Server("https://h")}
    assert located("https://h/x", servers) == ("a", "/x")


def test_a_redirect_to_another_host_is_recorded_with_its_whole_url(make):
    follows = template(id="acme.get", provider=ACME, path="/get/{{ name }}", parameters=studio.NAMED, follow_redirects=True)

    def answer(request, times):
        if "files" in request.url:
            return reply(200, {"name": "file"})
        return reply(302, None, Location="https://files.example.com/x?sig=1")

    made = make(answer, connections={"acme": connection(egress=EgressPolicy(allowed_hosts=("files.example.com",)))})
    recorder = Recorder(made.file, TASKS, made.clock)
    recorder.connected(made.connections)
    outcome = Runner(recorder.wrap(made), made.clock, recorder).run(follows, {"name": "a"}, made.connections["acme"])
    recorder.finish()
    assert outcome.response.body == {"name": "file"}
    assert "target: https://files.example.com/x?sig=1" in made.file.read_text(encoding="utf-8")
    replay = Replay(load(made.file), TASKS, FakeClock())
    assert Runner(replay, FakeClock(), replay).run(follows, {"name": "a"}, replay.connect(follows)).response.body == {
        "name": "file"
    }
