"""A whole workflow file as an Airflow DAG: one task for each step, groups for what has several, params for its inputs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, TaskGroup

from httptask.engines.airflow.hooks import ConnectionId
from httptask.engines.airflow.inputs import params_of
from httptask.engines.airflow.plans import ENTER, FAILED, GATHER, ITEM, LEAVE, LIST, ON_FAILURE, OUTPUTS, Plan, name_of, planned
from httptask.engines.airflow.retries import HttpTaskRetryPolicy
from httptask.engines.airflow.steps import ApprovalStep, DecisionStep, FailedRun, SendStep, UndoStep, WaitStep
from httptask.engines.airflow.tasks import names_of
from httptask.hosted.outline import Node
from httptask.hosted.units import Action
from httptask.wiring import Folders

#: A step follows those that succeeded, and those that were skipped: that is a value to it.
_ON = "none_failed"
#: Within a group a step is skipped with the group's beginning, but not with the step before.
_WITHIN = "none_failed_min_one_success"
_DONE = "all_done"
_NO_NAME = re.compile(r"[^A-Za-z0-9_.-]+")


def dag_from_workflow(
    path: str | Path,
    *,
    dag_id: str | None = None,
    conn_id: ConnectionId = None,
    templates: Folders = (),
    **dag: Any,
) -> Any:
    """Return the DAG that a workflow file is.

    Args:
        path: of the file.
        dag_id: without it the workflow's name.
        conn_id: of the Airflow connection, or one for each provider; without it the one that the workflow names, else
            `httptask_default`.
        templates: folders with templates beside those of HTTPTASK_PATH.
        dag: what any DAG takes, such as `schedule`; `retries` in `default_args` win over the retry policies of the file.

    Raises:
        DefinitionError: the file cannot be read, or uses what Airflow has no words for; every problem at once.

    """
    file, folders = str(Path(path).absolute()), names_of(templates)
    planned.cache_clear()  # the file may have changed since this process read it last
    plan = planned(file, folders)
    workflow = plan.workflow
    own = {"description": workflow.description.partition("\n")[0] or None, "doc_md": workflow.description or None}
    more: dict[str, Any] = {"schedule": None, "params": params_of(workflow), **own, **dag}
    with DAG(dag_id or _NO_NAME.sub("_", workflow.name), **more) as whole:  # noqa: AIR002 - the schedule is among the others
        place = {"workflow": file, "templates": list(folders), "conn_id": conn_id}
        _Drawing(plan, place, (dag.get("default_args") or {}).get("retries")).draw(whole)
    return whole


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws the tasks of a plan into the current DAG; `retries` are those that the DAG's author asks for."""

    plan: Plan
    place: dict[str, Any]
    retries: int | None

    def draw(self, dag: Any) -> None:
        ends = self._chain(self.plan.outline.nodes, (), ())
        outputs = self._decision("outputs", OUTPUTS, self.plan.node(""), _ON)
        _after(outputs, ends)
        if not self.plan.outline.undoing:
            return
        main = [*self._all_ends(dag), outputs]
        with TaskGroup(ON_FAILURE, tooltip="what is done when a step has failed"):
            gate = UndoStep(task_id=ENTER, trigger_rule=_DONE, path="", **self.place)
            _after(gate, main)
            undone = self._chain(self.plan.outline.undoing, (gate,), ())
        failed = FailedRun(task_id=FAILED, trigger_rule="one_failed", retries=0)
        _after(failed, (*main, gate, *undone))

    def _all_ends(self, dag: Any) -> list[Any]:
        """Return the tasks that say how each step of the main line ended."""
        ids = [
            place for node in self.plan.outline.nodes for place in self.plan.places[node.path] if not place.endswith(f".{ITEM}")
        ]
        return [dag.get_task(task) for task in ids]

    def _chain(self, nodes: Iterable[Node], guards: Sequence[Any], before: Sequence[Any]) -> Sequence[Any]:
        """Draw steps one after the other and return the tasks that say how the last one ended."""
        for node in nodes:
            before = self._node(node, guards, before)
        return before

    def _node(self, node: Node, guards: Sequence[Any], before: Sequence[Any]) -> Sequence[Any]:
        upstream, rule = (*guards, *before), _WITHIN if guards else _ON
        if node.kind == "each":
            return self._each(node, upstream, rule)
        if node.members:
            return self._composed(node, upstream, rule)
        kind = {"wait": WaitStep, "approve": ApprovalStep}.get(node.kind)
        common = {"task_id": name_of(node), "trigger_rule": rule, "doc_md": node.summary or None, "path": node.path, **self.place}
        step = SendStep(**common, **self._tries(node)) if kind is None else kind(**common)
        _after(step, upstream)
        return (step,)

    def _each(self, node: Node, upstream: Sequence[Any], rule: str) -> Sequence[Any]:
        with TaskGroup(name_of(node), tooltip=node.summary):
            listing = self._decision("list", LIST, node, rule)
            _after(listing, upstream)
            mapped = SendStep.partial(
                task_id=ITEM,
                trigger_rule=_WITHIN,
                max_active_tis_per_dagrun=max(1, node.max_parallel),
                path=node.path,
                **self.place,
                **self._tries(node),
                retry_policy=HttpTaskRetryPolicy(),  # asked before an operator is made of it, too
            ).expand(item=listing.output)
            gathering = self._decision("gather", GATHER, node, _DONE)
            _after(gathering, (listing, mapped))
        return listing, gathering

    def _composed(self, node: Node, upstream: Sequence[Any], rule: str) -> Sequence[Any]:
        with TaskGroup(name_of(node), tooltip=node.summary):
            entering = self._decision("enter", ENTER, node, rule)
            _after(entering, upstream)
            leaving = self._decision("leave", LEAVE, node, _DONE)
            ends: list[Any] = []
            before: Sequence[Any] = ()
            for member in node.members:
                before = self._node(member, (entering,), () if node.kind == "group" else before)
                ends += before
            _after(leaving, (entering, *ends))
        return entering, leaving

    def _decision(self, action: Action, name: str, node: Node, rule: str) -> Any:
        return DecisionStep(task_id=name, trigger_rule=rule, action=action, path=node.path, **self.place)

    def _tries(self, node: Node) -> dict[str, Any]:
        own = node.attempts - 1 if self.retries is None else self.retries
        return {"retries": own, "most": None if self.retries is None else self.retries + 1}


def _after(task: Any, others: Iterable[Any]) -> None:
    for other in others:
        task.set_upstream(other)
