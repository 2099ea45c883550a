"""Turns of a unit within an Airflow try: one attempt for each try, and as many askings as it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

from httptask.engines.airflow.hooks import host
from httptask.engines.airflow.retries import RequestAgain
from httptask.engines.airflow.telling import OUTCOME, end
from httptask.engines.airflow.tries import Tries
from httptask.hosted.turns import Again, Ended, take
from httptask.hosted.units import Unit

#: Seconds between two askings for which a worker is kept: to hand it back and get one again takes Airflow about as long.
WAITED_IN_PLACE = 5.0


def take_turns(operator: Any, context: Any, unit: Unit, key: str) -> None:
    """Take turns until the unit is over, or Airflow has to come again: for another attempt, or after a longer wait.

    Raises:
        HttpTaskFailed: it failed for good.
        RequestAgain: the attempt may be repeated.
        TaskDeferred: the condition does not hold yet.

    """
    tries = Tries(context, polls=unit.chain()[-1].until is not None)
    with host(operator.conn_id) as world:
        while True:
            done = take(unit, tries.turn(key, most=operator.most), world)
            if isinstance(done, Ended):
                break
            tries.leave(done)
            if not tries.polls:
                _tell_so_far(context, done)
                raise RequestAgain(done)
            if done.wait > WAITED_IN_PLACE:
                operator.defer(trigger=TimeDeltaTrigger(timedelta(seconds=done.wait)), method_name="resume")
            world.clock.sleep(done.wait)
    end(context, unit.use, done)


def _tell_so_far(context: Any, again: Again) -> None:
    """Push the outcome of an attempt: it is what people see while the next one is waited for."""
    if again.so_far is not None and again.so_far.outcome is not None:
        context["ti"].xcom_push(OUTCOME, dict(again.so_far.outcome))
