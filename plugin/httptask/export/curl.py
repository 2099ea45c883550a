"""A call as a curl command for a POSIX shell, which sends the same bytes: curl adds, mends and follows nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from http import HTTPMethod

from httptask.export import shell
from httptask.export.losses import of_one_request
from httptask.export.subject import Content, Exported, Message, Note, Reference, Subject, Target, Text

#: Longer bodies go through a pipe: systems limit the length of one argument (Linux: 128 KiB).
_LONGEST_ARGUMENT = 100_000
#: From here on curl would first ask whether the body is wanted (`Expect: 100-continue`), older ones from 1 KiB.
_EXPECTING = 1024


def export(subject: Subject) -> Exported:
    """Return the command."""
    message = subject.message
    lines = [
        *shell.comments(message.variables),
        *shell.functions(message.references),
        *filter(None, [shell.guard(message.variables)]),
        _piped(message.content) + " \\\n  ".join(_words(subject)),
    ]
    return Exported("\n".join(lines) + "\n", (*subject.notes, *_notes(subject)))


def _words(subject: Subject) -> Iterator[str]:
    """Yield the command and its options, one for each line."""
    message, target = subject.message, subject.target
    yield "curl -q --silent --show-error --globoff --path-as-is --http1.1"
    yield "--head" if message.method == HTTPMethod.HEAD else f"--request {message.method}"
    yield f"--url {shell.word(message.url)}"
    yield f"--connect-timeout {target.timeouts.connect:g} --max-time {target.timeouts.connect + target.timeouts.read:g}"
    yield from _trust(target)
    if message.login is not None:
        yield f"--user {shell.word(message.login.username + Text.of(':', message.login.password))}"
    yield from (f"--header {shell.word(_field(name, value))}" for name, value in message.headers)
    if any(name.lower() == "accept-encoding" for name, _ in message.headers):
        yield "--compressed"
    yield from _body(message)


def _trust(target: Target) -> Iterator[str]:
    if target.verify is False:
        yield "--insecure"
    if isinstance(target.verify, str):
        yield f"{'--capath' if target.ca_is_folder else '--cacert'} {shlex.quote(target.verify)}"
    if target.client_certificate is not None:
        certificate, key = target.client_certificate
        # a colon would begin a password
        escaped = certificate.replace("\\", "\\\\").replace(":", "\\:")
        yield f"--cert {shlex.quote(escaped)}"
        if key is not None:
            yield f"--key {shlex.quote(key)}"


def _field(name: str, value: Text) -> Text:
    """Return a header as curl takes it, to which one without a value is an order to leave it out."""
    return Text.of(f"{name};") if value.literal == "" else Text.of(f"{name}: ") + value


def _body(message: Message) -> Iterator[str]:
    content = message.content
    if content is None:
        if message.says_empty:
            yield "--header 'Content-Type:'"
            yield "--data-raw ''"
        return
    if len(content.text.written(lambda _: "").encode()) > _EXPECTING or content.text.references:
        yield "--header 'Expect:'"
    if not any(name.lower() == "content-type" for name, _ in message.headers):
        yield "--header 'Content-Type:'"
    yield "--data-binary @-" if _needs_pipe(content) else f"--data-raw {shell.word(content.text)}"


def _piped(content: Content | None) -> str:
    """Return what writes the body into curl, if it cannot be an argument."""
    if content is None or not _needs_pipe(content):
        return ""
    form = "".join("%s" if isinstance(piece, Reference) else _escaped(piece) for piece in content.text.pieces)
    # printf takes a format that begins so for an option; bash's `-v` evaluates its argument
    form = "\\055" + form[1:] if form.startswith("-") else form
    values = (shell.word(Text.of(reference)) for reference in content.text.references)
    return f"printf {' '.join((shlex.quote(form), *values))} | "


def _needs_pipe(content: Content) -> bool:
    literal = "".join(content.text.literals)
    return len(literal.encode()) > _LONGEST_ARGUMENT or not all(map(_is_printable, literal))


def _is_printable(character: str) -> bool:
    return character.isprintable() or character == "\n"


def _escaped(text: str) -> str:
    """Return a text as a format of `printf`."""
    doubled = text.replace("\\", "\\\\").replace("%", "%%")
    return "".join(item if _is_printable(item) else "".join(f"\\{byte:03o}" for byte in item.encode()) for item in doubled)


def _notes(subject: Subject) -> Iterator[Note]:
    if subject.message.variables:
        yield Note("hint", "other users of a machine can see the arguments of a command while it runs, the credential too")
    yield from of_one_request(subject)
