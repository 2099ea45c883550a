"""Inputs that no schema calls secret, and that go where a name does: a query parameter `token`, a field `password`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from httptask.expressions import compile_text, texts
from httptask.inputs import parameter_names
from httptask.model import Parameter, TaskTemplate
from httptask.secrets import is_sensitive_field, is_sensitive_header


@lru_cache(maxsize=256)
def inputs_of_sensitive_slots(template: TaskTemplate) -> frozenset[str]:
    """Return the names of these inputs."""
    parameters = (name for name, parameter in parameter_names(template).items() if _is_sensitive(parameter))
    headers = (text for name, text in template.headers.items() if is_sensitive_header(name))
    fields = _sensitive_fields(template.body.template if template.body else None)
    references = (reference for text in (*headers, *fields) for reference in compile_text(text).references)
    return frozenset((*parameters, *(reference[1] for reference in references if reference[0] == "inputs" and reference[1:])))


def _is_sensitive(parameter: Parameter) -> bool:
    if parameter.location == "header":
        return is_sensitive_header(parameter.name)
    return parameter.location == "query" and is_sensitive_field(parameter.name)


def _sensitive_fields(tree: Any) -> Iterator[str]:
    """Yield the texts that stand below a sensitive name in a body template."""
    if isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from texts(value) if is_sensitive_field(name) else _sensitive_fields(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from _sensitive_fields(value)
