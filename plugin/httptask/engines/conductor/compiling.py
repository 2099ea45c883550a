"""A workflow file -> the definition of a Conductor workflow: each step a task of its own, order and waits Conductor's.

No expression of ours is translated: what stands between the requests (`if`, lists, messages, outputs) is decided by tasks named
`httptask.step`, which the same worker does. Every task carries the whole definition as one text, so that a worker needs no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from httptask.engines.conductor.names import OWN, STEP, Names, reference
from httptask.errors import Problem, WorkflowInvalid
from httptask.hosted.outline import Construct, Node, Outline, outlined
from httptask.hosted.packed import packed, sealed
from httptask.hosted.units import Action
from httptask.model import Step, Workflow
from httptask.registry import Registry

#: The engine's name in messages.
ENGINE = "Conductor"
#: What Conductor has no words for that keep our promises: its failure workflow knows no results, its timeout cuts requests off.
LACKS: frozenset[Construct] = frozenset({"onFailure", "timeout"})

Task = dict[str, Any]


def workflow_definition(workflow: Workflow, registry: Registry, *, version: int = 1) -> dict[str, Any]:
    """Return the definition to register, as JSON.

    Raises:
        DefinitionError: the workflow uses what Conductor cannot run, or a file can no longer be read.

    """
    outline = outlined(workflow, registry, engine=ENGINE, lacks=LACKS)
    problems = [*_refused(workflow)]
    if problems:
        raise WorkflowInvalid(problems)
    compiler = _Compiler(packed(workflow, registry))
    tasks = [task for node in outline.nodes for task in compiler.node(node, judged=False)]
    tasks += compiler.outputs(outline)
    return {
        "name": workflow.name,
        "description": workflow.description,
        "version": version,
        "schemaVersion": 2,
        "tasks": tasks,
        "inputParameters": list(workflow.inputs.get("properties", {})),
        "outputParameters": _outputs(workflow, compiler.names),
        "timeoutSeconds": 0,
        "timeoutPolicy": "ALERT_ONLY",
    }


def _refused(workflow: Workflow) -> Iterator[Problem]:
    for step in workflow.every_step():
        yield from (_refused_member(member) for member in step.parallel if member.task is None)
        if step.workflow is None:
            continue
        if step.continue_on_error:
            message = f"step '{step.id}' goes on after a workflow that failed, which {ENGINE} cannot be told"
            yield Problem(str(step.source), message, "give the steps of that workflow continueOnError, or use `httptask run`")
        yield from _refused(step.workflow)


def _refused_member(member: Step) -> Problem:
    message = f"step '{member.id}' of a group is no task, which {ENGINE} cannot judge together with the others"
    return Problem(str(member.source), message, "put it above or below the group, or use `httptask run`")


def _outputs(workflow: Workflow, names: Names) -> dict[str, str]:
    return {name: f"${{{names.of('', 'outputs')}.output.{name}}}" for name in workflow.outputs}


@dataclass(slots=True)
class _Compiler:
    """Compiles nodes; remembers where the result of each can be read."""

    definition: str
    names: Names = field(default_factory=Names)
    left: dict[str, list[str]] = field(default_factory=dict)

    def node(self, node: Node, *, judged: bool) -> list[Task]:
        """Return the tasks of a node; one that is `judged` with others may fail without ending the workflow."""
        match node.kind:
            case "each":
                return self._each(node, judged=judged)
            case "group" | "workflow":
                return self._composed(node)
            case "wait":
                return self._wait(node)
            case "approve":
                return self._approve(node)
            case _:
                self.left[node.path] = [reference(self.names.of(node.path), "result")]
                return [self._task(node, "send", judged=judged)]

    def outputs(self, outline: Outline) -> list[Task]:
        """Return the task that evaluates the outputs, if the workflow has some."""
        if not outline.has_outputs:
            return []
        whole = Node("", "workflow", reads=outline.reads, summary="Evaluate the outputs of the workflow")
        return [self._task(whole, "outputs", part="outputs")]

    def _task(self, node: Node, action: Action, part: str = "", *, judged: bool = False, **more: Any) -> Task:
        own = {"definition": self.definition, "path": node.path, "action": action, **more}
        results = [text for path in node.reads for text in self.left.get(path, ())]
        return {
            "name": node.task if action == "send" else STEP,
            "taskReferenceName": self.names.of(node.path, part),
            "type": "SIMPLE",
            "description": node.summary,
            "inputParameters": {OWN: own, "inputs": "${workflow.input}", "results": results},
            "optional": judged,
        }

    def _each(self, node: Node, *, judged: bool) -> list[Task]:
        listing = self.names.of(node.path, "list")
        width = max(1, node.max_parallel)
        opening = self._task(node, "list", "list", judged=judged, width=width, stops=node.stops)
        opening["inputParameters"][OWN] |= {"task": node.task, "list": listing, "item": self.names.of(node.path, "item")}
        loop, inside = self.names.of(node.path, "items"), self._one if width == 1 else self._batch
        body, condition = inside(node, loop)
        looping = {
            "name": "items",
            "taskReferenceName": loop,
            "type": "DO_WHILE",
            "items": reference(listing, "items"),
            "evaluatorType": "graaljs",
            "loopCondition": condition,
            "loopOver": body,
            "inputParameters": {},
        }
        closing = self._closing(node, "gather", listing, judged=judged)
        closing["inputParameters"][OWN] |= {"expected": reference(listing, "count"), "width": width}
        closing["inputParameters"]["items"] = f"${{{loop}.output}}"
        return [opening, looping, closing]

    def _one(self, node: Node, loop: str) -> tuple[list[Task], str]:
        """Return one item after the other; a failed one is judged by the task that gathers them."""
        task = self._task(node, "send", judged=True, stops=node.stops)
        task["inputParameters"]["item"] = f"${{{loop}.output.loopItem}}"
        return [task], _goes_on(f"$.{task['taskReferenceName']}")

    def _batch(self, node: Node, loop: str) -> tuple[list[Task], str]:
        """Return items side by side, as many as may be; the next ones begin when these have ended."""
        fork, join = self.names.of(node.path, "fork"), self.names.of(node.path, "join")
        forking = {
            "name": "fork",
            "taskReferenceName": fork,
            "type": "FORK_JOIN_DYNAMIC",
            "inputParameters": {
                "dynamicTasks": f"${{{loop}.output.loopItem.tasks}}",
                "dynamicTasksInput": f"${{{loop}.output.loopItem.inputs}}",
            },
            "dynamicForkTasksParam": "dynamicTasks",
            "dynamicForkTasksInputParamName": "dynamicTasksInput",
        }
        return [forking, _join(join, [])], f"(function () {{ {_all_go_on(f'$.{join}', f'$.{loop}')} }})()"

    def _composed(self, node: Node) -> list[Task]:
        opening = self._task(node, "enter", "enter")
        entered = opening["taskReferenceName"]
        if node.kind == "workflow":
            members = [task for member in node.members for task in self.node(member, judged=False)]
            closing = self._closing(node, "leave", entered)
        else:
            branches = [self.node(member, judged=True) for member in node.members]
            forking = {"name": "fork", "taskReferenceName": self.names.of(node.path, "fork"), "type": "FORK_JOIN"}
            last = [branch[-1]["taskReferenceName"] for branch in branches]
            members = [{**forking, "forkTasks": branches}, _join(self.names.of(node.path, "join"), last)]
            closing = self._closing(node, "gather", entered, members=[member.path for member in node.members])
            closing["inputParameters"][OWN] |= {"expected": 0}
        return [opening, self._if(node, entered, "succeeded", members), closing]

    def _wait(self, node: Node) -> list[Task]:
        opening = self._task(node, "wait", "begin")
        begun = opening["taskReferenceName"]
        duration = f"{reference(begun, 'seconds')} seconds"
        waiting = {"name": "wait", "taskReferenceName": self.names.of(node.path), "type": "WAIT"}
        self.left[node.path] = [sealed({node.path: {"status": "succeeded"}}), reference(begun, "result")]
        inside = {**waiting, "description": node.summary, "inputParameters": {"duration": duration}}
        return [opening, self._if(node, begun, "open", [inside])]

    def _approve(self, node: Node) -> list[Task]:
        opening = self._task(node, "ask", "ask")
        asked, human = opening["taskReferenceName"], self.names.of(node.path)
        asking = {"name": "approve", "taskReferenceName": human, "type": "HUMAN", "description": node.summary}
        inside = {**asking, "inputParameters": {"message": reference(asked, "message")}}
        closing = self._closing(node, "decide", asked)
        closing["inputParameters"][OWN]["approved"] = f"${{{human}.output.approved}}"
        return [opening, self._if(node, asked, "open", [inside]), closing]

    def _closing(self, node: Node, action: Action, opening: str, *, judged: bool = False, members: Sequence[str] = ()) -> Task:
        """Return the task that says what came of a step; where its opening task said so already, it says the same."""
        task = self._task(node, action, action, judged=judged, over=reference(opening, "over"))
        task["inputParameters"]["results"] += [text for path in members for text in self.left.get(path, ())]
        self.left[node.path] = [reference(task["taskReferenceName"], "result")]
        return task

    def _if(self, node: Node, opening: str, status: str, tasks: Sequence[Mapping[str, Any]]) -> Task:
        return {
            "name": "if",
            "taskReferenceName": self.names.of(node.path, "if"),
            "type": "SWITCH",
            "evaluatorType": "value-param",
            "expression": "status",
            "inputParameters": {"status": reference(opening, "status")},
            "decisionCases": {status: list(tasks)},
            "defaultCase": [],
        }


def _goes_on(output: str) -> str:
    """Return the condition that other items are begun after one; one whose workers were all lost left no word of ours to read."""
    return f"({output}['{OWN}'] || {{}})['ends'] == false"


def _all_go_on(joined: str, loop: str) -> str:
    """Return what tells the same of the items of a batch; of one that left nothing at all, the join has not even the name."""
    each = f"for (var k in {joined}) {{ if (!({_goes_on(f'{joined}[k]')})) {{ return false; }} left += 1; }}"
    return f"var left = 0; {each} return left == {loop}['loopItem']['tasks'].length;"


def _join(name: str, on: Sequence[str]) -> Task:
    return {"name": "join", "taskReferenceName": name, "type": "JOIN", "joinOn": list(on), "inputParameters": {}}
