"""A call as an operator of an Airflow DAG. Airflow renders `{{ }}` in inputs, so that texts with them are kept from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from httptask.export.naming import DRY_RUN, SANDBOX
from httptask.export.subject import Exported, Note, Subject, Text, leaves, rewritten
from httptask.export.uses import call, name_of, notes, options, program

_MARKS = ("{{", "{%", "{#")


def export(subject: Subject) -> Exported:
    """Return the operator."""
    name = name_of(subject)
    words = {
        "task_id": name,
        "task": subject.template.id,
        "conn_id": "httptask_default" if _is_nobodys(subject) else subject.target.name,
    }
    words |= {"inputs": rewritten(subject.inputs, _kept)} if subject.inputs else {}
    words |= rewritten(options(subject), _kept)
    body = call(f"{name} = HttpTaskOperator", words)
    return Exported(
        program(subject, "from httptask.engines.airflow import HttpTaskOperator", body),
        (*subject.notes, *notes(subject), *_notes(subject)),
    )


def _is_nobodys(subject: Subject) -> bool:
    return subject.target.name in {DRY_RUN, SANDBOX}


def _kept(leaf: Any) -> Any:
    """Return a leaf that is the same once Airflow's Jinja has rendered its text."""
    if isinstance(leaf, Text):
        return Text.of(*(_raw(piece) if isinstance(piece, str) else piece for piece in leaf.pieces))
    return _raw(leaf) if isinstance(leaf, str) else leaf


def _raw(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}" if any(mark in text for mark in _MARKS) else text


def _notes(subject: Subject) -> Iterator[Note]:
    yield Note("hint", "add an Airflow connection of type httptask with the id that conn_id names")
    texts = (
        leaf.literals if isinstance(leaf, Text) else (leaf,) for leaf in leaves(subject.inputs) if isinstance(leaf, Text | str)
    )
    if any("endraw" in text for found in texts for text in found):
        yield Note("loss", "a text with 'endraw' in it is rendered by Airflow")
