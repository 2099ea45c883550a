"""Histories of runs that ended are walked again by today's code: a change of it that would break a run under way fails here.

After a change that is meant to break them: `PYTHONPATH=tests python tests/engines/temporal/record_histories.py`.
"""

import asyncio
from pathlib import Path

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from httptask.engines.temporal import HttpTaskPlugin

FOLDER = Path(__file__).with_name("histories")


def replayed(text):
    replayer = Replayer(workflows=[], plugins=[HttpTaskPlugin()])
    history = WorkflowHistory.from_json("recorded", text)
    return asyncio.run(replayer.replay_workflow(history, raise_on_replay_failure=False)).replay_failure


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_a_recorded_history_is_walked_again(file):
    assert replayed(file.read_text()) is None


def test_a_history_of_something_else_is_noticed():
    text = (FOLDER / "roll_out.json").read_text()
    assert replayed(text.replace('"okta.create_agent_pools_update"', '"okta.list_agent_pools"')) is not None
