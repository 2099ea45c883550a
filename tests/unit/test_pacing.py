import pytest

from builders import connection, provider, template
from httptask.clock import START, FakeClock
from httptask.events import Pacing
from httptask.loader import open_registry
from httptask.message import Headers, Response
from httptask.model import RateLimitSpec
from httptask.pacing import Pacer, Window, bucket_of, observed
from httptask.runner import Options, Runner
from httptask.sandbox.core import Sandbox
from httptask.sandbox.inprocess import SandboxTransport
from httptask.sandbox.options import SandboxOptions
from httptask.secrets import Secret
from httptask.waits import Counters

LIMITS = RateLimitSpec("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
FULL = Window(left=0, limit=10, end=100.0, length=60.0)
PATIENT = Options(retry={"maxElapsed": 86400, "serverWaitCap": 86400})


@pytest.mark.parametrize(
    ("window", "ahead", "in_flight", "now", "wait"),
    [
        (Window(3, 10, 100, 60), 0, 0, 50, 0),
        (Window(3, 10, 100, 60), 2, 0, 50, 0),
        (Window(3, 10, 100, 60), 0, 3, 50, 50),  # those on their way count as spent
        (FULL, 0, 0, 40, 60),  # the next window
        (FULL, 9, 0, 40, 60),
        (FULL, 10, 0, 40, 120),  # the one after it
        (FULL, 0, 0, 100, 0),  # over: a new window opens
        (FULL, 9, 0, 130, 0),
        (FULL, 10, 0, 130, 60),
    ],
)
def test_how_long_somebody_in_line_waits(window, ahead, in_flight, now, wait):
    assert window.wait(ahead, in_flight, now) == wait


def test_the_first_response_tells_the_window():
    assert observed(None, Counters(10, 9, 61.0), now=5.0, sent=4.0) == Window(9, 10, 66.0, 61.0, opened=4.0)


def test_within_a_window_the_least_that_was_said_to_be_left_counts():
    window = observed(Window(9, 10, 66.0, 61.0), Counters(10, 4, 51.0), now=15.0, sent=14.0)
    assert observed(window, Counters(10, 7, 51.0), now=15.2, sent=14.0).left == 4


def test_a_late_answer_from_the_window_before_changes_nothing():
    window = Window(9, 10, 127.0, 61.0, opened=65.5)
    assert observed(window, Counters(10, 0, 1.0), now=66.0, sent=65.0) == window


def test_a_server_that_corrects_its_reset_is_believed():
    mistaken = Window(0, 10, 3600.0, 3600.0, opened=0.0)
    assert observed(mistaken, Counters(10, 5, 30.0), now=10.0, sent=9.0).end == 40.0


def test_a_reset_years_away_does_not_stop_everything():
    pacer = Pacer()
    pacer.wait("b", pacer.join("b"), 0.0)
    pacer.answered("b", Counters(10, 0, 1e9), sent=0.0, now=0.0)
    assert pacer.wait("b", pacer.join("b"), 1.0) == 0


def test_a_request_that_never_left_spends_nothing():
    pacer = Pacer()
    pacer.wait("b", pacer.join("b"), 0.0)
    pacer.answered("b", Counters(2, 1, 60.0), sent=0.0, now=0.0)
    pacer.wait("b", pacer.join("b"), 1.0)
    pacer.unsent("b")
    assert pacer.wait("b", pacer.join("b"), 3.0) == 0


def test_a_later_reset_is_a_new_window():
    window = observed(Window(0, 10, 66.0, 61.0), Counters(10, 8, 61.0), now=70.0, sent=69.0)
    assert window == Window(8, 10, 131.0, 61.0, opened=69.0)


def test_the_line_is_first_come_first_served():
    pacer = Pacer()
    pacer.join("b")
    assert pacer.wait("b", 1, 0.0) == 0
    pacer.answered("b", Counters(1, 0, 60.0), sent=0.0, now=0.0)
    first, second = pacer.join("b"), pacer.join("b")
    assert (pacer.wait("b", second, 0.0), pacer.wait("b", first, 0.0)) == (120.0, 60.0)
    assert pacer.wait("b", second, 60.0) == 60.0
    assert pacer.wait("b", first, 60.0) == 0


def test_whoever_leaves_the_line_lets_the_next_one_forward():
    pacer = Pacer()
    pacer.wait("b", pacer.join("b"), 0.0)
    pacer.answered("b", Counters(1, 0, 60.0), sent=0.0, now=0.0)
    first, second = pacer.join("b"), pacer.join("b")
    pacer.leave("b", first)
    assert pacer.wait("b", second, 0.0) == 60.0


def test_a_lost_answer_counts_as_spent():
    pacer = Pacer()
    pacer.wait("b", pacer.join("b"), 0.0)
    pacer.answered("b", Counters(2, 1, 60.0), sent=0.0, now=0.0)
    pacer.wait("b", pacer.join("b"), 1.0)
    pacer.answered("b", None, sent=0.0, now=2.0)
    assert pacer.wait("b", pacer.join("b"), 3.0) == 57.0


def test_all_agent_pool_tasks_of_an_origin_share_one_bucket():
    registry = open_registry()
    buckets = {bucket_of(registry[task], "https://a.okta.com") for task in registry}
    assert buckets == {"https://a.okta.com agentPools"}
    assert bucket_of(registry["okta.list_agent_pools"], "https://b.okta.com") not in buckets


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/a/**", "/a", True),
        ("/a/**", "/a/b/c", True),
        ("/a/*", "/a/b", True),
        ("/a/*", "/a/b/c", False),
        ("/a", "/ab", False),
        ("/**/c", "/a/b/c", True),
    ],
)
def test_bucket_patterns_match_whole_segments(pattern, path, matches):
    task = template(path=path, provider=provider(buckets=(("shared", (pattern,)),)))
    assert (bucket_of(task, "https://h") == "https://h shared") is matches


