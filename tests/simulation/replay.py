"""Plays one scenario again and tells what happens in it: `python tests/simulation/replay.py SEED`."""

import argparse
import logging
import sys
from pathlib import Path

HERE = Path(__file__).resolve()
log = logging.getLogger("replay")


def replay(seed):
    """Tell of each process what the server was asked, what the journal kept, and how it ended."""
    from model_server import statuses
    from simulation import simulating

    class Told(simulating.Scenario):
        def process(self):
            log.info("process; still planned, by number of the event: %s (now %d)", self.world.ends, self.world.events)
            kept, asked = len(self.life.journal.kept), len(self.server.requests)
            result = super().process()
            for request in self.server.requests[asked:]:
                log.info("  asked  %s %s", request.method, request.url)
            for entry in self.life.journal.kept[kept:]:
                log.info("  kept   %s %s %s", entry.path, entry.kind, {**entry.data, "digest": "..."})
            log.info("  ended  %s", "killed" if result is None else f"{result.status} {statuses(result)} {result.failure}")
            return result

    simulating.Scenario = Told
    log.info("holds: %s", dict(simulating.play(seed)))


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[2] / "plugin")]
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    replay(parser.parse_args().seed)
