"""The steps of a workflow as Airflow operators. Their expressions are evaluated here, in the worker, and never by Airflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from httptask.engines.airflow.hooks import ConnectionId, host
from httptask.engines.airflow.inputs import given_by
from httptask.engines.airflow.plans import LIST, Plan, planned
from httptask.engines.airflow.results import end_of, pulled, settled, stopped_by, unknown_in
from httptask.engines.airflow.retries import HttpTaskRetryPolicy
from httptask.engines.airflow.taking import take_turns
from httptask.engines.airflow.telling import end, fail, let_note, told_again
from httptask.engines.airflow.tries import Tries
from httptask.hosted import decisions
from httptask.hosted.decisions import Asked, Listed, Waiting
from httptask.hosted.given import given
from httptask.hosted.outline import Node
from httptask.hosted.turns import Ended
from httptask.hosted.units import Action, Item, Unit
from httptask.hosted.walking import ends_items, is_undone

#: Tries of a task that sends nothing: one whose worker was lost is simply done again.
_TRIES = {"retries": 2, "retry_delay": timedelta(seconds=5)}


class Step:
    """What the operators of steps share. They hold names and texts alone: Airflow writes down what it is given."""

    workflow: str
    templates: Sequence[str]
    conn_id: ConnectionId
    path: str

    def take_place(self, workflow: str, templates: Sequence[str], conn_id: ConnectionId, path: str) -> None:
        """Keep which step of which file it is."""
        self.workflow, self.templates, self.conn_id, self.path = workflow, list(templates), conn_id, path

    @property
    def plan(self) -> Plan:
        """The workflow's plan."""
        return planned(self.workflow, tuple(self.templates))

    @property
    def node(self) -> Node:
        """The step in the outline."""
        return self.plan.node(self.path)

    def unit(self, context: Any, action: Action, results: Mapping[str, Any] | None = None, item: Any = None) -> Unit:
        """Return the unit, with the results that it reads, or those that are given.

        Raises:
            HttpTaskFailed: the inputs of the run do not fit.

        """
        plan = self.plan
        read = pulled(plan, self.node.reads, context) if results is None else results
        inputs = given_by(plan.workflow, context["params"])
        each = None if item is None else Item.from_json(item)
        began = context["dag_run"].start_date.timestamp() if plan.workflow.timeout is not None else None
        whole = Unit(plan.workflow, plan.registry, self.path, inputs, action, read, each, began)
        done = given(whole, pending=action == "send" and Tries(context).is_pending)
        if isinstance(done, Ended):
            fail(context, whole.use, done)
        return done


class SendStep(Step, BaseOperator):
    """A step that sends a task, or one item of a step with forEach."""

    template_fields: Sequence[str] = ()
    ui_color = "#e3ecf8"

    def __init__(  # noqa: PLR0913 - which step it is
        self,
        *,
        workflow: str,
        templates: Sequence[str],
        conn_id: ConnectionId,
        path: str,
        most: int | None = None,
        item: Any = None,
        **more: Any,
    ) -> None:
        """Keep which step it is; `most` are the attempts that the DAG's author allows."""
        super().__init__(**{**more, "retry_policy": HttpTaskRetryPolicy()})
        self.take_place(workflow, templates, conn_id, path)
        let_note(self)
        self.most, self.item, self.has_begun = most, item, False

    def execute(self, context: Any) -> None:
        """Send it, or ask once; an item is not begun after another one that ends its step."""
        if told_again(context):
            return
        tries = Tries(context)
        if self.item is not None and not tries.is_begun:
            self._stop(context)
            tries.begin()
        self.resume(context)

    def resume(self, context: Any, event: Any = None) -> None:  # noqa: ARG002 - Airflow hands over what its trigger said
        """Take turns, after a wait between two askings too."""
        unit = self.unit(context, "send", item=self.item)
        self.has_begun = True
        take_turns(self, context, unit, _key(context))

    def _stop(self, context: Any) -> None:
        ended = {use: result["status"] for use, result in stopped_by(self.plan, self.node, context).items()}
        cause = next((use for use, status in ended.items() if ends_items(self.node, status)), None)
        if cause is not None:
            Tries(context).end()  # nothing was sent: whoever clears it wants it done
            raise AirflowSkipException(f"{self.path}[{self.item['index']}]: cancelled, because {cause} is {ended[cause]}")


