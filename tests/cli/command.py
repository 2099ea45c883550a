"""The command as people run it: in an empty folder, with an environment that is not this machine's.

Starting Python takes longer than most commands do, so a command runs within this process; `HTTPTASK_PROCESSES=1` gives each
one of its own, as .ci/run does. What is about processes (`start`: signals, terminals, pipes that close) always has one.
"""

import contextlib
import json
import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest import mock

from httptask.cli import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "roll_out_agent_update.yaml"
NOTES = ROOT / "examples" / "templates"
COMMAND = (sys.executable, "-m", "httptask")
IN_PROCESSES = os.environ.get("HTTPTASK_PROCESSES", "") not in {"", "0"}


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

    def __call__(self, *arguments, **options):
        return self._run(self._in_a_process if IN_PROCESSES else self._within, *arguments, **options)

    def process(self, *arguments, **options):
        """Run it in a process of its own, whatever is asked for."""
        return self._run(self._in_a_process, *arguments, **options)

    def _run(self, run, *arguments, code=0, stdin="", env=(), tracebacks=False):
        result = Done(*run(list(map(str, arguments)), stdin, {**self.env, **dict(env)}), tracebacks=tracebacks)
        assert result.code == code, result.all
        return result

    def _in_a_process(self, arguments, stdin, env):
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            env=env,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def _within(self, arguments, stdin, env):
        streams = [TextIOWrapper(BytesIO(text), encoding="utf-8") for text in (stdin.encode(), b"", b"")]
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, env, clear=True),
            mock.patch.multiple(sys, stdin=streams[0], stdout=streams[1], stderr=streams[2]),
        ):
            code = main(arguments)
        for stream in streams:
            stream.flush()
        return code, *(stream.buffer.getvalue().decode() for stream in streams[1:])

    def start(self, *arguments, env=(), **streams):
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            cwd=self.folder,
            env={**self.env, **dict(env)},
            encoding="utf-8",
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        )