class Limited:
    """Answers 200 with counters that say nothing is left for 41 seconds."""

    def __init__(self, clock):
        self.clock = clock
        self.sent = []

    def send(self, request, timeouts):
        self.sent.append(self.clock.monotonic())
        date = "Tue, 14 Nov 2023 22:13:20 GMT"
        fields = {
            "Date": date,
            "X-Rate-Limit-Limit": "1",
            "X-Rate-Limit-Remaining": "0",
            "X-Rate-Limit-Reset": str(int(START) + 40),
        }
        return Response(200, Headers.of(fields))


def limited(options=None):
    clock, events = FakeClock(), []
    transport = Limited(clock)
    runner = Runner(transport, clock, events.append)
    task = template(provider=provider(rate_limit=LIMITS))
    outcomes = [runner.run(task, {}, connection(), options) for _ in range(2)]
    return outcomes, transport, events


def test_the_second_request_waits_for_the_reset_instead_of_collecting_a_429():
    outcomes, transport, events = limited()
    assert transport.sent == [0.0, 41.0]
    assert outcomes[1].attempts[0].timings == {"pacing": 41000.0}
    assert Pacing("acme.do_thing", 41.0) in events


def test_a_machine_that_takes_its_time_is_no_wait_for_the_rate_limit():
    class Ticking(FakeClock):
        def monotonic(self):
            self.advance(0.25)
            return super().monotonic()

    clock = Ticking()
    assert Runner(Limited(clock), clock).run(template(), {}, connection()).attempts[0].timings == {}


def test_a_wait_that_does_not_fit_stops_before_anything_is_sent():
    outcomes, transport, _ = limited(Options(deadline=12.0))
    assert transport.sent == [0.0]
    failure = outcomes[1].failure
    assert (outcomes[1].status, failure.kind, failure.retryable, failure.retry_after) == ("failed", "rateLimited", True, 41.0)
    assert failure.message == "the rate limit leaves no room: server asks for 41 s, 12 s left"
    assert outcomes[1].attempts[0].phase == "notSent"


class Distant:
    """A sandbox some way off, so that requests of several threads are on their way at the same time."""

    def __init__(self, clock):
        self.clock = clock
        self.sandbox = Sandbox(SandboxOptions(), clock=clock)
        self.transport = SandboxTransport(self.sandbox)

    def send(self, request, timeouts):
        self.clock.sleep(0.08)
        response = self.transport.send(request, timeouts)
        self.clock.sleep(0.07)
        return response


@pytest.mark.parametrize("start", [START, *(pytest.param(START + part, marks=pytest.mark.slow) for part in (0.37, 0.999))])
def test_sixteen_threads_get_no_429_after_the_first_window_and_use_the_rate(start):
    from httptask.auth import auth_for

    clock = FakeClock(start)
    transport = Distant(clock)
    task = open_registry()["okta.list_agent_pools"]
    runner = Runner(transport, clock)
    auth = auth_for(task.provider, None, secret=Secret(transport.sandbox.options.token))
    sandbox = connection(base_url="http://127.0.0.1", auth=auth)
    calls, outcomes = iter(range(200)), []

    def work():
        outcomes.extend(runner.run(task, {}, sandbox, PATIENT) for _ in calls)

    clock.run_threads([work] * 16)
    refused = [attempt.started_at - start for outcome in outcomes for attempt in outcome.attempts if attempt.status == 429]
    assert all(outcome.ok for outcome in outcomes)
    assert len(outcomes) == 200
    assert max(refused, default=0.0) < 60
    windows_needed = 200 / 10 - 1
    assert windows_needed * 60 / clock.monotonic() >= 0.95
