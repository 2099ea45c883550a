"""`httptask run --dry-run`: what a run would do, with every request that can be known before the first answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from httptask.cli.explained import print_explanation
from httptask.cli.outcomes import print_request, request_json
from httptask.cli.session import redact
from httptask.expressions import compile_text, evaluate_condition, evaluate_text, evaluate_tree, texts
from httptask.model import Step, Workflow
from httptask.resuming import gates_of
from httptask.version import SCHEMA_VERSION
from httptask.wiring import dry_run_connection
from httptask.workflow_inputs import checked_inputs, secrets_of_inputs

if TYPE_CHECKING:
    from httptask.cli.console import Console
    from httptask.executing import Plan
    from httptask.explaining import Explainer, Part
    from httptask.message import Request
    from httptask.model import Connection, TaskTemplate

#: Requests of one `forEach` that are shown.
_SHOWN_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """One step as it would be: the requests that can be rendered now, or the steps whose answers it needs first."""

    step: Step
    path: str
    kind: str
    needs: tuple[str, ...] = ()
    items: int | None = None
    skipped: bool = False
    requests: tuple[Request, ...] = field(default=(), repr=False)
    explanations: tuple[tuple[Part, ...], ...] = field(default=(), repr=False)


def show_plan(plan: Plan, console: Console, *, explain: bool = False) -> None:
    """Print the plan, with `explain` where each value of its requests came from; nothing is sent."""
    workflow = plan.workflow
    console.discretion.learn(secrets_of_inputs(workflow, plan.inputs))
    planned = list(_of_file(_Planning(plan, console, explain), _Place(plan.workflow, plan.inputs), blocked=False))
    if console.json:
        steps = [_json(each, console) for each in planned]
        console.data({"schemaVersion": SCHEMA_VERSION, "workflow": workflow.name, "steps": steps})
        return
    for each in planned:
        _print(each, console)
    console.note("dry run: nothing was sent")


@dataclass(frozen=True, slots=True)
class _Planning:
    plan: Plan
    console: Console
    explain: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """Steps that are planned: those of a file with its inputs, below the path of the step that uses it."""

    workflow: Workflow
    inputs: Mapping[str, Any]
    prefix: str = ""


def _of_file(planning: _Planning, place: _Place, *, blocked: bool) -> Iterator[Planned]:
    """Yield the steps of a file; behind the first that needs an answer, or an approval, none is rendered."""
    for step in place.workflow.steps:
        yield from _of_step(step, planning, place, blocked=blocked)
        blocked = blocked or any(_needs(each) for each in (step, *step.parallel)) or bool(gates_below(step))


def _of_step(step: Step, planning: _Planning, place: _Place, *, blocked: bool) -> Iterator[Planned]:
    needs = _needs(step)
    held = blocked or bool(needs)
    if step.task is not None and not held:
        yield _rendered(step, planning, place)
        return
    yield Planned(step, place.prefix + step.id, kind_of(step), needs)
    for member in step.parallel:
        yield from _of_step(member, planning, place, blocked=held)
    if step.workflow is not None and step.for_each is None and not held:
        inputs = checked_inputs(step.workflow, evaluate_tree(step.inputs, {"inputs": place.inputs, "steps": {}}))
        yield from _of_file(planning, _Place(step.workflow, inputs, f"{place.prefix}{step.id}/"), blocked=blocked)


def gates_below(step: Step) -> list[str]:
    """Return the gates that a step is or holds."""
    if step.workflow is not None:
        return gates_of(step.workflow)
    return [step.id] if step.approve is not None else []


def _rendered(step: Step, planning: _Planning, place: _Place) -> Planned:
    from httptask import masking
    from httptask.runner import Options, prepare

    plan, console = planning.plan, planning.console
    template = plan.registry[step.task or ""]
    connection = dry_run_connection(plan.where, template.provider)
    redact(console, [connection])
    context: dict[str, Any] = {"inputs": place.inputs, "steps": {}}
    values = compile_text(step.for_each.items).evaluate(context) if step.for_each else [None]
    explainer = _explainer(step, template, connection, console)
    requests: list[Request] = []
    explanations: list[tuple[Part, ...]] = []
    for index, value in enumerate(values):
        seen = {**context, **({"item": value, "index": index} if step.for_each else {})}
        if step.condition is not None and not evaluate_condition(step.condition, seen):
            continue
        options = Options(headers={name: evaluate_text(text, seen) for name, text in step.headers.items()})
        inputs = evaluate_tree(step.inputs, seen)
        prepared = prepare(template, inputs, connection, options)
        if len(requests) < _SHOWN_ITEMS:  # the others are only checked
            requests.append(masking.request(template, prepared.request, console.redactor))
            explanations.append(explainer.parts(inputs, prepared) if planning.explain else ())
    items = len(values) if step.for_each else None
    return Planned(step, place.prefix + step.id, kind_of(step), (), items, not requests, tuple(requests), tuple(explanations))


def _explainer(step: Step, template: TaskTemplate, connection: Connection, console: Console) -> Explainer:
    """Return what explains a step's requests: an input is told by the expression that gives it."""
    from httptask.explaining import Explainer

    written = {name: [text for text in texts(value) if not compile_text(text).is_literal] for name, value in step.inputs.items()}
    sources = {name: ", ".join(found) or "with" for name, found in written.items()}
    return Explainer(template, connection, console.redactor, sources, "headers of the step")


def kind_of(step: Step) -> str:
    """Return what a step is, in a word or two."""
    if step.task is not None:
        return step.task
    if step.workflow is not None:
        return f"workflow {step.workflow.source.file}"
    if step.parallel:
        return f"parallel: {', '.join(member.id for member in step.parallel)}"
    return f"wait {step.wait:g} s" if step.wait is not None else "approve"


def _needs(step: Step) -> tuple[str, ...]:
    """Return the steps whose answers are read before the request can be made."""
    read = [step.inputs, step.headers, step.condition, step.for_each.items if step.for_each else None]
    references = (ref for text in texts(read) for ref in compile_text(text).references)
    return tuple(dict.fromkeys(ref[1] for ref in references if ref[0] == "steps" and ref[1:]))


def _json(planned: Planned, console: Console) -> dict[str, Any]:
    requests = [request_json(planned.step.task or "", each, console.redactor)["request"] for each in planned.requests]
    return {
        "id": planned.path,
        "kind": planned.kind,
        "needs": list(planned.needs),
        "items": planned.items,
        "skipped": planned.skipped,
        "requests": requests,
        **_explanations_json(planned),
    }


def _explanations_json(planned: Planned) -> dict[str, Any]:
    """Return the explanation of each request, where that is asked for."""
    found = [[part.to_json() for part in parts] for parts in planned.explanations]
    return {"explanations": found} if any(found) else {}


def _print(planned: Planned, console: Console) -> None:
    marks = [f"{planned.items} items" if planned.items is not None else "", "skipped" if planned.skipped else ""]
    marks += [f"needs the answer of {', '.join(planned.needs)}"] if planned.needs else []
    said = "; ".join(filter(None, marks))
    console.out("  ".join([console.style(planned.path, "bold"), planned.kind, *([console.style(said, "dim")] if said else [])]))
    for request, parts in zip(planned.requests, planned.explanations, strict=True):
        console.out()
        print_request(request, console)
        print_explanation(parts, console)
        console.out()
    if planned.items is not None and planned.items > len(planned.requests) and planned.requests:
        console.out(console.style(f"... and {planned.items - len(planned.requests)} more", "dim"))
