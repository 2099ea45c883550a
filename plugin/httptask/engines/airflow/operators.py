"""One task as an Airflow operator; a sensor asks it again until a condition holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.log import mask_secret

from httptask import sensitive
from httptask.engines.airflow.hooks import ConnectionId
from httptask.engines.airflow.retries import HttpTaskRetryPolicy, MappedRetryPolicy
from httptask.engines.airflow.taking import take_turns
from httptask.engines.airflow.tasks import names_of, registry
from httptask.engines.airflow.telling import fail, let_note, told_again
from httptask.engines.airflow.tries import Tries
from httptask.errors import InputInvalid, Problem, ProblemsError, UsageError
from httptask.hosted.one_task import OneTask, Use
from httptask.hosted.turns import not_begun
from httptask.inputs import input_schema, typed
from httptask.model import TaskTemplate
from httptask.wiring import Folders

_OPENINGS = ("{{", "{%")


class HttpTaskOperator(BaseOperator):
    """Sends one task, with retries that Airflow makes when the task's own policy and the server say.

    Each named output is an XCom under its own name: `create.output["updateId"]`. The whole outcome is the XCom `outcome`.
    """

    template_fields: Sequence[str] = ("inputs", "headers", "conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json", "headers": "json"}
    ui_color = "#e3ecf8"

    def __init__(  # noqa: PLR0913 - each is a word of a DAG's author
        self,
        *,
        task: str,
        inputs: Mapping[str, Any] | None = None,
        conn_id: ConnectionId = None,
        headers: Mapping[str, str] | None = None,
        retry: Mapping[str, Any] | None = None,
        timeout: float | timedelta | None = None,
        idempotent: bool | None = None,
        verify_before: bool = False,
        templates: Folders = (),
        retries: int | None = None,
        retry_policy: Any = None,
        **more: Any,
    ) -> None:
        """Describe the use of a task.

        Args:
            task: its id.
            inputs: its inputs; texts may hold Airflow's `{{ }}`, and what these give is read as `-i` reads it.
            conn_id: of the Airflow connection; or one for each provider. Without it `httptask_default`.
            headers: of its requests.
            retry: retry fields that win over the template's and the connection's.
            timeout: seconds for all of it, waits included.
            idempotent: declares that sending twice equals sending once, or that it does not.
            verify_before: asks the verify task before the first attempt, so that a lost creation can be found.
            templates: folders with templates beside those of HTTPTASK_PATH.
            retries: attempts after the first; without it as many as the task's own policy has.
            retry_policy: belongs to the task, and cannot be given.
            more: what any operator takes.

        Raises:
            UnknownTask: there is no such task.
            DefinitionError: what is said of its use is wrong.
            ValueError: there is a policy already.

        """
        self.most = _most(retries, retry_policy)
        self.task_template_id, self.templates = task, names_of(templates)
        self.inputs, self.headers, self.conn_id = inputs or {}, headers or {}, conn_id
        self.retry, self.timeout, self.idempotent, self.verify_before = retry, timeout, idempotent, verify_before
        template, own = self._template(), _own_retries(task, self.use(), self.templates)
        more.setdefault("doc_md", template.description or template.summary)
        super().__init__(retries=own if retries is None else retries, retry_policy=HttpTaskRetryPolicy(), **more)
        let_note(self)
        self.has_begun = False
        #: Names of the inputs that Airflow makes text of.
        self.rendered = frozenset(_templated(inputs) if isinstance(inputs, Mapping) else ())

    @classmethod
    def partial(cls, **given: Any) -> Any:
        """Begin a mapped task; it has the retries of the task's own policy too, where nobody says otherwise.

        Raises:
            DefinitionError: what is said of its use, and is not mapped, is wrong.
            ValueError: there is a policy already.

        """
        policy = MappedRetryPolicy(_most(given.get("retries"), given.get("retry_policy")))
        begun = super().partial(**{**given, "retry_policy": policy})
        said = {**_defaults(begun.kwargs), **given}
        if "task" in said:
            own = _own_retries(said["task"], _use(said), said.get("templates", ()))
            begun.kwargs["retries"] = own if policy.most is None else given["retries"]
        return begun

    def execute(self, context: Any) -> None:
        """Send it, or ask once.

        Raises:
            HttpTaskFailed: it failed for good, or its inputs do not fit and nothing was sent.

        """
        if told_again(context):
            return
        ti = context["ti"]
        key = f"{ti.dag_id}/{ti.run_id}/{ti.task_id}/{ti.map_index}"
        try:
            unit = self._whole(self._typed()).unit(registry(self.templates))
        except ProblemsError as error:
            self._refuse(context, error)
        self.has_begun = True
        take_turns(self, context, unit, key)

    def resume(self, context: Any, event: Any = None) -> None:  # noqa: ARG002 - Airflow hands over what its trigger said
        """Go on after the wait between two askings."""
        self.execute(context)

    def use(self) -> Use:
        """Return how the task is used: what was said of that is kept under the names of the arguments."""
        return _use(vars(self))

    def _whole(self, inputs: Mapping[str, Any]) -> OneTask:
        return OneTask.used(self._template(), inputs, self.use())

    def _refuse(self, context: Any, error: ProblemsError) -> NoReturn:
        """Fail because nothing can be sent; unknown, if something may have been sent before.

        Raises:
            HttpTaskFailed: always.

        """
        template = self._template()
        whole = OneTask.used(template, _required(template), Use(idempotent=self.idempotent)).unit(registry(self.templates))
        wrong = error if isinstance(error, UsageError) else InputInvalid(error.problems)
        fail(context, whole.use, not_begun(whole, wrong, pending=Tries(context).is_pending))

    def _template(self) -> TaskTemplate:
        return registry(self.templates)[self.task_template_id]

    def _typed(self) -> dict[str, Any]:
        """Return the inputs, with the types that the task asks for where Airflow made text of them.

        Raises:
            InputInvalid: what Airflow gave for the inputs or headers is no object.

        """
        for name, value in {"inputs": self.inputs, "headers": self.headers}.items():
            if not isinstance(value, Mapping):
                raise InputInvalid(Problem(name, "Airflow gave no object for them", "look at the task that they come from"))
        rendered = {name: value for name, value in self.inputs.items() if name in self.rendered}
        return {**self.inputs, **typed(self._template(), rendered)}

    def _do_render_template_fields(self, *given: Any, **named: Any) -> None:
        """Let Airflow render, and mask what the task calls secret before Airflow writes the fields down."""
        super()._do_render_template_fields(*given, **named)
        if isinstance(self.inputs, Mapping):
            for secret in sensitive.inputs(self._template(), self.inputs).secrets:
                mask_secret(secret.reveal())


def _required(template: TaskTemplate) -> dict[str, None]:
    """Return inputs that stand for those that must be given."""
    return dict.fromkeys(input_schema(template).get("required", ()))


def _most(retries: int | None, policy: Any) -> int | None:
    """Return the attempts that the DAG's author allows; None leaves them to the policies of the task and the connection.

    Raises:
        ValueError: there is a policy that is not the task's own.

    """
    if isinstance(policy, MappedRetryPolicy):
        return policy.most
    if policy is not None:
        raise ValueError("the retry policy is the task's own: give `retry={'maxAttempts': ...}` or `retries` instead")
    return None if retries is None else retries + 1


def _defaults(begun: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a DAG and a group give to a mapped task, which Airflow adds in the worker alone."""
    around = [begun[name] for name in ("dag", "task_group") if begun[name] is not None]
    return {name: value for each in around for name, value in each.default_args.items()}


