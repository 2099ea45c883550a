"""`python -m httptask` and the `httptask` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from httptask.cli import run

    run()


if __name__ == "__main__":
    main()
