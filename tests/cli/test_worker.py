from importlib.util import find_spec

import pytest


def test_the_engines_that_have_workers_are_listed(inside):
    assert "temporal" in inside("worker", "--help").out


def test_a_mistyped_engine_says_which_is_meant(inside):
    assert "did you mean 'temporal'?" in inside("worker", "temporl", code=2).err
    assert "engines: " in inside("worker", "xyz", code=2).err


def test_an_engine_needs_a_name(inside):
    assert "temporal" in (done := inside("worker", code=2)).err + done.out


@pytest.mark.skipif(find_spec("temporalio") is not None, reason="temporalio is installed")
def test_a_missing_engine_says_how_it_is_installed(inside):
    done = inside("worker", "temporal", code=2)
    assert 'pip install "httptask[temporal]"' in done.err
    assert "temporal" in inside("worker", "temporal", "--help").out


@pytest.mark.skipif(find_spec("temporalio") is None, reason="temporalio is not installed: tests/engines/run temporal")
def test_a_server_that_is_not_there_says_how_to_start_one(inside):
    assert "temporal server start-dev" in inside("worker", "temporal", "--address", "127.0.0.1:1", code=2).err
