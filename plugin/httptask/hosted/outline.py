"""A workflow as engines see it: what follows what, what each step reads of the others, and nothing that has to be evaluated.

An outline is JSON: it can be drawn as an engine's graph when a file is loaded, and walked by code that may neither read files nor
evaluate expressions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from httptask.errors import Problem, WorkflowInvalid
from httptask.hosted.units import ON_FAILURE
from httptask.model import Step, Workflow
from httptask.reach import expressions, references
from httptask.registry import Registry

Kind = Literal["task", "each", "group", "workflow", "wait", "approve"]
#: What an engine may have no words for.
Construct = Literal["forEach", "parallel", "workflow", "wait", "approve", "onFailure", "timeout"]


@dataclass(frozen=True, slots=True)
class Node:
    """One step.

    Attributes:
        path: names it within the workflow, as in `rollout/create`; members of a group stand beside it.
        reads: paths of the steps whose results it is handed.
        members: of a group, or the steps of a workflow within the workflow.
        is_conditional: it has an `if` of its own that is asked before its members are begun.
        attempts: at most, by the retry policy of its definition; a connection may say otherwise.

    """

    path: str
    kind: Kind
    task: str | None = None
    summary: str = ""
    reads: tuple[str, ...] = ()
    members: tuple[Node, ...] = ()
    is_conditional: bool = False
    max_parallel: int = 1
    stops: bool = True
    attempts: int = 1

    @property
    def name(self) -> str:
        """The path as a name of letters, digits and underscores, which every engine takes."""
        return self.path.replace("/", "__").replace("-", "_")

    def every(self) -> Iterator[Node]:
        """Yield the node and everything within it."""
        yield self
        for member in self.members:
            yield from member.every()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "path": self.path,
            "kind": self.kind,
            "task": self.task,
            "summary": self.summary,
            "reads": list(self.reads),
            "members": [member.to_json() for member in self.members],
            "isConditional": self.is_conditional,
            "maxParallel": self.max_parallel,
            "stops": self.stops,
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Node:
        """Return the node that `to_json` wrote."""
        return cls(
            data["path"],
            data["kind"],
            data["task"],
            data["summary"],
            tuple(data["reads"]),
            tuple(map(cls.from_json, data["members"])),
            data["isConditional"],
            data["maxParallel"],
            data["stops"],
            data["attempts"],
        )


@dataclass(frozen=True, slots=True)
class Outline:
    """A workflow: its steps, those that undo it, and the steps whose results its outputs read."""

    name: str
    description: str
    nodes: tuple[Node, ...]
    undoing: tuple[Node, ...]
    reads: tuple[str, ...]
    has_outputs: bool

    def every(self) -> Iterator[Node]:
        """Yield every node."""
        for node in (*self.nodes, *self.undoing):
            yield from node.every()

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "name": self.name,
            "description": self.description,
            "nodes": [node.to_json() for node in self.nodes],
            "undoing": [node.to_json() for node in self.undoing],
            "reads": list(self.reads),
            "hasOutputs": self.has_outputs,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Outline:
        """Return the outline that `to_json` wrote."""
        nodes, undoing = (tuple(map(Node.from_json, data[name])) for name in ("nodes", "undoing"))
        return cls(data["name"], data["description"], nodes, undoing, tuple(data["reads"]), data["hasOutputs"])


def outlined(workflow: Workflow, registry: Registry, *, engine: str, lacks: Collection[Construct] = ()) -> Outline:
    """Return the outline of a workflow.

    Args:
        workflow: checked, as `load_workflow` returns it.
        registry: the tasks that it uses.
        engine: its name, for messages.
        lacks: what the engine has no words for.

    Raises:
        WorkflowInvalid: the workflow uses what the engine cannot run; everything at once.

    """
    problems = [*_refused(workflow, engine, lacks)]
    if problems:
        raise WorkflowInvalid(problems)
    return Outline(
        workflow.name,
        workflow.description,
        _nodes(workflow, workflow.steps, registry, "", ()),
        _nodes(workflow, workflow.on_failure, registry, f"{ON_FAILURE}/", ()),
        _read(workflow, [workflow.outputs], ""),
        bool(workflow.outputs),
    )


def _refused(workflow: Workflow, engine: str, lacks: Collection[Construct]) -> Iterator[Problem]:
    if workflow.timeout is not None and "timeout" in lacks:
        yield Problem(str(workflow.source), f"{engine} has no timeout of a whole workflow that we could keep", "leave it out")
    if workflow.on_failure and "onFailure" in lacks:
        yield Problem(str(workflow.on_failure[0].source), f"{engine} cannot run the steps of onFailure", _elsewhere("onFailure"))
    for step in workflow.every_step():
        yield from _refused_step(step, engine, lacks)


def _refused_step(step: Step, engine: str, lacks: Collection[Construct]) -> Iterator[Problem]:
    used: Mapping[Construct, bool] = {
        "forEach": step.for_each is not None,
        "parallel": bool(step.parallel),
        "workflow": step.workflow is not None,
        "wait": step.wait is not None,
        "approve": step.approve is not None,
    }
    for construct, is_used in used.items():
        if is_used and construct in lacks:
            message = f"step '{step.id}' uses {construct}, which {engine} has no counterpart for"
            yield Problem(str(step.source), message, _elsewhere(construct))
    if step.timeout is not None and (step.parallel or step.workflow is not None):
        hint = "give the steps within it a timeout each, or use `httptask run`"
        yield Problem(str(step.source), f"step '{step.id}' has a timeout over several steps, which {engine} cannot keep", hint)
    if step.workflow is None:
        return
    if step.for_each is not None:
        hint = "put the forEach on the steps of that workflow, or use `httptask run`"
        yield Problem(str(step.source), f"step '{step.id}' repeats a whole workflow, which no engine is handed", hint)
    if step.workflow.timeout is not None:
        hint = "give the steps of that workflow a timeout each, or use `httptask run`"
        yield Problem(str(step.source), f"the workflow of step '{step.id}' has a timeout, which {engine} cannot keep", hint)
    if step.workflow.on_failure:
        hint = "move onFailure to the outer workflow, or use `httptask run`"
        yield Problem(str(step.source), f"the workflow of step '{step.id}' has onFailure, which only a whole run can keep", hint)
    yield from _refused(step.workflow, engine, {*lacks} - {"timeout", "onFailure"})


def _elsewhere(construct: str) -> str:
    return f"run this workflow with an engine that has it, or with `httptask run`; docs/engines.md says which have {construct}"


def _nodes(
    workflow: Workflow, steps: Iterable[Step], registry: Registry, prefix: str, outer: tuple[str, ...]
) -> tuple[Node, ...]:
    return tuple(_node(workflow, step, registry, prefix, outer) for step in steps)


def _node(workflow: Workflow, step: Step, registry: Registry, prefix: str, outer: tuple[str, ...]) -> Node:
    path, reads = prefix + step.id, tuple(dict.fromkeys((*outer, *_read(workflow, expressions(step), prefix))))
    conditional = step.condition is not None and step.for_each is None
    if step.workflow is not None:
        members = _nodes(step.workflow, step.workflow.steps, registry, f"{path}/", reads)
        inner = _read(step.workflow, [step.workflow.outputs], f"{path}/")
        whole = tuple(dict.fromkeys((*reads, *inner)))
        return Node(path, "workflow", None, step.summary, whole, members, conditional)
    if step.parallel:
        members = _nodes(workflow, step.parallel, registry, prefix, outer)
        return Node(path, "group", None, step.summary, reads, members, conditional)
    if step.task is None:
        return Node(path, "wait" if step.approve is None else "approve", None, step.summary, reads, (), conditional)
    each = step.for_each
    return Node(
        path,
        "task" if each is None else "each",
        step.task,
        step.summary,
        reads,
        is_conditional=conditional,
        max_parallel=1 if each is None else each.max_parallel,
        stops=each is None or each.on_error == "stop",
        attempts=registry[step.task].retry_policy(step.retry).max_attempts,
    )


def _read(workflow: Workflow, trees: Iterable[Any], prefix: str) -> tuple[str, ...]:
    """Return the paths of the steps that expressions read, in the order of the file."""
    read = [reference for tree in trees for reference in references(tree) if reference[0] == "steps"]
    names = {reference[1] for reference in read if len(reference) > 1}
    everything = any(len(reference) == 1 for reference in read)
    top = prefix in {"", f"{ON_FAILURE}/"}
    places = [(workflow.steps, "" if top else prefix), (workflow.on_failure if top else (), f"{ON_FAILURE}/")]
    found: list[str] = []
    for steps, place in places:
        every = (each for step in steps for each in (step, *step.parallel))
        found += [place + each.id for each in every if everything or each.id in names]
    return tuple(found)
