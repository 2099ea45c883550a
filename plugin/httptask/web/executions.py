"""Executes runs of workflows from the page: begun, or gone on with, each in a thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from httptask.beginning import Beginning
from httptask.definitions import Definition, definition_of, loaded
from httptask.errors import Problem, UsageError
from httptask.executing import Company, Plan, execute, named_connection
from httptask.identity import new_id
from httptask.journal import RunRecord
from httptask.masked_runs import masked_run
from httptask.origins import origin_of
from httptask.resumption import Resumption, check_open, held
from httptask.secret_inputs import resolved
from httptask.web.targets import SANDBOX, where_of
from httptask.web.works import Work
from httptask.wiring import Lent, Where, connections
from httptask.workflow_inputs import checked_inputs

if TYPE_CHECKING:
    from httptask.journal import HeldRun
    from httptask.model import Connection, Workflow
    from httptask.registry import Registry
    from httptask.web.desk import Desk
    from httptask.web.drafts import Draft
    from httptask.web.site import Site
    from httptask.web.targets import Target


@dataclass(frozen=True, slots=True)
class RunReady:
    """A run that may begin. `bases` are the base URLs that it will use, by provider: others are refused.

    `values` are the inputs with the secrets that `references` name; `connection` is what the workflow's own one says.
    """

    workflow: Workflow
    registry: Registry
    values: Mapping[str, Any] = field(repr=False)
    references: Mapping[str, str]
    target: Target
    draft: Draft
    connection: str | None
    bases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Going:
    """How a run goes on: what a person says, and references of values that the journal did not keep.

    Attributes:
        approve: gates, and whether each is opened.
        done: unknown outcomes that were found to be successes, with their outputs.
        not_done: those that were found to have changed nothing.

    """

    run_id: str
    approve: Mapping[str, bool] = field(default_factory=dict)
    done: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    not_done: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict)


def made_ready(workflow: Workflow, inputs: Mapping[str, Any], desk: Desk, site: Site) -> RunReady:
    """Return a run that may begin.

    Raises:
        UsageError: a secret that is no reference or does not fit, or no connection.

    """
    around, target = site.around(), desk.target
    registry = site.catalogue.registry()
    values, references = resolved(workflow, inputs, lambda text, where: around.secret(text, around.cwd, where))
    values = checked_inputs(workflow, values)
    named = named_connection(workflow, values)
    ready = RunReady(workflow, registry, values, references, target, desk.draft, named, {})
    if target.key == SANDBOX:
        return ready
    bases: dict[str, str] = {}
    with connections(where_of(target, site.sandbox), {}, named) as connect:
        for task in dict.fromkeys(workflow.tasks()):
            connection = connect(registry[task])
            site.meet(connection.secrets)
            bases[registry[task].provider.id] = connection.base_url
    return replace(ready, bases=bases)


def begun(ready: RunReady, site: Site) -> Work:
    """Begin a run in a thread, and return the work to be watched.

    Raises:
        UsageError: the sandbox cannot be started, or nothing can be sent.
        JournalError: the journal cannot be used.

    """
    journal, document = site.journal.opened(), definition_of(ready.workflow, ready.registry)
    where = _where(ready, site)
    expected = {provider: origin_of(base) or base for provider, base in ready.bases.items()}
    run_id = new_id()
    plan = Plan(ready.workflow, ready.registry, ready.values, where, ready.connection, expected=expected, run_id=run_id)
    work = Work(run_id, workflow=ready.workflow)

    def do() -> None:
        company = site.company(work)
        beginning = Beginning(journal, document, ready.references)
        _carried_out(plan, lambda used: beginning.note(plan, used, company.discretion.redactor), company, work)

    site.works.start(work, do)
    return work


def gone_on(going: Going, site: Site) -> Work:
    """Go on with a run in a thread, and return the work to be watched.

    Raises:
        JournalError: there is no such run, nothing is left to do, or the journal cannot be used.
        UsageError: its sandbox has ended.

    """
    journal = site.journal.opened()
    record = journal.record(going.run_id)
    check_open(record)
    lent = lent_to(record, site)
    work = Work(record.id)

    def do() -> None:
        company = site.company(work)
        with held(journal, record.id, sandbox_stays=lent is not None) as found:
            definition = Definition.from_bytes(journal.definition(record.definition))
            with loaded(definition) as (workflow, registry):
                work.workflow = workflow
                resumption = Resumption(record, found, workflow, registry, company.discretion)
                plan = resumption.plan(going.given)
                plan = plan if lent is None else replace(plan, where=Where(sandbox=True, lent=lent))
                _carried_out(plan, lambda _: _told(resumption, going), company, work)

    site.works.start(work, do)
    return work


def lent_to(record: RunRecord, site: Site) -> Lent | None:
    """Return the sandbox that a run began in; None for a run that is in none.

    Raises:
        UsageError: it has ended.

    """
    if not record.connections["where"]["sandbox"]:
        return None
    origins = set(record.connections["origins"].values())
    found = next((lent for lent in map(site.sandbox.at, origins) if lent is not None), None)
    if found is None:
        raise UsageError(Problem(record.id, "the sandbox of this run has ended", "start the run again"))
    return found


def _carried_out(plan: Plan, prepare: Callable[[Mapping[str, Connection]], HeldRun | None], company: Company, work: Work) -> None:
    done = execute(plan, prepare, company)
    work.result = masked_run(done.result, plan.registry, company.discretion.redactor, done.learned)


def _told(resumption: Resumption, going: Going) -> HeldRun:
    """Write down what a person said, all of it or nothing."""
    words = resumption.words()
    for path, outputs in going.done.items():
        words.assume_done(path, outputs)
    for path in going.not_done:
        words.assume_not_done(path)
    for path, approved in going.approve.items():
        words.approve(path, approved=approved)
    words.write()
    return resumption.held


def _where(ready: RunReady, site: Site) -> Where:
    if ready.target.key == SANDBOX:
        return Where(sandbox=True, lent=site.sandbox.for_run(ready.workflow.sandbox))
    return where_of(ready.target, site.sandbox)
