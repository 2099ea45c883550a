"""The examples, run as their users run them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("temporalio", reason="temporalio is not installed: tests/engines/run temporal")

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
UPDATES = "/api/v1/agentPools/{poolId}/updates"


def run(rig, example, *arguments):
    command = [sys.executable, EXAMPLES / "engines" / "temporal" / example, *arguments, rig.address]
    environment = {**os.environ, **rig.box.environment}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_roll_out_from_its_file(rig):
    rig.box.reset()
    outputs = run(rig, "roll_out_from_file.py", EXAMPLES / "roll_out_agent_update.yaml")
    assert (outputs["notOperational"], len(outputs["updated"])) == ([], 2)


def test_the_roll_out_of_ones_own(rig):
    rig.box.reset()
    ended = run(rig, "roll_out.py")
    assert [each["status"] for each in ended] == ["Success", "Success"]
    assert rig.box.applied(f"POST {UPDATES}") == rig.box.applied(f"POST {UPDATES}/{{updateId}}/activate") == 2
