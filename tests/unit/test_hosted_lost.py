"""What a turn does after a lost worker, against a server that knows idempotency keys and counts what it did."""

from dataclasses import dataclass, field

import pytest

from builders import connection
from httptask.clock import FakeClock
from httptask.hosted.host import Host
from httptask.hosted.marks import Mark
from httptask.hosted.one_task import OneTask
from httptask.hosted.turns import Again, Turn, take
from model_server import REGISTRY, VALID_FOR, Killed, ModelServer, answering, applied_then

APPLIED = applied_then(Killed())
NEVER = "{{ response.body.did == 9 }}"


@dataclass
class Engine:
    """Takes the turns of one unit; a killed one is followed by a lost one.

    `since` is when it first handed the unit out; `later` what it hands out after a lost worker, where that `varies`.
    """

    kind: str
    use: dict = field(default_factory=dict)
    since: float | None = None
    varies: bool = False
    later: object = None

    def __post_init__(self):
        self.clock = FakeClock()
        self.server = ModelServer(self.clock)
        self.host = Host(lambda _provider, _name: connection(), "Memory", clock=self.clock, wrap=lambda _: self.server)
        self.unit = self.of({"name": "a"})
        self.since = self.clock.now() if self.since is None else self.since
        self.waits = []

    def of(self, inputs):
        return OneTask.used(REGISTRY[self.kind], inputs, self.use).unit(REGISTRY)

    def run(self, *plays, away=0.0):
        """Return the end; nobody looks at the unit for `away` seconds after a worker was lost."""
        self.server.plays.extend(plays)
        mark, lost = Mark(), False

        def keep(found):
            nonlocal mark
            mark = found

        while True:
            try:
                turn = Turn("run", mark, lost, since=self.since, keep=keep, varies=self.varies)
                done = take(self.unit, turn, self.host)
            except Killed:
                lost, self.unit = True, self.later or self.unit
                self.clock.advance(away)
                continue
            if not isinstance(done, Again):
                return done
            mark, lost = done.mark, False
            self.waits.append(done.wait)
            self.clock.advance(done.wait)

    @property
    def keys(self):
        return [request.headers.get("Idempotency-Key") for request in self.server.requests]


def test_a_lost_request_with_a_key_is_repeated_with_the_same_one():
    engine = Engine("keyed.keyed")
    assert (engine.run(APPLIED).status, engine.server.did["a"], len(set(engine.keys))) == ("succeeded", 1, 1)


def test_a_key_that_the_server_may_have_forgotten_makes_nothing_repeatable():
    engine = Engine("keyed.keyed")
    assert (engine.run(APPLIED, away=2 * VALID_FOR).status, engine.server.did["a"]) == ("unknown", 1)


def test_where_the_engine_does_not_say_how_old_a_key_is_it_is_not_trusted():
    engine = Engine("keyed.keyed", since=0.0)
    assert (engine.run(APPLIED).status, engine.server.did["a"]) == ("unknown", 1)


def test_a_unit_of_which_nobody_knows_when_it_began_has_its_time_from_the_first_turn_that_is_known():
    engine = Engine("acme.make", {"idempotent": True, "timeout": 60}, since=0.0)
    assert engine.run(APPLIED, answering(429, {"Retry-After": "5"})).status == "succeeded"


def test_a_worker_that_was_lost_in_a_retry_of_a_poll_was_at_that_poll():
    engine = Engine("keyed.keyed", {"until": "{{ response.body.did == 1 }}"})
    assert engine.run(answering(503), APPLIED).status == "succeeded"
    assert (engine.server.did["a"], len(set(engine.keys))) == (1, 1)


def test_a_worker_that_was_lost_after_a_settled_poll_was_at_the_next_one():
    engine = Engine("keyed.keyed", {"until": "{{ response.body.did == 2 }}"})
    assert engine.run(None, APPLIED).status == "succeeded"
    assert (engine.server.did["a"], engine.keys[1] == engine.keys[2] != engine.keys[0]) == (2, True)


@pytest.mark.parametrize(("kind", "use"), [("acme.make", {"retry": {"statuses": [503]}}), ("acme.put", {}), ("keyed.keyed", {})])
def test_a_settled_poll_is_settled_though_one_of_its_attempts_left_open_what_it_did(kind, use):
    engine = Engine(kind, {"until": NEVER, "timeout": "12s", "every": "5s", **use})
    ended = engine.run(answering(503))
    assert ended.failure.kind.value == "pollTimeout"
    assert ended.failure.message.startswith("after 3 polls in 12 s")


@pytest.mark.parametrize("kind", ["keyed.keyed", "acme.put", "acme.checked", "acme.make"])
def test_a_later_turn_with_other_inputs_does_not_take_their_request_for_the_one_that_was_lost(kind):
    engine = Engine(kind, varies=True)
    engine.later = engine.of({"name": "b"})
    ended = engine.run(APPLIED)
    assert (ended.status, dict(engine.server.did)) == ("unknown", {"a": 1})
    assert "would not be the one that was sent before" in ended.message


def test_a_credential_is_renewed_once_for_a_call_and_not_in_each_turn():
    engine = Engine("acme.get")
    engine.host.connect = lambda _provider, _name: connection(auth=Renewable())
    assert engine.run(*[answering(401)] * 9).failure.kind.value == "unauthorized"
    assert (len(engine.server.requests), engine.waits) == (2, [0.0])


def test_half_of_a_surrogate_pair_in_an_answer_is_handed_on_like_any_other_text():
    engine = Engine("acme.make")
    assert engine.run(answering(200, did=1, name="half \ud800")).outputs == {"did": 1, "name": "half \ud800"}


class Renewable:
    """A credential that can always be renewed."""

    secrets, endpoints, headers, refreshable, scheme = (), (), frozenset(), True, "token"

    def apply(self, request, means):
        return request

    def challenged(self, request, response):
        return False

    def refresh(self, request, response):
        pass


def test_the_time_of_a_step_is_that_of_all_its_turns_and_no_less():
    engine = Engine("acme.get", {"timeout": 60, "retry": {"serverWaitCap": 60}})
    wait = answering(429, {"Retry-After": "25"})
    assert (engine.run(wait, wait).status, engine.waits) == ("succeeded", [25.0, 25.0])
    assert Engine("acme.get", {"timeout": 45}).run(wait, wait).status == "failed"
