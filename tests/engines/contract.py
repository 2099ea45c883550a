"""What every engine promises: one table of scenarios, each cell saying what the engine must show, whatever its own words are.

An adapter's test plays each scenario against a sandbox and describes what it saw as `Seen`; `check` compares.
"""

from dataclasses import dataclass, field

#: The read timeout of connections in these scenarios, in seconds: a lost answer is looked for twice, with this between.
READ_TIMEOUT = 1.0


@dataclass(frozen=True)
class Scenario:
    """One row.

    Attributes:
        task: the template that is used alone.
        inputs: of it.
        match: which requests the script of faults is for.
        script: what the sandbox plays for these requests.
        kill: `before` or `after` the first unsafe request is applied, the worker is killed with SIGKILL.
        retry: retry fields of the use.
        state: what the engine must show: `succeeded`, `failed`, or `unknown`, which is a failure named OutcomeUnknown.
        attempts: how often the task's own request reached the sandbox; of a killed one that never left, 0.
        operation: the task's own request, as the sandbox counts what it carried out; `applied` is how often.
        wait: least seconds between first and last attempt, as the server asked.
        kind: the kind of failure that is told.
        shows: a piece of an output that must be visible; `hides` what must not be, anywhere.

    """

    name: str
    task: str
    inputs: dict
    operation: str
    match: str = ""
    script: str = ""
    kill: str = ""
    retry: dict = field(default_factory=dict)
    state: str = "succeeded"
    attempts: int = 1
    applied: int = 0
    wait: float = 0.0
    kind: str | None = None
    shows: str = ""
    hides: str = ""


@dataclass(frozen=True)
class Seen:
    """What a person sees in the engine, and the sandbox saw."""

    state: str
    attempts: int
    applied: int
    wait: float
    kind: str | None
    visible: str


def prepare(run):
    """Return a pool of a new sandbox and the id of an update of it that is scheduled; `run` gives the outputs of a task."""
    pool = run("okta.list_agent_pools", {"poolType": "AD"})["pools"][0]
    schedule = {"cron": "0 3 * * WED", "timezone": "America/New_York", "duration": 120}
    made = {"poolId": pool["id"], "body": {**update_of(pool), "name": "scheduled", "schedule": schedule}}
    return pool, run("okta.create_agent_pools_update", made)["updateId"]


def update_of(pool):
    """Return the body that creates an update of a pool."""
    return {"name": "contract", "agentType": "AD", "agents": pool["agents"], "notifyAdmin": False}


def scenarios(pool, scheduled, token):
    """Return the table for a sandbox: a pool, the id of an update of it that is scheduled, and the sandbox's token."""
    updates = f"/api/v1/agentPools/{pool['id']}/updates"
    create = {"poolId": pool["id"], "body": update_of(pool)}
    path = "/api/v1/agentPools/{poolId}/updates"
    creating = {"operation": f"POST {path}", "match": f"POST {updates}", "inputs": create}
    activating = {
        "operation": f"POST {path}/{{updateId}}/activate",
        "match": f"POST {updates}/{scheduled}/activate",
        "inputs": {"poolId": pool["id"], "updateId": scheduled},
    }
    listing = {"operation": "GET /api/v1/agentPools", "match": "GET /api/v1/agentPools", "inputs": {"poolType": "AD"}}
    creating["task"], activating["task"] = "okta.create_agent_pools_update", "okta.activate_agent_pools_update"
    listing["task"] = "okta.list_agent_pools"
    echoed = {**create, "body": {**create["body"], "name": f"n {token}"}}
    return [
        Scenario("success", **listing, applied=1, shows=pool["id"]),
        Scenario("success of a POST", **creating, applied=1, shows="updateId"),
        Scenario("400", **creating, script="400", state="failed", kind="badRequest"),
        Scenario("404", **listing, script="404", state="failed", kind="notFound"),
        Scenario("429 with wait", **creating, script="429(Retry-After=2), ok", attempts=2, applied=1, wait=2.0),
        Scenario("503 then success", **listing, script="503, ok", attempts=2, applied=1, shows=pool["id"]),
        Scenario("503 of a POST", **creating, script="503", state="unknown", kind="serverError"),
        Scenario(
            "503 of a POST that may be repeated", **creating, script="503, ok", retry={"statuses": [503]}, attempts=2, applied=1
        ),
        Scenario(
            "503 for ever", **listing, script="503x9", retry={"maxAttempts": 2}, state="failed", attempts=2, kind="serverError"
        ),
        Scenario("read timeout of a POST", **creating, script="read-timeout", state="unknown", applied=1, kind="readTimeout"),
        Scenario("lost answer of a POST with verify", **activating, script="reset-after", applied=1),
        Scenario("worker killed before sending", **creating, kill="before", state="unknown", attempts=0, kind="interrupted"),
        Scenario("worker killed after applied", **creating, kill="after", state="unknown", applied=1, kind="interrupted"),
        Scenario("worker killed before sending, with verify", **activating, kill="before", attempts=1, applied=1),
        Scenario("worker killed after applied, with verify", **activating, kill="after", attempts=1, applied=1),
        Scenario("secret echoed", **{**creating, "inputs": echoed}, applied=1, hides=token),
    ]


def check(scenario, seen):
    """Compare; every difference at once."""
    differences = [
        f"{name}: {getattr(seen, name)!r} in place of {getattr(scenario, name)!r}"
        for name in ("state", "attempts", "applied", "kind")
        if getattr(seen, name) != getattr(scenario, name)
    ]
    if seen.wait < scenario.wait - 0.05:
        differences.append(f"waited {seen.wait:.2f} s in place of {scenario.wait:g} s")
    if scenario.shows not in seen.visible:
        differences.append(f"{scenario.shows!r} is not visible in {seen.visible[:500]}")
    if scenario.hides and scenario.hides in seen.visible:
        differences.append("a secret is visible")
    assert not differences, f"{scenario.name}: {'; '.join(differences)}"
