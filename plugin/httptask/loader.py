"""Files become values: finds the shipped templates, reads definition files, builds the registry."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from httptask.errors import DefinitionError, Problem, ProblemsError, TemplateInvalid, WorkflowInvalid
from httptask.openapi_paths import openapi_path
from httptask.registry import Registry, Summary

if TYPE_CHECKING:
    from httptask.model import Provider, TaskTemplate, Workflow
    from httptask.places import Document

PROVIDER_FILE = "provider.yaml"
PROVIDER_SCHEMA = "provider.schema.json"
TASK_SCHEMA = "task-template.schema.json"
SCHEMAS_FILE = "schemas.yaml"
LARGEST_FILE = 16 * 1024 * 1024
#: A folder of copies, and the originals' real paths by the real path of the file that names them and by what it says.
_copies: ContextVar[tuple[Path, Mapping[str, Mapping[str, str]]] | None] = ContextVar("copies", default=None)
#: Workflow files that use one another, the first one included.
DEEPEST_WORKFLOW = 16


@cache
def shipped(name: str) -> Path:
    """Return a file or folder that ships with the package: beside the package in a wheel, at the root of a checkout.

    Raises:
        FileNotFoundError: the installation is not whole.

    """
    package = Path(__file__).resolve().parent
    checkout = package.parent.parent
    base = checkout if package.parent.name == "plugin" and (checkout / "pyproject.toml").is_file() else package
    path = base / name
    if not path.exists():
        raise FileNotFoundError(f"httptask's own {name} is missing; install the package again")
    return path


def open_registry(extra: Sequence[Path] = ()) -> Registry:
    """Return the registry of the shipped templates and those of `extra` folders.

    Raises:
        TemplateInvalid: a folder that is none, or one id in two files.

    """
    return Library(extra).registry()


class Library:
    """Folders of templates. Reads no file before it is needed, and each only once."""

    def __init__(
        self, extra: Sequence[Path] = (), *, root: Path | None = None, listed: dict[str, Mapping[str, Any]] | None = None
    ) -> None:
        """Name the folders; `root` replaces the shipped one (tests).

        What a list shows of a file is kept in `listed` by the file's digest, so that another library parses only what changed.
        """
        self._listed = {} if listed is None else listed
        self._root = root or shipped("task_templates")
        self._folders = [self._root, *extra]
        self._providers: dict[Path, Provider] = {}
        self._shared: dict[Path, Any] = {}
        self._checked: dict[str, Path] = {}

    def registry(self) -> Registry:
        """List every template. A file that cannot be listed becomes a problem of the registry and hides no other."""
        found: dict[str, Summary] = {}
        problems: list[Problem] = []
        owners: dict[str, Path] = {}
        index = ChainMap(self._listed, dict(_index(self._root)))
        for file in self.files():
            try:
                summary = _summary(file, index)
            except ProblemsError as error:
                problems += error.problems
                continue
            self._check_owner(summary, file, owners)
            if summary.id in found:
                message = f"task '{summary.id}' is defined twice"
                raise TemplateInvalid(Problem(shown(file), message, f"also in {found[summary.id].source}; rename one of them"))
            found[summary.id] = summary
        return Registry(found, lambda summary: self.template(Path(summary.source)), tuple(problems))

    def files(self) -> Iterator[Path]:
        """Yield the file of every template once, in order.

        Raises:
            TemplateInvalid: a folder does not exist or holds no provider.

        """
        seen: set[Path] = set()
        for folder in self._folders:
            providers = sorted(path.parent for path in folder.glob(f"**/{PROVIDER_FILE}"))
            if not providers:
                hint = f"a folder of templates holds a {PROVIDER_FILE} and, beside or below it, one file per task"
                message = f"no {PROVIDER_FILE} in this folder" if folder.is_dir() else "there is no such folder"
                raise TemplateInvalid(Problem(shown(folder), message, hint))
            for file in sorted(file for provider in providers for file in provider.glob("**/*.y*ml")):
                is_template = file.suffix in {".yaml", ".yml"} and file.name not in {PROVIDER_FILE, SCHEMAS_FILE}
                if is_template and (real := _real(file)) not in seen:
                    seen.add(real)
                    yield file

    def template(self, file: Path) -> TaskTemplate:
        """Read and check one template.

        Raises:
            TemplateInvalid: it, its provider or the shared schemas are wrong; every problem of the file at hand.

        """
        from httptask.template_file import template_from

        folder = provider_folder(file)
        document = _document(file, TASK_SCHEMA)
        schemas_file = os.path.relpath(folder / SCHEMAS_FILE, _real(file).parent).replace(os.sep, "/")
        return template_from(document, self.provider(folder), self._schemas(folder), schemas_file)

    def provider(self, folder: Path) -> Provider:
        """Read and check a provider, once.

        Raises:
            TemplateInvalid: its file is wrong.

        """
        from httptask.provider_file import provider_from

        if folder not in self._providers:
            file = folder / PROVIDER_FILE
            provider = provider_from(_document(file, PROVIDER_SCHEMA))
            self._check_once(f"provider '{provider.id}'", file)
            self._providers[folder] = provider
        return self._providers[folder]

    def check(self, file: Path) -> None:
        """Check one definition file of any kind as `httptask validate` does.

        Raises:
            DefinitionError: every problem found.

        """
        if file.name == PROVIDER_FILE:
            self.provider(file.parent)
        elif file.name == SCHEMAS_FILE:
            self._schemas(file.parent)
        elif _is_workflow(file):
            load_workflow(file, self.registry())
        else:
            self._check_once(f"task '{self.template(file).id}'", file)

    def _check_owner(self, summary: Summary, file: Path, owners: dict[str, Path]) -> None:
        """Refuse a task whose provider's id another folder's provider has: connections are made for an id, not for a file."""
        folder = provider_folder(file)
        first = owners.setdefault(summary.provider, folder)
        if first != folder:
            for either in (first, folder):
                self.provider(either)

    def _check_once(self, what: str, file: Path) -> None:
        first = self._checked.setdefault(what, _real(file))
        if first != _real(file):
            raise TemplateInvalid(Problem(shown(file), f"{what} is defined twice", f"also in {shown(first)}; rename one of them"))

    def _schemas(self, folder: Path) -> Any:
        from httptask.template_file import SharedSchemas

        if folder not in self._shared:
            file = folder / SCHEMAS_FILE
            there = os.path.lexists(file)  # a link that leads nowhere is a mistake, not a file left out
            self._shared[folder] = SharedSchemas.of(_document(file, "schemas.schema.json")) if there else SharedSchemas()
        return self._shared[folder]


def load_workflow(file: Path, registry: Registry) -> Workflow:
    """Read and check a workflow file and the workflow files that it uses.

    Raises:
        WorkflowInvalid: every problem found, with file, line and column.

    """
    return _WorkflowFiles(registry).load(file)


class _WorkflowFiles:
    """Reads workflow files that use one another, each once."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._done: dict[Path, Workflow | tuple[Problem, ...]] = {}

    def load(self, file: Path, users: tuple[Path, ...] = ()) -> Workflow:
        """Read one file; `users` are the files that lead to it, outermost first."""
        known = _real(file)
        if known not in self._done:
            try:
                self._done[known] = self._read(file, (*users, file))
            except DefinitionError as error:
                self._done[known] = error.problems
        done = self._done[known]
        if isinstance(done, tuple):
            raise WorkflowInvalid(done)
        return done

    def _read(self, file: Path, chain: tuple[Path, ...]) -> Workflow:
        from httptask.workflow_file import workflow_from

        document = _document(file, "workflow.schema.json")
        return workflow_from(document, self._registry, lambda named: self._used(_named(file, named), chain))

    def _used(self, file: Path, chain: tuple[Path, ...]) -> Workflow:
        """Read a file that another one names. Problems that the naming file can mend have no place of their own."""
        links = [_real(one) for one in chain]
        if _real(file) in links:
            circle = " -> ".join(shown(one) for one in (*chain[links.index(_real(file)) :], file))
            raise WorkflowInvalid(Problem("", f"workflow files use one another in a circle: {circle}", "break it"))
        if len(chain) >= DEEPEST_WORKFLOW:
            message = f"workflow files use one another more than {DEEPEST_WORKFLOW} deep"
            raise WorkflowInvalid(Problem("", message, "use fewer levels"))
        if not file.is_file():
            hint = "the path is taken from the folder of the file that names it"
            raise WorkflowInvalid(Problem("", f"there is no file {shown(file)}", hint))
        return self.load(file, chain)


