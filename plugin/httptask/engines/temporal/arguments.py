"""The argument of a run, looked at before anything is done with it: any language's client may have put it together.

What is wrong with it would otherwise show where it is used: in workflow code, whose errors Temporal repeats for ever, or in the
activity of a step, which is then taken for one that may have sent something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from temporalio.exceptions import ApplicationError

from httptask.engines.temporal.names import VERSION
from httptask.hosted.outline import Outline


def outline_of(argument: Any) -> Outline:
    """Return the outline of an argument that is whole.

    Raises:
        ApplicationError: it is none, or a part of it is not what it must be; no value is told.

    """
    if not isinstance(argument, Mapping) or "version" not in argument:
        raise _refused("the argument is not what start_argument returns")
    if argument["version"] != VERSION:
        raise _refused("another version of httptask made this argument")
    if not isinstance(argument.get("definition"), str):
        raise _refused("'definition' of the argument is no text: take it as start_argument returns it")
    if not isinstance(argument.get("inputs"), Mapping):
        raise _refused("'inputs' of the argument is no object: give each input by its name, or {} for none")
    if not _is_known(argument.get("known")):
        raise _refused("'known' of the argument is no object of lists of paths: take it as start_argument returns it")
    try:
        return Outline.from_json(argument["outline"])
    except (AttributeError, KeyError, TypeError):
        raise _refused("'outline' of the argument is none: take it as start_argument returns it") from None


def _is_known(known: Any) -> bool:
    """Tell whether something is what `ends.Known` reads; what says nothing is."""
    if not known:
        return True
    return isinstance(known, Mapping) and all(_is_paths(known.get(name, ())) for name in ("asking", "passed"))


def _is_paths(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)


def _refused(message: str) -> ApplicationError:
    return ApplicationError(message, type="input", non_retryable=True)
