"""Runs targets, each in a process of its own, and gathers what came out."""

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz.environment import BUILD, ROOT

_TELL_SECONDS = 15
_COLUMNS = ("inputs", "crashes", "records", "dead_letters", "unfound", "seconds", "slowest_seconds")


@dataclass
class Report:
    """What came out of each target: its tally, and the exit status of its process."""

    engine: str
    seed: int
    crashes: Path
    tallies: dict[str, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def is_broken(self) -> bool:
        """Tell whether any input broke a target, or the process that ran it."""
        return any(tally["crashes"] for tally in self.tallies.values()) or any(self.statuses.values())

    def total(self) -> dict[str, Any]:
        """Return the sums over all targets; of the slowest input the longest time."""
        return self._total(self.tallies)

    @staticmethod
    def _total(tallies: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
        sums: dict[str, Any] = {name: sum(tally[name] for tally in tallies.values()) for name in _COLUMNS}
        longest = max((tally["slowest_seconds"] for tally in tallies.values()), default=0.0)
        return sums | {"seconds": round(sums["seconds"], 3), "slowest_seconds": longest}

    def as_json(self, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return all of it for programs, with the targets of a run before that were not run again."""
        tallies = {**(before or {}).get("targets", {}), **self.tallies}
        return {"engine": self.engine, "seed": self.seed, "targets": tallies, "total": self._total(tallies)}

    def as_table(self) -> str:
        """Return all of it for people."""
        lines = [f"engine {self.engine}, seed {self.seed}"]
        lines.append(f"{'':<8}" + "".join(f"{name:>17}" for name in _COLUMNS))
        for name, tally in {**self.tallies, "all": self.total()}.items():
            lines.append(f"{name:<8}" + "".join(f"{tally[column]:>17,}" for column in _COLUMNS))
        return "\n".join(lines) + "\n"

    def broken(self) -> list[str]:
        """Say of every input that broke something how to repeat it, and of every process that ended by itself."""
        lines = [
            f"{name}: its process ended with status {status}; see {BUILD / name / 'log'}"
            for name, status in self.statuses.items()
            if status
        ]
        for name, tally in self.tallies.items():
            if tally["crashes"]:
                kept = sorted(self.crashes.glob(f"{name}-*.txt"))
                lines += [path.read_text(encoding="utf-8").partition("\n")[0] for path in kept]
        return lines


def run_targets(counts: Mapping[str, int], seed: int, jobs: int, python: Path | None) -> Report:
    """Run targets with so many inputs each, `jobs` at a time; with a Python that has atheris by that."""
    report = Report("plain" if python is None else "atheris", seed, BUILD / "crashes")
    for name in counts:
        for old in report.crashes.glob(f"{name}-*"):
            old.unlink()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(lambda name: _run(report, name, counts[name], python), counts))
    report.tallies = {name: report.tallies[name] for name in counts if name in report.tallies}
    return report


def _run(report: Report, name: str, inputs: int, python: Path | None) -> None:
    work = BUILD / name
    work.mkdir(parents=True, exist_ok=True)
    tally = work / "tally.json"
    tally.unlink(missing_ok=True)
    command = [str(python or sys.executable), "-m", "tests.fuzz.child", "--engine", report.engine, "--target", name]
    command += [
        "--inputs",
        str(inputs),
        "--seed",
        str(report.seed),
        "--work",
        str(work),
        "--crashes",
        str(report.crashes),
    ]
    with (work / "log").open("wb") as log, subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log) as child:
        while (status := _wait(child)) is None:
            _tell(name, inputs, tally)
    _tell(name, inputs, tally)
    report.statuses[name] = status
    if tally.exists():
        report.tallies[name] = json.loads(tally.read_bytes())


def _wait(child: "subprocess.Popen[bytes]") -> int | None:
    try:
        return child.wait(_TELL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _tell(name: str, inputs: int, tally: Path) -> None:
    if tally.exists():
        so_far = json.loads(tally.read_bytes())
        sys.stderr.write(f"{name:<8} {so_far['inputs']:>10,} of {inputs:,} inputs, {so_far['crashes']} crashes\n")
        sys.stderr.flush()
