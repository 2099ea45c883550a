"""What earlier steps of a DAG run left, as a unit reads it: pulled from XComs, and what lost workers left instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from httptask.engines.airflow.plans import ITEM, Plan
from httptask.engines.airflow.telling import RESULT
from httptask.hosted.outline import Node
from httptask.hosted.turns import Ended
from httptask.model import SAFE_METHODS
from httptask.outcome import Failure, FailureKind

_LOST = Failure(FailureKind.INTERRUPTED, "the worker was lost and Airflow did not try the task again")


def pulled(plan: Plan, paths: Iterable[str], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of steps by path, those of the items of a repeated step too."""
    found: dict[str, Any] = {}
    for path in paths:
        for task in plan.places.get(path, ()):
            left = context["ti"].xcom_pull(task_ids=task, key=RESULT)
            for result in left if isinstance(left, list) else [left]:
                found |= result or {}
    return found


def settled(plan: Plan, nodes: Iterable[Node], context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of steps that are done, and of those that failed without a word, whose requests nobody knows of."""
    known = list(nodes)
    found = pulled(plan, (node.path for node in known), context)
    states = _states(context, [task for node in known for task in plan.places.get(node.path, ())])
    for node in known:
        for use in _without_result(plan, node, states, found):
            found[use] = _lost(plan, node)
    return found


def stopped_by(plan: Plan, node: Node, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of the items of a step that are done, by path."""
    return {use: result for use, result in settled(plan, [node], context).items() if use != node.path}


def end_of(results: Mapping[str, Any], nodes: Iterable[Node]) -> Ended | None:
    """Return the end of the first step after which no other is begun; None when all of them went on."""
    for node in nodes:
        result = results.get(node.path)
        if result is None or result["status"] in {"succeeded", "skipped"} or result.get("handled"):
            continue
        failure = Failure.from_json(result["failure"]) if result.get("failure") else None
        return Ended(result["status"], result, failure=failure)
    return None


def _states(context: Mapping[str, Any], tasks: list[str]) -> Mapping[str, Any]:
    ti = context["ti"]
    found: Mapping[str, Mapping[str, Any]] = ti.get_task_states(dag_id=ti.dag_id, task_ids=tasks, run_ids=[ti.run_id])
    return found.get(ti.run_id, {})


def _without_result(plan: Plan, node: Node, states: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the uses of a step whose Airflow task failed and left no result."""
    failed = [task for task, state in states.items() if state == "failed"]
    uses = []
    for place in plan.places.get(node.path, ()):
        if place.endswith(f".{ITEM}"):
            prefix = f"{place}_"
            uses += [f"{node.path}[{task.removeprefix(prefix)}]" for task in failed if task.startswith(prefix)]
        elif place in failed:
            uses.append(node.path)
    return [use for use in uses if use not in found]


def _lost(plan: Plan, node: Node) -> dict[str, Any]:
    asks = node.task is None or plan.registry[node.task].method in SAFE_METHODS
    return {"status": "failed" if asks else "unknown", "failure": _LOST.to_json()}
