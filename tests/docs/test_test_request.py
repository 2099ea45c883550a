"""docs/test-request.md: its commands run, and its options are those of the command."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from httptask.cli import main
from httptask.cli.commands.test import command

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "test-request.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_runs(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(shlex.split(line)[1:]) == 0
    assert capsys.readouterr().out.strip()


def test_the_report_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    [line] = [line for line in COMMANDS if "--junit" in line]
    assert main(shlex.split(line)[1:]) == 0
    assert (tmp_path / "report.xml").read_text(encoding="utf-8").startswith("<?xml")


def test_every_option_of_the_page_is_one_of_the_command():
    known = set(re.findall(r"--[a-z-]+", CliRunner().invoke(command, ["--help"]).output))
    assert set(re.findall(r"`(--[a-z-]+)", PAGE.partition("## On a page")[0])) <= known


def test_its_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
