"""The command line: `httptask list`, `show`, `test`, `run`, `validate`, `connections`, `sandbox`, `manifest`, `completion`.

Results go to stdout, everything else to stderr. Exit codes: 0 succeeded, 1 failed, 2 usage or definition error, 3 unknown,
4 waiting for approval, 130 interrupted.
"""

from __future__ import annotations

from httptask.cli.main import main, run

__all__ = ["main", "run"]
