"""Durations as people write them in files: `2`, `500ms`, `2s`, `10m`, `1h`."""

from __future__ import annotations

import re

_DURATION = re.compile(r"([0-9.]+)(ms|s|m|h)\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(duration: float | str) -> float:
    """Return a duration in seconds.

    Raises:
        ValueError: the text is no duration.

    """
    if not isinstance(duration, str):
        return float(duration)
    match = _DURATION.match(duration)
    if match is None:
        raise ValueError(duration)
    return float(match[1]) * _UNITS[match[2]]
