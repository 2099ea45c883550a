"""What earlier steps of a DAG run left, as a unit reads it: pulled from XComs, and what lost workers left instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from httptask.engines.airflow.plans import ITEM, Plan
from httptask.engines.airflow.telling import RESULT
from httptask.hosted.outline import Node
from httptask.hosted.turns import Ended
from httptask.hosted.units import Unit
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
    own = {node.path: node for node in nodes}
    every = {each.path: each for node in own.values() for each in node.every()}
    found = pulled(plan, every, context)
    states = _states(context, [task for path in every for task in plan.places.get(path, ())])
    for node in reversed(every.values()):  # what is within a step comes before the step, which is judged by it
        for use in _without_result(plan, node, states, found):
            found[use] = _lost(plan, node, use, found)
    return {use: result for use, result in found.items() if _path(use) in own}


def unknown_in(results: Mapping[str, Any]) -> str | None:
    """Return the first use of which nobody knows what it did; None when all is known."""
    return next((use for use, result in results.items() if result["status"] == "unknown"), None)


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
    """Return the uses of a step whose Airflow task failed and left no result, its items before the step itself."""
    failed = [task for task, state in states.items() if state == "failed"]
    uses = []
    for place in plan.places.get(node.path, ()):
        if place.endswith(f".{ITEM}"):
            prefix = f"{place}_"
            uses += [f"{node.path}[{task.removeprefix(prefix)}]" for task in failed if task.startswith(prefix)]
        elif place in failed:
            uses.append(node.path)
    return sorted((use for use in dict.fromkeys(uses) if use not in found), key=lambda use: use == node.path)


def _lost(plan: Plan, node: Node, use: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is left of a use: unknown if it may have changed something, or what it is made of is unknown."""
    if node.kind == "task" or use != node.path:
        unknown = Unit(plan.workflow, plan.registry, node.path, {}).may_change
    else:
        within = {each.path for each in node.every()}
        unknown = unknown_in({each: result for each, result in found.items() if _path(each) in within}) is not None
    return {"status": "unknown" if unknown else "failed", "failure": _LOST.to_json()}


def _path(use: str) -> str:
    return use.partition("[")[0]
