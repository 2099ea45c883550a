"""Exporters: one call of a task in the words of another tool. Nothing is sent, and no secret is in any of them.

A new one is a module with a function from a `Subject` to `Exported`, and a line in `EXPORTERS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from httptask.export.subject import Exported, Subject


@dataclass(frozen=True, slots=True)
class Exporter:
    """A form to export a call in.

    Attributes:
        name: its option, and its key in JSON.
        title: what it is, for people.
        purpose: what one does with it.
        media_type: of its text.
        suffix: of a file that holds it.

    """

    name: str
    title: str
    purpose: str
    media_type: str
    suffix: str

    def export(self, subject: Subject) -> Exported:
        """Return the call in this form: a pure function. Its module is imported when it is used."""
        exported: Exported = import_module(f"{__name__}.{self.name}").export(subject)
        return exported


_ALL = (
    Exporter("curl", "a curl command", "try the request from a shell", "application/x-sh", ".sh"),
    Exporter("python", "a Python script with requests", "send the request from a program", "text/x-python", ".py"),
    Exporter("har", "an HTTP archive (HAR 1.2)", "import the request into another tool", "application/json", ".har"),
    Exporter("step", "a step of a workflow file", "paste the call into a workflow", "application/yaml", ".yaml"),
    Exporter("airflow", "an operator of an Airflow DAG", "run the task from Airflow", "text/x-python", ".py"),
    Exporter("prefect", "a Prefect flow", "run the task from Prefect", "text/x-python", ".py"),
    Exporter("dagster", "a Dagster job", "run the task from Dagster", "text/x-python", ".py"),
    Exporter("temporal", "a Temporal workflow", "run the task from Temporal", "text/x-python", ".py"),
    Exporter("conductor", "a task of a Conductor workflow", "run the task from Conductor", "application/json", ".json"),
)
EXPORTERS: Mapping[str, Exporter] = {exporter.name: exporter for exporter in _ALL}
