"""What expressions see of a step: its status, its outputs, and the response of a plain one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from httptask.errors import TooManyItems, TooManyResults
from httptask.expressions import HeaderView, PartialMapping, barred, compile_text, texts
from httptask.results import response_view
from httptask.runs import Paged, StepResult

View = dict[str, Any]


def view_of(result: StepResult) -> View:
    """Return the view of a step that was executed. A skipped step has no outputs, so that reading them is an error."""
    view: View = {"status": result.status}
    if result.status != "skipped" and result.outputs is not None:
        view["outputs"] = result.outputs
    view |= _too_long(result.id, paged=result.paged, counted=result.counts is not None)
    if result.outcome is not None and result.outcome.response is not None:
        view["response"] = response_view(result.outcome.response)
    return view


def reused_view(data: Mapping[str, Any], step: str, restored: Callable[[Mapping[str, Any], str], Any]) -> View:
    """Return the view of a step that an earlier execution did: what later expressions can reach was kept."""
    view: View = {"status": data["status"]}
    if "outputs" in data:
        view["outputs"] = restored(data["outputs"], f"steps.{step}.outputs")
    view |= _too_long(step, paged=Paged(**data["paged"]) if "paged" in data else None, counted=False)
    if "response" in data:
        response = dict(restored(data["response"], f"steps.{step}.response"))
        response["headers"] = HeaderView(tuple((name, value) for name, value in response.get("headers", ())))
        view["response"] = response
    return view


class _TooLong(PartialMapping):
    """The outputs of a step whose list is too long to be held: each tells so, whatever its name."""

    def __missing__(self, name: str) -> Any:
        return self["items"]


def _too_long(step: str, *, paged: Paged | None, counted: bool) -> View:
    """Return what stands for outputs that are too many to be held: reading them tells so."""
    if counted:
        return {"outputs": barred(f"steps.{step}.outputs", TooManyResults)}
    if paged is not None and paged.streamed:
        return {"outputs": _TooLong(items=barred(f"steps.{step}.outputs.items", TooManyItems))}
    return {}


def without_outputs(trees: Iterable[Any], views: Mapping[str, View]) -> str:
    """Say which of the steps that these expressions read have no outputs, and why."""
    read = [ref[1] for text in texts(list(trees)) for ref in compile_text(text).references if ref[0] == "steps" and ref[1:]]
    empty = {name: views[name]["status"] for name in read if name in views and "outputs" not in views[name]}
    return "; ".join(f"step '{name}' has no outputs, its status is {status}" for name, status in empty.items())
