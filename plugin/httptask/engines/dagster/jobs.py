"""A workflow file as a job: an op for each step, in order, and for what stands between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dagster import (
    ConfigMapping,
    DynamicOut,
    ExecutorDefinition,
    Field,
    GraphDefinition,
    In,
    JobDefinition,
    OpDefinition,
    Out,
    Permissive,
    graph,
    multiprocess_executor,
)

from httptask.engines.dagster.inputs import fields
from httptask.engines.dagster.ops import Face, op_of
from httptask.engines.dagster.passed import ITEMS, PASSED, list_of
from httptask.engines.dagster.resource import resource_keys
from httptask.engines.dagster.shown import name_of, names_of, outs_of
from httptask.engines.dagster.steps import Flow, Role, StepOp
from httptask.errors import ConfigurationError, Problem
from httptask.hosted.outline import Construct, Node, Outline, outlined
from httptask.hosted.units import Unit
from httptask.loader import load_workflow
from httptask.model import Step
from httptask.wiring import Folders, registry

#: What Dagster has no words for.
_LACKS: Collection[Construct] = ("approve", "onFailure")
#: Tag of the ops of items, by which an executor bounds how many run at the same time.
EACH = "httptask/each"
#: A step that failed has said all there is to say; Dagster is to begin a run again only when its worker was lost.
_RUN_TAGS = {"dagster/retry_on_asset_or_op_failure": "false"}


def job_from_workflow(
    path: str | Path,
    *,
    name: str | None = None,
    templates: Folders = (),
    resources: Mapping[str, str] | None = None,
    executor: ExecutorDefinition | Mapping[str, Any] | None = None,
) -> JobDefinition:
    """Return a job that runs a workflow file.

    The workflow's inputs are the job's config: `ops: config: NAME: VALUE`, secrets as `NAME: {env: VARIABLE}`.

    Args:
        path: of the file.
        name: of the job; without it the workflow's.
        templates: folders of further templates, beside those of HTTPTASK_PATH.
        resources: key of the resource for a connection that the workflow names, or for a provider; others take `httptask`.
        executor: config of the multiprocess executor, such as `{"max_concurrent": 4}`; or another executor, which has to bound
            steps with the tag `httptask/each` itself for maxParallel to hold.

    Raises:
        DefinitionError: the file is wrong, or uses what Dagster has no words for; everything at once.
        ConfigurationError: two steps would have the same name in Dagster.

    """
    tasks = registry(templates)
    workflow = load_workflow(Path(path), tasks)
    outline = outlined(workflow, tasks, engine="Dagster", lacks=_LACKS)
    draft = _Draft(Flow(workflow, tasks, resources or {}), name_of(name or workflow.name))
    draft.walk(outline)
    ops = draft.graph(fields(workflow.inputs))
    bounded = executor if isinstance(executor, ExecutorDefinition) else _executor(outline, executor or {})
    tags = {"httptask/workflow": workflow.name[:255], **_RUN_TAGS}
    return ops.to_job(description=workflow.description or None, tags=tags, executor_def=bounded)


def _executor(outline: Outline, config: Mapping[str, Any]) -> ExecutorDefinition:
    """Return the multiprocess executor with the bounds of each forEach beside its other config."""
    limits = [
        {"key": EACH, "value": node.name, "limit": max(1, node.max_parallel)} for node in outline.every() if node.kind == "each"
    ]
    return multiprocess_executor.configured(
        {**config, "tag_concurrency_limits": [*config.get("tag_concurrency_limits", ()), *limits]}
    )


@dataclass(frozen=True, slots=True)
class _Placed:
    """An op and where its inputs come from: names of the ops before it."""

    definition: OpDefinition
    name: str
    before: tuple[str, ...]
    listed: str = ""
    collects: str = ""


@dataclass(slots=True)
class _Draft:
    """A graph while it is drawn; `last` is, by path of a step, the op that hands its result on."""

    flow: Flow
    name: str
    placed: dict[str, _Placed] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)

    def walk(self, outline: Outline) -> None:
        """Draw every step."""
        end = self._steps(outline.nodes, (), StepOp(self.flow, outline.nodes[0], "send"))
        if outline.has_outputs:
            whole = StepOp(self.flow, Node("", "workflow", reads=outline.reads), "outputs")
            names = names_of(self.flow.workflow.outputs, f"outputs of {self.flow.workflow.name}", [PASSED])
            self._place(replace(whole, outs=names), f"{self.name}__outputs", end)

    def graph(self, config: Mapping[str, Field]) -> GraphDefinition:
        """Return the graph, with the workflow's inputs as its config."""
        names = list(self.placed)
        mapping = ConfigMapping(lambda given: {name: {"config": {"inputs": given}} for name in names}, dict(config))

        @graph(name=self.name, config=mapping)
        def drawn() -> None:
            handles: dict[str, Any] = {}
            for name, placed in self.placed.items():
                handles[name] = _invoked(placed, handles)

        return drawn

    def _steps(self, nodes: Iterable[Node], before: tuple[str, ...], like: StepOp) -> tuple[str, ...]:
        for node in nodes:
            before = (self._step(node, before, replace(like, node=node)),)
        return before

    def _step(self, node: Node, before: tuple[str, ...], like: StepOp) -> str:
        if node.kind == "each":
            name = self._each(like, before)
        elif node.kind in {"group", "workflow"}:
            name = self._composed(like, before)
        else:
            role: Role = "wait" if node.kind == "wait" else "send"
            name = self._place(replace(like, role=role, outs=self._outs(node)), node.name, before)
        self.last[node.path] = name
        return name

    def _each(self, like: StepOp, before: tuple[str, ...]) -> str:
        name = like.node.name
        listed = self._place(replace(like, role="list"), list_of(name), before)
        caught = like.caught or self._declared(like.node).continue_on_error
        item = replace(like, role="item", scope=None, caught=caught, outs=self._outs(like.node))
        items = self._place(item, f"{name}__item", (listed,), listed=listed)
        return self._place(replace(like, role="gather"), name, (listed,), listed=listed, collects=items)

    def _composed(self, like: StepOp, before: tuple[str, ...]) -> str:
        node, step = like.node, self._declared(like.node)
        inner = replace(like, caught=like.caught or step.continue_on_error)
        if node.kind == "workflow" or node.is_conditional:
            before = (self._place(replace(like, role="enter"), f"{node.name}__begin", before),)
        if node.kind == "workflow":
            end = self._steps(node.members, before, replace(inner, scope=node.path))
            return self._place(replace(like, role="leave", outs=self._outs(node)), node.name, end)
        members = tuple(self._step(member, before, replace(inner, node=member, scope=None)) for member in node.members)
        return self._place(replace(like, role="gather"), node.name, members)

    def _place(self, work: StepOp, name: str, before: tuple[str, ...], *, listed: str = "", collects: str = "") -> str:
        if name in self.placed:
            place = str(self.flow.workflow.source)
            raise ConfigurationError(Problem(place, f"two steps are '{name}' in Dagster", "rename one of them"))
        reads = tuple(self.last[path] for path in work.node.reads if path in self.last)
        earlier = tuple(each for each in dict.fromkeys((*before, *reads)) if each != listed or not collects)
        self.placed[name] = _Placed(
            self._definition(work, name, earlier, collects=bool(collects)), name, earlier, listed, collects
        )
        return name

    def _definition(self, work: StepOp, name: str, before: Sequence[str], *, collects: bool) -> OpDefinition:
        """Return the op's definition, whose name has to be one of its own among all jobs of a code location."""
        return _op(work, f"{self.name}__{name}", before, collects=collects)

    def _outs(self, node: Node) -> dict[str, str]:
        step = self._declared(node)
        declared = self.flow.registry[step.task].outputs if step.task else step.workflow.outputs if step.workflow else {}
        more = ["items"] if step.paginate is not None else []
        return names_of(dict.fromkeys([*declared, *step.outputs, *more]), f"outputs of step '{step.id}'", [PASSED])

    def _declared(self, node: Node) -> Step:
        return Unit(self.flow.workflow, self.flow.registry, node.path, {}).chain()[-1]


