import pytest

from httptask.message import Headers
from httptask.model import RateLimitSpec
from httptask.waits import Counters, is_concurrency_limit, rate_counters, server_wait

OKTA = RateLimitSpec("X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset")
DATE = ("Date", "Tue, 14 Nov 2023 22:13:20 GMT")
EPOCH = 1_700_000_000


def counters(*fields, spec=None):
    return rate_counters(Headers((DATE, *fields)), spec)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([("RateLimit", '"default";r=50;t=30')], Counters(None, 50, 31)),
        ([("RateLimit", '"default";r=0;t=30'), ("RateLimit-Policy", '"default";q=100;w=60')], Counters(100, 0, 31)),
        ([("RateLimit", '"burst";r=9;t=5, "daily";r=3;t=80000')], Counters(None, 3, 80001)),
        ([("RateLimit", '"a,b;r=1;t=1";r=7;t=2')], Counters(None, 7, 3)),
        ([("RateLimit", '"a";r=3;t=9'), ("RateLimit", '"b";r=3;t=40')], Counters(None, 3, 41)),
    ],
)
def test_the_structured_rate_limit_header_is_read(fields, expected):
    assert counters(*fields) == expected


@pytest.mark.parametrize("value", ["", "r=50", '"default"', '"default";t=30', '"x";r=-1;t=30', '"x";r=1.5;t=30', "50;30", "\x00"])
def test_a_malformed_rate_limit_header_says_nothing(value):
    assert counters(("RateLimit", value)) is None


@pytest.mark.parametrize("prefix", ["X-RateLimit-", "RateLimit-", "x-ratelimit-"])
@pytest.mark.parametrize(
    ("reset", "wait"),
    [
        ("30", 31),  # a duration
        (str(EPOCH + 41), 42),  # a moment
        (str((EPOCH + 41) * 1000), 42),  # a moment in milliseconds
        (str(EPOCH - 5), 1),  # already past
    ],
)
def test_the_common_older_headers_are_read_by_magnitude(prefix, reset, wait):
    fields = [(f"{prefix}{name}", value) for name, value in (("Limit", "10"), ("Remaining", "2"), ("Reset", reset))]
    assert counters(*fields) == Counters(10, 2, wait)


def test_the_providers_own_headers_come_first():
    own = [("X-Rate-Limit-Limit", "10"), ("X-Rate-Limit-Remaining", "4"), ("X-Rate-Limit-Reset", str(EPOCH + 20))]
    assert counters(*own, ("RateLimit", '"x";r=0;t=99'), spec=OKTA) == Counters(10, 4, 21)


def test_without_a_date_a_moment_says_nothing():
    fields = (("X-RateLimit-Remaining", "2"), ("X-RateLimit-Reset", str(EPOCH + 41)))
    assert rate_counters(Headers(fields), None) is None


def test_of_repeated_counters_the_least_remaining_and_the_latest_reset_count():
    fields = [
        ("X-RateLimit-Remaining", "5"),
        ("X-RateLimit-Remaining", "2, 7"),
        ("X-RateLimit-Reset", "10"),
        ("X-RateLimit-Reset", "20"),
    ]
    assert counters(*fields) == Counters(None, 2, 21)


def test_a_429_waits_for_the_structured_reset():
    headers = Headers((DATE, ("RateLimit", '"default";r=0;t=7')))
    assert server_wait(headers, 429, None).seconds == 8
    assert server_wait(headers, 500, None) is None


def test_retry_after_wins_over_the_counters():
    headers = Headers((DATE, ("Retry-After", "3"), ("RateLimit", '"default";r=0;t=60')))
    assert server_wait(headers, 429, OKTA).seconds == 3


def test_an_absurd_reset_is_a_very_long_wait_and_never_an_early_one():
    assert server_wait(Headers((DATE, ("Retry-After", "9" * 40))), 429, None).seconds > 1e9


def test_two_zeros_on_a_429_are_a_limit_of_simultaneous_requests():
    zeros = Headers((DATE, ("X-Rate-Limit-Limit", "0"), ("X-Rate-Limit-Remaining", "0"), ("X-Rate-Limit-Reset", str(EPOCH + 60))))
    assert is_concurrency_limit(zeros, 429, OKTA)
    assert not is_concurrency_limit(zeros, 200, OKTA)
    assert server_wait(zeros, 429, OKTA) is None
