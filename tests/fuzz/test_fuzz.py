"""Every seed and a share of random inputs through every target; `make fuzz` gives them many more."""

import json
import os
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.environment import ROOT
from tests.fuzz.plain import inputs
from tests.fuzz.session import Session, Tally
from tests.fuzz.target import Found, Target
from tests.fuzz.targets import TARGETS

# Together about half a minute on two cores. `TIMES=100 pytest tests/fuzz` makes a hundred times as many.
_COUNTS = {
    "codec": 4000,
    "policy": 900,
    "intake": 900,
    "sink": 700,
    "alerts": 700,
    "gateway": 1500,
    "state": 700,
    "core": 60,
}
_TIMES = int(os.environ.get("TIMES", "1"))
# Where they begin; another one looks elsewhere.
_SEED = int(os.environ.get("FIRST_SEED", "0"))


@pytest.mark.timeout(120 * _TIMES)
@pytest.mark.parametrize("name", TARGETS)
def test_bad_input(name: str, tmp_path: Path) -> None:
    """Each input becomes records and dead letters, of both some, and breaks nothing."""
    target = TARGETS[name]
    session = Session(target, tmp_path)
    count = len(target.seeds()) + _COUNTS[name] * _TIMES

    for data in inputs(target, count, _SEED):
        session.run(data)

    said = "\n".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.txt"))
    assert session.tally.crashes == 0, said
    assert session.tally.inputs == count
    assert session.tally.records > count // 20
    assert session.tally.dead_letters > count // 20


@pytest.mark.parametrize("name", TARGETS)
def test_the_same_seed_gives_the_same_inputs(name: str) -> None:
    """Inputs are a function of target and seed, and within the target's size."""
    target = TARGETS[name]
    count = len(target.seeds()) + 50

    first = list(inputs(target, count, 3))

    assert list(inputs(target, count, 3)) == first
    assert list(inputs(target, count, 4)) != first
    assert len(first) == count
    assert all(len(data) <= target.largest_bytes for data in first[len(target.seeds()) :])


def _run(data: bytes) -> Found:
    """Break in three ways, for one input each."""
    if data == b"wrong":
        raise AssertionError("promised otherwise")
    while data == b"endless":
        pass
    return Found(taken=1) if data else Found(refused=1, unfound=1)


def _mutate(data: bytes, random: Random) -> bytes:
    return data + random.randbytes(1)


def test_what_breaks_a_target_is_kept(tmp_path: Path) -> None:
    """An input that breaks something, or takes too long, is counted and written down with how to repeat it."""
    session = Session(Target("made-up", _run, _mutate, lambda: [b""], 0, 64, seconds=0.05), tmp_path)

    for data in (b"a", b"wrong", b"endless", b"", b"b"):
        session.run(data)

    tally = session.tally
    assert (tally.inputs, tally.crashes, tally.records, tally.dead_letters, tally.unfound) == (5, 2, 2, 1, 1)
    assert tally.slowest_seconds > 0.04  # the limit is kept by another clock
    assert sorted(path.read_bytes() for path in tmp_path.iterdir() if not path.suffix) == [b"endless", b"wrong"]
    reports = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.txt")]
    assert sum("AssertionError: promised otherwise" in report for report in reports) == 1
    assert sum("TooSlowError" in report for report in reports) == 1
    assert all(report.startswith("python -m tests.fuzz --target made-up --repeat ") for report in reports)


def test_of_one_fault_a_few_inputs_are_kept(tmp_path: Path) -> None:
    """A fault that every other input meets does not fill the disk."""

    def run(data: bytes) -> Found:
        raise ValueError(data)

    session = Session(Target("made-up", run, _mutate, lambda: [b""], 0, 64), tmp_path)
    for number in range(20):
        session.run(b"%d" % number)

    assert session.tally.crashes == 20
    assert len(list(tmp_path.glob("*.txt"))) == 3


def test_the_runner_from_end_to_end(tmp_path: Path) -> None:
    """`python -m tests.fuzz` runs targets in processes of their own and writes what came out."""
    report = tmp_path / "fuzz.json"
    command = [sys.executable, "-m", "tests.fuzz", "--engine", "plain", "--inputs", "60", "--target", "policy"]

    done = subprocess.run(
        [*command, "--json", str(report)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["engine"] == "plain"
    assert found["targets"].keys() == {"policy"}
    assert found["total"].keys() == Tally().as_json().keys()
    assert (found["total"]["inputs"], found["total"]["crashes"]) == (60, 0)
    assert found["total"]["records"] > 0
