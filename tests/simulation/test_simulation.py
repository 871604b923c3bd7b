"""Whatever fails and in whatever order things happen: every record is decided as the contract says, and all comes to rest.

`SEEDS=n` sets how many seeds are tried, `FIRST_SEED=n` where they begin.
"""

import os
import subprocess
import sys

import pytest

from tests.simulation.planted import PLANTED
from tests.simulation.run import run_seed

_FIRST = int(os.environ.get("FIRST_SEED", "0"))
_SEEDS = int(os.environ.get("SEEDS", "24"))
_PLANTED_SEEDS = 60


@pytest.mark.parametrize("seed", range(_FIRST, _FIRST + _SEEDS))
def test_a_seed(seed: int) -> None:
    """Nothing is lost, nothing is wrong, nothing stalls."""
    outcome = run_seed(seed)

    assert not outcome.problems, f"repeat it: python -m tests.simulation --seed {seed} --trace"
    assert outcome.records > 0
    assert outcome.decided_s is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_a_fault_of_ours_is_found(name: str) -> None:
    """By one of a few seeds, with nothing but the fault to find."""
    found = next((seed for seed in range(_PLANTED_SEEDS) if run_seed(seed, plant=PLANTED[name]).problems), None)

    assert found is not None


@pytest.mark.parametrize("seed", [3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (7, 16))])
def test_a_seed_is_the_same_run_everywhere(seed: int) -> None:
    """Byte for byte, in another process that hashes otherwise."""
    command = [sys.executable, "-m", "tests.simulation", "--seed", str(seed), "--trace"]
    traces = [
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": value}, capture_output=True, check=True).stdout
        for value in ("1", "2")
    ]

    assert len(traces[0].splitlines()) > 100
    assert traces[0] == traces[1]
