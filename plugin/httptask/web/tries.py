"""Sends a task's request from the page: made ready, asked about where it changes something, and tried in a thread."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from httptask import sensitive
from httptask.errors import ConfigurationError, UsageError
from httptask.runner import Prepared
from httptask.trying import Trial, attempt
from httptask.web import drafts
from httptask.web.confirmations import Question, check_same, digest_of
from httptask.web.entries import CONNECTION
from httptask.web.targets import connection_of, targets_of, where_of
from httptask.web.works import Work

if TYPE_CHECKING:
    from httptask.model import Connection, TaskTemplate
    from httptask.web.desk import Desk
    from httptask.web.drafts import Draft
    from httptask.web.site import Site
    from httptask.web.targets import Target

#: What asks nobody first: it changes nothing (RFC 9110 section 9.2.1).
UNASKED = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Ready:
    """A trial that may be sent, and the request that it will make: another one is refused."""

    trial: Trial
    target: Target
    draft: Draft
    connection: Connection
    prepared: Prepared

    @property
    def credential(self) -> frozenset[str]:
        """The names of headers that carry the credential."""
        return self.connection.owned_headers

    @property
    def needs_a_word(self) -> bool:
        """Whether a person is asked first."""
        return self.target.is_real and self.trial.template.method not in UNASKED


def made_ready(desk: Desk, template: TaskTemplate, site: Site) -> Ready | None:
    """Return what the form makes, ready to be shown or sent; None when something is wrong, which is noted."""
    checked = desk.check()
    desk.discretion.learn(sensitive.inputs(template, checked.inputs).secrets)
    try:
        connection = connection_of(desk.target, template.provider, site.sandbox)
    except ConfigurationError as error:
        desk.blame(CONNECTION, error.problems)
        return None
    site.meet(connection.secrets)
    desk.discretion.learn(connection.secrets)
    desk.targets = targets_of(template.provider, site.around(), site.sandbox)  # the sandbox has an address now
    if desk.problems:
        return None
    trial = Trial(template, checked.inputs, drafts.options_of(desk.draft, checked))
    try:
        return Ready(trial, desk.target, desk.draft, connection, trial.prepared(connection))
    except UsageError as error:
        desk.problems = drafts.placed(error.problems, checked)
        return None


def asked(ready: Ready, site: Site) -> tuple[str, Question]:
    """Return the question whether a request may be sent, by its name."""
    request = ready.prepared.request
    facts = (
        ("Connection", f"{ready.target.title} ({ready.target.detail})"),
        ("Server", request.origin),
        ("Request", f"{request.method} {request.shown_url.removeprefix(request.origin)}"),
    )
    act = f"Send this {request.method} to {request.origin}?"
    return site.confirmations.ask(Question(act, f"Send {request.method}", facts, ready))


def sent(ready: Ready, site: Site) -> Work:
    """Send it in a thread, and return the work to be watched.

    Raises:
        UsageError: nothing can be sent there.
        JournalError: the journal cannot be used, and nothing is sent without it.

    """
    trial, digest = ready.trial, digest_of(ready.prepared.request, ready.credential)
    where = where_of(ready.target, site.sandbox)
    journal, registry = site.journal.opened(), site.catalogue.registry()

    def same(prepared: Prepared) -> None:
        check_same(prepared.request, ready.credential, digest)

    guarded = replace(trial, before=same)
    work = Work(trial.run_id, trial.template.id, ready.draft, ready.target.key)

    def do() -> None:
        work.tried = attempt(guarded, registry, where, journal=journal, company=site.company(work))

    site.works.start(work, do)
    return work
