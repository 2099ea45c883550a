"""What tests of `import-curl` share: a command read, its draft, and the draft rendered with its own examples."""

import shlex

from httptask.curl.command import read_command
from httptask.curl.credentials import found_in
from httptask.curl.drafting import Wanted, draft_of
from httptask.curl.pasted import pasted_of
from httptask.curl.shell import words_of
from httptask.errors import ImportFailed
from httptask.inputs import BODY, check, parameter_names
from httptask.model import Connection
from httptask.render import build

URL = "https://api.example.com/v1/things"


def no_file(name):
    raise AssertionError(f"{name} is read")


def reading(**files):
    return lambda name: files[name]


def command(text, read=no_file):
    return read_command(words_of(text, file="command"), read)


def pasted(text, read=no_file):
    return pasted_of(command(text, read))


def found(text, read=no_file):
    return found_in(pasted(text, read))


def draft(text, read=no_file, *, wanted=None, joined=None):
    read_off = pasted(text, read)
    return draft_of(read_off, found_in(read_off), wanted or Wanted(), joined)


def problems(read, *arguments):
    """Return what is wrong, as one line each."""
    try:
        read(*arguments)
    except ImportFailed as error:
        return [str(problem) for problem in error.problems]
    raise AssertionError("nothing is wrong")


def notes(result, kind=None):
    return {note.subject: note.message for note in result.notes if kind in (None, note.kind)}


def examples(template):
    inputs = {name: item.example for name, item in parameter_names(template).items() if item.example is not None}
    return inputs | ({BODY: template.body.example} if template.body is not None else {})


def rendered(template, inputs=None):
    """Return the request of a template's own examples, without a credential."""
    given = examples(template) if inputs is None else inputs
    check(template, given)
    return build(template, given, Connection("test", template.provider.default_url))


def curl(*words):
    return shlex.join(["curl", *words])
