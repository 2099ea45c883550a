"""A pasted curl command, from the words of the command line to the files of a task."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from httptask.cli.arguments import read_text
from httptask.cli.console import Console, is_terminal
from httptask.cli.imported import Shown, tell
from httptask.cli.listing import providers
from httptask.cli.writing import write_files
from httptask.curl.command import Note, is_curl, read_command
from httptask.curl.credentials import found_in
from httptask.curl.drafting import Draft, Wanted, check_id, draft_of
from httptask.curl.matching import Match, is_server_of, match_of, resembling
from httptask.curl.naming import provider_id
from httptask.curl.pasted import Pasted, pasted_of
from httptask.curl.shell import checked_words, words_of
from httptask.curl.steps import steps_for_draft, steps_for_task
from httptask.errors import ImportFailed, Problem, ProblemsError
from httptask.loader import PROVIDER_FILE, Library, read_bytes, shown
from httptask.wiring import registry

if TYPE_CHECKING:
    from httptask.model import Provider, TaskTemplate
    from httptask.registry import Summary

#: Characters; a pasted body is rarely a tenth of that.
LARGEST_COMMAND = 4 * 1024 * 1024
#: Stands for the folder that the user has not named yet.
A_FOLDER = Path("my_templates")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the options say."""

    out: Path | None = None
    task: str | None = None
    provider: str | None = None
    force: bool = False
    folders: tuple[Path, ...] = ()

    @property
    def wants_a_template(self) -> bool:
        """Tell whether a template is wanted even if a task does the same already."""
        return self.force or self.task is not None


@dataclass(frozen=True, slots=True)
class Home:
    """Where the new task belongs: a folder, the provider's id, and the provider itself if its file is there already."""

    folder: Path
    provider_id: str
    joined: Provider | None = None


def import_curl(given: Sequence[str], choices: Choices, console: Console) -> None:
    """Read the command, write or show what becomes of it, and say what to do next.

    Raises:
        ImportFailed: every reason why it cannot become a task.
        ConfigurationError: a file that is there already, or cannot be written.

    """
    pasted = pasted_of(read_command(_words(given, console), lambda name: read_bytes(Path(name))))
    found = found_in(pasted)
    console.discretion.learn(found.watch.secrets)
    chosen = _chosen(choices)
    tasks = registry(_folders(choices))
    known, _ = providers(tasks)
    match = match_of(pasted, known, tasks.summaries())
    if match is not None and match.task is not None and not choices.wants_a_template:
        template = tasks[match.task.id]
        notes, aim, steps = steps_for_task(pasted, found, match, template, _folder_of(template, choices))
        tell(Shown(template, aim, notes, steps, exists=True), console)
        return
    home = _home(choices, chosen, pasted, known)
    draft = draft_of(pasted, found, Wanted(home.provider_id, chosen.task, frozenset(tasks)), home.joined)
    notes = (*draft.notes, *_about_providers(match, home, resembling(pasted, known, tasks.summaries())))
    _finish(replace(draft, notes=notes), home, choices, console)


def _finish(draft: Draft, home: Home, choices: Choices, console: Console) -> None:
    file = home.folder / draft.file_name
    texts = {file: draft.task_text}
    if draft.provider_text is not None:
        texts = {home.folder / PROVIDER_FILE: draft.provider_text, **texts}
    if choices.out is not None:
        write_files(texts, replaced=file if choices.force else None)
    aim, steps = steps_for_draft(draft, str(choices.out or A_FOLDER))
    tell(Shown(draft.template, aim, draft.notes, steps, tuple(texts.items()), written=choices.out is not None), console)


def _words(given: Sequence[str], console: Console) -> tuple[str, ...]:
    """Return the command's words: given as such, or as one text, a file or standard input."""
    if len(given) > 1 or (given and is_curl(given[0])):
        return checked_words(tuple(given))
    source = given[0] if given else "-"
    if source == "-" and is_terminal(sys.stdin):
        console.note("paste the command, then press Ctrl-D on a line of its own")
    try:
        text = read_text(source)
    except ProblemsError as error:
        raise ImportFailed(error.problems) from None
    if len(text) > LARGEST_COMMAND:
        message = f"the command is longer than {LARGEST_COMMAND // 2**20} MiB"
        raise ImportFailed(Problem("command", message, "give the body as -d @FILE"))
    return words_of(text, file="standard input" if source == "-" else source[1:] if source.startswith("@") else "command")


