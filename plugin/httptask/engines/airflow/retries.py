"""What Airflow is told of a turn that did not succeed, in its own words: errors, and the policy that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from httptask.engines.airflow.tries import Tries
from httptask.hosted.turns import OUTCOME_UNKNOWN, Again, Ended


class HttpTaskFailed(AirflowFailException):
    """The task has failed, and Airflow must not try it again, whatever its retries say.

    Attributes:
        ended: what came of it; its outcome stands in the XCom `outcome` too.

    """

    def __init__(self, ended: Ended) -> None:
        """Say what kind of failure it is, and why, masked."""
        self.ended = ended
        super().__init__(f"{ended.error}: {ended.message}")


class OutcomeUnknown(HttpTaskFailed):
    """A request may have been applied, and nobody knows: somebody has to look at the server before it is sent again."""


class RequestAgain(AirflowException):
    """An attempt failed and may be repeated, after a time that the server or the retry policy says."""

    def __init__(self, again: Again) -> None:
        """Say why, masked."""
        self.again = again
        super().__init__(again.reason)


class HttpTaskRetryPolicy(RetryPolicy):
    """Tells Airflow when to come again; what failed for good never gets here, because Airflow asks nobody about it."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:  # noqa: ARG002 - Airflow's signature
        """Return the decision for what a try raised.

        Anything but our own is left to Airflow's `retries` and `retry_delay`; if nothing had been begun by then, the next try
        is told so, because it would have to take a request for lost otherwise. A mapped task of which no operator could be made
        has begun nothing.
        """
        if isinstance(exception, RequestAgain):
            return RetryDecision.retry(timedelta(seconds=exception.again.wait), exception.again.reason)
        if context is not None and not getattr(context["ti"].task, "has_begun", False):
            Tries(context).leave_unbegun()
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        """Return what Airflow writes down of it: its name."""
        return {"__type": type(self).__name__}


@dataclass(frozen=True, slots=True)
class MappedRetryPolicy(HttpTaskRetryPolicy):
    """The policy of a mapped task, of which Airflow makes operators in the workers.

    Attributes:
        most: attempts that the DAG's author allows; None leaves them to the task's own policy and the connection's. The operators
            could not tell: they are given `retries` always.

    """

    most: int | None


def failure_of(ended: Ended) -> HttpTaskFailed:
    """Return the error that says how a unit ended."""
    return OutcomeUnknown(ended) if ended.error == OUTCOME_UNKNOWN else HttpTaskFailed(ended)
