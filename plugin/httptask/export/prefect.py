"""A call as a task of a Prefect flow."""

from __future__ import annotations

from httptask.export.pythonic import INDENT, string
from httptask.export.subject import Exported, Subject, Text
from httptask.export.uses import call, name_of, notes, options, program

_FLOW = """\
{task}


@flow
def {name}_flow():
    return {called}


if __name__ == "__main__":
    {name}_flow()"""


def export(subject: Subject) -> Exported:
    """Return a flow of one task."""
    name, said = name_of(subject), options(subject)
    known = string(Text.of(subject.template.id))
    task = call(f"{name} = task_from_template", {"task_id": subject.template.id, **said})
    task = task if said else f"{name} = task_from_template({known})"
    imports = "from prefect import flow\n\nfrom httptask.engines.prefect import task_from_template"
    body = _FLOW.format(task=task, name=name, called=call(name, subject.inputs, INDENT))
    return Exported(program(subject, imports, body), (*subject.notes, *notes(subject)))
