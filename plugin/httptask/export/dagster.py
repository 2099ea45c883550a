"""A call as an op of a Dagster job."""

from __future__ import annotations

from typing import Any

from httptask.export.subject import Exported, Note, Subject
from httptask.export.uses import call, name_of, notes, options, program

_JOB = """\
{op}


@job
def {name}_job():
    {name}()


defs = Definitions(
    jobs=[{name}_job],
    resources={{"httptask": HttpTaskResource()}},
)"""


def export(subject: Subject) -> Exported:
    """Return a job of one op, with the worker's own connection."""
    name = name_of(subject)
    words: dict[str, Any] = {"task": subject.template.id, "name": name}
    words |= {"inputs": dict(subject.inputs)} if subject.inputs else {}
    op = call(f"{name} = op_from_template", words | options(subject))
    imports = "from dagster import Definitions, job\n\nfrom httptask.engines.dagster import HttpTaskResource, op_from_template"
    hint = Note(
        "hint", "HttpTaskResource() takes what the worker's environment gives; docs/engines/dagster.md says the other ways"
    )
    return Exported(program(subject, imports, _JOB.format(op=op, name=name)), (*subject.notes, *notes(subject), hint))
