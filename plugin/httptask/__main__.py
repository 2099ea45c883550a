"""`python -m httptask` and the `httptask` command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from httptask.cli import run

        run()
    except KeyboardInterrupt:  # Ctrl-C while the modules above load; later ones are answered there
        sys.exit(_interrupted())


def _interrupted() -> int:
    if sys.stderr is not None:
        sys.stderr.write("error: interrupted\n")
    return 130


if __name__ == "__main__":
    main()
