"""Requests and outcomes fit to be shown or stored: masked by header and field name, by schema, and by value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from httptask import sensitive
from httptask.events import Event, StepFinished, TaskFinished
from httptask.message import Headers, Request
from httptask.model import TaskTemplate
from httptask.outcome import Answer, Failure, Outcome
from httptask.render import path_parts
from httptask.secrets import MASK, Redactor, Secret, is_blank, is_sensitive_field

#: Where the authority of a URL stands between slashes, behind which its path begins.
_AUTHORITY = 2


def request(template: TaskTemplate, original: Request, redactor: Redactor) -> Request:
    """Return a request with its secrets masked; the length of its body stays as sent."""
    names = sensitive.secret_parameters(template)
    headers = tuple((name, MASK if name.lower() in names else redactor.header(name, value)) for name, value in original.headers)
    body = original.body
    if body is not None:
        value, kind = original.content
        body = (_json_body(template, value, redactor) if kind == "json" else redactor.free(value)).encode("utf-8")
    return replace(original, url=url(template, original.url, redactor), headers=Headers(headers), body=body)


def url(template: TaskTemplate, original: str, redactor: Redactor) -> str:
    """Return a request's URL with its secrets masked: in the query by name, in the path by place, which finds short ones too."""
    path, mark, query = original.partition("?")
    pieces = path.split("/")
    for index in _secret_segments(template):
        if len(pieces) + index > _AUTHORITY:
            pieces[index] = MASK
    return redactor.url("/".join(pieces) + mark + query, sensitive.secret_parameters(template))


@lru_cache(maxsize=1024)
def _secret_segments(template: TaskTemplate) -> tuple[int, ...]:
    """Return which segments of the path hold a parameter that the schema calls secret, counted from its end, as -1, -2."""
    names, secret = sensitive.secret_parameters(template), [False]
    for part in path_parts(template):
        if isinstance(part, str):
            secret += [False] * part.count("/")
        elif part.name in names:
            secret[-1] = True
    return tuple(index - len(secret) for index, is_secret in enumerate(secret) if is_secret)


def outcome(template: TaskTemplate, original: Outcome, redactor: Redactor) -> Outcome:
    """Return an outcome with its secrets masked: those known, and those that its own body and outputs hold by name or schema."""
    marked = _marked(template, original)
    knowing = redactor.extended(marked.secrets)
    return replace(
        original,
        response=None if original.response is None else _answer(original.response, marked.body, knowing),
        outputs=outputs(marked.outputs, knowing),
        warnings=tuple(
            replace(item, path=knowing.text(item.path), message=knowing.free(item.message)) for item in original.warnings
        ),
        failure=failure(original.failure, knowing),
    )


def answer(template: TaskTemplate, original: Answer, redactor: Redactor) -> Answer:
    """Return a response with its secrets masked: those known, and those that its own body holds by name or schema."""
    if original.body_kind != "json":
        return _answer(original, None, redactor)
    marked = sensitive.response_body(template, original.body)
    return _answer(original, marked.value, redactor.extended(marked.secrets[: sensitive.MOST_LEARNED]))


def outputs(values: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the outputs of a step or run with secrets masked by name and by value."""
    return {key: MASK if is_sensitive_field(key) and not is_blank(item) else redactor.body(item) for key, item in values.items()}


def failure(original: Failure | None, redactor: Redactor) -> Failure | None:
    """Return a failure with secrets masked that a server's words, or an expression over them, put into it."""
    if original is None:
        return None
    code = None if original.code is None else redactor.free(original.code)
    request_id = None if original.request_id is None else redactor.free(original.request_id)
    message, hint = redactor.free(original.message), redactor.free(original.hint)
    return replace(original, message=message, hint=hint, code=code, request_id=request_id)


def secrets_of(template: TaskTemplate, original: Outcome) -> tuple[Secret, ...]:
    """Return the secrets that a response or the outputs hold by name or schema, at most `sensitive.MOST_LEARNED`."""
    return _marked(template, original).secrets


@dataclass(frozen=True, slots=True)
class _Marked:
    """The JSON body and the outputs with the mask where name or schema say so, and what stood there."""

    body: Any
    outputs: Any
    secrets: tuple[Secret, ...]


def _marked(template: TaskTemplate, original: Outcome) -> _Marked:
    answer, made = original.response, sensitive.outputs(template, original.outputs)
    body = sensitive.Marked(None)
    if answer is not None and answer.body_kind == "json":
        body = sensitive.response_body(template, answer.body)
    found = tuple(dict.fromkeys((*made.secrets, *body.secrets)))
    return _Marked(body.value, made.value, found[: sensitive.MOST_LEARNED])


class Learner:
    """Masks in events what earlier answers call secret. Only a server's own words: nothing that it says masks ours."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._redactor = Redactor()

    def shown(self, event: Event) -> Event:
        """Return an event fit to be told, having learned from it."""
        if isinstance(event, TaskFinished):
            self._redactor = self._redactor.extended(event.secrets)
            masked = failure(event.outcome.failure, self._redactor)
            return replace(event, outcome=replace(event.outcome, failure=masked))
        if isinstance(event, StepFinished):
            return replace(event, message=self._redactor.free(event.message))
        return event


def _answer(original: Answer, marked: Any, redactor: Redactor) -> Answer:
    headers = tuple((redactor.text(name), redactor.header(name, value)) for name, value in original.headers)
    if original.body_kind == "json":
        body = redactor.body(marked)
    else:
        mask = redactor.cut_off if original.truncated else redactor.free
        body = mask(original.body) if isinstance(original.body, str) else original.body
    return replace(original, headers=headers, body=body)


def _json_body(template: TaskTemplate, value: Any, redactor: Redactor) -> str:
    shown = redactor.body(sensitive.request_body(template, value).value)
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
