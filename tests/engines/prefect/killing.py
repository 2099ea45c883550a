"""Runs of deployments whose process is killed at its first unsafe request, and that a person then retries: each against a sandbox
of its own, so that they go on side by side.
"""

import time
from dataclasses import dataclass

from engines.contract import prepare, scenarios
from engines.prefect.before import Before
from engines.sandboxes import LiveSandbox, sandbox

NAMES = [each.name for each in scenarios({"id": "p", "agents": []}, "u", "t")]
KILLS = [name for name in NAMES if "killed" in name]
#: Workflows that are killed after their first creation; the name of each, and of its deployment, is the block's with a dash.
WORKFLOWS = ("found_again", "not_found")
#: Seconds that a run may take to begin and to end on a busy machine, where all of them begin at once.
PATIENCE = 180


@dataclass(frozen=True)
class Plan:
    """What is to be killed; `before` is there for scenarios of the contract."""

    name: str
    word: str
    deployment: str
    parameters: dict
    sandbox: LiveSandbox
    before: Before | None = None


@dataclass(frozen=True)
class Killed:
    """What came of it: the requests that the sandbox had received when Prefect called the run crashed, and a second later."""

    plan: Plan
    run: str
    left: list
    later: list
    end: dict
    seconds: float


def plans(stack, player):
    """Return everything that is to be killed, each with its sandbox in the stack and its credentials in a block."""
    found = []
    for number, name in enumerate(KILLS):
        block = f"killed-{number}"
        own = _sandbox(stack, player, block)
        pool, scheduled = prepare(lambda task, inputs, block=block: player(do="outputs", task=task, inputs=inputs, block=block))
        scenario = next(each for each in scenarios(pool, scheduled, own.token) if each.name == name)
        parameters = {"task_id": scenario.task, "inputs": scenario.inputs, "credentials": block}
        found.append(Plan(name, scenario.kill, "contract", parameters, own, Before(scenario, own)))
    return found + [Plan(name, "after", name, {}, _sandbox(stack, player, name.replace("_", "-"))) for name in WORKFLOWS]


def carried_out(plan, api, deployments, home):
    """Begin the run, let its process die, see that nothing goes on by itself, retry as a person does, and wait for the end."""
    began, name = time.monotonic(), plan.name.replace(" ", "-")
    word = home / f"kill-{name}"
    word.write_text(plan.word)
    run = api.start(deployments[plan.deployment], plan.parameters, name)
    crashed = api.ended(run, PATIENCE)
    assert crashed["state"]["name"] == "Crashed", crashed["state"]
    assert not word.exists()
    time.sleep(0.5)  # what the killed process had sent side by side may still be on its way
    left = plan.sandbox.received()
    time.sleep(1)
    later = plan.sandbox.received()
    api.retry(run)
    end = api.ended(run, PATIENCE, than=2)
    return Killed(plan, run, left, later, end, time.monotonic() - began)


def _sandbox(stack, player, block):
    own = stack.enter_context(sandbox())
    player(do="save", name=block, url=own.url, token=own.token)
    return own
