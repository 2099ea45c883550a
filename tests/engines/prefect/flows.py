"""The flows of these tests: one of a single task, the roll-out of the examples, and what only tests need."""

import logging
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from prefect import flow, get_client, get_run_logger, task
from prefect.context import FlowRunContext
from prefect.states import Crashed, Running, Scheduled
from prefect.task_runners import ProcessPoolTaskRunner

from httptask.engines.prefect import HttpTaskCredentials, flow_from_workflow, task_from_template

HERE = Path(__file__).resolve().parent


def may_die(_flow: Any, flow_run: Any, _state: Any) -> None:
    """Let the process of a run look for a word of its own that kills it, so that several can be killed side by side."""
    os.environ["HTTPTASK_TEST_KILL"] += f"-{flow_run.name}"


@flow(name="contract", on_running=[may_die])
def contract(task_id: str, inputs: dict[str, Any], credentials: str) -> dict[str, Any]:
    return task_from_template(task_id, credentials=credentials)(**inputs)


found_again = flow_from_workflow(HERE / "found_again.yaml", credentials="found-again", on_running=[may_die])
not_found = flow_from_workflow(HERE / "not_found.yaml", credentials="not-found", on_running=[may_die])
asked = flow_from_workflow(HERE / "asked.yaml", credentials="sandbox")

list_pools = task_from_template("okta.list_agent_pools", credentials="sandbox")
create = task_from_template("okta.create_agent_pools_update", credentials="sandbox")
executions = Counter()


def body(pool: dict[str, Any], name: str) -> dict[str, Any]:
    return {"name": name, "agentType": "AD", "agents": pool["agents"], "notifyAdmin": False}


@flow(retries=1)
def twice() -> dict[str, Any]:
    """Fails once after two equal creations, one of them beside the flow; makes another one when it runs again."""
    pool = list_pools(poolType="AD")["pools"][0]
    beside = create.submit(poolId=pool["id"], body=body(pool, "twice"))
    made = [create(poolId=pool["id"], body=body(pool, "twice"))["updateId"], beside.result()["updateId"]]
    fail_once("twice")
    return {"made": [*made, create(poolId=pool["id"], body=body(pool, "thrice"))["updateId"]]}


stepped = task_from_template("okta.create_agent_pools_update", credentials="sandbox", step="create")
made: list[list[str]] = []


@task
def later() -> None:
    time.sleep(1)


@flow(retries=1)
def overtaken() -> dict[str, Any]:
    """Submits two calls, of which the first one begins last when it runs again, and maps two more."""
    pool = list_pools(poolType="AD")["pools"][0]
    first = stepped.submit(poolId=pool["id"], body=body(pool, "first"), wait_for=[later.submit()] if made else [])
    second = stepped.submit(poolId=pool["id"], body=body(pool, "second"))
    more = stepped.map(poolId=pool["id"], body=[body(pool, "third"), body(pool, "fourth")])
    states = stepped.map(poolId=pool["id"], body=[body(pool, "fifth")], return_state=True)
    last = stepped.submit(poolId=pool["id"], body=body(pool, "sixth"), return_state=True)
    ends = [first.result(), second.result(), *more.result(), *(state.result() for state in (*states, last))]
    made.append([each["updateId"] for each in ends])
    fail_once("overtaken")
    return {"made": made}


@flow(task_runner=ProcessPoolTaskRunner(max_workers=1))
def in_processes() -> Any:
    """Submits a call that is known by its step to another process."""
    return stepped.submit(poolId="p", body={}).result()


@flow(retries=1)
def changing() -> str:
    """Makes another call each time that it runs; what became of the first one is not known."""
    pool = list_pools(poolType="AD")["pools"][0]
    executions["changing"] += 1
    return str(create(poolId=pool["id"], body=body(pool, f"changing {executions['changing']}"))["updateId"])


@flow
def inner() -> list[str]:
    """Creates, and fails once."""
    pool = list_pools(poolType="AD")["pools"][0]
    made = create(poolId=pool["id"], body=body(pool, "inner"))["updateId"]
    fail_once("inner")
    return [made]


@flow(retries=1)
def outer() -> dict[str, Any]:
    """Uses a flow that gets a new id when this one runs again."""
    return {"made": inner()}


@task
def around(pool: dict[str, Any]) -> Any:
    return create(poolId=pool["id"], body=body(pool, "around"))


@flow
def nested() -> Any:
    """Calls a task of httptask from within another one."""
    return around(list_pools(poolType="AD")["pools"][0])


class FailedOnce(Exception):
    pass


def fail_once(name: str) -> None:
    executions[name] += 1
    if executions[name] == 1:
        raise FailedOnce


@flow
def echoing() -> str:
    """Sends the token where the server sends it back, and logs it as a careless person would."""
    token = HttpTaskCredentials.load("sandbox").token.get_secret_value()
    pool = list_pools(poolType="AD")["pools"][0]
    made = create(poolId=pool["id"], body=body(pool, f"n {token}"))
    get_run_logger().warning("the token is %s", token)
    logging.getLogger("urllib3").warning("a header came back: SSWS %s", token)
    return str(made["updateId"])


@flow
def taken_away() -> str:
    """Goes on after Prefect has given the run to another process."""
    pool = list_pools(poolType="AD")["pools"][0]
    run = FlowRunContext.get().flow_run.id
    with get_client(sync_client=True) as client:
        for state in (Crashed(), Scheduled(), Running()):
            client.set_flow_run_state(run, state, force=True)
    return str(create(poolId=pool["id"], body=body(pool, "taken away"))["updateId"])


undone = flow_from_workflow(HERE / "undone.yaml", credentials="sandbox")
undone_once = flow_from_workflow(HERE / "undone.yaml", credentials="sandbox", name="undone_once", retries=1)
tried_anew = flow_from_workflow(HERE / "tried_anew.yaml", credentials="sandbox", retries=1)
unreadable = flow_from_workflow(HERE / "unreadable.yaml", credentials="sandbox", retries=1)
secretive = flow_from_workflow(HERE / "secretive.yaml", credentials="sandbox")


elsewhere = undone.with_options(task_runner=ProcessPoolTaskRunner(max_workers=1))


@task
def around_a_flow() -> Any:
    return undone()


@flow
def nested_flow() -> Any:
    """Runs a workflow from within a task."""
    return around_a_flow()
