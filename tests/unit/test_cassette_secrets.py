"""Secrets of whole runs: never written, and found again where a flow passes them on."""

import base64
import html
import json
from urllib.parse import quote, quote_plus

import pytest

import studio
from builders import body, template
from httptask.cassette import Recorder, Replay, load
from httptask.clock import FakeClock
from httptask.errors import ReplayMiss
from httptask.message import Headers, Request, Timeouts
from httptask.model import Output
from httptask.runner import Runner
from httptask.secrets import Redactor, Secret
from studio import ACME, CREDENTIAL, TASKS, TOKEN, Studio, asking, get, named, oauth, reply, same, steps

TIMEOUTS = Timeouts()


@pytest.fixture
def make(tmp_path):
    return lambda answer=named, **more: Studio(tmp_path, answer, **more)


SECRETS = {"pass": "P4ss+w/rd=öne", "ticket": "T1ck+et/=&%ü<g>", "token": "T0k+en/=&%'\"\\", "sid": "S1d+cookie/=1"}
SPY = """\
inputs: {type: object, properties: {pw: {type: string, format: password}}}
steps:
  - {id: login, task: acme.login, with: {body: {user: bob, pass: '{{ inputs.pw }}'}}}
  - id: use
    task: acme.use
    with:
      ticket: '{{ steps.login.outputs.ticket }}'
      token: '{{ steps.login.outputs.token }}'
      X-Session: 's-{{ steps.login.response.body.session }}'
      body: {again: '{{ steps.login.outputs.ticket }}', both: 'x{{ steps.login.outputs.token }}y', pw: '{{ inputs.pw }}'}
"""


def spied(request, times):
    if request.url.endswith("/login"):
        said = json.loads(request.body)
        assert said["pass"] == SECRETS["pass"]
        echo = next(value.reveal() for name, value in request.headers if name == "Authorization")
        return reply(
            200,
            {"ticket": SECRETS["ticket"], "token": SECRETS["token"], "session": 5, "echo": echo, "was": said["pass"]},
            Set_Cookie=f"sid={SECRETS['sid']}; Path=/",
        )
    assert (
        request.url == f"https://api.example.com/use/{quote(SECRETS['ticket'], safe='')}?token={quote(SECRETS['token'], safe='')}"
    )
    assert json.loads(request.body)["again"] == SECRETS["ticket"]
    return reply(200, {"sid": SECRETS["sid"], "copy": f"a {SECRETS['token']} b", "again": SECRETS["pass"]})


def forms(value):
    raw = value.encode()
    yield from (value, quote(value, safe=""), quote_plus(value), html.escape(value), raw.hex())
    yield from (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], base64.b64encode(raw).decode().rstrip("="))


def test_a_secret_that_passes_from_step_to_step_is_never_written_and_found_again(make):
    made = make(spied)
    recorded = made.record(SPY, {"pw": SECRETS["pass"]})
    assert recorded.status == "succeeded"
    text = made.file.read_text(encoding="utf-8")
    for secret in (*SECRETS.values(), CREDENTIAL):
        assert [form for form in forms(secret) if form in text] == []
    for given in (SECRETS["pass"], "another one", "x"):
        replayed = made.replay(SPY, {"pw": given})
        assert (replayed.status, made.played.unused) == ("succeeded", ())


def test_the_file_is_the_same_whatever_the_secrets_are(make):
    made = make(spied)
    made.record(SPY, {"pw": SECRETS["pass"]})
    before, kept = made.file.read_text(encoding="utf-8"), dict(SECRETS)
    try:
        SECRETS.update(ticket="ab#1", token="Z-very-different-1", sid="qwertz-12345", **{"pass": "1234"})
        made.clock = studio.VirtualClock()
        made.record(SPY, {"pw": "1234"}, overwrite=True)
    finally:
        SECRETS.update(kept)
    assert made.file.read_text(encoding="utf-8") == before


def test_a_secret_from_the_wrong_step_is_a_miss(make):
    made = make(spied)
    made.record(SPY, {"pw": SECRETS["pass"]})
    with pytest.raises(ReplayMiss) as caught:
        made.replay(
            SPY.replace("ticket: '{{ steps.login.outputs.ticket }}'", "ticket: '{{ steps.login.outputs.token }}'"), {"pw": "x"}
        )
    assert [problem.where for problem in caught.value.problems[1:]] == ["path"]


