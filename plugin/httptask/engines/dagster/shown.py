"""What Dagster's pages show: names that it takes, and previews of values, because it shows none itself."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from dagster import MetadataValue, Out, Output

from httptask.errors import ConfigurationError, Problem
from httptask.hosted.passing import size
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
    """Return a value as a page shows it, or what it is when it is long."""
    if isinstance(value, bool) or value is None:
        return MetadataValue.json(value)
    if isinstance(value, int | float):
        return MetadataValue.int(value) if isinstance(value, int) else MetadataValue.float(value)
    length = size(value)
    if length > _MOST_SEEN:
        what = f"a list of {len(value)}" if isinstance(value, list) else "an object" if isinstance(value, Mapping) else "text"
        return MetadataValue.text(f"{what}, {length} bytes: too much to be shown here")
    return MetadataValue.text(value) if isinstance(value, str) else MetadataValue.json(value)
