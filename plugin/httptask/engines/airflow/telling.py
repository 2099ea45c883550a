"""What an Airflow task leaves when it is over: XComs, a line in its log, and the state that Airflow shows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NoReturn

from airflow.sdk.exceptions import AirflowSkipException

from httptask.engines.airflow.retries import failure_of
from httptask.engines.airflow.tries import Tries
from httptask.hosted.turns import Ended

#: XCom of the whole outcome, for people, and of what later steps are handed, by the path of the use.
OUTCOME, RESULT = "outcome", "result"
#: XComs that no output can have the name of.
_TAKEN = frozenset({OUTCOME, RESULT, "return_value"})
_LOG = logging.getLogger(__name__)


def end(context: Mapping[str, Any], use: str, ended: Ended) -> None:
    """Push what a use of a task or step came to, and end the Airflow task as it ended.

    Raises:
        HttpTaskFailed: it failed for good.
        AirflowSkipException: it was skipped; later steps read that as a value.

    """
    if not ended.goes_on:
        fail(context, use, ended)
    tell(context, use, ended)
    Tries(context).end(use, ended)
    if ended.status == "skipped":
        raise AirflowSkipException(f"{use}: its condition does not hold")
    if ended.status != "succeeded":
        _LOG.warning("failed, and the workflow goes on: %s: %s", ended.error, ended.message)


def told_again(context: Mapping[str, Any]) -> bool:
    """Tell whether the task ended before in a way that stands whoever begins it again, and end it so once more.

    Raises:
        HttpTaskFailed: it failed for good.

    """
    before = Tries(context).final
    if before is not None:
        end(context, *before)
    return before is not None


def let_note(operator: Any) -> None:
    """Let Airflow call `note_success` for an operator, before what its author lets be called, which may take its time."""
    operator.on_success_callback = [note_success, *operator.on_success_callback]


def note_success(context: Mapping[str, Any]) -> None:
    """Say for later tries that Airflow learned of a success. Airflow calls this after its report, which it may have refused."""
    ti = context["ti"]
    found = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index)
    if "success" in found.get(ti.run_id, {}).values():
        Tries(context).note()


def fail(context: Mapping[str, Any], use: str, ended: Ended) -> NoReturn:
    """Push what failed, and fail for good.

    Raises:
        HttpTaskFailed: always.

    """
    tell(context, use, ended)
    Tries(context).end(use, ended)
    raise failure_of(ended) from None


def tell(context: Mapping[str, Any], use: str, ended: Ended) -> None:
    """Push an end as XComs: each output under its own name, the outcome, and the result for later steps."""
    ti = context["ti"]
    for name in (*ended.withheld, *(name for name in ended.outputs if name in _TAKEN)):
        _LOG.warning("the output %s is not passed as an XCom: it holds a secret, is too large, or its name is taken", name)
    for name, value in ended.outputs.items():
        if name not in _TAKEN:
            ti.xcom_push(name, value)
    if ended.outcome is not None:
        ti.xcom_push(OUTCOME, dict(ended.outcome))
    ti.xcom_push(RESULT, {use: dict(ended.result)})
