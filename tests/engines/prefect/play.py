"""Runs flows that are asked for on standard input, against Prefect's server; run by conftest.py."""

import importlib
import json
import os
import sys
import uuid
from pathlib import Path

from prefect import flow
from prefect.blocks.system import Secret
from prefect.context import FlowRunContext

from engines.contract import READ_TIMEOUT
from httptask.engines.prefect import HttpTaskCredentials, task_from_template
from httptask.engines.prefect.ledger import Ledger
from httptask.engines.prefect.places import current_place

sys.path.append(str(Path(__file__).resolve().parents[3] / "examples" / "engines" / "prefect"))
BLOCKS = {}


def save(question):
    block = HttpTaskCredentials(baseUrl=question["url"], token=question["token"], retry={"readTimeout": READ_TIMEOUT})
    block.save(question["name"], overwrite=True)
    BLOCKS[question["name"]] = block
    return {}


def outputs(question):
    with BLOCKS[question["block"]].get_client() as client:
        return client.run(question["task"], question["inputs"])["outputs"]


def one(question):
    """A flow with one task; the inputs are no parameters of it."""
    task = task_from_template(question["task"], credentials="sandbox", **question["use"])
    seen = {}

    @flow(name="contract")
    def contract():
        seen["id"] = str(FlowRunContext.get().flow_run.id)
        return task(**question["inputs"])

    state = contract(return_state=True)
    result = state.result(raise_on_failure=False)
    return {"run": seen["id"], "outputs": result if isinstance(result, dict) else None}


def named(question):
    """A flow of a module, by its name."""
    found = getattr(importlib.import_module(question["module"]), question["flow"])
    run = uuid.uuid4().hex
    state = found.with_options(flow_run_name=run)(return_state=True, **question["parameters"])
    result = state.result(raise_on_failure=False)
    return {"name": run, "outputs": result if isinstance(result, dict) else repr(result)}


def secret(question):
    Secret(value=question["value"]).save(question["name"], overwrite=True)
    return {}


def ledger(question):
    """Write more facts than the server hands out at once, and read them back."""
    kept = {}

    @flow(name="ledger")
    def writes():
        book = Ledger(current_place())
        for number in range(question["facts"]):
            book.note(f"fact {number}", {"number": number}, "noted")
        book.note("fact 0", {"number": -1}, "noted again")
        read = Ledger(current_place())
        kept.update({f"fact {number}": read.of(f"fact {number}").told["number"] for number in range(question["facts"])})

    writes()
    return kept


DOES = {"ledger": ledger, "secret": secret, "save": save, "outputs": outputs, "one": one, "flow": named}
ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # whatever else is printed goes to the log
for line in sys.stdin:
    asked = json.loads(line)
    ANSWERS.write(json.dumps(DOES[asked["do"]](asked)) + "\n")