class QuietStep(Step, BaseOperator):
    """A step that sends nothing."""

    template_fields: Sequence[str] = ()
    ui_color = "#f3f3f3"

    def __init__(self, *, workflow: str, templates: Sequence[str], conn_id: ConnectionId, path: str, **more: Any) -> None:
        """Keep which step it is."""
        super().__init__(**{**more, **_TRIES})
        self.take_place(workflow, templates, conn_id, path)


class DecisionStep(QuietStep):
    """What stands between the requests: the items of a forEach, the beginning and end of groups, the workflow's outputs."""

    def __init__(self, *, action: Action, **more: Any) -> None:
        """Keep which step it is, and what is to be decided."""
        super().__init__(**more)
        self.action: Action = action

    def execute(self, context: Any) -> list[dict[str, Any]] | None:
        """Decide it; the items of a forEach are returned, because Airflow maps over what a task returns."""
        with host(self.conn_id) as world:
            return _DECISIONS[self.action](self, context, world)

    def listed(self, context: Any, world: Any) -> list[dict[str, Any]]:
        """Return the items of a forEach; none where the list itself failed and the workflow goes on."""
        unit = self.unit(context, "list")
        done = decisions.items_of(unit, world, key=_key(context))
        if isinstance(done, Listed):
            _check_length(self.path, len(done.items))
            return [item.to_json() for item in done.items]
        end(context, self.path, done)
        return []

    def gathered(self, context: Any, world: Any) -> None:
        """Leave what the items came to; nothing where they were not begun."""
        place = next(place for place in self.plan.places[self.path] if place.endswith(f".{LIST}"))
        listed = context["ti"].xcom_pull(task_ids=place, map_indexes=None)
        own = settled(self.plan, [self.node], context)
        if listed is None or self.path in own:
            raise AirflowSkipException(f"{self.path}: no item was begun")
        unit = self.unit(context, "gather", {**pulled(self.plan, self.node.reads, context), **own})
        end(context, self.path, decisions.gather(unit, world, key=_key(context), expected=len(listed)))

    def entered(self, context: Any, world: Any) -> None:
        """Leave whether a group or workflow is begun; its steps are skipped with this task where it is not."""
        done = decisions.enter(self.unit(context, "enter"), world, key=_key(context))
        end(context, self.path, done)
        if done.status != "succeeded":
            raise AirflowSkipException(f"{self.path}: failed, and the workflow goes on: {done.message}")

    def left(self, context: Any, world: Any) -> None:
        """Leave what the steps of a group or workflow came to."""
        begun = pulled(self.plan, [self.path], context).get(self.path)
        if begun is None or begun["status"] != "succeeded":
            raise AirflowSkipException(f"{self.path}: it was not begun")
        own = settled(self.plan, self.node.members, context)
        results = {**pulled(self.plan, self.node.reads, context), **own}
        if self.node.kind == "group":
            done = decisions.gather(self.unit(context, "gather", results), world, key=_key(context), expected=0)
        else:
            failed = end_of(own, self.node.members)
            done = decisions.leave(self.unit(context, "leave", results), world, key=_key(context), failed=failed)
        end(context, self.path, done)

    def concluded(self, context: Any, world: Any) -> None:
        """Leave the outputs of the workflow."""
        end(context, self.path, decisions.outputs_of(self.unit(context, "outputs"), world, key=_key(context)))


_DECISIONS: Mapping[Action, Any] = {
    "list": DecisionStep.listed,
    "gather": DecisionStep.gathered,
    "enter": DecisionStep.entered,
    "leave": DecisionStep.left,
    "outputs": DecisionStep.concluded,
}


