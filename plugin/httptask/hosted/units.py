"""The smallest piece of work that an engine is handed: one step, one item of a step, or one decision between steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from httptask.errors import HttpTaskError
from httptask.executing import named_connection
from httptask.model import Step, Workflow
from httptask.registry import Registry

#: `send` a step's task, or one item's; read the `list` of a forEach; what its items, or a group's members, `gather` to; `enter` a
#: group or a sub-workflow, `leave` a sub-workflow; what an approval asks (`ask`) and what a person said (`decide`); how long to
#: `wait`; the workflow's `outputs`.
Action = Literal["send", "list", "gather", "enter", "leave", "ask", "decide", "wait", "outputs"]
#: What stands before the paths of the steps of `onFailure`.
ON_FAILURE = "onFailure"
#: What a step or item left, by its path: the data of a `result` in a journal.
Results = Mapping[str, Mapping[str, Any]]


class UnknownStep(HttpTaskError):
    """An engine asks for a step that the workflow does not have."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a forEach: its place in the list, and its value as a journal keeps it (`withholding.kept`)."""

    index: int
    kept: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, which engines pass on."""
        return {"index": self.index, "kept": dict(self.kept)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Item:
        """Return the item that `to_json` wrote."""
        return cls(int(data["index"]), data["kept"])


@dataclass(frozen=True, slots=True)
class Unit:
    """What is to be done, with everything it reads.

    Attributes:
        path: of the step within the workflow, as in `rollout/create` or `onFailure/tell`; empty for the workflow's outputs.
        results: what earlier steps left, by path, as far as this one reads them (`outline.Node.reads`).
        item: one item of a forEach.
        began: epoch seconds at which the whole run began, from which the workflow's own timeout counts; None: the first turn.

    """

    workflow: Workflow
    registry: Registry
    path: str
    inputs: Mapping[str, Any]
    action: Action = "send"
    results: Results = field(default_factory=dict)
    item: Item | None = None
    began: float | None = None

    @property
    def use(self) -> str:
        """The path of the use: the step's, with the item's index."""
        return self.path if self.item is None else f"{self.path}[{self.item.index}]"

    @property
    def connection(self) -> str | None:
        """The name of the connection that the workflow asks for.

        Raises:
            ExpressionError: it cannot be evaluated.

        """
        return named_connection(self.workflow, self.inputs)

    @property
    def may_change(self) -> bool:
        """Whether it may send something that changes the server, so that losing sight of it leaves its outcome unknown."""
        step = self.chain()[-1]
        if self.action != "send" or step.task is None:
            return False
        return not self.registry[step.task].only_asks(declared=step.idempotent)

    @property
    def undoes(self) -> bool:
        """Whether the step stands below `onFailure`."""
        return self.path.startswith(f"{ON_FAILURE}/")

    def chain(self) -> list[Step]:
        """Return the steps that lead to this one, outermost first.

        Raises:
            UnknownStep: the workflow has no such step.

        """
        if not self.path:
            return [Step("", self.workflow.source)]  # the workflow itself, for its outputs
        chain: list[Step] = []
        steps = self.workflow.on_failure if self.undoes else self.workflow.steps
        for name in self.path.removeprefix(f"{ON_FAILURE}/").split("/"):
            found = next((each for step in steps for each in (step, *step.parallel) if each.id == name), None)
            if found is None:
                raise UnknownStep(f"workflow '{self.workflow.name}' has no step {self.path}: it was changed since the run began")
            chain.append(found)
            steps = found.workflow.steps if found.workflow is not None else ()
        return chain
