"""The workflow files that the page shows: those of the folders it was given, as they are at each request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from httptask.errors import DefinitionError, Problem, WorkflowInvalid
from httptask.loader import load_workflow, read_bytes, shown
from httptask.suggest import did_you_mean

if TYPE_CHECKING:
    from httptask.model import Workflow
    from httptask.registry import Registry

#: Beside the current folder, where nothing else is named.
USUAL_FOLDER = "workflows"
#: Larger YAML files of somebody's folder are not ours.
_LARGEST = 1024 * 1024
_KINDS = frozenset({"task", "workflow", "parallel", "wait", "approve"})
_LOOKS_LIKE_ONE = re.compile(rb"^steps:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of the list: the workflow's name, or the file's own when it cannot be read."""

    name: str
    file: Path
    description: str = ""
    steps: int = 0
    problems: tuple[Problem, ...] = ()

    @property
    def place(self) -> str:
        """The file as a person would type it."""
        return shown(self.file)


class WorkflowFiles:
    """Folders of workflow files, each looked at without those below it."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        """Name the folders; without any the current one and its `workflows` are meant.

        Raises:
            WorkflowInvalid: a named folder does not exist.

        """
        missing = [folder for folder in folders if not folder.is_dir()]
        if missing:
            raise WorkflowInvalid(
                Problem(shown(folder), "there is no such folder", "name one for --workflows") for folder in missing
            )
        self._folders = tuple(folders) or (Path(), Path(USUAL_FOLDER))
        self._known: dict[Path, tuple[tuple[int, int], Listed | None]] = {}

    def listed(self) -> tuple[Listed, ...]:
        """Return the workflow files by name; of two with one name the second has a problem."""
        found: dict[str, Listed] = {}
        for file in self._files():
            listed = self._look(file)
            if listed is not None and listed.name in found:
                hint = f"also in {found[listed.name].place}; rename one of them"
                problem = Problem(listed.place, f"workflow '{listed.name}' is defined twice", hint)
                listed = Listed(f"{listed.name} ({file.name})", file, problems=(problem,))
            if listed is not None:
                found[listed.name] = listed
        return tuple(found[name] for name in sorted(found))

    def load(self, name: str, registry: Registry) -> Workflow:
        """Read and check a workflow.

        Raises:
            WorkflowInvalid: there is none of this name, or its file is wrong.

        """
        listed = self.listed()
        chosen = next((item for item in listed if item.name == name), None)
        if chosen is None:
            hint = did_you_mean(name, [item.name for item in listed]) or "`httptask serve --workflows DIR` names more folders"
            raise WorkflowInvalid(Problem(name, "there is no workflow of this name", hint))
        if chosen.problems:
            raise WorkflowInvalid(chosen.problems)
        return load_workflow(chosen.file, registry)

    def _files(self) -> Iterator[Path]:
        seen: set[Path] = set()
        for folder in self._folders:
            for file in sorted(folder.glob("*.y*ml")):
                if file.suffix in {".yaml", ".yml"} and file.is_file() and file.resolve() not in seen:
                    seen.add(file.resolve())
                    yield file

    def _look(self, file: Path) -> Listed | None:
        """Return what the list shows of a file, None for one that is no workflow; read again only when it was changed."""
        try:
            state = file.stat()
        except OSError:
            return None
        stamp = (state.st_mtime_ns, state.st_size)
        known = self._known.get(file)
        if known is None or known[0] != stamp:
            was_one = known is not None and known[1] is not None
            known = self._known[file] = (stamp, _look_at(file, was_one=was_one) if state.st_size <= _LARGEST else None)
        return known[1]


def _look_at(file: Path, *, was_one: bool) -> Listed | None:
    from httptask.documents import parse

    try:
        raw = read_bytes(file)
        data = parse(raw, file=shown(file)).data
    except DefinitionError as error:
        looks = was_one or (file.is_file() and _LOOKS_LIKE_ONE.search(file.read_bytes()))
        return Listed(file.stem, file, problems=error.problems) if looks else None
    if not _is_workflow(data):
        return None
    return Listed(str(data["name"]), file, str(data.get("description", "")), len(data["steps"]))


def _is_workflow(data: Any) -> bool:
    """Tell a workflow from the other YAML files with steps that a folder may hold."""
    steps = data.get("steps") if isinstance(data, dict) and isinstance(data.get("name"), str) else None
    return isinstance(steps, list) and any(isinstance(step, dict) and "id" in step and _KINDS & set(step) for step in steps)