def read_bytes(file: Path) -> bytes:
    """Read a definition file.

    Raises:
        TemplateInvalid: it cannot be read, is no regular file, or is too large to be one.

    """
    try:
        mode = file.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe or a device may never end, or never begin
            raise TemplateInvalid(Problem(shown(file), "not a regular file", "only regular files are read, and links to them"))
        with file.open("rb") as stream:
            raw = stream.read(LARGEST_FILE + 1)
    except OSError as error:
        raise TemplateInvalid(Problem(shown(file), f"cannot be read: {error.strerror or type(error).__name__}")) from None
    if len(raw) > LARGEST_FILE:
        raise TemplateInvalid(Problem(shown(file), f"larger than {LARGEST_FILE // 2**20} MiB", "this is no definition file"))
    return raw


def shown(file: Path) -> str:
    """Return a path as a person would type it: relative when it lies below the current folder."""
    real, copies = _real(file), _copies.get()
    if copies is not None and real.is_relative_to(copies[0]):
        file = real = Path(os.sep) / real.relative_to(copies[0])
    try:
        return str(real.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)


def _named(file: Path, named: str) -> Path:
    """Return the file that a workflow file names; a copy means the copy of what its original meant."""
    real, copies = _real(file), _copies.get()
    if copies is not None and real.is_relative_to(copies[0]):
        folder, links = copies
        meant = links.get(str(Path(os.sep) / real.relative_to(folder)), {}).get(named)
        if meant is not None:
            return folder / Path(meant).relative_to(Path(meant).anchor)
    return file.parent / named


