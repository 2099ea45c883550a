"""What to do next, as commands to be pasted: where the credential goes, a connection, a first try. Pure, and without a secret."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from httptask.baseurl import is_loopback
from httptask.curl.bodies import NOTHING
from httptask.curl.command import Note
from httptask.curl.credentials import Credential, Found
from httptask.curl.drafting import Draft, fitting_scheme
from httptask.curl.matching import Match, server_parts
from httptask.curl.pasted import PLACEHOLDER, Pasted
from httptask.curl.slots import slots_of
from httptask.expressions import to_text
from httptask.inputs import parameter_names
from httptask.model import TaskTemplate

#: A longer body is given in a file.
_LONGEST_BODY = 400
_TO_FILL_IN = "VALUE"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: a command to run, or lines to add to the file of profiles."""

    do: Literal["run", "add"]
    text: str

    def to_json(self) -> dict[str, str]:
        """Return the JSON form."""
        return {"do": self.do, "text": self.text}


@dataclass(frozen=True, slots=True)
class Aim:
    """What the steps lead to: a task, its server and the credential that the command had.

    Attributes:
        scheme: the provider's security scheme for the credential.
        folder: of the templates, as `--templates` takes it; None where none has to be named.

    """

    template: TaskTemplate
    base_url: str
    credential: Credential | None
    scheme: str | None
    folder: str | None


def steps_for_draft(draft: Draft, folder: str) -> tuple[Aim, tuple[Step, ...]]:
    """Return the steps for a new task."""
    template = draft.template
    aim = Aim(template, draft.base_url, draft.credential, draft.scheme, folder)
    example = template.body.example if template.body is not None else None
    return aim, _steps(aim, _inputs_of(template), NOTHING if example is None else example)


def steps_for_task(
    pasted: Pasted, found: Found, match: Match, template: TaskTemplate, folder: str | None
) -> tuple[tuple[Note, ...], Aim, tuple[Step, ...]]:
    """Return what is to be said of a task that there is already, and the steps with the values that were pasted."""
    provider = match.provider
    slots = slots_of(pasted, found, path=pasted.path)
    names = {(parameter.name, parameter.location): name for name, parameter in parameter_names(template).items()}
    given = [item for item in slots.parameters if item["in"] != "path"]
    unusable = (found.watch.suspects, PLACEHOLDER.search)
    inputs = [
        (names[key, "path"], None if any(test(value) for test in unusable) else value) for key, value in match.path_values.items()
    ]
    inputs += [(names[key], item["example"]) for item in given if (key := _key(item)) in names and "example" in item]
    strangers = [item["name"] for item in given if _key(item) not in names]
    notes = [Note("changed", name, f"{template.id} has no such parameter") for name in strangers]
    if found.credential is not None and fitting_scheme(provider, found.credential) is None:
        notes.append(Note("secret", found.credential.name, f"no security scheme of {provider.id} takes this credential"))
    base_url = pasted.origin + server_parts(provider.server_url)[1]
    scheme = fitting_scheme(provider, found.credential) if found.credential else None
    aim = Aim(template, base_url, found.credential if scheme else None, scheme, folder)
    body = slots.body.example if slots.body and template.accepts_body else NOTHING
    return (*slots.notes, *notes), aim, _steps(aim, inputs, body)


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["name"], item["in"]


def references(provider_id: str, credential: Credential | None) -> dict[str, str]:
    """Return key of a profile -> reference: to the variable that the command names, else to one named after the provider."""
    if credential is None:
        return {}
    return {
        key: f"env:{name or f'{provider_id.upper()}_{credential.suffix or key.upper()}'}"
        for key, name in credential.variables.items()
    }


def _steps(aim: Aim, inputs: Iterable[tuple[str, Any]], body: Any) -> tuple[Step, ...]:
    """Return the steps: a variable for the credential, a connection, a dry run."""
    provider = aim.template.provider
    used = references(provider.id, aim.credential)
    steps = [Step("run", f"export {reference.removeprefix('env:')}=...") for reference in used.values()]
    steps.append(_connection(aim, used))
    words = ["httptask", "test", aim.template.id, *_inputs(inputs), *_body(aim.template, body)]
    words += ["--connection", provider.id, *_templates(aim), "--dry-run"]
    return (*steps, Step("run", shlex.join(words)))


def _inputs_of(template: TaskTemplate) -> Iterator[tuple[str, Any]]:
    """Yield the inputs that a first try needs: each example, and what is required without one."""
    for name, parameter in parameter_names(template).items():
        if parameter.example is not None:
            yield name, parameter.example
        elif parameter.required:
            yield name, None


def _connection(aim: Aim, used: Mapping[str, str]) -> Step:
    """Return the step that makes the connection; `connections add` writes none with a user name, or for http off this machine."""
    provider = aim.template.provider
    host = aim.base_url.partition("://")[2].partition("/")[0]
    is_plain = aim.base_url.startswith("https:") or is_loopback(re.sub(r":[0-9]+$", "", host))
    named = aim.scheme if aim.scheme and next(iter(provider.security_schemes)) != aim.scheme else None
    if set(used) <= {"token"} and is_plain:
        words = ["httptask", "connections", "add", provider.id, "--provider", provider.id, "--base-url", aim.base_url]
        words += ["--scheme", named] if named else []
        words += ["--token", used["token"]] if used else []
        return Step("run", shlex.join([*words, *_templates(aim)]))
    values = {"provider": provider.id, "baseUrl": aim.base_url, **({"scheme": named} if named else {}), **used}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return Step("add", "\n".join([f"[connections.{provider.id}]", *lines, *([] if is_plain else ["allowHttp = true"])]))


def _templates(aim: Aim) -> list[str]:
    return [] if aim.folder is None else ["--templates", aim.folder]


def _inputs(inputs: Iterable[tuple[str, Any]]) -> Iterator[str]:
    for name, value in inputs:
        yield "-i"
        yield f"{name}={_written(value)}"


def _written(value: Any) -> str:
    """Return a value as `-i` takes it; one that a line of a terminal cannot hold is left to the user."""
    if value is None:
        return _TO_FILL_IN
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else to_text(value)
    if not text.isprintable():
        return _TO_FILL_IN
    return f"@{text}" if text.startswith("@") else text


def _body(template: TaskTemplate, body: Any) -> list[str]:
    if body is NOTHING or template.body is None:
        return []
    is_text = template.body.content_type.lower().startswith("text/")
    text = body if is_text else json.dumps(body, ensure_ascii=False)
    if len(text) > _LONGEST_BODY or not text.isprintable() or text == "-":
        return ["--body", "@FILE"]
    return ["--body", f"@{text}" if text.startswith("@") else text]
