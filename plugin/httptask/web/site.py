"""What the page is made of, for as long as `httptask serve` runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from httptask.discretion import Discretion
from httptask.executing import Company
from httptask.secrets import Secret
from httptask.surroundings import Surroundings
from httptask.web.catalogue import Catalogue
from httptask.web.confirmations import Confirmations
from httptask.web.journals import PageJournal
from httptask.web.pages import Pages
from httptask.web.sandboxes import PageSandbox
from httptask.web.workflow_files import WorkflowFiles
from httptask.web.works import Work, Works

if TYPE_CHECKING:
    from httptask.model import Connection


def _unheard(error: Exception) -> None:
    raise error


@dataclass
class Site:
    """The tasks, the workflows, what is under way, and where it is written down.

    Attributes:
        around: is asked anew for each request.
        discretion: learns every credential that is used, so that an error of the program itself is told without one.
        failed: is told of such errors.

    """

    catalogue: Catalogue
    workflows: WorkflowFiles
    journal: PageJournal = field(default_factory=PageJournal)
    failed: Callable[[Exception], None] = _unheard
    around: Callable[[], Surroundings] = Surroundings.current
    discretion: Discretion = field(default_factory=Discretion)
    sandbox: PageSandbox = field(default_factory=PageSandbox)
    pages: Pages = field(default_factory=Pages)
    confirmations: Confirmations = field(default_factory=Confirmations)
    works: Works = field(init=False)
    _met: set[Secret] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin with nothing under way."""
        self.works = Works(self.failed)

    def meet(self, secrets: Iterable[Secret]) -> None:
        """Learn credentials."""
        new = set(secrets) - self._met
        if new:
            self._met |= new
            self.discretion.learn(new)

    def company(self, work: Work) -> Company:
        """Return who is there while a work executes."""
        discretion = Discretion()

        def redact(used: Iterable[Connection]) -> None:
            secrets = tuple(secret for each in used for secret in each.secrets)
            self.meet(secrets)
            discretion.learn(secrets)

        return Company(discretion, (work.take,), work.halt, redact=redact)

    def close(self) -> None:
        """Stop what is under way, in an orderly way, and end what the page started."""
        self.works.close()
        self.sandbox.close()
        self.journal.close()
