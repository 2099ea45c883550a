"""A call as an operator of an Airflow DAG. Airflow renders `{{ }}` in inputs, so that texts with them are kept from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from httptask.export.naming import DRY_RUN, SANDBOX
from httptask.export.subject import Exported, Note, Subject, Text
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
    words |= {"inputs": _kept(subject.inputs)} if subject.inputs else {}
    words |= _kept(options(subject))
    body = call(f"{name} = HttpTaskOperator", words)
    return Exported(
        program(subject, "from httptask.engines.airflow import HttpTaskOperator", body),
        (*subject.notes, *notes(subject), *_notes(subject)),
    )


def _is_nobodys(subject: Subject) -> bool:
    return subject.target.name in {DRY_RUN, SANDBOX}


def _kept(value: Any) -> Any:
    """Return a value that is the same once Airflow's Jinja has rendered its texts."""
    if isinstance(value, Mapping):
        return {key: _kept(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(item) for item in value]
    if isinstance(value, Text):
        return Text.of(*(_raw(piece) if isinstance(piece, str) else piece for piece in value.pieces))
    return _raw(value) if isinstance(value, str) else value


def _raw(text: str) -> str:
    return f"{{% raw %}}{text}{{% endraw %}}" if any(mark in text for mark in _MARKS) else text


def _notes(subject: Subject) -> Iterator[Note]:
    yield Note("hint", "add an Airflow connection of type httptask with the id that conn_id names")
    if any("endraw" in text for text in _texts(subject.inputs)):
        yield Note("loss", "a text with 'endraw' in it is rendered by Airflow")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Text):
        yield from value.literals
    elif isinstance(value, str):
        yield value
