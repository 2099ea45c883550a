"""The agent roll-out as Dagster jobs: once from the workflow file, once from single tasks.

export OKTA_CLIENT_ORGURL=https://acme.okta.com OKTA_CLIENT_TOKEN=00...
dagster dev -f roll_out.py
"""

from pathlib import Path

from dagster import Definitions, EnvVar, In, Out, graph_asset, job, op

from httptask.engines.dagster import HttpTaskResource, job_from_workflow, op_from_template

WORKFLOW = Path(__file__).resolve().parents[2] / "roll_out_agent_update.yaml"

# the whole file: each step is an op, its inputs are the job's config
roll_out = job_from_workflow(WORKFLOW)

# single tasks: ops like any other, with a name of your own and what is always the same
list_pools = op_from_template("okta.list_agent_pools", name="list_pools", inputs={"poolType": "AD"})
create_update = op_from_template("okta.create_agent_pools_update", name="create_update", verify_before=True)
activate_update = op_from_template("okta.activate_agent_pools_update", name="activate_update")
update_is_done = op_from_template(
    "okta.get_agent_pools_update_instance",
    name="update_is_done",
    until="{{ response.body.status not in ['Scheduled', 'InProgress'] }}",
    every=0.25,  # the sandbox is done in two seconds; against a real org write 30
    timeout=600,
)


@op(ins={"pools": In(list)}, out={"pool_id": Out(str), "body": Out(dict)})
def first_that_is_behind(pools):
    """Choose a pool, and say what its update shall be."""
    pool = next(pool for pool in pools if pool["operationalStatus"] != "OPERATIONAL")
    schedule = {"cron": "0 3 * * WED", "timezone": "America/New_York", "duration": 120}
    body = {
        "name": f"Update {pool['name']}",
        "agentType": "AD",
        "agents": pool["agents"],
        "notifyAdmin": True,
        "schedule": schedule,
    }
    return pool["id"], body


@job
def update_first_pool():
    """Update one pool that is not operational."""
    pool_id, body = first_that_is_behind(list_pools().pools)
    update_id = create_update(poolId=pool_id, body=body).updateId
    activated = activate_update(poolId=pool_id, updateId=update_id)
    update_is_done(poolId=pool_id, updateId=activated.updateId)


@graph_asset
def agent_pools():
    """The pools as an asset."""
    return list_pools().pools


okta = HttpTaskResource(base_url=EnvVar("OKTA_CLIENT_ORGURL"), token=EnvVar("OKTA_CLIENT_TOKEN"))
defs = Definitions(assets=[agent_pools], jobs=[roll_out, update_first_pool], resources={"httptask": okta})
