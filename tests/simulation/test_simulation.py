"""Many scenarios, each from a seed. A seed that fails is told, and played again by either of

    python tests/simulation/replay.py SEED
    python -m pytest tests/simulation --seed SEED

`HTTPTASK_SIMULATIONS=1000000 HTTPTASK_SLOW=1 python -m pytest tests/simulation -n 8` plays a million.
"""

import os
from collections import Counter

import pytest

from simulation import simulating

pytestmark = pytest.mark.broad

QUICK = 200
MANY = int(os.environ.get("HTTPTASK_SIMULATIONS", "10000"))
PARTS = max(8, MANY // 2000)


def played(seeds):
    """Play these scenarios; return what happened in all of them."""
    tally = Counter()
    for seed in seeds:
        try:
            tally += simulating.play(seed)
        except Exception as error:
            error.add_note(f"replay it: python tests/simulation/replay.py {seed}")
            raise
    return tally


def test_whatever_ends_a_process_a_run_does_nothing_twice_and_comes_to_its_end(request):
    seed = request.config.getoption("--seed", None)
    tally = played(range(QUICK) if seed is None else [seed])
    if seed is None:
        assert min(tally[word] for word in ("killed", "succeeded", "failed", "unknown", "waiting", "cancelled")) > 0, tally


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_many_scenarios(part):
    played(range(QUICK + part, QUICK + MANY, PARTS))
