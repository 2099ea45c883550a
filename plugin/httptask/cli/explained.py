"""`--explain`: where each value of a request came from, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from httptask.cli.console import Console, on_one_line
from httptask.explaining import Part
from httptask.inputs import BODY
from httptask.secrets import CUT

#: Characters of a value in the table; `--json` has it whole.
_WIDEST_VALUE = 48
_SLOTS = {"baseUrl": "base URL"}


def inputs_from(inputs: Mapping[str, Any], given: Iterable[str], file: Path | None, body: str | None) -> dict[str, str]:
    """Return which option gave each input; later options win, as they do when they are read."""
    sources = {} if file is None else dict.fromkeys(inputs, f"--inputs {file}")
    sources |= {name: "-i" for name in (option.partition("=")[0] for option in given) if name in inputs}
    return sources | ({BODY: "--body"} if body is not None else {})


def print_explanation(parts: Sequence[Part], console: Console) -> None:
    """Print a row for each value, behind the request itself."""
    if not parts:
        return
    console.out()
    console.table([("slot", "name", "value", "encoder", "from"), *map(_row, parts)])


def _row(part: Part) -> tuple[str, ...]:
    value = part.value if len(part.value) <= _WIDEST_VALUE else part.value[:_WIDEST_VALUE] + CUT
    came = ": ".join(filter(None, (part.origin, on_one_line(part.detail))))
    return _SLOTS.get(part.slot, part.slot), part.name, value, part.encoder, came
