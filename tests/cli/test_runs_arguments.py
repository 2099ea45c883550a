"""Arguments of the commands for runs that name nothing or ask for too much."""

import os

import pytest

pytestmark = pytest.mark.broad


@pytest.mark.parametrize("limit", ["0", "100001", "99999999999999999999"])
def test_a_list_of_runs_has_bounds(inside, limit):
    assert "1<=x<=100000" in inside("runs", "list", "--limit", limit, code=2).err


@pytest.mark.parametrize("words", [["resume"], ["runs", "show"], ["runs", "delete"]])
def test_a_name_that_is_no_unicode_names_no_run(inside, words):
    name = os.fsdecode(b"\xff\xff\xff\xff\xff\xff")
    assert "there is no such run" in inside(*words, name, code=2).err


def test_a_workflow_whose_name_is_no_unicode_is_refused_before_anything_is_sent(inside, tmp_path):
    name = os.fsdecode(b"\xff.yaml")
    (tmp_path / name).write_text("name: w\nsteps:\n  - {id: pause, wait: 0.01s}\n")
    assert "cannot be stored in the journal" in inside("run", name, code=2).err
