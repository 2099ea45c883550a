"""What pages of a catalogue of 1 000 tasks cost: `python benchmarks/web_catalogue.py [TASKS]`.

Times are those of the server alone, the application asked without a socket; weights are of what a browser loads for a first
visit, uncompressed. The catalogue is one's own folder of templates, which no manifest has listed.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "plugin"), str(ROOT / "tests")]

from pages import THING, folder, opened  # noqa: E402 - found above

TASKS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
ROUNDS = 21
LIMIT_SECONDS, LIMIT_BYTES = 0.1, 150_000


def median_of(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        acme = folder(Path(name) / "acme")
        for number in range(TASKS - 15):
            task = THING.replace("make_thing", f"make_{number:04}").replace("Make a thing", f"Make thing {number}")
            (acme / f"{number:04}.yaml").write_text(task)
        began = time.perf_counter()
        browser = opened(acme)
        print(f"{len(browser.site.catalogue.registry())} tasks, listed in {time.perf_counter() - began:.2f} s at the start")
        load = sum(len(asset.content) for asset in browser.site.pages.assets.values())
        worst = 0.0
        for path in (
            "/",
            "/?q=acme",
            "/search?q=make",
            "/search?q=make+0777",
            "/search?q=nothingatall",
            "/tasks/acme.make_thing",
        ):
            answer = browser.get(path)
            seconds, weight = median_of(lambda path=path: browser.get(path)), len(answer.body) + load
            worst = max(worst, seconds / LIMIT_SECONDS, weight / LIMIT_BYTES)
            print(f"{path:28} {seconds * 1000:7.1f} ms {weight / 1000:7.1f} kB")
        edited = acme / "0001.yaml"

        def edit() -> None:
            edited.write_text(edited.read_text() + "#\n")
            browser.get("/")

        print(f"{'/ after an edit':28} {median_of(edit) * 1000:7.1f} ms")
        return int(worst > 1)


if __name__ == "__main__":
    sys.exit(main())
