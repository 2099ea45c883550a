"""The workflows that the crash test cuts off, one for each class of requests, and where they send."""

from builders import connection
from httptask.auth import auth_for
from httptask.loader import open_registry
from httptask.model import ForEach
from httptask.secrets import Secret
from model_server import step, workflow

#: Short times, so that a verdict that must hold for one read timeout takes none of the test's.
QUICK = {"readTimeout": 0.2, "connectTimeout": 2, "backoffBase": 0.01}
OKTA = open_registry()["okta.list_agent_pools"].provider
TAKES = {"type": "object", "properties": {"pool": {}, "update": {}, "agents": {}}}
ITEMS = {"for_each": ForEach("{{ ['x', 'y', 'z'] }}", max_parallel=2), "inputs": {"name": "{{ item }}"}}


def move(name, verb):
    inputs = {"poolId": "{{ inputs.pool }}", "updateId": "{{ inputs.update }}"}
    return step(name, None, task=f"okta.{verb}_agent_pools_update", inputs=inputs)


def create(name):
    schedule = {"cron": "0 3 * * WED", "timezone": "UTC", "duration": 60}
    body = {"name": name, "agentType": "AD", "agents": "{{ inputs.agents }}", "schedule": schedule}
    return step(name, None, task="okta.create_agent_pools_update", inputs={"poolId": "{{ inputs.pool }}", "body": body})


def flow(*steps):
    return workflow(*steps, inputs=TAKES, outputs={each.id: f"{{{{ steps.{each.id}.outputs }}}}" for each in steps})


FLOWS = {
    "POST with a deciding verify": flow(move("p1", "pause"), move("r1", "resume"), move("p2", "pause"), move("s1", "stop")),
    "POST with a key": flow(step("a", "keyed"), step("b", "keyed", **ITEMS), step("c", "keyed")),
    "POST with neither": flow(create("c1"), create("c2"), step("m", "make", **ITEMS)),
    "GET, PUT, DELETE": flow(
        step("g", None, task="okta.list_agent_pools", inputs={"poolType": "AD"}),
        step("p", "put", **ITEMS),
        move("d", "delete"),
        step("e", "delete"),
    ),
}


def connect(order, provider):
    """Return where the tasks of a provider send."""
    if provider != "okta":
        return connection(base_url=order["urls"][provider], retry=QUICK)
    auth = auth_for(OKTA, None, secret=Secret(order["token"], reference="sandbox"))
    return connection(base_url=order["urls"]["okta"], retry=QUICK, auth=auth)
