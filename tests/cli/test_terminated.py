"""SIGTERM, which every orchestrator sends, tells the truth as Ctrl-C does."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest


@pytest.mark.slow  # the request gets five seconds
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to handle")
def test_a_post_in_flight_is_told_unknown(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "httptask", "test", "okta.create_agent_pools_update", "-i", "poolId=p", "--json"]
        body = json.dumps({"name": "n", "agentType": "AD", "agents": []})
        env = {**os.environ, "HOME": str(tmp_path), "TOKEN": "a-token-of-the-test"}
        arguments = [*command, "--body", body, "--base-url", url, "--token", "env:TOKEN"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
            connection, _ = silent.accept()
            with connection:
                connection.recv(1)
                process.send_signal(signal.SIGTERM)
                out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "unknown"
    assert "Traceback" not in err
