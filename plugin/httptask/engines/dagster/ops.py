"""The one place that makes an op. Without postponed annotations: Dagster compares that of `context` with its own classes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dagster import In, OpDefinition, OpExecutionContext, Out, RetryPolicy, op

Compute = Callable[[OpExecutionContext, Mapping[str, Any]], Iterator[Any]]
#: Dagster itself begins a step again whose process was lost; what we know of a failure we say ourselves.
LOST_WORKERS = RetryPolicy(max_retries=3, delay=1)


@dataclass(frozen=True)
class Face:
    """What is seen of an op from outside."""

    name: str
    description: str | None
    ins: Mapping[str, In]
    outs: Mapping[str, Any]
    config: Mapping[str, Any]
    resources: frozenset[str]
    tags: Mapping[str, str] = field(default_factory=dict)


def op_of(face: Face, work: Compute) -> OpDefinition:
    """Return the op that does a work."""

    @op(
        name=face.name,
        description=face.description,
        ins=face.ins,
        out={name: Out(Any) if out is None else out for name, out in face.outs.items()},
        config_schema=face.config,
        required_resource_keys=set(face.resources),
        tags=face.tags,
        retry_policy=LOST_WORKERS,
    )
    def compute(context: OpExecutionContext, **given: Any) -> Iterator[Any]:
        selected = context.selected_output_names  # of an asset's ops Dagster takes only what something reads
        yield from (output for output in work(context, given) if output.output_name in selected)

    return compute
