import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOT_ASKED_FOR = "builds and installs with the package index: set HTTPTASK_PACKAGING=1"
#: What a build or a test run leaves in a checkout.
LEFTOVERS = shutil.ignore_patterns(
    ".git", ".venv", "venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis", ".coverage*"
)


def pytest_configure(config):
    config.addinivalue_line("markers", "packaging: builds and installs distributions; needs the package index")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker("packaging")
            if os.environ.get("HTTPTASK_PACKAGING") != "1":
                item.add_marker(pytest.mark.skip(reason=NOT_ASKED_FOR))


def run(*command, folder, code=0, **variables):
    """Run a command in a folder, without the paths and settings of the test run itself."""
    ours = ("PYTHON", "HTTPTASK_", "OKTA_", "COV", "PYTEST", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=env | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


class Environment:
    """A fresh virtual environment, used from an empty folder."""

    def __init__(self, folder):
        self.folder = folder / "elsewhere"
        self.folder.mkdir(parents=True)
        venv.create(folder / "venv", with_pip=True)
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")

    def install(self, *requirements):
        run(
            self.bin / "python",
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *requirements,
            folder=self.folder,
        )

    def python(self, code, **options):
        return run(self.bin / "python", "-c", code, folder=self.folder, **options)

    def httptask(self, *arguments, **options):
        return run(self.bin / "httptask", *arguments, folder=self.folder, PYTHONUTF8="1", **options)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory):
    """A copy of the checkout, to be changed at will."""
    copy = tmp_path_factory.mktemp("checkout") / "httptask"
    shutil.copytree(ROOT, copy, ignore=LEFTOVERS)
    return copy


@pytest.fixture(scope="session")
def distributions(tmp_path_factory, checkout):
    """The folder with a source distribution and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, checkout, folder=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(distributions):
    [wheel] = distributions.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def installed(tmp_path_factory, wheel):
    environment = Environment(tmp_path_factory.mktemp("installed"))
    environment.install(f"{wheel}[serve]")
    return environment


@pytest.fixture(scope="session")
def editable(tmp_path_factory, checkout):
    environment = Environment(tmp_path_factory.mktemp("editable"))
    environment.install("-e", checkout)
    return environment
