"""The same roll-out with single tasks, where a DAG's author wants code of their own between them."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from httptask.engines.airflow import HttpTaskOperator, HttpTaskSensor

with DAG(
    "update_pools",
    schedule=None,
    params={"poolType": Param("AD", enum=["AD", "IWA", "LDAP", "MFA", "OPP", "RUM", "Radius"])},
    default_args={"conn_id": "okta", "retry_delay": timedelta(seconds=10)},
) as dag:
    pools = HttpTaskOperator(
        task_id="pools",
        task="okta.list_agent_pools",
        inputs={"poolType": "{{ params.poolType }}", "limitPerPoolType": "{{ 5 * 10 }}"},  # Airflow's text, the schema's integer
    )

    @task
    def drafts(pools: list[dict[str, Any]], params: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the inputs that create an update for each pool that is not operational."""
        body = {"agentType": params["poolType"], "notifyAdmin": True}
        schedule = {"cron": "0 3 * * WED", "timezone": "America/New_York", "duration": 120}
        return [
            {
                "poolId": pool["id"],
                "body": {**body, "name": f"Update {pool['name']}", "agents": pool["agents"], "schedule": schedule},
            }
            for pool in pools
            if pool["operationalStatus"] != "OPERATIONAL"
        ]

    drafted = drafts(pools.output["pools"])
    create = HttpTaskOperator.partial(task_id="create", task="okta.create_agent_pools_update").expand(inputs=drafted)

    @task
    def updates(drafts: list[dict[str, Any]], ids: list[str]) -> list[dict[str, str]]:
        """Return which update of which pool each is."""
        return [{"poolId": draft["poolId"], "updateId": update} for draft, update in zip(drafts, ids, strict=True)]

    made = updates(drafted, create.output["updateId"])  # each output is an XCom of its own
    activate = HttpTaskOperator.partial(task_id="activate", task="okta.activate_agent_pools_update").expand(inputs=made)
    done = HttpTaskSensor.partial(
        task_id="done",
        task="okta.get_agent_pools_update_instance",
        until="{{ response.body.status not in ['Scheduled', 'InProgress'] }}",  # never seen by Airflow's templates
        poke_interval=6,  # the sandbox is done in two seconds; against a real org write 60
        timeout=timedelta(hours=2),
    ).expand(inputs=made)
    activate >> done
