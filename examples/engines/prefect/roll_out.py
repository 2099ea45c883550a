"""The agent roll-out under Prefect, twice: from the workflow file, and as a flow of single tasks.

export OKTA_CLIENT_ORGURL=http://127.0.0.1:8098 OKTA_CLIENT_TOKEN=sandbox-token, or give `credentials="NAME"` of a block.
python roll_out.py
"""

from pathlib import Path
from typing import Any

from prefect import flow

from httptask.engines.prefect import flow_from_workflow, task_from_template

EXAMPLES = Path(__file__).resolve().parents[2]

roll_out_agent_update = flow_from_workflow(EXAMPLES / "roll_out_agent_update.yaml")

list_pools = task_from_template("okta.list_agent_pools")
create = task_from_template("okta.create_agent_pools_update", verify_before=True)  # a lost one can be found again
activate = task_from_template("okta.activate_agent_pools_update")
retry = task_from_template("okta.retry_agent_pools_update")
ended = task_from_template(
    "okta.get_agent_pools_update_instance",
    until="{{ response.body.status not in ['Scheduled', 'InProgress'] }}",
    every=0.25,  # the sandbox is done in two seconds; against a real org write 30
    timeout=600,
)


@flow
def roll_out_in_python(pool_type: str = "AD", target_version: str = "") -> dict[str, Any]:
    """Bring every agent pool of one type that is not operational to a new version."""
    pools = [pool for pool in list_pools(poolType=pool_type)["pools"] if pool["operationalStatus"] != "OPERATIONAL"]
    updates = [create.submit(poolId=pool["id"], body=update_of(pool, pool_type, target_version)) for pool in pools]
    made = [{"poolId": pool["id"], "updateId": update.result()["updateId"]} for pool, update in zip(pools, updates, strict=True)]
    for update in made:
        activate(**update)
    waits = [ended.submit(**update) for update in made]
    failed = [update for update, wait in zip(made, waits, strict=True) if wait.result()["status"] == "Failed"]
    for update in failed:
        retry(**update)
    return {"updated": [pool["name"] for pool in pools], "retried": len(failed)}


def update_of(pool: dict[str, Any], pool_type: str, version: str) -> dict[str, Any]:
    """Return the body that creates an update of a pool."""
    return {
        "name": f"Update {pool['name']}",
        "agentType": pool_type,
        "agents": pool["agents"],
        "targetVersion": version,
        "notifyAdmin": True,
        "schedule": {"cron": "0 3 * * WED", "timezone": "America/New_York", "duration": 120},
    }


if __name__ == "__main__":
    roll_out_agent_update()
    roll_out_in_python()
