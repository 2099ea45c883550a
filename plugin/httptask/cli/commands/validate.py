"""`httptask validate`: check definition files before anything is sent."""

from __future__ import annotations

from pathlib import Path

import click

from httptask.cli import options
from httptask.cli.console import Console
from httptask.cli.exits import SUCCEEDED, USAGE
from httptask.version import SCHEMA_VERSION


@click.command("validate", short_help="Check workflow, template and provider files.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.templates
@options.as_json
def command(files: tuple[Path, ...], folders: tuple[Path, ...], as_json: bool) -> int:  # noqa: FBT001 - click passes flags so
    """Check workflow, template and provider files; a folder stands for every YAML file below it.

    \b
    Example:
      httptask validate examples/roll_out_agent_update.yaml
    """  # noqa: D301 - \b is click's mark for text that is not rewrapped
    from httptask.errors import Problem, ProblemsError
    from httptask.wiring import library

    catalogue = library(folders)
    console = Console(json=as_json)
    problems: list[Problem] = []
    checked = [file for path in files for file in _expanded(path)]
    for file in checked:
        try:
            catalogue.check(file)
        except ProblemsError as error:
            problems += error.problems
    if problems:
        console.problems("definitionError", dict.fromkeys(problems))
        return USAGE
    if as_json:
        console.data({"schemaVersion": SCHEMA_VERSION, "valid": [str(file) for file in checked]})
    else:
        console.out(f"{len(checked)} {'file is' if len(checked) == 1 else 'files are'} valid")
    return SUCCEEDED


def _expanded(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    from httptask.errors import Problem, TemplateInvalid
    from httptask.loader import shown

    found = sorted(file for file in path.glob("**/*.y*ml") if file.suffix in {".yaml", ".yml"})
    if not found:
        raise TemplateInvalid(Problem(shown(path), "no YAML file in this folder or below it"))
    return found
