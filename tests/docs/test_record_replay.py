"""docs/record-replay.md: its commands and its test run, its cassette is read, its words are the code's."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

import httptask.sandbox.server
import httptask.testing.cassettes
import httptask.transport  # noqa: F401 - imported once, and not anew by the test within
from httptask.cassette import load
from httptask.cli import main
from httptask.loader import LARGEST_FILE

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "record-replay.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HTTPTASK_JOURNAL", str(tmp_path / "runs.db"))
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def test_the_commands_run_and_the_miss_is_told_as_shown(place, capsys):
    for line in block("sh").splitlines():
        assert main(shlex.split(line)[1:]) == 0
        assert capsys.readouterr().out.strip()
    changed = block("sh").splitlines()[1].replace("=AD", "=LDAP")
    assert main(shlex.split(changed)[1:]) == 2
    assert capsys.readouterr().err.strip() == block("text").strip()


def test_the_cassette_on_the_page_is_one(place):
    (place / "c.yaml").write_text(block("yaml"), encoding="utf-8")
    assert [each.asked.method for each in load(place / "c.yaml").exchanges] == ["GET"]
    assert f"more than {LARGEST_FILE // 2**20} MiB" in PAGE


def test_the_test_on_the_page_is_recorded_and_passes_again(pytester, monkeypatch):
    monkeypatch.setenv("HOME", str(pytester.path))
    shutil.copy(ROOT / "examples" / "report_pools.yaml", pytester.path)
    pytester.makepyfile(block("python"))
    pytester.runpytest("--httptask-record").assert_outcomes(passed=1)
    pytester.runpytest().assert_outcomes(passed=1)
    (cassette,) = pytester.path.glob("cassettes/*/*.yaml")
    assert cassette.name == "test_the_report.yaml"


def test_every_link_leads_somewhere():
    for target, _, anchor in re.findall(r"\]\((?!https?:)([^)#]+)(#([^)]+))?\)", PAGE):
        text = (ROOT / "docs" / target).read_text(encoding="utf-8")
        assert not anchor or anchor in [
            heading.lower().replace(",", "").replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        ]
