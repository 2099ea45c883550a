"""What the page is made of, for as long as `httptask serve` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from httptask.discretion import Discretion
from httptask.secrets import Secret
from httptask.surroundings import Surroundings
from httptask.web.catalogue import Catalogue
from httptask.web.pages import Pages
from httptask.web.targets import PageSandbox
from httptask.web.workflow_files import WorkflowFiles


@dataclass
class Site:
    """The tasks, the workflows, the sandbox and the templates. `around` is asked anew for each request.

    `discretion` learns every credential that is used, so that an error of the program itself is told without one.
    """

    catalogue: Catalogue
    workflows: WorkflowFiles
    journal: Path | None = None
    sandbox: PageSandbox = field(default_factory=PageSandbox)
    pages: Pages = field(default_factory=Pages)
    around: Callable[[], Surroundings] = Surroundings.current
    discretion: Discretion = field(default_factory=Discretion)
    _met: set[Secret] = field(default_factory=set)

    def meet(self, secrets: Iterable[Secret]) -> None:
        """Learn credentials."""
        new = set(secrets) - self._met
        if new:
            self._met |= new
            self.discretion.learn(new)

    def close(self) -> None:
        """End what the page started."""
        self.sandbox.close()
