"""Spelling help for messages: the known word nearest to the one that was written."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How alike two words must be (0 to 1) before one is offered for the other; difflib's own default.
LIKENESS = 0.6
#: A guess from one letter is noise.
SHORTEST_GUESSED = 2


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word most like this one, whatever its case, or None when nothing is like it."""
    if len(word) < SHORTEST_GUESSED:
        return None
    spellings = {candidate.lower(): candidate for candidate in known if len(candidate) >= SHORTEST_GUESSED}
    matches = get_close_matches(word.lower(), spellings, n=1, cutoff=LIKENESS)
    return spellings[matches[0]] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest known word, or the empty string."""
    match = nearest(word, known)
    return f"did you mean {match!r}?" if match is not None else ""
