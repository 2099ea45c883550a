"""A workflow file as the DAG that it becomes: which Airflow tasks each step is, and where its result is found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from httptask.engines.airflow.tasks import registry
from httptask.hosted.outline import Node, Outline, outlined
from httptask.loader import load_workflow
from httptask.model import Workflow
from httptask.registry import Registry

#: Names of the Airflow tasks within a step's group; no step has a dash in its id.
LIST, ITEM, GATHER = "list-items", "each-item", "gather-items"
ENTER, LEAVE = "begin-steps", "end-steps"
#: The group of the steps of onFailure, and the tasks beside the steps.
ON_FAILURE, OUTPUTS, FAILED = "on-failure", "workflow-outputs", "run-failed"


@dataclass(frozen=True, slots=True)
class Plan:
    """A workflow, and the ids of the Airflow tasks that leave each step's result, by the step's path."""

    workflow: Workflow
    registry: Registry
    outline: Outline
    places: Mapping[str, tuple[str, ...]]

    def node(self, path: str) -> Node:
        """Return a step of the outline; the empty path is the workflow itself."""
        if not path:
            return Node("", "workflow", reads=self.outline.reads)
        return next(node for node in self.outline.every() if node.path == path)


@lru_cache
def planned(file: str, templates: tuple[str, ...]) -> Plan:
    """Return the plan of a workflow file.

    Raises:
        DefinitionError: it cannot be read, or uses what Airflow has no words for; every problem at once.

    """
    tasks = registry(templates)
    workflow = load_workflow(Path(file), tasks)
    outline = outlined(workflow, tasks, engine="Airflow")
    places = dict(_places(outline.nodes, "")) | dict(_places(outline.undoing, f"{ON_FAILURE}."))
    return Plan(workflow, tasks, outline, places | {"": (OUTPUTS,)})


def name_of(node: Node) -> str:
    """Return the id of a step, which is also that of its task or group."""
    return node.path.rpartition("/")[2]


def _places(nodes: tuple[Node, ...], scope: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for node in nodes:
        own = scope + name_of(node)
        if node.kind == "each":
            yield node.path, (f"{own}.{LIST}", f"{own}.{ITEM}", f"{own}.{GATHER}")
        elif node.members:
            yield node.path, (f"{own}.{ENTER}", f"{own}.{LEAVE}")
            yield from _places(node.members, f"{own}.")
        else:
            yield node.path, (own,)
