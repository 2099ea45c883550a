"""`httptask worker` and `httptask deploy`: each engine's command is loaded when it is used, and a missing engine is told."""

import importlib.util

import pytest


@pytest.mark.parametrize("group", ["worker", "deploy"])
def test_the_engines_are_listed_without_being_there(httptask, group):
    assert "conductor" in httptask(group, "--help").out


@pytest.mark.parametrize("group", ["worker", "deploy"])
def test_an_unknown_engine_is_told(httptask, group):
    assert "No such command 'nothing'" in httptask(group, "nothing", code=2).err


@pytest.mark.skipif(importlib.util.find_spec("conductor") is not None, reason="the engine is installed here")
@pytest.mark.parametrize("group", ["worker", "deploy"])
def test_a_missing_engine_is_told_with_the_command_that_installs_it(httptask, group):
    told = httptask(group, "conductor", code=2).err
    assert 'pip install "httptask[conductor]"' in told
