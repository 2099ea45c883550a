"""docs/workflows.md: its files are validated and run, its commands run in order, its tables are the schema's and the code's."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from httptask.auth import auth_for
from httptask.cli.exits import BY_STATUS
from httptask.clock import FakeClock
from httptask.expressions import compile_text
from httptask.halting import GRACE
from httptask.loader import load_workflow, open_registry
from httptask.model import Connection
from httptask.outcome import FailureKind
from httptask.paged import DEFAULT_MAX_ITEMS
from httptask.runner import Runner
from httptask.runs import RunStatus
from httptask.sandbox.core import Sandbox
from httptask.sandbox.inprocess import SandboxTransport
from httptask.secrets import Secret
from httptask.workflow import WorkflowRunner
from httptask.workflow_file import DEFAULT_EVERY, DEFAULT_TIMEOUT

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "workflows.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "task_templates" / "workflow.schema.json").read_text(encoding="utf-8"))
REGISTRY = open_registry()
KINDS = ("task", "workflow", "parallel", "wait", "approve")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def table(name):
    rows = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE, re.DOTALL)[1].strip().splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


FILES = {block.split("\n", 1)[0].removeprefix("# "): block for block in blocks("yaml") if block.startswith("# ")}
SNIPPETS = [block for block in blocks("yaml") if not block.startswith("# ")]


def write_files(folder):
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")


def run(file, **inputs):
    clock = FakeClock()
    runner = Runner(SandboxTransport(Sandbox(clock=clock)), clock)

    def connect(template):
        auth = auth_for(template.provider, None, secret=Secret("sandbox-token"))
        return Connection("sandbox", "https://example.okta.com", auth)

    return WorkflowRunner(runner, REGISTRY, connect, clock).run(load_workflow(file, REGISTRY), inputs)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: re.search(r"id: (\w+)", text)[1])
def test_a_snippet_goes_on_after_the_first_file(snippet, tmp_path):
    write_files(tmp_path)
    whole, more = yaml.safe_load(FILES["start.yaml"]), yaml.safe_load(snippet)
    further = {"steps": more} if isinstance(more, list) else more
    whole |= {**further, "name": "snippet", "steps": whole["steps"] + further["steps"]}
    (tmp_path / "snippet.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    result = run(tmp_path / "snippet.yaml")
    assert (result.status, result.failure) == ("succeeded", None)
    assert {step.status for step in result.steps} == {"succeeded"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_valid(name, tmp_path):
    write_files(tmp_path)
    assert load_workflow(tmp_path / name, REGISTRY).name == Path(name).stem


def test_what_is_done_on_failure_is_done(tmp_path):
    write_files(tmp_path)
    (snippet,) = [yaml.safe_load(text) for text in SNIPPETS if "onFailure:" in text]
    whole = yaml.safe_load(FILES["start.yaml"])
    never = {"id": "never", "task": "okta.get_agent_pools_update_settings", "with": {"poolId": "none"}}
    whole |= {"steps": [*whole["steps"], never, *snippet["steps"]], "onFailure": snippet["onFailure"]}
    (tmp_path / "failing.yaml").write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
    result = run(tmp_path / "failing.yaml")
    assert (result.status, result.failure.kind) == ("failed", "notFound")
    assert [(step.id, step.status) for step in result.on_failure] == [("remove", "succeeded"), ("left", "succeeded")]
    assert result.on_failure[1].outputs == {"updates": []}


@pytest.mark.slow
def test_every_shell_block_runs_in_order(tmp_path):
    write_files(tmp_path)
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "httptask"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m httptask "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OKTA_", "HTTPTASK_", "XDG_"))}
    env = kept | {
        "HOME": str(tmp_path),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "plugin"),
    }
    for script in blocks("sh"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = str(free.getsockname()[1])
        done = subprocess.run(
            ["sh", "-eu", "-c", script.replace("8097", port)],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, script + done.stdout + done.stderr
        assert done.stdout.strip()
        if "resume" in script:
            assert "✓ succeeded" in done.stdout


def test_the_tables_of_keys_are_the_schemas():
    assert [row[0].strip("`") for row in table("file")] == list(SCHEMA["properties"])
    step = SCHEMA["$defs"]["step"]
    rows = {row[0].strip("`"): row[-1] for row in table("step")}
    assert set(rows) == set(step["properties"]) - set(KINDS)
    for key, goes_with in rows.items():
        named = set(KINDS) if goes_with == "all" else set(re.split(r", (?!with)", goes_with.partition(", with")[0]))
        assert named == {kind for kind in KINDS if key not in step["dependentSchemas"].get(kind, {}).get("properties", {})}, key


def test_the_defaults_are_the_codes():
    defaults = {row[0].strip("`"): row[2] for row in table("step")}
    assert defaults["every"] == f"{DEFAULT_EVERY:g}s"
    assert defaults["timeout"].endswith(f"{DEFAULT_TIMEOUT / 60:g}m")
    assert f"{DEFAULT_MAX_ITEMS} if it does not say" in PAGE
    assert f"gets {GRACE:g} seconds" in PAGE
    for kind in re.findall(r"(?:fails? as|sent|unknown) \(?`(\w+)`", PAGE):
        assert kind in {kind.value for kind in FailureKind} | {"status"}, kind


def test_the_statuses_and_exit_codes_are_the_codes():
    rows = {row[0].strip("`"): row[-1] for row in table("statuses")}
    assert rows == {status: str(code) for status, code in BY_STATUS.items()}
    assert set(rows) == set(get_args(RunStatus))


def test_the_expressions_of_the_page_compile():
    for text in re.findall(r"`[^`]*'(\{\{[^`]*\}\})'`", PAGE):
        compile_text(text)


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    heads = {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in re.findall(r"^#+ (.*)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= heads
