from hypothesis import given, settings
from hypothesis import strategies as st

from httptask.message import Headers
from httptask.model import RateLimitSpec, RetryPolicy
from httptask.retrying import Facts, Retry, Stop, decide, may_be_applied, server_wait

OKTA = RateLimitSpec("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
METHODS = {"GET": True, "PUT": True, "DELETE": True, "POST": False, "PATCH": False}
NAMES = ("Date", "Retry-After", OKTA.limit_header, OKTA.remaining_header, OKTA.reset_header)
DATES = st.sampled_from(["Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:14:20 GMT", "Mon, 01 Jan 0001 00:00:00 +2359"])
VALUES = st.one_of(
    st.integers(-10, 200).map(str), st.integers(1_699_999_990, 1_700_000_100).map(str), DATES, st.text(max_size=30)
)
HEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6).map(lambda fields: Headers(tuple(fields)))
#: Derandomized: the same examples in every run.
quick = settings(max_examples=60, derandomize=True, deadline=None, database=None)


@st.composite
def attempts(draw):
    method = draw(st.sampled_from(sorted(METHODS)))
    phase = draw(st.sampled_from(["notSent", "sentWithoutAnswer", "answered"]))
    answered = phase == "answered"
    status = draw(st.sampled_from([200, 302, 400, 404, 408, 425, 429, 500, 502, 503, 504, 507])) if answered else None
    return Facts(
        method,
        METHODS[method],
        phase,
        status=status,
        error=None if answered else draw(st.sampled_from(["refused", "connectionLost", "tlsCertificate"])),
        headers=draw(HEADERS) if answered else Headers(),
        success=status == 200 and draw(st.booleans()),
        readable=draw(st.booleans()),
        truncated=draw(st.booleans()),
        rate_limit=OKTA,
    )


POLICIES = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 6),
    max_elapsed=st.floats(1, 400),
    base=st.floats(0, 5),
    factor=st.floats(1, 10),
    cap=st.floats(0, 60),
    server_wait_cap=st.floats(0, 200),
)
JITTER = st.floats(0, 1, exclude_max=True)


def decided(policy, facts, earlier=(), elapsed=0.0, jitter=0.5):
    return decide(policy, facts, earlier, elapsed=elapsed, deadline=None, budget_left=10, jitter=jitter)


@quick
@given(POLICIES, attempts(), st.lists(attempts(), max_size=5), st.floats(0, 500), JITTER)
def test_a_decision_depends_on_its_arguments_alone(policy, facts, earlier, elapsed, jitter):
    assert decided(policy, facts, earlier, elapsed, jitter) == decided(policy, facts, list(earlier), elapsed, jitter)


@quick
@given(POLICIES, attempts(), st.lists(attempts(), max_size=5), st.floats(0, 500), JITTER)
def test_a_delay_is_within_its_bounds(policy, facts, earlier, elapsed, jitter):
    decision = decided(policy, facts, earlier, elapsed, jitter)
    if isinstance(decision, Retry):
        assert len(earlier) + 1 < policy.max_attempts
        assert 0 <= decision.delay < policy.max_elapsed - elapsed
        assert decision.delay <= max(policy.cap, policy.server_wait_cap)


@quick
@given(POLICIES, attempts(), JITTER)
def test_a_wait_that_the_server_named_is_kept_whole_or_ends_the_run(policy, facts, jitter):
    named = server_wait(facts.headers, facts.status, facts.rate_limit)
    decision = decided(policy, facts, (), 0.0, jitter)
    if named is not None and isinstance(decision, Retry):
        assert decision.delay == named.seconds


@quick
@given(POLICIES, attempts())
def test_the_same_failure_over_and_over_comes_to_an_end(policy, facts):
    earlier = []
    while isinstance(decided(policy, facts, earlier), Retry):
        earlier.append(facts)
    assert len(earlier) < policy.max_attempts


@quick
@given(attempts(), st.lists(attempts(), max_size=4))
def test_a_run_in_which_something_may_have_been_applied_never_ends_as_failed(facts, earlier):
    decision = decided(RetryPolicy(max_attempts=1), facts, earlier)
    assert isinstance(decision, Stop)
    if any(map(may_be_applied, (*earlier, facts))):
        assert decision.status in {"unknown", "succeeded"}


@quick
@given(attempts())
def test_a_task_that_is_not_idempotent_is_never_repeated_after_it_may_have_been_applied(facts):
    if not facts.idempotent and may_be_applied(facts):
        assert isinstance(decided(RetryPolicy(), facts), Stop)
