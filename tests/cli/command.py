"""The command as people run it: a process of its own, in an empty folder, with an environment that is not this machine's."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "roll_out_agent_update.yaml"
NOTES = ROOT / "examples" / "templates"
COMMAND = (sys.executable, "-m", "httptask")


def environment(home, **variables):
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    # a measured run counts the lines of the processes it starts too
    kept |= {name: value for name, value in os.environ.items() if name.startswith(("COV_", "COVERAGE_"))}
    return kept | {"HOME": str(home), "PYTHONPATH": str(ROOT / "plugin"), "PYTHONUTF8": "1"} | variables


class Done:
    """What a finished command left behind. No mistake of a user's may ever end in a traceback, unless one is asked for."""

    def __init__(self, code, out, err, *, tracebacks=False):
        self.code, self.out, self.err = code, out, err
        assert tracebacks or "Traceback" not in self.out + self.err, self.err[-2000:]

    @property
    def all(self):
        return self.out + self.err

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def problems(self):
        return [problem["where"] for problem in self.json["error"]["problems"]]


class Httptask:
    """Runs `httptask ...` in `folder`."""

    def __init__(self, folder, **variables):
        self.folder = folder
        self.env = environment(folder, **variables)

    def __call__(self, *arguments, code=0, stdin="", env=(), tracebacks=False):
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env={**self.env, **dict(env)},
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        result = Done(done.returncode, done.stdout, done.stderr, tracebacks=tracebacks)
        assert result.code == code, result.all
        return result

    def start(self, *arguments, env=(), **streams):
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env={**self.env, **dict(env)},
            encoding="utf-8",
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        )
