"""A unit with its workflow's inputs as its schema has them: defaults filled in, checked, secrets read from their references."""

from __future__ import annotations

from dataclasses import replace

from httptask.errors import UsageError
from httptask.hosted.turns import Ended, not_begun
from httptask.hosted.units import Unit
from httptask.secret_inputs import Read, resolved
from httptask.surroundings import Surroundings
from httptask.workflow_inputs import checked_inputs


def given(unit: Unit, *, pending: bool = False, read: Read | None = None) -> Unit | Ended:
    """Return the unit with the inputs that it is worked on with, or its end where they do not fit.

    Args:
        unit: with the inputs as the engine keeps them: secret ones as references, which no engine's records give away.
        pending: something may have been sent for it before, so that its end is not known.
        read: reads a reference; None: from this worker's environment and files.

    """
    around = Surroundings.current()
    try:
        values, _ = resolved(unit.workflow, unit.inputs, read or (lambda text, where: around.secret(text, around.cwd, where)))
        return replace(unit, inputs=checked_inputs(unit.workflow, values))
    except UsageError as error:
        return not_begun(unit, error, pending=pending)
