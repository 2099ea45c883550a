import pytest

from httptask.message import Headers
from httptask.model import RateLimitSpec, RetryPolicy
from httptask.retrying import Facts, Retry, Stop, decide, server_wait

OKTA = RateLimitSpec("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"  # 1700000000
NOW = 1_700_000_000


def wait(*fields, status=429, rate_limit=OKTA):
    """Return the wait in seconds that the server named, or None."""
    named = server_wait(Headers(fields), status, rate_limit)
    return None if named is None else named.seconds


def after(value, *more):
    return wait(("Date", DATE), ("Retry-After", value), *more)


def reset(value, limit="10", remaining="0"):
    counters = (("X-Rate-Limit-Limit", limit), ("X-Rate-Limit-Remaining", remaining), ("X-Rate-Limit-Reset", value))
    return wait(("Date", DATE), *(field for field in counters if field[1] is not None))


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("7", 7),
        (" 7 ", 7),
        ("007", 7),
        ("120", 120),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30),
        ("Tuesday, 14-Nov-23 22:13:50 GMT", 30),
        ("Tue Nov 14 22:13:50 2023", 30),
        ("Tue, 14 Nov 2023 23:13:50 +0100", 30),
        ("Tue, 14 Nov 2023 22:13:10 GMT", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date_against_the_answers_own_date(value, seconds):
    assert after(value) == seconds


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "-1", "+1", "1.5.5", "1e3", "0x10", "1 s", "seven", "\u0667", "1,2", "NaN", "inf", "\x00"),
        *("Tue, 99 Nov 2023 22:13:50 GMT", "Tue, 14 Nov 99999 22:13:50 GMT", "14 Nov", "Tue, 14 Nov 2023 22:13:50 +99999"),
    ],
)
def test_a_malformed_retry_after_names_no_wait(value):
    assert after(value) is None


@pytest.mark.parametrize("value", ["9" * 13, "9" * 400, "1" + "0" * 5000])
def test_a_huge_retry_after_is_a_long_wait_and_not_a_short_one(value):
    assert after(value) > 1e9


def test_leading_zeros_do_not_shorten_a_wait():
    assert after("0" * 20 + "90") == 90


def test_a_date_cannot_be_read_without_the_answers_own_date():
    assert wait(("Retry-After", "Tue, 14 Nov 2023 22:13:50 GMT")) is None
    assert wait(("Date", "today"), ("Retry-After", "Tue, 14 Nov 2023 22:13:50 GMT")) is None


def test_of_several_waits_the_longest_counts():
    assert after("3", ("Retry-After", "9"), ("retry-after", "x"), ("retry-after", "5")) == 9


@pytest.mark.parametrize("status", [200, 301, 500, 503, None])
def test_retry_after_counts_whatever_the_status(status):
    assert wait(("Retry-After", "4"), status=status) == 4


@pytest.mark.parametrize(
    ("value", "seconds"), [(str(NOW), 1), (str(NOW + 48), 49), (str(NOW - 10), 1), ("0", 1), (f"{NOW + 5}, {NOW + 9}", 10)]
)
def test_a_reset_counter_is_read_against_the_answers_date_with_a_margin_of_a_second(value, seconds):
    assert reset(value) == seconds


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.7e9", "\x00", None])
def test_a_malformed_reset_names_no_wait(value):
    assert reset(value) is None


@pytest.mark.parametrize("value", ["9" * 13, "9" * 5000])
def test_a_huge_reset_is_a_long_wait_and_not_none(value):
    assert reset(value) > 1e9


def test_a_reset_without_a_date_names_no_wait():
    assert wait(("X-Rate-Limit-Reset", str(NOW + 5))) is None


def test_retry_after_comes_before_the_reset():
    assert wait(("Date", DATE), ("X-Rate-Limit-Reset", str(NOW + 48)), ("Retry-After", "2")) == 2


@pytest.mark.parametrize("status", [200, 403, 500, 503])
def test_a_reset_counts_on_a_429_only(status):
    assert wait(("Date", DATE), ("X-Rate-Limit-Reset", str(NOW + 48)), status=status) is None


def test_a_reset_counts_only_where_the_provider_says_which_header_it_is():
    assert wait(("Date", DATE), ("X-Rate-Limit-Reset", str(NOW + 48)), rate_limit=None) is None


def test_a_limit_and_a_remainder_of_zero_are_a_concurrency_limit_whose_reset_is_an_estimate():
    assert reset(str(NOW + 48), limit="0", remaining="0") is None


@pytest.mark.parametrize(
    ("limit", "remaining"), [("10", "0"), ("0", "3"), ("ten", "0"), ("", ""), ("0", None), (None, "0"), ("0", "x")]
)
def test_anything_else_than_two_zeros_is_no_concurrency_limit(limit, remaining):
    assert reset(str(NOW + 48), limit, remaining) == 49


def decided(*fields, status=429):
    facts = Facts("POST", idempotent=False, phase="answered", status=status, headers=Headers(fields), rate_limit=OKTA)
    return decide(RetryPolicy(), facts, (), elapsed=0.0, deadline=None, budget_left=10, jitter=0.0)


def test_a_recorded_okta_429_is_asked_again_a_second_after_its_reset():
    fields = (
        ("Date", DATE),
        ("X-Rate-Limit-Limit", "10"),
        ("X-Rate-Limit-Remaining", "0"),
        ("X-Rate-Limit-Reset", str(NOW + 48)),
    )
    assert decided(*fields) == Retry(49.0, "status 429: the request was not acted on; the rate limit resets in 49 s", costs=False)


def test_a_concurrency_limit_is_asked_again_after_a_backoff():
    fields = (("Date", DATE), ("X-Rate-Limit-Limit", "0"), ("X-Rate-Limit-Remaining", "0"), ("X-Rate-Limit-Reset", str(NOW + 48)))
    assert decided(*fields) == Retry(0.0, "status 429: the request was not acted on; backoff 0 s")


def test_a_wait_is_never_shortened_by_the_jitter():
    assert decided(("Retry-After", "7")) == Retry(
        7.0, "status 429: the request was not acted on; the server asked for 7 s", costs=False
    )


def test_a_wait_past_the_cap_is_not_shortened_to_it():
    assert isinstance(decided(("Retry-After", "9" * 400)), Stop)
