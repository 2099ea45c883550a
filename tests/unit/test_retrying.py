import pytest

from httptask.message import Headers
from httptask.model import RateLimitSpec, RetryPolicy
from httptask.retrying import Facts, Retry, Stop, backoff, decide, may_be_applied

POLICY = RetryPolicy()
OKTA = RateLimitSpec("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
#: Method and whether the task is idempotent: the three classes that the rules tell apart.
SAFE, IDEMPOTENT, UNSAFE = ("GET", True), ("PUT", True), ("POST", False)
WAIT = {"Retry-After": "7"}


def facts(task=SAFE, phase="answered", status=None, error=None, headers=None, **more):
    method, idempotent = task
    fields = Headers.of(headers or {})
    return Facts(method, idempotent, phase, status=status, error=error, headers=fields, rate_limit=OKTA, **more)


def judge(now, *earlier, policy=POLICY, **state):
    given = {"elapsed": 0.0, "deadline": None, "budget_left": 10.0, "jitter": 0.5, **state}
    return decide(policy, now, earlier, **given)


def verdict(*attempts):
    """Return what the last of these attempts leads to: `retry`, or the status that the run ends with."""
    decision = judge(attempts[-1], *attempts[:-1])
    return "retry" if isinstance(decision, Retry) else decision.status


NOT_SENT = ("notSent", None)
LOST = ("sentWithoutAnswer", None)
#: Phase, status and headers -> what follows for a safe, an idempotent and an unsafe task.
MATRIX = [
    (NOT_SENT, {}, "retry", "retry", "retry"),
    (LOST, {}, "retry", "retry", "unknown"),
    (("answered", 200), {}, "failed", "failed", "failed"),  # the success condition does not hold
    (("answered", 302), {}, "failed", "failed", "failed"),
    (("answered", 400), {}, "failed", "failed", "failed"),
    (("answered", 401), {}, "failed", "failed", "failed"),
    (("answered", 403), {}, "failed", "failed", "failed"),
    (("answered", 404), {}, "failed", "failed", "failed"),
    (("answered", 408), {}, "retry", "retry", "unknown"),
    (("answered", 409), {}, "failed", "failed", "failed"),
    (("answered", 409), WAIT, "failed", "failed", "failed"),
    (("answered", 422), {}, "failed", "failed", "failed"),
    (("answered", 425), {}, "retry", "retry", "retry"),
    (("answered", 429), {}, "retry", "retry", "retry"),
    (("answered", 429), WAIT, "retry", "retry", "retry"),
    (("answered", 500), {}, "retry", "retry", "unknown"),
    (("answered", 500), WAIT, "retry", "retry", "unknown"),
    (("answered", 501), {}, "failed", "failed", "failed"),
    (("answered", 502), {}, "retry", "retry", "unknown"),
    (("answered", 503), {}, "retry", "retry", "unknown"),
    (("answered", 503), WAIT, "retry", "retry", "retry"),
    (("answered", 503), {"Retry-After": "soon"}, "retry", "retry", "unknown"),
    (("answered", 504), {}, "retry", "retry", "unknown"),
    (("answered", 505), {}, "failed", "failed", "failed"),
    (("answered", 511), {}, "failed", "failed", "failed"),
    (("answered", 507), {}, "retry", "retry", "unknown"),
    (("answered", 524), {}, "retry", "retry", "unknown"),
    (("answered", 599), {}, "retry", "retry", "unknown"),
]


@pytest.mark.parametrize(("reached", "headers", "safe", "idempotent", "unsafe"), MATRIX)
def test_what_follows_an_attempt_depends_on_method_phase_status_and_headers(reached, headers, safe, idempotent, unsafe):
    phase, status = reached
    error = None if phase == "answered" else "connectionLost"
    expected = dict(zip((SAFE, IDEMPOTENT, UNSAFE), (safe, idempotent, unsafe), strict=True))
    assert {task: verdict(facts(task, phase, status, error, headers)) for task in expected} == expected


@pytest.mark.parametrize("task", [SAFE, IDEMPOTENT, UNSAFE])
def test_a_success_ends_the_run(task):
    assert judge(facts(task, status=200, success=True)) == Stop("succeeded", "status 200")


@pytest.mark.parametrize("error", ["tlsCertificate", "egressRefused", "invalidUrl"])
def test_what_the_same_request_would_meet_again_is_not_repeated(error):
    decision = judge(facts(SAFE, "notSent", error=error))
    assert decision == Stop("failed", f"{error}: the same request would meet it again")


@pytest.mark.parametrize("error", ["dns", "refused", "unreachable", "proxy", "connectTimeout", "tlsHandshake"])
def test_an_unsafe_task_of_which_nothing_was_sent_is_repeated(error):
    assert isinstance(judge(facts(UNSAFE, "notSent", error=error)), Retry)


def test_a_post_that_is_declared_idempotent_is_repeated_after_a_lost_answer():
    assert verdict(facts(("POST", True), "sentWithoutAnswer", error="readTimeout")) == "retry"


def test_a_put_that_is_declared_not_idempotent_is_not_repeated_after_a_lost_answer():
    assert verdict(facts(("PUT", False), "sentWithoutAnswer", error="readTimeout")) == "unknown"


@pytest.mark.parametrize(
    ("task", "truncated", "expected"),
    [
        (SAFE, True, "retry"),
        (IDEMPOTENT, True, "retry"),
        (UNSAFE, True, "unknown"),
        (SAFE, False, "failed"),
        (IDEMPOTENT, False, "unknown"),
        (UNSAFE, False, "unknown"),
    ],
)
def test_a_body_that_was_cut_off_is_asked_for_again_and_one_that_makes_no_sense_is_not(task, truncated, expected):
    assert verdict(facts(task, status=200, readable=False, truncated=truncated)) == expected


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([LOST, ("answered", 400)], "unknown"),
        ([LOST, ("answered", 404)], "unknown"),
        ([("answered", 500), ("answered", 409)], "unknown"),
        ([NOT_SENT, ("answered", 400)], "failed"),
        ([("answered", 429), ("answered", 400)], "failed"),
        ([NOT_SENT, LOST], "unknown"),
    ],
)
def test_an_unsafe_attempt_that_may_have_worked_makes_the_whole_run_unknown(attempts, expected):
    assert verdict(*(facts(UNSAFE, phase, status, "x") for phase, status in attempts)) == expected


