"""Walks an outline for engines whose workflows are code: yields what is to be done, takes what came of it, says how it ended.

Pure and deterministic: the same answers lead the same way, which is what replaying engines ask of workflow code.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from httptask.hosted.outline import Node, Outline
from httptask.hosted.units import Action
from httptask.outcome import UNDO_NOTHING

#: What came of a unit, as JSON: `turns.Ended.to_json()`, or one of `{items}`, `{message}` and `{seconds}`.
Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Do:
    """Do one unit and answer with what came of it.

    Attributes:
        results: what it reads of earlier steps.
        item: of a forEach, as JSON.
        more: what the action itself takes: `expected` items, `approved`, or the `failed` end of a workflow within the workflow.

    """

    action: Action
    node: Node
    results: Mapping[str, Any]
    item: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait; answer with anything."""

    node: Node
    seconds: float


@dataclass(frozen=True, slots=True)
class Approve:
    """Ask a person; answer with True or False."""

    node: Node
    message: str


@dataclass(frozen=True, slots=True)
class Together:
    """Walk these, at most `width` at a time, and answer with what they returned, in order.

    After one that `ends` the others, none is begun; those that were not begun are left out.
    """

    walks: Sequence[Callable[[], Walk]]
    width: int
    ends: Callable[[Told], bool]


Command = Do | Sleep | Approve | Together
Walk = Generator[Command, Any, Told]


@dataclass(frozen=True, slots=True)
class End:
    """How a workflow ended: `told` is its last step's end where it did not succeed, else its outputs'."""

    status: str
    told: Told | None
    outputs: Mapping[str, Any] = field(default_factory=dict)


def walk(outline: Outline) -> Generator[Command, Any, End]:
    """Walk a workflow from its beginning to its end."""
    results: dict[str, Any] = {}
    end = yield from onward(outline, results)
    if end.told is None or not is_undone(end.told):
        return end
    return (yield from undo(outline, results, end.told))


def onward(outline: Outline, results: dict[str, Any]) -> Generator[Command, Any, End]:
    """Walk a workflow's steps and make its outputs; `results` takes what they left. Where it failed, nothing is undone yet."""
    ended = yield from _steps(outline.nodes, results)
    if ended is not None:
        return End(ended["status"], ended)
    return (yield from _outputs(outline, results))


def undo(outline: Outline, results: dict[str, Any], ended: Told) -> Generator[Command, Any, End]:
    """Walk the steps of `onFailure` of a workflow, which has failed all the same; it is unknown if one of them is."""
    undone = yield from _steps(outline.undoing, results)
    if undone is not None and undone["status"] != "failed":
        return End(undone["status"], undone)
    return End(ended["status"], ended)


def undoing_reads(outline: Outline, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results that the steps of `onFailure` read: what is to be kept of a run of which only the undoing is left."""
    nodes = [node for undoing in outline.undoing for node in undoing.every()]
    return {path: result for node in nodes for path, result in reading(node, results).items()}


def reading(node: Node, results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results that a node reads: of a repeated step those of its items too."""
    return {path: result for path, result in results.items() if path.partition("[")[0] in node.reads}


def is_undone(ended: Told) -> bool:
    """Tell whether a workflow that one of its steps ended is undone by the steps of its onFailure."""
    return ended["status"] == "failed" and (ended.get("failure") or {}).get("kind") not in UNDO_NOTHING


def ends_items(node: Node, status: str) -> bool:
    """Tell whether an item with this status keeps the other items of its step from being begun."""
    return status in {"unknown", "cancelled"} or (status == "failed" and node.stops)


def _outputs(outline: Outline, results: dict[str, Any]) -> Generator[Command, Any, End]:
    if not outline.has_outputs:
        return End("succeeded", None)
    whole = Node("", "workflow", reads=outline.reads)
    told = yield from _told(Do("outputs", whole, reading(whole, results)))
    return End(told["status"], told, told["outputs"])


def _steps(nodes: Sequence[Node], results: dict[str, Any]) -> Generator[Command, Any, Told | None]:
    """Walk steps in order; return the end of the one that ended the workflow."""
    for node in nodes:
        told = yield from _node(node, results)
        results[node.path] = told["result"]
        if not told["goesOn"]:
            return told
    return None


def _node(node: Node, results: dict[str, Any]) -> Walk:
    if node.kind == "each":
        return (yield from _each(node, results))
    if node.kind in {"group", "workflow"}:
        return (yield from _composed(node, results))
    if node.kind == "wait":
        return (yield from _wait(node, results))
    if node.kind == "approve":
        return (yield from _approve(node, results))
    return (yield from _told(Do("send", node, reading(node, results))))


def _told(command: Do) -> Walk:
    told: Told = yield command
    return told


def _each(node: Node, results: dict[str, Any]) -> Walk:
    listed = yield from _told(Do("list", node, reading(node, results)))
    if "items" not in listed:
        return listed

    def item(data: Mapping[str, Any]) -> Callable[[], Walk]:
        def one() -> Walk:
            return (yield from _told(Do("send", node, reading(node, results), data)))

        return one

    items = listed["items"]
    done = yield Together(
        [item(data) for data in items], max(1, node.max_parallel), lambda told: ends_items(node, told["status"])
    )
    own = {f"{node.path}[{data['index']}]": told["result"] for data, told in zip(items, done, strict=False)}
    results.update(own)
    return (yield from _told(Do("gather", node, {**reading(node, results), **own}, None, {"expected": len(items)})))


def _composed(node: Node, results: dict[str, Any]) -> Walk:
    entered = yield from _told(Do("enter", node, reading(node, results)))
    if entered["status"] != "succeeded":
        return entered
    if node.kind == "workflow":
        failed = yield from _steps(node.members, results)
        return (yield from _told(Do("leave", node, reading(node, results), None, {"failed": failed})))

    members = [_Member(inner, dict(results)) for inner in node.members]
    done = yield Together([member.walk for member in members], len(members), lambda _: False)
    for member in members:
        results.update(member.results)
    own = {inner.path: told["result"] for inner, told in zip(node.members, done, strict=False)}
    results.update(own)
    return (yield from _told(Do("gather", node, {**reading(node, results), **own}, None, {"expected": 0})))


@dataclass(frozen=True, slots=True)
class _Member:
    """One step of a group, with results of its own: engines walk several in threads, of which one reads what another one left."""

    node: Node
    results: dict[str, Any]

    def walk(self) -> Walk:
        return _node(self.node, self.results)


def _wait(node: Node, results: dict[str, Any]) -> Walk:
    told = yield from _told(Do("wait", node, reading(node, results)))
    if "seconds" not in told:
        return told
    yield Sleep(node, told["seconds"])
    return {"status": "succeeded", "goesOn": True, "result": {"status": "succeeded"}, "outputs": {}, "failure": None}


def _approve(node: Node, results: dict[str, Any]) -> Walk:
    told = yield from _told(Do("ask", node, reading(node, results)))
    if "message" not in told:
        return told
    approved = yield Approve(node, told["message"])
    return (yield from _told(Do("decide", node, reading(node, results), None, {"approved": approved})))
