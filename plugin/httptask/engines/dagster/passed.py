"""What ops hand on to each other through Dagster's IO manager: results as a journal keeps them, and whether it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dagster import Output

#: The Out by which steps pass results on; no named output of a task should ever be called so.
PASSED = "handed_on"
#: The DynamicOut of the items of a forEach, and the input that collects what they hand on.
ITEMS = "items"


def list_of(name: str) -> str:
    """Return the name of the op that lists the items of a forEach, by the name of the one that gathers them."""
    return f"{name}__list"


@dataclass(frozen=True, slots=True)
class Over:
    """The workflow or group of a path is over; the steps within it are not begun any more.

    Attributes:
        told: the end that it comes from.
        is_whole: that is the end of the workflow or group itself, which was not entered.

    """

    scope: str
    told: Mapping[str, Any]
    is_whole: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"scope": self.scope, "told": dict(self.told), "isWhole": self.is_whole}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Over:
        """Return what `to_json` wrote."""
        return cls(data["scope"], data["told"], data["isWhole"])


def handed_on(
    results: Mapping[str, Any],
    over: Over | None = None,
    more: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Output[Any]:
    """Return the Output by which an op passes results on."""
    value = {"results": dict(results), "over": None if over is None else over.to_json(), **(more or {})}
    return Output(value, PASSED, metadata=dict(metadata or {}))


def joined(given: Mapping[str, Any]) -> tuple[dict[str, Any], Over | None]:
    """Return the results of every earlier step that an op is handed, and whether one of them says that it is over."""
    values = [value for value in given.values() if isinstance(value, Mapping) and "results" in value]
    results = {path: result for value in values for path, result in value["results"].items()}
    over = next((value["over"] for value in values if value["over"] is not None), None)
    return results, None if over is None else Over.from_json(over)