def _chosen(choices: Choices) -> Wanted:
    """Return the ids that the options name. `--id` may hold both, with a dot between."""
    provider, dot, task = (choices.task or "").rpartition(".")
    if dot and choices.provider not in (None, provider):
        raise ImportFailed(Problem("--id", "it names another provider than --provider", "leave one of them out"))
    named = provider if dot else choices.provider
    return Wanted(
        None if named is None else check_id(named, "--id" if dot else "--provider"),
        None if choices.task is None else check_id(task, "--id"),
    )


def _folders(choices: Choices) -> tuple[Path, ...]:
    """Return the folders with templates, the one that is written to among them if there are any yet."""
    out = choices.out
    holds_any = out is not None and any(next(out.glob(pattern), None) for pattern in (PROVIDER_FILE, f"*/{PROVIDER_FILE}"))
    return (*choices.folders, out) if out is not None and holds_any else choices.folders


def _home(choices: Choices, chosen: Wanted, pasted: Pasted, known: Mapping[str, Provider]) -> Home:
    """Return where the task belongs: beside a provider file in the folder that was named, else in a folder of its own.

    Raises:
        ImportFailed: the provider there is for another server, or the id is taken elsewhere.

    """
    own = provider_id(pasted.origin.partition("://")[2])
    fitting = [item.id for item in known.values() if is_server_of(item, pasted)]
    if choices.out is not None:
        names = [chosen.provider] if chosen.provider else [*fitting, own]
        for folder in (choices.out, *(choices.out / name for name in names)):
            if (folder / PROVIDER_FILE).is_file() and (joined := _joined(folder, chosen, pasted)):
                return Home(folder, joined.id, joined)
    if chosen.provider in known:
        message = f"the id {chosen.provider} is taken by a provider in another folder"
        raise ImportFailed(Problem("--provider", message, "choose another id, or name its folder with --out"))
    new, out = chosen.provider or own, choices.out or A_FOLDER
    # one id stands for one folder, so that no templates take over another's connections
    while new in known or (out / new / PROVIDER_FILE).exists():
        new = f"my_{new}"
    return Home(out / new, new)


def _joined(folder: Path, chosen: Wanted, pasted: Pasted) -> Provider | None:
    """Return the provider of a folder, if the task can be one of its."""
    provider = Library().provider(folder)
    if is_server_of(provider, pasted) and chosen.provider in (None, provider.id):
        return provider
    if folder.name != chosen.provider:
        return None
    message = f"the provider {provider.id} there is not for the server of this command"
    raise ImportFailed(Problem(shown(folder / PROVIDER_FILE), message, "choose another id with --provider ID"))


def _about_providers(match: Match | None, home: Home, resembled: Summary | None) -> Iterator[Note]:
    """Yield what the user should know of providers that there are."""
    if home.joined is not None:
        yield Note("changed", f"provider {home.provider_id}", "the server is its own, so the task joins it")
    elif match is not None:
        says = f"the server is its own; a task joins it only in its folder (--out), so the new one belongs to {home.provider_id}"
        yield Note("changed", f"provider {match.provider.id}", says)
    elif resembled is not None:
        says = f"it sends {resembled.method} {resembled.path} too; if this host is one of {resembled.provider}'s, use it"
        yield Note("changed", f"task {resembled.id}", says)


def _folder_of(template: TaskTemplate, choices: Choices) -> str | None:
    """Return the folder that `--templates` has to name for a task; None where none has to."""
    source = Path(template.source.file).resolve()
    folders = (*choices.folders, *([choices.out] if choices.out else []))
    return next((str(folder) for folder in folders if source.is_relative_to(folder.resolve())), None)
