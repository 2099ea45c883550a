"""What the ops of a workflow do: each takes what earlier ones handed on, does its unit, and hands on what later ones read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from dagster import DynamicOutput, Failure, MetadataValue, OpExecutionContext, Output

from httptask.engines.dagster.inputs import read, referenced
from httptask.engines.dagster.items import left_out, why_not_begun
from httptask.engines.dagster.ledger import Ledger
from httptask.engines.dagster.passed import ITEMS, Over, handed_on, joined
from httptask.engines.dagster.resource import host_of
from httptask.engines.dagster.shown import outputs, seen
from httptask.engines.dagster.units import Bench, Sending, decide, failure
from httptask.hosted.decisions import Listed, Waiting
from httptask.hosted.given import given as given_to
from httptask.hosted.outline import Node
from httptask.hosted.turns import Ended
from httptask.hosted.units import Action, Item, Unit
from httptask.hosted.walking import ends_items, reading
from httptask.model import Workflow
from httptask.registry import Registry

Role = Literal["send", "list", "item", "gather", "enter", "leave", "wait", "outputs"]
Emitted = Iterator[Output[Any] | DynamicOutput[Any]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A workflow, its tasks, and the resources that its connections are."""

    workflow: Workflow
    registry: Registry
    resources: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepOp:
    """What one op does.

    Attributes:
        scope: path of the workflow that its failure ends; None where others go on beside it.
        caught: a failure is handed on as a value, because a step around it goes on after one.
        outs: name of the Out for each named output.

    """

    flow: Flow
    node: Node
    role: Role
    scope: str | None = ""
    caught: bool = False
    outs: Mapping[str, str] | None = None

    def compute(self, context: OpExecutionContext, given: Mapping[str, Any]) -> Emitted:
        """Do it, unless the workflow that it stands in is over."""
        results, over = joined(given)
        if over is not None and not (self.role in {"leave", "gather"} and over.scope == self.node.path):
            yield handed_on({}, over)
            return
        with host_of(context, self.flow.resources) as host:
            bench = Bench(context, host, Ledger.of(context))
            yield from self._done(_Work(self, bench, results, over), given)

    def _done(self, work: _Work, given: Mapping[str, Any]) -> Emitted:
        if self.role == "list":
            yield from self._listed(work)
        elif self.role == "item":
            yield from self._item(work, Item.from_json(given["item"]))
        elif self.role == "gather" and self.node.kind == "each":
            yield from self._gathered(work, given)
        elif self.role == "enter":
            yield from self._entered(work)
        else:
            ended = work.ended()
            yield from self._ended(work, ended, {self.node.path: ended.result})

    def _listed(self, work: _Work) -> Emitted:
        done = work.decide("list")
        if isinstance(done, Ended):
            self._checked(work, done)
            yield handed_on({}, more={"told": done.to_json()})
            return
        if not isinstance(done, Listed):
            raise TypeError("a list of items was asked for")
        items = [item.to_json() for item in done.items]
        digits = len(str(len(items)))
        for index, item in enumerate(items):
            yield DynamicOutput(item, f"{index:0{digits}d}", ITEMS)
        yield handed_on({}, more={"listed": items}, metadata={"items": len(items)})

    def _item(self, work: _Work, item: Item) -> Emitted:
        why = why_not_begun(work.bench, self.node, item.index)
        if why is not None:
            if not self.caught:
                raise Failure(f"not begun: {why}", allow_retries=False)
            work.bench.context.log.error("not begun: %s", why)
            yield handed_on({}, more={"index": item.index})
            return
        ended = work.send(item)
        yield from self._ended(work, ended, {f"{self.node.path}[{item.index}]": ended.result}, {"index": item.index})

    def _gathered(self, work: _Work, given: Mapping[str, Any]) -> Emitted:
        listed, done = given["listed"], given.get(ITEMS) or []
        own = {path: result for value in done for path, result in value["results"].items()}
        if work.over is not None or "told" in listed:
            ended = Ended.from_json(work.over.told if work.over is not None else listed["told"])
        else:
            own |= self._left_out(work, left_out(self.node, listed["listed"], done))
            work = replace(work, results={**work.results, **own})
            ended = work.decided("gather", {"expected": len(listed["listed"])})
        yield from self._ended(work, ended, {self.node.path: ended.result, **own})

    def _left_out(self, work: _Work, items: Iterable[Item]) -> dict[str, Any]:
        """Do the items that Dagster left out: those not begun when a run's worker died are not in the run that goes on."""
        own: dict[str, Any] = {}
        for item in items:
            work.bench.context.log.info("%s[%s] was left out of this run: it is done here", self.node.path, item.index)
            ended = work.send(item)
            own[f"{self.node.path}[{item.index}]"] = ended.result
            if ends_items(self.node, ended.status):
                break
        return own

    def _entered(self, work: _Work) -> Emitted:
        ended = work.decided("enter")
        over = None
        if ended.status != "succeeded":
            self._checked(work, ended)
            over = Over(self.node.path, ended.to_json(), is_whole=True)
        yield handed_on({}, over, metadata={"status": ended.status})

    def _ended(self, work: _Work, ended: Ended, results: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> Emitted:
        self._checked(work, ended)
        over = None if ended.goes_on or self.scope is None else Over(self.scope, ended.to_json())
        if ended.withheld:
            work.bench.context.log.warning("withheld, because they hold a secret or are too large: %s", ", ".join(ended.withheld))
        yield from outputs(ended, self.outs or {})
        metadata: dict[str, Any] = {"status": ended.status, **{name: seen(value) for name, value in ended.outputs.items()}}
        if ended.outcome is not None:
            metadata["outcome"] = MetadataValue.json(dict(ended.outcome))
        yield handed_on(results, over, more, metadata)

    def _checked(self, work: _Work, ended: Ended) -> None:
        """Fail the op, unless its failure is handed on; an outcome that nobody knows always ends the run."""
        if ended.goes_on:
            return
        if not self.caught or ended.status != "failed":
            raise failure(ended)
        work.bench.context.log.error("%s: %s", ended.error, ended.message)


@dataclass(frozen=True, slots=True)
class _Work:
    """One execution of an op."""

    op: StepOp
    bench: Bench
    results: Mapping[str, Any]
    over: Over | None

    def ended(self) -> Ended:
        """Return what came of a unit that is one end."""
        match self.op.role:
            case "send":
                return self.send(None)
            case "wait":
                return self._waited()
            case "leave" | "gather" if self.over is not None and self.over.is_whole:
                return Ended.from_json(self.over.told)
            case "leave":
                return self.decided("leave", {"failed": None if self.over is None else self.over.told})
            case "gather":
                return self.decided("gather", {"expected": 0})
        return self.decided("outputs")

    def send(self, item: Item | None) -> Ended:
        """Send, in as many turns as it takes."""
        unit = self._unit("send", item)
        if isinstance(unit, Ended):
            return unit
        return Sending(self.bench, unit, unit.use, in_place=item is not None, shares_op=self.op.role == "gather").run()

    def decide(self, action: Action, more: Mapping[str, Any] | None = None) -> Any:
        """Decide what stands between requests."""
        unit = self._unit(action, None)
        return unit if isinstance(unit, Ended) else decide(self.bench, unit, more or {})

    def decided(self, action: Action, more: Mapping[str, Any] | None = None) -> Ended:
        """Decide what is one end."""
        done = self.decide(action, more)
        if not isinstance(done, Ended):
            raise TypeError(f"{action} is one end")
        return done

    def _waited(self) -> Ended:
        """Wait; a worker that takes the place of a lost one waits for what is left."""
        done = self.decide("wait")
        if not isinstance(done, Waiting):
            return done
        path, clock, ledger = self.op.node.path, self.bench.host.clock, self.bench.ledger
        until = ledger.past(path).until
        if until is None:
            until = clock.now() + done.seconds
            ledger.tell(path, "waits", f"{path}: waits {done.seconds:g} s", {"until": until})
        clock.sleep(max(0.0, until - clock.now()))
        return Ended("succeeded", {"status": "succeeded"})

    def _unit(self, action: Action, item: Item | None) -> Unit | Ended:
        flow, node = self.op.flow, self.op.node
        results = {
            **reading(node, self.results),
            **{path: each for path, each in self.results.items() if path.startswith(f"{node.path}[")},
        }
        if action == "gather" and node.kind == "group":
            results |= {member.path: self.results[member.path] for member in node.members if member.path in self.results}
        began = self.bench.ledger.began() if flow.workflow.timeout is not None else None
        inputs = referenced(flow.workflow.inputs, self.bench.context.op_config["inputs"])
        unit = Unit(flow.workflow, flow.registry, node.path, inputs, action, results, item, began=began)
        pending = action == "send" and self.bench.ledger.past(unit.use).is_open
        return given_to(unit, pending=pending, read=read)