def test_a_later_success_settles_an_earlier_lost_attempt():
    lost = facts(("POST", True), "sentWithoutAnswer", error="connectionLost")
    assert verdict(lost, facts(("POST", True), status=200, success=True)) == "succeeded"


@pytest.mark.parametrize(
    ("method", "before", "status", "expected"),
    [
        ("DELETE", LOST, 404, "succeeded"),
        ("DELETE", LOST, 410, "succeeded"),
        ("DELETE", ("answered", 502), 404, "succeeded"),
        ("DELETE", LOST, 403, "unknown"),
        ("DELETE", NOT_SENT, 404, "failed"),
        ("DELETE", ("answered", 429), 404, "failed"),
        ("PUT", LOST, 404, "unknown"),
    ],
)
def test_only_a_delete_is_settled_by_absence_and_only_after_an_attempt_that_may_have_worked(method, before, status, expected):
    task = (method, True)
    assert verdict(facts(task, *before, error="x"), facts(task, status=status)) == expected


def test_the_first_delete_that_finds_nothing_has_failed():
    assert verdict(facts(("DELETE", True), status=404)) == "failed"


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (facts(UNSAFE, *LOST, error="x"), True),
        (facts(IDEMPOTENT, *LOST, error="x"), True),
        (facts(SAFE, *LOST, error="x"), False),
        (facts(UNSAFE, *NOT_SENT, error="x"), False),
        (facts(UNSAFE, status=503), True),
        (facts(UNSAFE, status=503, headers=WAIT), False),
        (facts(UNSAFE, status=429), False),
        (facts(UNSAFE, status=400), False),
        (facts(UNSAFE, status=200, readable=False), True),
        (facts(UNSAFE, status=200), False),
    ],
)
def test_what_may_have_been_applied(attempt, expected):
    assert may_be_applied(attempt) is expected


