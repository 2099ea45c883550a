"""docs/paging.md: its commands and its program run, its definitions are read, its words are the code's."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from httptask.cli import main
from httptask.loader import Library
from httptask.outcome import FailureKind
from httptask.paged import DEFAULT_MAX_ITEMS, MAX_EMPTY_PAGES

pytestmark = pytest.mark.broad

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "paging.md").read_text(encoding="utf-8")
PROVIDER = "id: acme\ntitle: Acme\nservers: [{url: https://api.example.com}]\n"
TEMPLATE = """\
id: acme.list_things
method: GET
path: /things
parameters:
  - {name: after, in: query, schema: {type: string}}
  - {name: page, in: query, schema: {type: integer}}
  - {name: offset, in: query, schema: {type: integer}}
  - {name: limit, in: query, schema: {type: integer}}
responses: {'200': {description: ok}}
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("line", [line for block in blocks("sh") for line in block.splitlines()])
def test_every_command_runs(line, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(line)[1:]) == 0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("block", blocks("yaml"))
@pytest.mark.parametrize("place", ["provider.yaml", "task.yaml"])
def test_every_way_to_go_on_is_read_in_a_provider_and_in_a_template(block, place, tmp_path):
    for name, text in (("provider.yaml", PROVIDER), ("task.yaml", TEMPLATE)):
        (tmp_path / name).write_text(text + (block if name == place else ""), encoding="utf-8")
    paging = Library(root=tmp_path).template(tmp_path / "task.yaml").effective_paging
    assert f"style: {paging.style}" in block


def test_all_four_styles_are_shown():
    assert re.findall(r"style: (\w+)", "".join(blocks("yaml"))) == ["link", "cursor", "page", "offset"]


def test_the_header_that_may_hold_the_cursor_is_read_too(tmp_path):
    block = blocks("yaml")[1].replace("cursor: meta.next # or cursorHeader", "cursorHeader")
    (tmp_path / "provider.yaml").write_text(PROVIDER, encoding="utf-8")
    (tmp_path / "task.yaml").write_text(TEMPLATE + block, encoding="utf-8")
    assert Library(root=tmp_path).template(tmp_path / "task.yaml").effective_paging.cursor_header == "X-Next-Cursor"


def test_the_program_reads_on_where_it_stopped():
    done = subprocess.run(
        [sys.executable, "-c", blocks("python")[0]], capture_output=True, text=True, check=True, cwd=ROOT / "plugin"
    )
    assert done.stdout.splitlines() == [
        "1 ['corp.example.com', 'emea.example.com', 'apac.example.com']",
        "2 ['lab.example.com', 'dmz.example.com', 'south.example.com']",
        "3 ['archive.example.com']",
    ]


def test_the_kinds_and_limits_are_the_codes():
    kinds = {kind.value for kind in FailureKind}
    assert set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)) <= kinds
    assert f"{MAX_EMPTY_PAGES} empty pages" in PAGE
    assert f"more than {DEFAULT_MAX_ITEMS} items" in PAGE
