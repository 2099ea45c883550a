"""docs/import-curl.md: its commands run, what it shows is what comes out, its tables are the code's."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from curls import curl, draft, found
from httptask.cli import main
from httptask.curl.options import LETTERS, OPTIONS
from httptask.curl.steps import references

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "import-curl.md").read_text(encoding="utf-8")
URL = "https://api.example.com/v1/things"
SAMPLES = {
    "`Authorization: Bearer ...`": [URL, "-H", "Authorization: Bearer tk7-Zq9x4"],
    "`-u name:password`": [URL, "-u", "me:tk7-Zq9x4"],
    "`Authorization: SSWS ...`": [URL, "-H", "Authorization: SSWS tk7-Zq9x4"],
    "`X-API-Key`": [URL, "-H", "X-API-Key: tk7-Zq9x4"],
    "cookies": [URL, "-b", "sid=tk7-Zq9x4"],
    "`api_key`": [f"{URL}?api_key=tk7-Zq9x4"],
}


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def rows(title):
    section = PAGE.split(f"## {title}\n")[1]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.split("\n\n## ")[0].splitlines()
        if line[:1] == "|"
    ][2:]


def test_the_template_that_is_shown_is_the_one_that_is_made(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(blocks("sh")[0].replace("\\\n", ""))[1:]) == 0
    shown = capsys.readouterr()
    assert shown.out.endswith(blocks("yaml")[0])
    assert "s3cr3t" not in shown.out + shown.err
    assert "not-a-real-token" not in shown.out + shown.err


@pytest.mark.slow
@pytest.mark.parametrize("script", blocks("sh"), ids=lambda script: script.split("\n")[0][:50])
def test_every_script_runs(script, tmp_path):
    command = tmp_path / "bin" / "httptask"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m httptask "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    env = {"HOME": str(tmp_path), "PATH": path, "PYTHONPATH": str(ROOT / "plugin"), "EXAMPLE_TOKEN": "never-looked-up"}
    done = subprocess.run(
        ["sh", "-eu", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "never-looked-up" not in done.stdout + done.stderr


@pytest.mark.parametrize("row", rows("Credentials"), ids=lambda row: row[0][:30])
def test_each_credential_becomes_the_scheme_and_reference_of_its_row(row):
    (sample,) = [words for begin, words in SAMPLES.items() if row[0].startswith(begin)]
    credential = found(curl(*sample)).credential
    assert re.findall(r"`(env:\w+)`", row[2]) == list(references("example", credential).values())
    assert row[1].startswith(f"`{credential.scheme['type']}`")


@pytest.mark.parametrize(("begin", "role"), [("`-k`", "connection"), ("`-s`", "ignored")])
def test_options_are_treated_as_their_row_says(begin, role):
    (row,) = [row for row in rows("What becomes of what") if row[0].startswith(begin)]
    named = [LETTERS.get(name.strip("-"), name.strip("-")) for name in re.findall(r"`(-[\w-]+)`", row[0])]
    assert {OPTIONS[name].role for name in named} == {role}


def test_paths_are_read_as_their_rows_say():
    (row,) = [row for row in rows("What becomes of what") if row[0].startswith("`{name}`")]
    for written in re.findall(r"`([^`]+)`", row[0]):
        assert draft(curl(f"https://api.example.com/things/{written}")).template.path == "/things/{{ name }}"
