"""`httptask deploy`: make an engine know our tasks and workflows."""

from __future__ import annotations

from httptask.cli.engines import EngineCommands

#: Engines that keep definitions in their server; each has a module in `cli/deployers`.
DEPLOYERS = ("conductor",)

command = EngineCommands(
    "deploy",
    package="httptask.cli.deployers",
    engines=DEPLOYERS,
    short_help="Register tasks and workflows with a workflow engine.",
    help="Register tasks and workflows with the server of a workflow engine.",
)