@contextmanager
def copies_in(folder: Path, links: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> Iterator[None]:
    """Let messages name the originals of the files in `folder`, which lie below it as their originals below the root.

    `links` are the originals that workflow files name, by the original that names them and by what it says.
    """
    token = _copies.set((_real(folder), links))
    try:
        yield
    finally:
        _copies.reset(token)


def _real(file: Path) -> Path:
    """Return the path behind all links; a link that leads to itself is returned as it is, where `resolve` may raise."""
    return Path(os.path.realpath(file))


@cache
def _validator(schema: str) -> Any:
    from httptask.schemas import Validator

    return Validator(json.loads(shipped("task_templates").joinpath(schema).read_bytes()))


def _document(file: Path, schema: str) -> Any:
    from httptask.documents import parse

    return accepted(parse(read_bytes(file), file=shown(file)), schema)


def accepted(document: Document, schema: str) -> Document:
    """Return a parsed file, if the JSON Schema of its kind accepts it.

    Raises:
        TemplateInvalid: every broken rule.

    """
    from httptask.shape import shape_problems

    problems = shape_problems(document, _validator(schema))
    if problems:
        raise TemplateInvalid(problems)
    return document


def _is_workflow(file: Path) -> bool:
    from httptask.documents import parse

    data = parse(read_bytes(file), file=shown(file)).data
    return isinstance(data, dict) and ("steps" in data or ("name" in data and "id" not in data))


def provider_folder(file: Path) -> Path:
    """Return the folder of the provider that a template belongs to.

    Raises:
        TemplateInvalid: there is none.

    """
    for folder in _real(file).parents:
        if (folder / PROVIDER_FILE).is_file():
            return folder
    hint = f"put the template beside or below a {PROVIDER_FILE}"
    raise TemplateInvalid(Problem(shown(file), f"no {PROVIDER_FILE} in this folder or above it", hint))


def _index(root: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return what the manifest knows of the shipped files, by digest, so that listing parses no YAML while nothing changed."""
    try:
        if root != shipped("task_templates"):
            return {}
        tasks = json.loads(shipped("manifest.json").read_bytes())["tasks"]
        return {task["source"]["sha256"]: task for task in tasks}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _summary(file: Path, index: MutableMapping[str, Mapping[str, Any]]) -> Summary:
    raw = read_bytes(file)
    digest = hashlib.sha256(raw).hexdigest()
    data = index.get(digest)
    if data is None:
        data = index[digest] = _listed(raw, file)
    return Summary(
        id=data["id"],
        provider=data["id"].partition(".")[0],
        method=data["method"],
        path=openapi_path(data["path"]),
        summary=data.get("summary", ""),
        tags=tuple(data.get("tags", ())),
        scopes=tuple(dict.fromkeys(scope for item in data.get("security", ()) for scopes in item.values() for scope in scopes)),
        deprecated=data.get("deprecated", False),
        source=str(file),
    )


def _listed(raw: bytes, file: Path) -> Mapping[str, Any]:
    """Parse a template just far enough to list it.

    Raises:
        TemplateInvalid: it does not parse or lacks what a list shows; the full check says more.

    """
    from httptask.documents import parse

    document = parse(raw, file=shown(file))
    data = document.data
    try:
        well_formed = all(isinstance(data[key], str) for key in ("id", "method", "path")) and isinstance(
            data.get("summary", ""), str
        )
        scopes = [scopes for item in data.get("security", []) for scopes in item.values()]
        lists = all(_is_texts(part) for part in (data.get("tags", []), *scopes))
    except (TypeError, KeyError, AttributeError):
        well_formed = lists = False
    if not (well_formed and lists):
        raise TemplateInvalid(
            Problem(str(document.place(())), "not a task template", f"`httptask validate {shown(file)}` says why")
        )
    return data  # type: ignore[no-any-return] # checked above


def _is_texts(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(item, str) for item in data)
