"""Which item of a forEach may be begun: none after one that ends the others, whatever order and executor Dagster takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dagster import DagsterEventType, RetryRequested

from httptask.engines.dagster.ledger import Ledger, Record
from httptask.engines.dagster.units import Bench
from httptask.hosted.outline import Node
from httptask.hosted.turns import Ended
from httptask.hosted.units import Item
from httptask.hosted.walking import ends_items

#: Seconds after which an item looks again whether an earlier one is settled, and how often.
_LATER, _TIMES = 2.0, 30


@dataclass(frozen=True, slots=True)
class _Other:
    """What is known of another item: where its newest event is from, its kind, its end, and what Dagster says of its step.

    Its end stands where this run tells it once more and sends nothing (`Ledger.stands`).
    """

    run: str
    step: str | None
    kind: str
    status: str = ""
    stands: bool = False
    said: DagsterEventType | None = None


def why_not_begun(bench: Bench, node: Node, index: int) -> str | None:
    """Return why an item is not to be begun; None when it is.

    Raises:
        RetryRequested: an earlier item must be settled first, and this one makes room for it.

    """
    ledger, waits = bench.ledger, False
    for number, other in _others(ledger, node.path):
        if number == index:
            continue
        here = other.run == ledger.run.run_id
        is_open = other.kind in {"begun", "kept"} or other.status == "unknown"
        if (here or other.stands) and _ends(other, node):
            return f"item {number} ended the others"
        waits |= is_open and number < index and (not here or other.said == DagsterEventType.STEP_UP_FOR_RETRY)
    if not waits:
        return None
    if bench.context.retry_number >= _TIMES:
        return "an earlier item, of whose end nobody knows, is not settled"
    raise RetryRequested(max_retries=bench.context.retry_number + 1, seconds_to_wait=_LATER)


def left_out(node: Node, listed: Iterable[Mapping[str, Any]], done: Iterable[Mapping[str, Any]]) -> list[Item]:
    """Return the items that are still to be begun of those that Dagster left out; none where one that is done ended the others.

    Args:
        node: of the step.
        listed: every item, as JSON.
        done: what the ops of items handed on.

    """
    handed = list(done)
    if any(ends_items(node, result["status"]) for value in handed for result in value["results"].values()):
        return []
    known = {value["index"] for value in handed}
    return [Item.from_json(data) for data in listed if data["index"] not in known]


def _ends(other: _Other, node: Node) -> bool:
    if other.kind == "ended":
        return ends_items(node, other.status)
    if other.said != DagsterEventType.STEP_FAILURE:
        return False
    return ends_items(node, "failed" if other.kind == "marked" else "unknown")  # its worker was lost


def _other(ledger: Ledger, record: Record) -> _Other:
    if record.kind != "ended":
        return _Other(record.run, record.step, record.kind)
    ended = Ended.from_json(record.data)
    stands = ended.status == "failed" and ledger.stands(record.run, ended)
    return _Other(record.run, record.step, record.kind, ended.status, stands)


def _said(other: _Other, said: DagsterEventType) -> _Other:
    """Return an item of whose step Dagster says something; a failure that we told stays one where the step hands it on."""
    succeeded = said == DagsterEventType.STEP_SUCCESS and other.kind != "ended"
    return replace(other, kind="done" if succeeded else other.kind, said=said)


def _others(ledger: Ledger, path: str) -> Iterator[tuple[int, _Other]]:
    found: dict[str, _Other] = {}
    for record in ledger.records():
        if record.use.startswith(f"{path}["):
            found[record.use] = _other(ledger, record)
        elif record.type != DagsterEventType.ENGINE_EVENT:
            for use, other in found.items():
                if (other.run, other.step) == (record.run, record.step):
                    found[use] = _said(other, record.type)
    for use, other in found.items():
        yield int(use.removeprefix(f"{path}[").removesuffix("]")), other
