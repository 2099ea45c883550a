"""Everything that a run executes, as one document: a resumed run goes on with what it began with, whatever was edited since.

The document holds the text of each file under its real path: the workflow, those that it uses, the templates, their providers
and shared schemas; and which file is meant by what one workflow says of another, since copies have no links of the file system.
Its digest names it.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from httptask.errors import Problem, TemplateInvalid
from httptask.loader import (
    PROVIDER_FILE,
    SCHEMAS_FILE,
    Library,
    copies_in,
    load_workflow,
    provider_folder,
    read_bytes,
    shown,
)
from httptask.model import Workflow
from httptask.registry import Registry


@dataclass(frozen=True, slots=True)
class Definition:
    """The files of a run by real path, which of them is the workflow, and the file that each workflow means by a name.

    A workflow that was `made` for the run stands in no file.
    """

    workflow: str
    files: Mapping[str, str]
    links: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    made: bool = False

    def to_bytes(self) -> bytes:
        """Return the document."""
        links = {file: dict(sorted(named.items())) for file, named in sorted(self.links.items())}
        value: dict[str, object] = {"workflow": self.workflow, "files": dict(sorted(self.files.items())), "links": links}
        value |= {"made": True} if self.made else {}
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, document: bytes) -> Definition:
        """Return what `to_bytes` wrote.

        Raises:
            DefinitionError: it did not write this.

        """
        try:
            data = json.loads(document)
            found = cls(
                data["workflow"],
                dict(data["files"]),
                {file: dict(named) for file, named in data.get("links", {}).items()},
                data.get("made", False) is True,
            )
            texts = (found.workflow, *found.files.values(), *(to for named in found.links.values() for to in named.values()))
            well_formed = all(isinstance(text, str) for text in texts)
        except (ValueError, KeyError, TypeError, AttributeError):
            well_formed = False
        if not well_formed:
            raise _unreadable("", "what this run executes")
        return found

    @property
    def digest(self) -> str:
        """What names the document."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def changed(self) -> list[str]:
        """Return the files that are no longer as they were, or no longer there."""
        kept = ((path, text) for path, text in self.files.items() if not (self.made and path == self.workflow))
        return [path for path, text in kept if _text(Path(path)) != text]


def definition_of(workflow: Workflow, registry: Registry) -> Definition:
    """Return everything that a run of the workflow executes.

    Raises:
        DefinitionError: a file can no longer be read.

    """
    used = _workflows(workflow)
    files = {_real(one.source.file) for one in used} | _of_tasks(workflow, registry)
    return Definition(str(_real(workflow.source.file)), _texts(files), _links(used))


def definition_of_made(workflow: Workflow, text: str, registry: Registry) -> Definition:
    """Return everything that a run of a workflow executes which stands in no file but has this text.

    Raises:
        DefinitionError: a file can no longer be read.

    """
    path = str(_real(workflow.source.file))
    return Definition(path, {**_texts(_of_tasks(workflow, registry)), path: text}, made=True)


def _of_tasks(workflow: Workflow, registry: Registry) -> set[Path]:
    files: set[Path] = set()
    for task in _tasks(workflow, registry):
        template = _real(registry[task].source.file)
        folder = provider_folder(template)
        files |= {template, folder / PROVIDER_FILE}
        files |= {schemas for schemas in [folder / SCHEMAS_FILE] if schemas.exists()}
    return files


def _texts(files: set[Path]) -> dict[str, str]:
    _check_storable(files)
    return {str(file): read_bytes(file).decode("utf-8-sig") for file in sorted(files)}


@contextmanager
def loaded(definition: Definition) -> Iterator[tuple[Workflow, Registry]]:
    """Yield the workflow and its tasks as the document has them, read from copies in a folder that is removed again.

    Raises:
        DefinitionError: this version of the program no longer reads them.

    """
    with tempfile.TemporaryDirectory(prefix="httptask-") as name, copies_in(Path(name), definition.links):
        copies = _copied(definition, Path(os.path.realpath(name)))
        folders = sorted({copy.parent for copy in copies.values() if copy.name == PROVIDER_FILE})
        registry = (Library(folders[1:], root=folders[0]) if folders else Library()).registry()
        workflow = load_workflow(copies[definition.workflow], registry)
        for task in _tasks(workflow, registry):
            registry[task]  # each template is read while its copy is there
        yield workflow, registry


def _copied(definition: Definition, folder: Path) -> dict[str, Path]:
    """Write the files into a folder, each below it as it lies below the root; nothing is written anywhere else."""
    copies: dict[str, Path] = {}
    for path, text in definition.files.items():
        copy = folder / Path(path).relative_to(Path(path).anchor)
        plain = Path(path).is_absolute() and os.path.normpath(path) == path and copy != folder
        try:
            if not (plain and copy.resolve().is_relative_to(folder)) or copy.exists():
                raise _unreadable(path, "a path of this run")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8", newline="")
        except (OSError, ValueError):
            raise _unreadable(path, "this file") from None
        copies[path] = copy
    for path in (definition.workflow, *(to for named in definition.links.values() for to in named.values())):
        if path not in copies:
            raise _unreadable(path, "this file")
    return copies


def _unreadable(where: str, what: str) -> TemplateInvalid:
    return TemplateInvalid(Problem(where, f"{what} cannot be read from the journal", "start a new run"))


def _check_storable(files: Iterable[Path]) -> None:
    """Refuse paths that no document can hold."""
    for file in sorted(files):
        try:
            str(file).encode()
        except UnicodeEncodeError:
            hint = "rename it, or run with --no-journal"
            raise TemplateInvalid(Problem(shown(file), "a path that is no UTF-8 cannot be stored in the journal", hint)) from None


def _links(workflows: Iterable[Workflow]) -> dict[str, dict[str, str]]:
    """Return the real paths of the files that workflows use, by the real path of the user and the words that it uses."""
    links: dict[str, dict[str, str]] = {}
    for user in workflows:
        named = {step.file: str(_real(step.workflow.source.file)) for step in user.every_step() if step.workflow is not None}
        if named:
            links[str(_real(user.source.file))] = named
    return links


def _workflows(workflow: Workflow) -> list[Workflow]:
    """Return a workflow and those that it uses, each once however many use it."""
    found = {id(workflow): workflow}
    waiting = [workflow]
    while waiting:
        for step in waiting.pop().every_step():
            if step.workflow is not None and id(step.workflow) not in found:
                found[id(step.workflow)] = step.workflow
                waiting.append(step.workflow)
    return list(found.values())


def _tasks(workflow: Workflow, registry: Registry) -> list[str]:
    """Return the tasks that are used, and those that are asked to verify them."""
    tasks = dict.fromkeys(workflow.tasks())
    verifying = (registry[task].verify for task in list(tasks))
    return list(tasks | dict.fromkeys(verify.task for verify in verifying if verify is not None))


def _real(file: str) -> Path:
    return Path(os.path.realpath(file))


def _text(file: Path) -> str | None:
    try:
        return read_bytes(file).decode("utf-8-sig")
    except (TemplateInvalid, UnicodeDecodeError):
        return None