class WaitStep(QuietStep):
    """A wait; no worker is kept for it."""

    def execute(self, context: Any) -> None:
        """Write down when the wait is over, and wait until then."""
        with host(self.conn_id) as world:
            done = decisions.wait(self.unit(context, "wait"), world, key=_key(context))
            now = world.clock.now()
        if not isinstance(done, Waiting):
            return end(context, self.path, done)
        store, name = context["task_state_store"], f"httptask-until-{context['ti'].max_tries}"
        moment = store.get(name)
        if moment is None:
            moment = now + done.seconds
            store.set(name, moment)
        return self.defer(trigger=DateTimeTrigger(datetime.fromtimestamp(moment, UTC)), method_name="resume")

    def resume(self, context: Any, event: Any = None) -> None:  # noqa: ARG002 - Airflow hands over what its trigger said
        """Go on."""
        end(context, self.path, Ended("succeeded", {"status": "succeeded"}))


class ApprovalStep(Step, ApprovalOperator):
    """A question to a person, among Airflow's required actions; it waits there without a worker."""

    template_fields: Sequence[str] = ()

    def __init__(self, *, workflow: str, templates: Sequence[str], conn_id: ConnectionId, path: str, **more: Any) -> None:
        """Keep which step it is."""
        super().__init__(subject=path, **{**more, **_TRIES})
        self.take_place(workflow, templates, conn_id, path)

    def execute(self, context: Any) -> None:
        """Ask."""
        with host(self.conn_id) as world:
            asked = decisions.ask(self.unit(context, "ask"), world, key=_key(context))
        if not isinstance(asked, Asked):
            return end(context, self.path, asked)
        self.subject, self.body = asked.message.partition("\n")[0], asked.message
        return super().execute(context)

    def execute_complete(self, context: Any, event: Any) -> None:
        """Go on as the person said; a rejection ends the run, or begins its onFailure."""
        answer = HITLOperator.execute_complete(self, context, event)
        with host(self.conn_id) as world:
            unit = self.unit(context, "decide")
            done = decisions.answered(unit, world, key=_key(context), approved=self.APPROVE in answer["chosen_options"])
        end(context, self.path, done)


class UndoStep(QuietStep):
    """The gate before the steps of onFailure: opens when a step has failed for good, and not when an outcome is unknown."""

    def execute(self, context: Any) -> None:
        """Let the steps of onFailure begin, or skip them."""
        nodes = [*self.plan.outline.nodes, self.plan.node("")]
        results = settled(self.plan, [each for node in nodes for each in node.every()], context)
        ended, unknown = end_of(results, nodes), unknown_in(results)
        if unknown is not None:
            raise AirflowSkipException(f"nothing is undone: what {unknown} did is unknown")
        if ended is None or not is_undone(ended.to_json()):
            raise AirflowSkipException(
                "nothing is undone: " + ("no step failed" if ended is None else f"{ended.error}: {ended.message}")
            )


class FailedRun(BaseOperator):
    """The last task of a run with onFailure: what was undone has failed all the same."""

    template_fields: Sequence[str] = ()
    ui_color = "#f3f3f3"

    def execute(self, context: Any) -> None:  # noqa: ARG002 - Airflow's signature
        """Fail.

        Raises:
            AirflowFailException: always; Airflow skips this task when none has failed.

        """
        raise AirflowFailException("a step has failed; what onFailure undid does not make the run succeed")


def _key(context: Mapping[str, Any]) -> str:
    """Return the run's own id, the same for every step and try: the unit's path is added to it."""
    return f"{context['ti'].dag_id}/{context['ti'].run_id}"


def _check_length(path: str, length: int) -> None:
    from airflow.sdk.configuration import conf

    most = conf.getint("core", "max_map_length")
    if length > most:
        words = f"step '{path}' is repeated over {length} items, and Airflow maps at most {most} (core.max_map_length)"
        raise AirflowFailException(f"{words}: raise it, or let the step take fewer items")