def test_the_backoff_grows_by_the_factor_up_to_the_cap():
    assert [backoff(POLICY, retries, 0.5) for retries in range(9)] == [0.25, 0.5, 1, 2, 4, 8, 15, 15, 15]


def test_the_backoff_may_be_nothing():
    assert backoff(POLICY, 3, 0.0) == 0


def test_a_retry_says_why_and_how_long():
    assert judge(facts(status=502)) == Retry(0.25, "status 502: GET may be repeated; backoff 0.25 s")


def test_the_number_of_attempts_is_bounded():
    attempts = [facts(status=500)] * 4
    assert isinstance(judge(*attempts[:3]), Retry)
    assert judge(*attempts) == Stop("failed", "4 of 4 attempts used", None, retryable=True)


@pytest.mark.parametrize(
    ("elapsed", "deadline", "stops"),
    [
        (299.7, None, False),
        (299.75, None, True),
        (300.0, None, True),
        (999.0, None, True),
        (0.7, 1.0, False),
        (0.75, 1.0, True),
        (299.8, 999, True),
    ],
)
def test_no_wait_goes_past_the_policys_time_or_the_callers_deadline(elapsed, deadline, stops):
    assert isinstance(judge(facts(status=500), elapsed=elapsed, deadline=deadline), Stop) is stops


def test_a_stop_for_lack_of_time_names_what_was_left():
    assert judge(facts(status=500), elapsed=299.9).reason == "backoff needs 0.25 s, 0.1 s left"
    assert judge(facts(status=500), elapsed=400).reason == "backoff needs 0.25 s, 0 s left"


def test_a_backoff_costs_budget_and_a_wait_that_the_server_named_does_not():
    assert judge(facts(status=500), budget_left=0.9) == Stop(
        "failed", "the retry budget of this host is used up", None, retryable=True
    )
    assert judge(facts(status=429, headers=WAIT), budget_left=0.0).delay == 7


def test_a_server_that_asks_for_more_than_the_cap_ends_the_run_and_its_wait_is_handed_on():
    decision = judge(facts(UNSAFE, status=429, headers={"Retry-After": "121"}))
    assert decision == Stop("failed", "server asks for 121 s, more than the cap of 120 s", 121.0, retryable=True)


def test_a_server_that_asks_for_more_time_than_is_left_is_not_asked_early():
    decision = judge(facts(status=503, headers={"Retry-After": "60"}), elapsed=250)
    assert decision == Stop("failed", "server asks for 60 s, 50 s left", 60.0, retryable=True)


def test_the_wait_of_a_last_attempt_is_handed_on():
    last = facts(status=429, headers=WAIT)
    assert judge(last, policy=RetryPolicy(max_attempts=1)) == Stop("failed", "1 of 1 attempts used", 7.0, retryable=True)


def test_a_read_that_is_declared_to_change_something_can_end_unknown():
    assert verdict(facts(("GET", False), "sentWithoutAnswer")) == "unknown"


def test_a_status_that_the_rules_never_repeat_is_not_repeated_for_a_verify_task_either():
    never = RetryPolicy(never_statuses=frozenset({503}))
    decision = judge(facts(UNSAFE, status=503, verified="notApplied"), policy=never)
    assert isinstance(decision, Stop)
    assert decision.reason == "status 503: the retry rules say never"


def test_a_refusal_stays_a_refusal_when_a_verify_task_found_nothing_applied():
    decision = judge(facts(UNSAFE, status=400, verified="notApplied"))
    assert isinstance(decision, Stop)
    assert decision.reason == "status 400 would come again"
