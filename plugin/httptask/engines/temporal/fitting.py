"""What came of a unit, made to fit into a payload of Temporal: what is left out is named, and how it ended is never among it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from httptask.engines.temporal.names import LARGEST, MOST_SAID, length
from httptask.errors import ExpressionError, Problem
from httptask.hosted.performing import Done, told
from httptask.hosted.turns import Ended, not_begun
from httptask.hosted.units import Unit


def within(done: Done, unit: Unit) -> Done:
    """Return what came of a unit; of a list or a question that is too long, the step's end: nothing was sent for it yet."""
    if isinstance(done, Ended) or (most := length(told(done))) <= LARGEST:
        return done
    message = f"what it is repeated over or asks has {most} bytes, and Temporal passes at most {LARGEST} on"
    return not_begun(unit, ExpressionError(Problem(unit.path, message, "read less of earlier steps")))


def check_kept(kept: Mapping[str, Any], word: str) -> None:
    """Check that a heartbeat can hold what was found out before anything is sent: of one that cannot, the server ends the step.

    Args:
        kept: the details of the heartbeat.
        word: by which the step asked to look before.

    Raises:
        ExpressionError: it is too much.

    """
    if (most := length(kept)) > LARGEST:
        message = f"what was answered before the first attempt takes {most} bytes, and Temporal keeps at most {LARGEST}"
        hint = "leave it out, and a lost answer may end unknown; or let the task's verify rule ask for less"
        raise ExpressionError(Problem(word, message, hint))


def fitting(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return of an end what fits; `withheld` names what does not."""
    fits = dict(data)
    for place in _places(data):
        if length(fits) <= LARGEST:
            return fits
        fits = {**_without(fits, *place), "withheld": [*fits["withheld"], ".".join(place).removeprefix("outputs.")]}
    return fits if length(fits) <= LARGEST else _shortened(fits)


def _places(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield what can be left out, the least missed first: what people look at, then what later steps read."""
    outcome, outputs, result = (data.get(name) or {} for name in ("outcome", "outputs", "result"))
    if outcome.get("response") is not None:
        yield "outcome", "response"
    if outcome:
        yield ("outcome",)
    for name in sorted(outputs, key=lambda name: -length(outputs[name])):
        yield "outputs", name
    for name in ("response", "outputs"):
        if name in result:
            yield "result", name


def _without(data: Mapping[str, Any], name: str, inner: str | None = None) -> dict[str, Any]:
    if inner is None:
        return {**data, name: None}
    if name == "outcome":  # it has a response, or none
        return {**data, name: {**data[name], inner: None}}
    return {**data, name: {key: value for key, value in data[name].items() if key != inner}}


def _shortened(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an end whose failure takes few words: a server may have chosen them."""

    def shorter(ended: Mapping[str, Any]) -> dict[str, Any]:
        failure = ended.get("failure")
        return {**ended, "failure": {**failure, "message": failure["message"][:MOST_SAID]}} if failure else dict(ended)

    return {**shorter(data), "result": shorter(data["result"])}
