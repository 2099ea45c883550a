"""The structure of a workflow as data and as an indented tree: its steps, how each is used, and which others each reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from httptask.model import Step, Workflow
from httptask.reach import expressions, references
from httptask.version import SCHEMA_VERSION

Kind = Literal["task", "workflow", "parallel", "wait", "approve"]


@dataclass(frozen=True, slots=True)
class Node:
    """A step.

    Attributes:
        uses: the task's id, the workflow's name, the time to wait or the message to approve; empty for a group.
        marks: how it is used: `if`, `forEach`, `until`, `paginate`, time limits, in words.
        reads: ids of the steps that its expressions read.
        inner: the steps of a group.
        graph: the workflow that it runs; None too where that stands in the graph already, at the step `above`.

    """

    id: str
    kind: Kind
    uses: str
    marks: tuple[str, ...]
    reads: tuple[str, ...]
    inner: tuple[Node, ...] = ()
    graph: Graph | None = None
    above: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow; `reads` are ids of the steps that its outputs read."""

    name: str
    steps: tuple[Node, ...]
    on_failure: tuple[Node, ...]
    reads: tuple[str, ...]


def graph_of(workflow: Workflow) -> Graph:
    """Return the structure of a workflow. One that is used several times is drawn where it is used first."""
    return _Builder().graph(workflow)


def text_of(graph: Graph) -> list[str]:
    """Return the structure as lines of an indented tree; texts of the file may hold any character but a line end."""
    return [graph.name, *(f"  {line}" for line in _lines(graph))]


def json_of(graph: Graph) -> dict[str, Any]:
    """Return the structure as JSON."""
    return {"schemaVersion": SCHEMA_VERSION, **_graph_json(graph)}


class _Builder:
    def __init__(self) -> None:
        self._drawn: dict[int, str] = {}

    def graph(self, workflow: Workflow) -> Graph:
        above: list[str] = []
        steps = self._row(workflow.steps, above)
        reads = _read(workflow.outputs, tuple(above))
        return Graph(one_line(workflow.name), steps, self._row(workflow.on_failure, above), reads)

    def _row(self, steps: tuple[Step, ...], above: list[str]) -> tuple[Node, ...]:
        """Return the nodes of steps; `above` are the ids that each may read, and grows."""
        nodes = []
        for step in steps:
            nodes.append(self._node(step, tuple(above)))
            above += [step.id, *(inner.id for inner in step.parallel)]
        return tuple(nodes)

    def _node(self, step: Step, ids: tuple[str, ...]) -> Node:
        kind, uses = _use(step)
        graph, above = None, ""
        if step.workflow is not None:
            above = self._drawn.get(id(step.workflow), "")
            self._drawn.setdefault(id(step.workflow), step.id)
            graph = None if above else self.graph(step.workflow)
        inner = tuple(self._node(one, ids) for one in step.parallel)
        reads = _read(list(expressions(step)), ids)
        return Node(step.id, kind, uses, tuple(_marks(step)), reads, inner, graph, above)


def _use(step: Step) -> tuple[Kind, str]:
    if step.task is not None:
        return "task", step.task
    if step.workflow is not None:
        return "workflow", one_line(step.workflow.name)
    if step.wait is not None:
        return "wait", f"{step.wait:g} s"
    return ("parallel", "") if step.approve is None else ("approve", one_line(step.approve))


def _marks(step: Step) -> Iterator[str]:
    if step.for_each is not None:
        at_a_time = step.for_each.max_parallel
        yield f"forEach, {at_a_time} at a time" if at_a_time > 1 else "forEach"
    if step.condition is not None:
        yield "if"
    if step.until is not None:
        yield f"until, every {step.until.every:g} s for {step.until.timeout:g} s"
    if step.paginate is not None:
        yield "paginate"
    if step.timeout is not None:
        yield f"timeout {step.timeout:g} s"
    if step.continue_on_error:
        yield "continueOnError"


def _read(tree: Any, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the steps that expressions read, in the order of the file; `steps` as a whole reads all."""
    read = [reference[1:2] for reference in references(tree) if reference[0] == "steps"]
    return ids if () in read else tuple(one for one in ids if (one,) in read)


def _lines(graph: Graph) -> Iterator[str]:
    for node in graph.steps:
        yield from _node_lines(node)
    if graph.reads:
        yield f"outputs {_arrow(graph.reads)}"
    if graph.on_failure:
        yield "onFailure"
        for node in graph.on_failure:
            yield from (f"  {line}" for line in _node_lines(node))


def _node_lines(node: Node) -> Iterator[str]:
    marks = f"[{'; '.join(node.marks)}]" if node.marks else ""
    again = f"(as above at {node.above})" if node.above else ""
    yield " ".join(filter(None, (f"{node.id}:", label(node), again, marks, _arrow(node.reads))))
    below = _lines(node.graph) if node.graph else (line for one in node.inner for line in _node_lines(one))
    yield from (f"  {line}" for line in below)


def label(node: Node) -> str:
    """Return what a step does: a task by its id alone, anything else with its kind before it."""
    return node.uses if node.kind == "task" else f"{node.kind} {node.uses}".rstrip()


def _arrow(reads: tuple[str, ...]) -> str:
    return f"← {', '.join(reads)}" if reads else ""


def one_line(text: str) -> str:
    """Return an author's text, which a file may fold over several lines, as one."""
    return " ".join(text.split())


def _graph_json(graph: Graph) -> dict[str, Any]:
    return {
        "workflow": graph.name,
        "steps": [_node_json(node) for node in graph.steps],
        "onFailure": [_node_json(node) for node in graph.on_failure],
        "outputs": {"reads": list(graph.reads)},
    }


def _node_json(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "uses": node.uses,
        "marks": list(node.marks),
        "reads": list(node.reads),
        **({"parallel": [_node_json(one) for one in node.inner]} if node.inner else {}),
        **({"graph": _graph_json(node.graph)} if node.graph else {}),
        **({"sameAs": node.above} if node.above else {}),
    }
