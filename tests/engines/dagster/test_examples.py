"""The examples for Dagster, run as they stand."""

import runpy
from pathlib import Path

import pytest

dagster = pytest.importorskip("dagster", reason='needs pip install "httptask[dagster]": tests/engines/run dagster')
from dagster import Definitions, materialize  # noqa: E402

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "engines" / "dagster" / "roll_out.py"


@pytest.fixture
def example(environment, org, monkeypatch):
    org.reset()
    for name, value in org.environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(EXAMPLE))


def test_the_example_is_a_code_location(example):
    Definitions.validate_loadable(example["defs"])


@pytest.mark.parametrize("name", ["roll_out_agent_update", "update_first_pool"])
def test_the_jobs_of_the_example_succeed(example, instance, name):
    done = example["defs"].get_job_def(name).execute_in_process(instance=instance)
    assert done.success
    if name == "update_first_pool":
        assert done.output_for_node("update_is_done", "status") == "Success"
    else:
        assert done.output_for_node("roll_out_agent_update__outputs", "notOperational") == []


def test_the_asset_of_the_example_is_materialized(example, instance):
    done = materialize([example["agent_pools"]], instance=instance, resources={"httptask": example["okta"]})
    assert done.success
    assert len(done.output_for_node("agent_pools")) > 1
