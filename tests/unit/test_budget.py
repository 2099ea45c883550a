import pytest

from builders import connection, template
from httptask.budget import RetryBudget
from httptask.clock import FakeClock
from httptask.errors import ConnectFailed
from httptask.message import Headers, Response
from httptask.runner import Runner


class Down:
    def __init__(self, *fields):
        self.requests = 0
        self.fields = fields

    def send(self, request, timeouts):
        self.requests += 1
        if self.fields:
            return Response(503, Headers(self.fields))
        raise ConnectFailed("the connection was refused", phase="notSent", code="refused")


def test_a_host_that_is_down_gets_ten_retries_and_then_one_request_per_call():
    down, clock = Down(), FakeClock()
    runner = Runner(down, clock)
    outcomes = [runner.run(template(), {}, connection()) for _ in range(20)]
    assert [len(outcome.attempts) for outcome in outcomes][:5] == [4, 4, 4, 2, 1]
    assert outcomes[-1].attempts[-1].decision.reason == "the retry budget of this host is used up"
    assert down.requests <= 20 + 10 + 2


def test_another_host_has_a_budget_of_its_own():
    runner = Runner(Down(), FakeClock())
    for _ in range(5):
        runner.run(template(), {}, connection())
    assert len(runner.run(template(), {}, connection(base_url="https://other.example.com")).attempts) == 4


def test_a_wait_that_the_server_named_costs_nothing():
    runner = Runner(Down(("Retry-After", "1")), FakeClock())
    assert {len(runner.run(template(), {}, connection()).attempts) for _ in range(10)} == {4}


def test_ten_first_attempts_earn_one_retry():
    budget = RetryBudget()
    with budget.opened("h") as purse:
        purse.left = 0.0
    for _ in range(10):
        budget.earn("h")
    with budget.opened("h") as purse:
        assert purse.left == pytest.approx(1.0)


def test_the_reserve_does_not_grow_without_end():
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn("h")
    with budget.opened("h") as purse:
        assert purse.left == 10.0
