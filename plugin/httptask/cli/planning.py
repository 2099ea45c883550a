"""`httptask run --dry-run`: what a run would do, with every request that can be known before the first answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from httptask.cli.outcomes import print_request, request_json
from httptask.cli.session import learn, redact
from httptask.cli.wiring import dry_run_connection
from httptask.expressions import compile_text, evaluate_condition, evaluate_text, evaluate_tree, texts
from httptask.model import Step
from httptask.outcome import SCHEMA_VERSION

if TYPE_CHECKING:
    from httptask.cli.running import Plan
    from httptask.message import Request

#: Requests of one `forEach` that are shown.
_SHOWN_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Planned:
    """One step as it would be: the requests that can be rendered now, or the steps whose answers it needs first."""

    step: Step
    kind: str
    needs: tuple[str, ...] = ()
    items: int | None = None
    skipped: bool = False
    requests: tuple[Request, ...] = field(default=(), repr=False)


def show_plan(plan: Plan) -> None:
    """Print the plan; nothing is sent."""
    from httptask.sensitive import mark

    console, workflow = plan.console, plan.workflow
    learn(console, mark(dict(plan.inputs), workflow.inputs, workflow.inputs.get("$defs", {})).secrets)
    planned = list(_planned(plan))
    if console.json:
        steps = [_json(each, plan) for each in planned]
        console.data({"schemaVersion": SCHEMA_VERSION, "workflow": workflow.name, "steps": steps})
        return
    for each in planned:
        _print(each, plan)
    console.note("dry run: nothing was sent")


def _planned(plan: Plan) -> Iterator[Planned]:
    blocked = False
    for step in plan.workflow.steps:
        needs = _needs(step)
        if blocked or needs or step.task is None:
            yield Planned(step, kind_of(step), needs)
        else:
            yield _rendered(step, plan)
        blocked = blocked or bool(needs) or step.approve is not None


def _rendered(step: Step, plan: Plan) -> Planned:
    from httptask import masking
    from httptask.runner import Options, prepare

    template = plan.registry[step.task or ""]
    connection = dry_run_connection(plan.where, template.provider)
    redact(plan.console, [connection])
    context: dict[str, Any] = {"inputs": plan.inputs, "steps": {}}
    values = compile_text(step.for_each.items).evaluate(context) if step.for_each else [None]
    requests: list[Request] = []
    for index, value in enumerate(values):
        seen = {**context, **({"item": value, "index": index} if step.for_each else {})}
        if step.condition is not None and not evaluate_condition(step.condition, seen):
            continue
        options = Options(headers={name: evaluate_text(text, seen) for name, text in step.headers.items()})
        request = prepare(template, evaluate_tree(step.inputs, seen), connection, options).request
        requests.append(masking.request(template, request, plan.console.redactor))
    items = len(values) if step.for_each else None
    return Planned(step, kind_of(step), (), items, not requests, tuple(requests[:_SHOWN_ITEMS]))


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


def _json(planned: Planned, plan: Plan) -> dict[str, Any]:
    requests = [request_json(planned.step.task or "", each, plan.console.redactor)["request"] for each in planned.requests]
    return {
        "id": planned.step.id,
        "kind": planned.kind,
        "needs": list(planned.needs),
        "items": planned.items,
        "skipped": planned.skipped,
        "requests": requests,
    }


def _print(planned: Planned, plan: Plan) -> None:
    console = plan.console
    marks = [f"{planned.items} items" if planned.items is not None else "", "skipped" if planned.skipped else ""]
    marks += [f"needs the answer of {', '.join(planned.needs)}"] if planned.needs else []
    console.out(
        f"{console.style(planned.step.id, 'bold')}  {planned.kind}  {console.style('; '.join(filter(None, marks)), 'dim')}"
    )
    for request in planned.requests:
        console.out()
        print_request(request, console)
        console.out()
    if planned.items is not None and planned.items > len(planned.requests) and planned.requests:
        console.out(console.style(f"... and {planned.items - len(planned.requests)} more", "dim"))
