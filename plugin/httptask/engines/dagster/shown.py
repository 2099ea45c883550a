"""What Dagster's pages show: names that it takes, and previews of values, because it shows none itself."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagster import MetadataValue, Out, Output

from httptask.errors import ConfigurationError, Problem
from httptask.hosted.turns import Ended

#: Bytes of a value that a page shows of it.
_MOST_SEEN = 4096
#: Words that Dagster keeps for itself, beside Python's own.
_TAKEN = frozenset(
    [
        "context",
        "conf",
        "config",
        "meta",
        "arg_dict",
        "dict",
        "input_arg_dict",
        "output_arg_dict",
        "int",
        "str",
        "float",
        "bool",
        "input",
        "output",
        "type",
    ]
)


def name_of(text: str) -> str:
    """Return a name as Dagster takes it: letters, digits and underscores, and no word that means something already."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return f"{name}_" if name in _TAKEN or keyword.iskeyword(name) else name


def names_of(texts: Iterable[str], owner: str, reserved: Iterable[str] = ()) -> dict[str, str]:
    """Return each text's name.

    Raises:
        ConfigurationError: two of them would have the same name.

    """
    names: dict[str, str] = {}
    for text in texts:
        name = name_of(text)
        if name in names.values() or name in reserved:
            raise ConfigurationError(Problem(owner, f"'{text}' cannot be told from another one: both are '{name}' in Dagster"))
        names[text] = name
    return names


def outs_of(names: Mapping[str, str]) -> dict[str, Out]:
    """Return an Out for each named output; one that was withheld, or was not made, is not there."""
    return {name: Out(Any, is_required=False, description=text if text != name else None) for text, name in names.items()}


def outputs(ended: Ended, names: Mapping[str, str]) -> Iterator[Output[Any]]:
    """Yield the named outputs, each with a preview."""
    for text, value in ended.outputs.items():
        if text in names:
            yield Output(value, names[text], metadata={text: seen(value)})


def seen(value: Any) -> MetadataValue:
    """Return a value as a page shows it, or what it is where no page can show it.

    It never fails: the request was sent, and an op that fails by then would send it again, or take its outcome for unknown.
    """
    if value is None:
        return MetadataValue.null()
    if isinstance(value, bool):
        return MetadataValue.bool(value)
    length = _length(value)
    if length is None:
        return MetadataValue.text(f"{_what(value)} that JSON has no form for: not shown here")
    if length > _MOST_SEEN:
        return MetadataValue.text(f"{_what(value)}, {length} bytes: too much to be shown here")
    if isinstance(value, int | float):
        return MetadataValue.int(value) if isinstance(value, int) else MetadataValue.float(value)
    return MetadataValue.text(value) if isinstance(value, str) else MetadataValue.json(value)


def _length(value: Any) -> int | None:
    """Return the bytes that a value takes as JSON that a browser reads; None where it has no such form, as NaN has none."""
    try:
        return len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode(errors="surrogatepass"))
    except (TypeError, ValueError, RecursionError):
        return None


def _what(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return "an object"
    return "text" if isinstance(value, str) else "a number" if isinstance(value, int | float) else "a value"
