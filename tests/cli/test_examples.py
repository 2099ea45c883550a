"""Every file of `examples/` is valid and does what its header says, against a sandbox that outlives the commands."""

import json
import subprocess

import pytest

from cli.command import EXAMPLE, Httptask
from cli.conftest import Sandbox

pytestmark = pytest.mark.slow  # each starts commands and servers of its own; .ci/run takes the time

FOLDER = EXAMPLE.parent
FILES = sorted(FOLDER.glob("*.yaml"))
CANARY, ONE_POOL, REPORT = (FOLDER / f"{name}.yaml" for name in ("canary_roll_out", "update_one_pool", "report_pools"))


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A standalone sandbox in which updates are done soon."""
    command = Httptask(tmp_path_factory.mktemp("quick"))
    process = command.start("sandbox", "--rate-limit", "1000000/60", "--speed", "20", stderr=subprocess.DEVNULL)
    ready = json.loads(process.stdout.readline())
    yield Sandbox(ready["url"])
    process.terminate()
    assert process.wait(10) == 0
    process.stdout.close()


@pytest.fixture
def org(quick):
    quick.control("reset", {})
    return quick


def steps_of(run):
    return {step["id"]: step["status"] for step in run["steps"]}


def applied(org, method):
    return sum(count for call, count in org.control("requests")["applied"].items() if call.startswith(f"{method} "))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_example_is_valid_names_its_schema_and_can_be_drawn(inside, file):
    first, *_ = file.read_text(encoding="utf-8").splitlines()
    assert first == "# yaml-language-server: $schema=../task_templates/workflow.schema.json"
    inside("validate", file)
    assert inside("graph", file).out.startswith(file.stem)


def test_every_construct_has_an_example():
    text = "".join(file.read_text(encoding="utf-8") for file in FILES)
    for key in (
        *("workflow:", "parallel:", "wait:", "approve:", "forEach:", "maxParallel:", "onError:", "continueOnError:", "paginate:"),
        *("until:", "failIf:", "every:", "timeout:", "onFailure:", "verify:", "if:", "outputs:"),
    ):
        assert f"{key} " in text or f"{key}\n" in text, key


@pytest.fixture
def waiting(online, org):
    """The canary example at its approval: the run's id."""
    done = online("run", CANARY, *org.options, code=4)
    assert "lab.example.com runs 3.22.0. Update the other pools?" in done.out
    run = online("runs", "--json").json["runs"][0]
    assert run["status"] == "waiting"
    assert f"httptask resume {run['runId']} --approve go_on" in done.err
    assert applied(org, "POST") == 1
    return run["runId"]


def test_the_canary_example_waits_is_approved_and_updates_the_others(online, org, waiting):
    shown = online("runs", "show", waiting)
    assert "canary            succeeded" in shown.out
    assert "Update the other pools?" in shown.out
    run = online("resume", waiting, "--approve", "go_on", "--json").json
    assert run["outputs"]["updated"] == ["lab.example.com", "emea.example.com", "apac.example.com"]
    assert [item["status"] for item in run["steps"][3]["items"]].count("succeeded") == 2
    assert applied(org, "POST") == 4  # one update per pool, and one that had failed was retried
    assert online("runs", "show", waiting, "--json").json["status"] == "succeeded"


def test_the_canary_example_takes_the_canary_back_when_it_is_rejected(online, org, waiting):
    run = online("resume", waiting, "--reject", "go_on", "--json", code=1).json
    assert run["failure"]["kind"] == "rejected"
    assert steps_of(run) == {"pools": "succeeded", "canary": "succeeded", "go_on": "failed"}
    left = run["onFailure"][1]
    assert [step["status"] for step in run["onFailure"]] == ["succeeded", "succeeded"]
    assert left["outputs"]["notOperational"] == ["emea.example.com", "apac.example.com"]
    assert (applied(org, "POST"), applied(org, "DELETE")) == (1, 1)
    assert online("runs", "show", waiting, "--json").json["status"] == "failed"


def test_the_canary_example_deletes_what_could_not_be_completed(online, org):
    org.fault("403", "GET /api/v1/agentPools/*/updates/*")
    run = online("run", CANARY, *org.options, "--json", code=1).json
    canary = next(step for step in run["steps"] if step["id"] == "canary")
    assert [(step["id"], step["status"]) for step in canary["steps"]] == [
        *(("create", "succeeded"), ("settle", "succeeded"), ("done", "failed"), ("remove", "succeeded"))
    ]
    assert [(step["id"], step["status"]) for step in run["onFailure"]] == [("undo_canary", "skipped"), ("left", "succeeded")]
    assert (applied(org, "POST"), applied(org, "DELETE")) == (1, 1)


def test_one_pool_is_updated_alone_and_a_failed_update_is_retried(online, org, tmp_path):
    pools = online("test", "okta.list_agent_pools", "-i", "limitPerPoolType=9", *org.options, "--json").json["response"]["body"]
    (tmp_path / "pool.json").write_text(json.dumps(next(pool for pool in pools if pool["name"] == "apac.example.com")))
    run = online("run", ONE_POOL, "-i", "pool=@pool.json", *org.options, "--json").json
    assert (run["outputs"]["poolName"], run["outputs"]["retried"]) == ("apac.example.com", True)
    assert steps_of(run)["settle"] == "succeeded"


def test_the_report_reads_all_pages_and_every_pool(online, org):
    run = online("run", REPORT, *org.options, "--json").json
    assert run["outputs"]["pools"] == 15
    assert {"directory.example.com", "vpn.example.com"} < set(run["outputs"]["notOperational"])
    assert next(step for step in run["steps"] if step["id"] == "pools")["paged"] == {"pages": 3, "items": 15, "streamed": False}
    assert applied(org, "POST") == 0
    items = online("runs", "show", run["runId"], "--items", "pools").out.splitlines()
    assert json.loads(items[0])["name"] == "corp.example.com"
    assert len(items) == 15
