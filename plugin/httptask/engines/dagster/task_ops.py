"""A task template as an op: its inputs are the op's, its named outputs are the op's, beside the whole `outcome`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Unpack

from dagster import Field, In, MetadataValue, OpDefinition, OpExecutionContext, Out, Output, Permissive

from httptask.engines.dagster.inputs import revealed, taken
from httptask.engines.dagster.ledger import Ledger, step_key
from httptask.engines.dagster.ops import Face, op_of
from httptask.engines.dagster.resource import RESOURCE, host_of
from httptask.engines.dagster.shown import name_of, names_of, outputs, outs_of
from httptask.engines.dagster.units import Bench, Sending, failure
from httptask.errors import UsageError
from httptask.hosted.one_task import OneTask, Use
from httptask.hosted.turns import Ended, not_begun
from httptask.hosted.units import Unit
from httptask.inputs import check, input_schema
from httptask.registry import Registry
from httptask.wiring import Folders, registry

#: The Out of the whole outcome.
OUTCOME = "outcome"


@dataclass(frozen=True, slots=True)
class _Task:
    """A task and everything about its op that is known before a run."""

    task: OneTask
    registry: Registry
    ins: Mapping[str, str]
    outs: Mapping[str, str]

    def compute(self, context: OpExecutionContext, given: Mapping[str, Any]) -> Iterator[Output[Any]]:
        """Send, and yield what came of it."""
        with host_of(context, {}) as host:
            ended = self._run(Bench(context, host, Ledger.of(context)), given)
        if not ended.goes_on:
            raise failure(ended)
        if ended.withheld:
            context.log.warning("withheld, because they hold a secret or are too large: %s", ", ".join(ended.withheld))
        yield from outputs(ended, self.outs)
        yield Output(ended.outcome, OUTCOME, metadata={OUTCOME: MetadataValue.json(ended.outcome)})

    def plain(self) -> Unit:
        """Return the unit as far as it is known before a run; what is wrong with the task's options is found here."""
        return replace(self.task, inputs=dict.fromkeys(self.ins)).unit(self.registry)

    def _run(self, bench: Bench, given: Mapping[str, Any]) -> Ended:
        key = step_key(bench.context)
        try:
            inputs = self._inputs(bench.context, given)
            check(self.task.template, inputs)
        except UsageError as error:
            return not_begun(self.plain(), error, pending=bench.ledger.past(key).is_open)
        return Sending(bench, replace(self.task, inputs=inputs).unit(self.registry), key, key=key).run()

    def _inputs(self, context: OpExecutionContext, given: Mapping[str, Any]) -> dict[str, Any]:
        wired = {text: given[name] for text, name in self.ins.items() if given.get(name) is not None}
        configured = taken(input_schema(self.task.template), context.op_config["inputs"])
        return {**revealed(self.task.inputs), **configured, **wired}


def op_from_template(
    task: str,
    *,
    name: str | None = None,
    inputs: Mapping[str, Any] | None = None,
    templates: Folders = (),
    **options: Unpack[Use],
) -> OpDefinition:
    """Return an op that sends one task.

    Each input of the task is an input of the op: connect it to what another op gives, put it into run config under
    `ops: NAME: config: inputs:`, or give it here. Each named output is an Out, and `outcome` is the whole outcome.

    Args:
        task: id of the template.
        name: of the op; without it the task's id, with underscores.
        inputs: of the task, with `EnvVar` for secrets.
        templates: folders of further templates, beside those of HTTPTASK_PATH.
        options: how it is used (`httptask.hosted.one_task.Use`).

    Raises:
        DefinitionError: the template, or an option, is wrong.
        ConfigurationError: two of its names are one in Dagster.

    """
    tasks = registry(templates)
    template = tasks[task]
    ins = names_of(input_schema(template)["properties"], f"inputs of {task}")
    outs = names_of(template.outputs, f"outputs of {task}", [OUTCOME])
    made = _Task(OneTask.used(template, inputs or {}, options), tasks, ins, outs)
    made.plain()

    face = Face(
        name or name_of(task),
        template.summary or None,
        {each: In(Any, default_value=None) for each in ins.values()},
        {**outs_of(outs), OUTCOME: Out(Any, is_required=False)},
        {"inputs": Field(Permissive(), is_required=False, default_value={})},
        frozenset({RESOURCE}),
        {"httptask/task": task},
    )
    return op_of(face, made.compute)