def test_the_credential_of_a_replay_is_a_placeholder_that_is_masked(make):
    made = make(spied)
    made.record(SPY, {"pw": SECRETS["pass"]})
    cassette = load(made.file)
    auth = Replay(cassette, TASKS, FakeClock()).connect(TASKS["acme.get"]).auth
    sent = auth.apply(Request("GET", "https://api.example.com/get/a", Headers()), None)
    assert CREDENTIAL not in repr([value.reveal() for _, value in sent.headers])
    assert Redactor(auth.secrets).text(f"x {cassette.placeholders[0]} y") == "x *** y"
    other = "__withheld_99__ and withheld_1 stay"
    assert Redactor(auth.secrets).text(other) == other
    assert "__withheld" not in repr(auth)


FILLED = template(
    provider=ACME,
    method="POST",
    body=body(inputs={"pin": studio.PASSWORD, "n": {}}, template={"deep": ["{{ inputs.pin }}"], "n": "{{ inputs.n }}"}),
    outputs={"key": Output("{{ response.body.plain }}", studio.PASSWORD)},
)


def recorded_by(made, tasks, act, known=Redactor):
    """Record what `act` does with a runner, and return the text of the cassette."""
    recorder = Recorder(made.file, tasks, made.clock)
    recorder.connected(made.connections)
    recorder.knowing(known)
    act(Runner(recorder.wrap(made), made.clock, recorder))
    recorder.finish()
    return made.file.read_text(encoding="utf-8")


def test_what_inputs_and_outputs_call_secret_is_withheld_where_no_body_says_so(make):
    made = make(lambda request, times: reply(200, {"plain": "output-s3cret", "seen": request.body.decode()}))
    tasks = {FILLED.id: FILLED}
    text = recorded_by(made, tasks, lambda runner: runner.run(FILLED, {"pin": "inp+s3cret", "n": 1}, made.connections["acme"]))
    assert [word for word in ("inp", "s3cret") if word in text.replace("plain", "")] == []
    played = Replay(load(made.file), tasks, FakeClock())
    with pytest.raises(ReplayMiss) as caught:
        Runner(played, FakeClock(), played).run(FILLED, {"pin": "other-s3cret", "n": "other-s3cret"}, played.connect(FILLED))
    assert "s3cret" not in str(caught.value)


def test_a_credential_that_is_never_sent_is_withheld_where_an_answer_has_it(make):
    made = make(lambda request, times: reply(200, {"echo": "cl1ent+secret/=x"}), connections={"acme": oauth()})
    recorder = Recorder(made.file, TASKS, made.clock)
    recorder.connected(made.connections)
    recorder.wrap(made).send(asking("a"), TIMEOUTS)
    recorder.finish()
    assert "cl1ent" not in made.file.read_text(encoding="utf-8")


def test_what_the_caller_knows_beside_is_withheld_too(make):
    made = make(lambda request, times: reply(200, {"echo": "s3cret-of-a-flow"}))
    known = Redactor([Secret("s3cret-of-a-flow")])
    text = recorded_by(
        made, TASKS, lambda runner: runner.run(TASKS["acme.get"], {"name": "a"}, made.connections["acme"]), known=lambda: known
    )
    assert "s3cret" not in text


def test_token_calls_are_neither_recorded_nor_replayed(make):
    tokens = iter(["first-t0ken+/=", "second-t0ken+/="])

    def answer(request, times):
        if request.url == TOKEN:
            return reply(200, {"access_token": next(tokens), "token_type": "Bearer", "expires_in": 3600})
        return reply(401, {}) if times == 1 else reply(200, {"name": "a"})

    made = make(answer, connections={"acme": oauth()})
    recorded = made.record(steps(get("a")))
    assert made.asked["POST", TOKEN] == 2
    assert [attempt.status for attempt in recorded.steps[0].outcome.attempts] == [401, 200]
    text = made.file.read_text(encoding="utf-8")
    assert "oauth2/v1/token" not in text
    assert [word for word in ("cl1ent", "t0ken") if word in text] == []
    assert text.count("refreshable: true") == 1
    replayed = made.replay(steps(get("a")))
    assert same(replayed, recorded), "the 401 is renewed after, once, as it was"
    assert made.asked["POST", TOKEN] == 2


def test_a_demand_for_a_nonce_is_met_at_once_again(make):
    def answer(request, times):
        if request.url == TOKEN:
            return reply(200, {"access_token": "bound-t0ken", "token_type": "DPoP", "expires_in": 3600})
        if request.url.endswith("/a") and times == 1:
            return reply(401, {}, WWW_Authenticate='DPoP error="use_dpop_nonce"', DPoP_Nonce="n-1")
        return reply(200, {"name": "a"}, DPoP_Nonce=f"n-{request.url}-{times}")

    made = make(answer, connections={"acme": oauth(dpop=True)})
    recorded = made.record(steps(get("a"), get("b")))
    assert [attempt.status for attempt in recorded.steps[0].outcome.attempts] == [200]
    assert same(made.replay(steps(get("a"), get("b"))), recorded)
    assert made.played.unused == ()
