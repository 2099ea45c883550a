"""Everything that a run executes, as one document: a resumed run goes on with what it began with, whatever was edited since.

The document holds the text of each file under its whole path: the workflow, those that it uses, the templates, their providers
and shared schemas. Its digest names it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from httptask.errors import TemplateInvalid
from httptask.loader import (
    PROVIDER_FILE,
    SCHEMAS_FILE,
    Library,
    copies_in,
    load_workflow,
    provider_folder,
    read_bytes,
)
from httptask.model import Workflow
from httptask.registry import Registry


@dataclass(frozen=True, slots=True)
class Definition:
    """The files of a run by whole path, and which of them is the workflow."""

    workflow: str
    files: Mapping[str, str]

    def to_bytes(self) -> bytes:
        """Return the document."""
        value = {"workflow": self.workflow, "files": dict(sorted(self.files.items()))}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, document: bytes) -> Definition:
        """Return what `to_bytes` wrote."""
        data = json.loads(document)
        return cls(data["workflow"], data["files"])

    @property
    def digest(self) -> str:
        """What names the document."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def changed(self) -> list[str]:
        """Return the files that are no longer as they were, or no longer there."""
        return [path for path, text in self.files.items() if _text(Path(path)) != text]


def definition_of(workflow: Workflow, registry: Registry) -> Definition:
    """Return everything that a run of the workflow executes.

    Raises:
        DefinitionError: a file can no longer be read.

    """
    files = {_whole(used.source.file) for used in _workflows(workflow)}
    for task in _tasks(workflow, registry):
        template = _whole(registry[task].source.file)
        folder = provider_folder(template)
        files |= {template, folder / PROVIDER_FILE}
        files |= {schemas for schemas in [folder / SCHEMAS_FILE] if schemas.exists()}
    return Definition(
        str(_whole(workflow.source.file)), {str(file): read_bytes(file).decode("utf-8-sig") for file in sorted(files)}
    )


@contextmanager
def loaded(definition: Definition) -> Iterator[tuple[Workflow, Registry]]:
    """Yield the workflow and its tasks as the document has them, read from copies in a folder that is removed again.

    Raises:
        DefinitionError: this version of the program no longer reads them.

    """
    with tempfile.TemporaryDirectory(prefix="httptask-") as name, copies_in(Path(name)):
        copies = {path: Path(name) / Path(path).relative_to(Path(path).anchor) for path in definition.files}
        for path, copy in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(definition.files[path], encoding="utf-8", newline="")
        folders = sorted({copy.parent for copy in copies.values() if copy.name == PROVIDER_FILE})
        registry = (Library(folders[1:], root=folders[0]) if folders else Library()).registry()
        workflow = load_workflow(copies[definition.workflow], registry)
        for task in _tasks(workflow, registry):
            registry[task]  # each template is read while its copy is there
        yield workflow, registry


def _workflows(workflow: Workflow) -> Iterator[Workflow]:
    yield workflow
    for step in workflow.every_step():
        if step.workflow is not None:
            yield from _workflows(step.workflow)


def _tasks(workflow: Workflow, registry: Registry) -> list[str]:
    """Return the tasks that are used, and those that are asked to verify them."""
    tasks = dict.fromkeys(workflow.tasks())
    verifying = (registry[task].verify for task in list(tasks))
    return list(tasks | dict.fromkeys(verify.task for verify in verifying if verify is not None))


def _whole(shown: str) -> Path:
    return Path.cwd() / shown


def _text(file: Path) -> str | None:
    try:
        return read_bytes(file).decode("utf-8-sig")
    except (TemplateInvalid, UnicodeDecodeError):
        return None