def _use(given: Mapping[str, Any]) -> Use:
    """Return how a task is used, or asked, as arguments say it; headers that Airflow makes in the worker are looked at there."""
    headers = given.get("headers")
    use = Use(
        headers=headers if isinstance(headers, Mapping) else None,
        timeout=given.get("timeout"),
        retry=given.get("retry"),
        idempotent=given.get("idempotent"),
        verify_before=given.get("verify_before"),
    )
    if "until" in given:  # no operator's argument, and a sensor's may be mapped
        use |= Use(until=given["until"], fail_if=given.get("fail_if"), every=given.get("poke_interval"))
    return use


def _own_retries(task: str, use: Use, templates: Folders) -> int:
    """Return the attempts after the first that the task's own policy has; a connection may still say otherwise.

    Raises:
        DefinitionError: something that is said of the use is wrong.

    """
    tasks = registry(names_of(templates))
    template = tasks[task]
    OneTask.used(template, _required(template), use).unit(tasks)
    return template.retry_policy(use.get("retry") or {}).max_attempts - 1


def _templated(inputs: Mapping[str, Any]) -> list[str]:
    return [name for name, value in inputs.items() if isinstance(value, str) and any(each in value for each in _OPENINGS)]


class HttpTaskSensor(HttpTaskOperator):
    """Asks a task again until a condition on its answer holds; between two askings no worker is kept.

    `until` and `fail_if` are expressions of workflows, over `response`; Airflow's templates never see them.
    """

    ui_color = "#e6f1f2"

    def __init__(
        self,
        *,
        until: str,
        fail_if: str | None = None,
        poke_interval: float | timedelta = 60.0,
        timeout: float | timedelta = timedelta(days=7),
        **more: Any,
    ) -> None:
        """Describe what is waited for; `timeout` is the time to ask at most, and `more` is what HttpTaskOperator takes."""
        self.until, self.fail_if, self.poke_interval = until, fail_if, poke_interval
        super().__init__(timeout=timeout, **more)