def _op(work: StepOp, name: str, before: Sequence[str], *, collects: bool) -> OpDefinition:
    node = work.node
    ins = {f"after_{each}": In(Any) for each in before}
    ins |= {"item": In(Any)} if work.role == "item" else {"listed": In(Any), ITEMS: In(Any)} if collects else {}
    outs: dict[str, Any] = {ITEMS: DynamicOut(Any)} if work.role == "list" else outs_of(work.outs or {})
    tags = {"httptask/step": node.path or "outputs", **({EACH: node.name} if work.role == "item" else {})}

    face = Face(
        name,
        node.summary or node.task,
        ins,
        {**outs, PASSED: Out(Any)},
        {"inputs": Field(Permissive())},
        resource_keys(work.flow.workflow, work.flow.registry, work.flow.resources),
        tags,
    )
    return op_of(face, work.compute)


def _invoked(placed: _Placed, handles: Mapping[str, Any]) -> Any:
    """Call an op within a graph, once or, for an item, mapped over the list; return what stands for its outputs."""
    given = {f"after_{name}": _passed(handles[name]) for name in placed.before}
    call = placed.definition.alias(placed.name)
    if placed.collects:
        return call(**given, listed=_passed(handles[placed.listed]), **{ITEMS: handles[placed.collects].collect()})
    if placed.listed:
        return getattr(handles[placed.listed], ITEMS).map(lambda item: _passed(call(item=item, **given)))
    return call(**given)


def _passed(handle: Any) -> Any:
    return getattr(handle, PASSED, handle)
