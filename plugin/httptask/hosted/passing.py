"""What a unit hands on: to later steps what their expressions read, to the engine what people look at; neither too much."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from httptask import masking
from httptask.expressions import compile_text, texts
from httptask.model import Step, TaskTemplate, Workflow
from httptask.outcome import Failure, FailureKind, Outcome, Warn
from httptask.reach import expressions, reachable
from httptask.secrets import Redactor

#: An outcome's warning that a body was left out of it.
BODY_LEFT_OUT = "bodyLeftOut"


def size(value: Any) -> int:
    """Return the bytes that a JSON value takes; half of a surrogate pair, which JSON can hold, is counted too."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass"))


def visible(result: Mapping[str, Any], most: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the named outputs of a result that may be shown, and the names of those that hold a secret or find no room.

    A mask in the place of a secret would be taken for a value and sent. All together take at most `most` bytes, in their order.
    """
    kept, told, room = result.get("outputs"), {}, most
    if kept is None or not isinstance(kept["value"], Mapping):
        return {}, ()
    secret = {place[0] for place in kept.get("withheld", ()) if place}
    for name, value in kept["value"].items():
        if name not in secret and (length := size(value)) <= room:
            told[name], room = value, room - length
    return told, tuple(name for name in kept["value"] if name not in told)


def handed_on(workflow: Workflow, step: Step, result: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return of a result what later expressions read: of its response the reading step kept no more, here of its outputs."""
    kept, reach = result.get("outputs"), reachable(workflow).get(step.id)
    if kept is None or reach is None or not isinstance(kept["value"], Mapping):
        return result
    value = {name: item for name, item in kept["value"].items() if reach.covers("outputs", name)}
    places = [place for place in kept.get("withheld", ()) if not place or place[0] in value]
    return {**result, "outputs": {"value": value, **({"withheld": places} if places else {})}}


def shown(template: TaskTemplate, outcome: Outcome, redactor: Redactor, most: int) -> dict[str, Any]:
    """Return an outcome as JSON for an engine's own records: masked, and without a body of more than `most` bytes."""
    masked = masking.outcome(template, outcome, redactor)
    answer = masked.response
    if answer is not None and (length := size(answer.body)) > most:
        warning = Warn(BODY_LEFT_OUT, "response.body", f"{length} bytes, left out of the engine's records")
        masked = replace(masked, response=replace(answer, body=None, truncated=True), warnings=(*masked.warnings, warning))
    return masked.to_json()


def too_large(workflow: Workflow, step: Step, result: Mapping[str, Any], *, most: int, engine: str) -> Failure | None:
    """Return why a result cannot be handed on, naming the expression that wants most of it; None when it can."""
    length = size(result)
    if length <= most:
        return None
    part, length = max(_parts(result), key=lambda item: item[1], default=("", length))
    readers = [text for text, path in _readers(workflow, step) if part.startswith(path) or path.startswith(part)]
    reader = f"{readers[0]} reads it" if readers else "later steps are handed it"
    message = f"steps.{step.id}.{part} has {length} bytes, and {engine} passes at most {most} on: {reader}"
    return Failure(FailureKind.EXPRESSION, message, "read less of it: name the fields that are needed, or give it an output")


def _parts(result: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name in ("outputs", "response"):
        value = result.get(name, {}).get("value")
        if isinstance(value, Mapping):
            yield from ((f"{name}.{key}", size(item)) for key, item in value.items())


def _readers(workflow: Workflow, step: Step) -> Iterator[tuple[str, str]]:
    """Yield each text that reads something of a step, with what it reads as a dotted path."""
    places = [*(expressions(each) for each in workflow.every_step()), [workflow.outputs]]
    for text in (text for trees in places for tree in trees for text in texts(tree)):
        for reference in compile_text(text).references:
            if reference[:2] == ("steps", step.id):
                yield text, ".".join(reference[2:])
