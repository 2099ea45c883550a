"""A call within a Temporal workflow's own code. What it is called with stands in Temporal's history, so it holds no secret."""

from __future__ import annotations

from typing import Any

from httptask.errors import InputInvalid, Problem
from httptask.export.pythonic import INDENT, literal, string
from httptask.export.subject import Exported, Subject, Text
from httptask.export.uses import name_of, notes, options, program, variables

_WORKFLOW = """\
with workflow.unsafe.imports_passed_through():
    from httptask.engines.temporal import execute_task


@workflow.defn
class {title}:
    @workflow.run
    async def run(self) -> dict:
        return await execute_task(
{arguments}
        )"""


def export(subject: Subject) -> Exported:
    """Return a workflow that runs the task.

    Raises:
        InputInvalid: an input or header holds a secret.

    """
    if held := variables(subject):
        hint = "write a workflow file with a secret input, which is given as a reference and read by the worker"
        problems = [Problem(item.key, "Temporal would keep this secret in its history", hint) for item in held]
        raise InputInvalid(problems)
    title = name_of(subject).title().replace("_", "")
    said: dict[str, Any] = options(subject)
    given = [string(Text.of(subject.template.id)), literal(dict(subject.inputs), INDENT * 3)]
    given += [literal(said, INDENT * 3)] if said else []
    arguments = "\n".join(f"{INDENT * 3}{argument}," for argument in given)
    body = _WORKFLOW.format(title=title, arguments=arguments)
    return Exported(program(subject, "from temporalio import workflow", body), (*subject.notes, *notes(subject)))
