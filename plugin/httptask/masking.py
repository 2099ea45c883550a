"""Requests and outcomes fit to be shown or stored: masked by header and field name, by schema, and by value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from httptask import sensitive
from httptask.message import Headers, Request
from httptask.model import TaskTemplate
from httptask.outcome import Answer, Failure, Outcome
from httptask.secrets import MASK, Redactor, Secret, is_blank, is_sensitive_field


def request(template: TaskTemplate, original: Request, redactor: Redactor) -> Request:
    """Return a request with its secrets masked; the length of its body stays as sent."""
    names = sensitive.secret_parameters(template)
    headers = tuple((name, MASK if name.lower() in names else redactor.header(name, value)) for name, value in original.headers)
    body = original.body
    if body is not None:
        text = body.decode("utf-8")
        is_json = "json" in (original.headers.get("Content-Type") or "")
        body = (_json_body(template, text, redactor) if is_json else redactor.free(text)).encode("utf-8")
    return replace(original, url=redactor.url(original.url, names), headers=Headers(headers), body=body)


def outcome(template: TaskTemplate, original: Outcome, redactor: Redactor) -> Outcome:
    """Return an outcome with its secrets masked: those known, and those that its own body and outputs hold by name or schema."""
    knowing = redactor.extended(secrets_of(template, original))
    answer = original.response
    return replace(
        original,
        response=None if answer is None else _answer(template, answer, knowing),
        outputs=outputs(sensitive.outputs(template, original.outputs).value, knowing),
        failure=failure(original.failure, knowing),
    )


def outputs(values: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the outputs of a step or run with secrets masked by name and by value."""
    return {key: MASK if is_sensitive_field(key) and not is_blank(item) else redactor.body(item) for key, item in values.items()}


def failure(original: Failure | None, redactor: Redactor) -> Failure | None:
    """Return a failure with secrets masked that a server's words, or an expression over them, put into it."""
    if original is None:
        return None
    code = None if original.code is None else redactor.free(original.code)
    request_id = None if original.request_id is None else redactor.free(original.request_id)
    return replace(original, message=redactor.free(original.message), code=code, request_id=request_id)


def secrets_of(template: TaskTemplate, original: Outcome) -> tuple[Secret, ...]:
    """Return the secrets that a response or the outputs hold by name or schema."""
    return tuple(dict.fromkeys(_secrets(template, original)))


def _secrets(template: TaskTemplate, original: Outcome) -> Iterator[Secret]:
    yield from sensitive.outputs(template, original.outputs).secrets
    answer = original.response
    if answer is not None and answer.body_kind == "json":
        yield from sensitive.response_body(template, answer.body).secrets


def _answer(template: TaskTemplate, answer: Answer, redactor: Redactor) -> Answer:
    headers = tuple((name, redactor.header(name, value)) for name, value in answer.headers)
    if answer.body_kind == "json":
        body = redactor.body(sensitive.response_body(template, answer.body).value)
    else:
        mask = redactor.cut_off if answer.truncated else redactor.free
        body = mask(answer.body) if isinstance(answer.body, str) else answer.body
    return replace(answer, headers=headers, body=body)


def _json_body(template: TaskTemplate, text: str, redactor: Redactor) -> str:
    try:
        value = json.loads(text)
    except ValueError:  # a text that a header calls JSON
        return redactor.free(text)
    shown = redactor.body(sensitive.request_body(template, value).value)
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
