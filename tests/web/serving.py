"""`httptask serve` as a process of its own, as people start it."""

import json
import signal

from cli.command import Httptask

#: Long and unusual, with characters that encoders change, so that every form of it can be searched for.
CANARY = "canary-9d41f+/y=Z-page"


class Serve:
    """A running page. `link` lets one browser in; `url` is where it is."""

    def __init__(self, folder, *arguments, **variables):
        command = Httptask(folder, HTTPTASK_CONFIG=str(folder / "connections.toml"), CANARY=CANARY, **variables)
        self._said = folder / "serve.err"
        with self._said.open("w") as said:
            self._process = command.start("serve", "--port", "0", "--journal", folder / "journal.db", *arguments, stderr=said)
        self.folder = folder
        self.link = json.loads(self._process.stdout.readline())["url"]
        self.url = self.link.partition("/?")[0]

    @property
    def said(self):
        return self._said.read_text(encoding="utf-8")

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(20)
        self._process.stdout.close()
        assert code == 0, self.said
        assert "failed with" not in self.said, self.said
        assert CANARY not in self.said
