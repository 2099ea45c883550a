"""The README is executed: its files are written, its commands run, its table compared."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from httptask.loader import open_registry

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language == "sh"]


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder like a checkout, with every file that the README tells to write and `httptask` on the PATH."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "examples", folder / "examples")
    for language, text in BLOCKS:
        named = re.match(r"# (\S+\.(?:yaml|py))\n", text)
        if language == "yaml" and named:
            file = folder / named[1]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    command = folder / "bin" / "httptask"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m httptask "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return folder


def run(workplace, *command):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OKTA_", "HTTPTASK_"))}
    env = kept | {
        "HOME": str(workplace),
        "XDG_CONFIG_HOME": str(workplace),
        "XDG_STATE_HOME": str(workplace),
        "PATH": f"{workplace / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "plugin"),
    }
    return subprocess.run(command, cwd=workplace, env=env, capture_output=True, text=True, timeout=60, check=False)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_the_first_two_shell_blocks_are_the_two_commands():
    example, tests = SHELL[:2]
    assert example.startswith("python3 -m venv .venv")
    assert "httptask run examples/roll_out_agent_update.yaml --sandbox" in example
    assert tests.strip().endswith("pytest")


@pytest.mark.slow
@pytest.mark.parametrize("script", SHELL[2:], ids=lambda script: script.split("\n")[0][:60])
def test_every_other_shell_block_runs(workplace, script):
    done = run(workplace, "sh", "-eu", "-c", script.replace("8099", str(free_port())))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("text", [text for language, text in BLOCKS if language == "python"])
def test_the_python_block_runs(workplace, text):
    done = run(workplace, sys.executable, "-W", "error", "-c", text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("succeeded ['0oa")


def test_the_table_of_tasks_is_the_registry():
    rows = ["| task | request | what it does |", "|---|---|---|"]
    rows += [f"| `{task.id}` | {task.method} `{task.path}` | {task.summary} |" for task in open_registry().summaries()]
    shown = re.search(r"<!-- tasks:.*?-->\n(.*?)<!-- /tasks -->", README, re.DOTALL)
    assert shown is not None
    assert shown[1].strip() == "\n".join(rows), "copy the right side into README.md"


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
