"""Clients that nobody here wrote use the sandbox. Each is skipped where it is not installed; `tests/conformance/run` has them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from httptask.sandbox.options import RateLimit, SandboxOptions
from httptask.sandbox.server import running
from httptask.sandbox.wire import SandboxRequest

HERE = Path(__file__).parent
SPECS = Path(os.environ.get("HTTPTASK_SPECS", HERE.parents[2] / "shared" / "specs"))
DOCUMENT = SPECS / "okta-agent-pools.extract.yaml"
UNLIMITED = RateLimit(10**6, 60)
NO_OKTA = importlib.util.find_spec("okta") is None
NO_SCHEMATHESIS = importlib.util.find_spec("schemathesis") is None


def run(*arguments, seconds):
    done = subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.mark.skipif(NO_OKTA, reason="the package okta is not installed")
@pytest.mark.parametrize("statuses", ["spec", "recorded"])
def test_oktas_own_client_completes_all_operations(statuses):
    with running(SandboxOptions(rate_limit=UNLIMITED, statuses=statuses)) as server:
        assert "14 operations completed" in run(HERE / "okta_sdk.py", server.base_url, server.token, statuses, seconds=60)


@pytest.mark.skipif(NO_SCHEMATHESIS, reason="the package schemathesis is not installed")
@pytest.mark.skipif(not DOCUMENT.exists(), reason="Okta's document is not here; HTTPTASK_SPECS names its folder")
def test_generated_requests_find_no_server_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with running(SandboxOptions(rate_limit=UNLIMITED)) as server:
        token = f"Authorization: SSWS {server.token}"
        chosen = ("--checks", "not_a_server_error", "--max-examples", "20", "--seed", "1", "--no-shrink", "--warnings", "off")
        run("-m", "schemathesis.cli", "run", DOCUMENT, "--url", server.base_url, "-H", token, *chosen, seconds=300)
        log = server.sandbox.handle(SandboxRequest("GET", "/_sandbox/requests"))
        assert len(json.loads(log.body)["received"]) == 1000
