"""Runs one task: check, render, then one call over the wire until the retry policy says stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from httptask import inputs as task_inputs
from httptask import masking, paging, render, sensitive
from httptask.budget import RetryBudget
from httptask.calling import Call, Job, World
from httptask.events import Event, TaskFinished, TaskStarted
from httptask.identity import new_idempotency_key
from httptask.message import Request
from httptask.model import Connection, IdempotencyKey, TaskTemplate
from httptask.outcome import Outcome, Warn
from httptask.pacing import Pacer
from httptask.ports import NOTHING_DONE, AttemptRecord, Clock, Observer, Recovery, Transport
from httptask.secrets import Redactor
from httptask.verifying import TaskVerifier, Verifier


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may say beside inputs and connection.

    Attributes:
        headers: extra headers of this call or workflow step.
        retry: retry fields that win over the template's and provider's (the files' camelCase names).
        once: send at most one attempt, for engines that retry themselves; its record still says what the policy would do next.
        allow_unknown_enum: a value outside an enumeration is a warning, not an error.
        deadline: seconds after which the caller gives up, waits included; None leaves it to the policy.
        idempotent: declares that sending twice equals sending once, or that it does not; None leaves it to the template.
        idempotency_key: the key of this logical call where the provider supports one; None makes a fresh one.
        verify: resolve an unknown outcome by the template's verify task.
        verify_before: take that task's answer before the first attempt, which a create needs to be found again.
        record: is asked before each attempt and told after it.
        recovery: what an earlier process left of this call.
        page_url: the URL of a later page of the list, in place of the rendered one; only on the connection's own origin.
        tried: failed attempts of earlier processes, under an engine that counts them; they count towards the policy's bounds.
        spent: seconds since the first of these began.

    """

    headers: Mapping[str, str] = field(default_factory=dict)
    retry: Mapping[str, Any] = field(default_factory=dict)
    once: bool = False
    allow_unknown_enum: bool = False
    deadline: float | None = None
    idempotent: bool | None = None
    idempotency_key: str | None = None
    verify: bool = True
    verify_before: bool = False
    record: AttemptRecord | None = None
    recovery: Recovery = NOTHING_DONE
    page_url: str | None = None
    tried: int = 0
    spent: float = 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What calls to the same servers share: the rate limits as the servers told them, and the budgets of retries."""

    pacer: Pacer = field(default_factory=Pacer)
    budget: RetryBudget = field(default_factory=RetryBudget)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it will look, the credential or a placeholder in its slot, and the warnings met on the way.

    `slots` are what it was put together from, without the credential; the URL of a later page has none.
    """

    request: Request
    warnings: tuple[Warn, ...]
    slots: tuple[render.Slot, ...] = ()


def prepare(
    template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, options: Options | None = None
) -> Prepared:
    """Check the inputs and render the request without sending it, and without asking for a token.

    Raises:
        UsageError: inputs or header values are wrong; every problem at once.

    """
    prepared = _prepared(template, inputs, connection, options or Options())
    if connection.auth is None:
        return prepared
    return replace(prepared, request=connection.auth.preview(prepared.request))


