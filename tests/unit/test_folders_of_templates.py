"""Folders of templates as people name them in Python: several, or one alone, as text or path."""

import shutil
from pathlib import Path

import pytest

from httptask.errors import DefinitionError
from httptask.wiring import registry

NOTES = Path(__file__).resolve().parents[2] / "examples" / "templates"


@pytest.mark.parametrize("kind", [str, Path])
def test_one_folder_need_not_stand_in_a_list(tmp_path, kind):
    shutil.copytree(NOTES, tmp_path / "templates")
    folder = kind(tmp_path / "templates")
    assert list(registry(folder)) == list(registry([folder])) != list(registry(()))


def test_a_text_that_is_no_folder_is_refused_whole():
    with pytest.raises(DefinitionError, match="/no/such/folder"):
        registry("/no/such/folder")