class Runner:
    """Runs tasks over one transport. Safe to share between threads, which then share rate-limit pacing and retry budgets."""

    def __init__(  # noqa: PLR0913 - each is a part of the world that a test or an engine replaces
        self,
        transport: Transport,
        clock: Clock,
        observer: Observer | None = None,
        *,
        tasks: Mapping[str, TaskTemplate] | None = None,
        verifier: Verifier | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Wire the runner to the world.

        Args:
            transport: sends requests.
            clock: time and chance.
            observer: is told what happens.
            tasks: where the verify tasks of templates are looked up; without it an unknown outcome stays unknown.
            verifier: takes the place of asking with tasks, for simulations.
            limits: what is known of servers' rate limits and retry budgets, where it outlives this runner.

        """
        limits = limits or Limits()
        self._world = World(transport, clock, observer or _unobserved, limits.pacer, limits.budget)
        self._tasks = tasks
        self._verifier = verifier

    def run(
        self, template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, options: Options | None = None
    ) -> Outcome:
        """Run a task to its outcome.

        Raises:
            UsageError: nothing was sent.
            Interrupted: Ctrl-C; carries the outcome known so far.

        """
        options = options or Options()
        prepared = _prepared(template, inputs, connection, options)
        if options.record is not None:
            options.record.prepared(prepared.request)
        observed = self._world.tell is not _unobserved  # what only an observer hears takes time to make
        shown = ""
        if observed:
            started = _started(template, inputs, prepared.request)
            shown = f"{started.method} {started.url}"
            self._world.tell(started)
        policy = template.retry_policy(connection.retry, options.retry)
        job = Job(
            template,
            inputs,
            prepared.request,
            connection,
            policy=replace(policy, max_attempts=policy.max_attempts + options.recovery.lost),
            warnings=prepared.warnings,
            once=options.once,
            idempotent=_is_idempotent(template, prepared.request, options),
            deadline=options.deadline,
            verify_before=options.verify_before,
            record=options.record,
            recovery=options.recovery,
            key_left=_key_left(template, options),
            tried=options.tried,
            spent=options.spent,
            shown=shown,
        )
        outcome = Call(job, self._world, self._verifier_for(template, connection, options)).run()
        if observed:
            self._world.tell(TaskFinished(outcome, masking.secrets_of(template, outcome)))
        return outcome

    def _verifier_for(self, template: TaskTemplate, connection: Connection, options: Options) -> Verifier | None:
        if not options.verify or template.verify is None:
            return None
        if self._verifier is not None or self._tasks is None:
            return self._verifier

        def run(task: TaskTemplate, inputs: Mapping[str, Any], left: float) -> Outcome:
            return self.run(task, inputs, connection, Options(verify=False, deadline=left))

        return TaskVerifier(self._tasks, run)


def _unobserved(event: Event) -> None:
    """Take an event that nobody asked for."""


def _prepared(template: TaskTemplate, inputs: Mapping[str, Any], connection: Connection, options: Options) -> Prepared:
    warnings = task_inputs.check(template, inputs, allow_unknown_enum=options.allow_unknown_enum)
    request, slots = render.rendered(template, inputs, connection, options.headers)
    if options.page_url is not None:
        request = paging.at_page(request, options.page_url, connection.base_url)
        slots = tuple(slot for slot in slots if slot.kind == "header")
    spec = _key_spec(template)
    if spec is not None and spec.header not in request.headers:
        key = options.idempotency_key or new_idempotency_key()
        text = f'"{key}"' if spec.quoted else key
        request = request.with_header(spec.header, text)
        slots = (*slots, render.Slot("header", spec.header, text, "httptask"))
    return Prepared(request, warnings, slots)


def _started(template: TaskTemplate, inputs: Mapping[str, Any], request: Request) -> TaskStarted:
    secrets = sensitive.inputs(template, inputs).secrets
    url = masking.url(template, request.url, Redactor(secrets))
    return TaskStarted(template.id, request.method, url, secrets)


def _key_spec(template: TaskTemplate) -> IdempotencyKey | None:
    spec = template.provider.idempotency_key
    return spec if spec is not None and template.method in spec.methods else None


def _is_idempotent(template: TaskTemplate, request: Request, options: Options) -> bool:
    """Tell whether sending twice equals sending once: the caller's word, an idempotency key, else the template or method."""
    if options.idempotent is not None:
        return options.idempotent
    spec = _key_spec(template)
    keyed = spec is not None and spec.header in request.headers and not options.recovery.key_expired
    return template.is_idempotent or keyed


def _key_left(template: TaskTemplate, options: Options) -> float | None:
    """Return for how many seconds from now a key makes a repetition safe; None where nothing depends on one."""
    spec = _key_spec(template)
    if spec is None or options.idempotent is not None or template.is_idempotent:
        return None
    return spec.valid_for - options.recovery.key_age
