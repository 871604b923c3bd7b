"""Run seeds: `python -m tests.simulation --seeds 1000`, or one of them with all that happens: `--seed 17 --trace`."""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.run import Outcome, run_seed

_LAST_LINES = 30
_SHOWS_EVERY_S = 2.0


def main() -> int:
    """Run what the arguments say; exit status 1 where a seed has problems."""
    arguments = _parser().parse_args()
    if arguments.seed is not None:
        return _run_one(arguments.seed, is_traced=arguments.trace)
    summary = _Summary()
    began = time.monotonic()
    for number, outcome in enumerate(
        _outcomes(range(arguments.first, arguments.first + arguments.seeds), arguments.jobs), 1
    ):
        summary.add(outcome)
        if outcome.problems:
            print(_failure(outcome), flush=True)
        summary.show_progress(number, arguments.seeds)
    summary.seconds = time.monotonic() - began
    if arguments.json:
        arguments.json.write_text(json.dumps(summary.document(), indent=2) + "\n", encoding="utf-8")
    print(summary.text())
    return 1 if summary.failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds (200)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--json", type=Path, help="write a summary into this file")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: print everything that happens")
    return parser


def _run_one(seed: int, *, is_traced: bool) -> int:
    def note(now: float, text: str) -> None:
        print(f"{now:15.4f} {text}")

    outcome = run_seed(seed, note if is_traced else None)
    print(_failure(outcome) if outcome.problems else f"seed {seed}: nothing wrong in {outcome.steps} steps")
    return 1 if outcome.problems else 0


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(run_seed, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(run_seed, seeds, chunksize=max(1, min(8, len(seeds) // (4 * jobs))))


def _failure(outcome: Outcome) -> str:
    """Say what is wrong with a seed, at which step it was found, what happened last, and how to repeat it."""
    last: list[str] = []

    def note(now: float, text: str) -> None:
        last.append(f"{now:15.4f} {text}")
        del last[:-_LAST_LINES]

    run_seed(outcome.seed, note)
    lines = [f"seed {outcome.seed}: wrong after {outcome.steps} steps, second {outcome.simulated_s:.1f}"]
    lines += [f"  {problem}" for problem in outcome.problems]
    lines += ["  what happened last:", *(f"    {line[:200]}" for line in last)]
    return "\n".join([*lines, f"  repeat it: {sys.executable} -m tests.simulation --seed {outcome.seed} --trace"])


class _Summary:
    """What many seeds came to."""

    def __init__(self) -> None:
        self.outcomes = 0
        self.failed: list[int] = []
        self.faults: Counter[str] = Counter()
        self.situations: Counter[str] = Counter()
        self.sums: Counter[str] = Counter()
        self.decided_s: list[float] = []
        self.recovered_s: list[float] = []
        self.seconds = 0.0
        self._shown_at = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        self.outcomes += 1
        if outcome.problems:
            self.failed.append(outcome.seed)
        self.faults += outcome.faults
        self.situations += outcome.situations
        for name in ("steps", "records", "lost", "duplicated", "overtaken", "wrong"):
            self.sums[name] += getattr(outcome, name)
        self.sums["simulated_days"] += int(outcome.simulated_s / 86_400)
        for times, value in ((self.decided_s, outcome.decided_s), (self.recovered_s, outcome.recovered_s)):
            if value is not None:
                times.append(value)

    def show_progress(self, number: int, count: int) -> None:
        if number < count and time.monotonic() - self._shown_at < _SHOWS_EVERY_S:
            return
        self._shown_at = time.monotonic()
        if sys.stderr.isatty():
            print(f"\r{number} of {count} seeds, {len(self.failed)} wrong", end="", file=sys.stderr, flush=True)
            if number == count:
                print(file=sys.stderr)

    def document(self) -> dict[str, object]:
        """Return the summary as JSON values; times are simulated seconds from the end of faults."""
        return {
            "seeds": self.outcomes,
            "failed_seeds": sorted(self.failed),
            **{
                name: self.sums[name]
                for name in ("steps", "simulated_days", "records", "lost", "duplicated", "overtaken", "wrong")
            },
            "faults_injected": self.faults.total(),
            "faults": dict(sorted(self.faults.items())),
            "situations": dict(sorted(self.situations.items())),
            "seconds_until_decided": _spread(self.decided_s),
            "seconds_until_all_in_store": _spread(self.recovered_s),
            "seconds_taken": round(self.seconds, 1),
        }

    def text(self) -> str:
        """Return the summary in a line or two."""
        decided, stored = _spread(self.decided_s), _spread(self.recovered_s)
        return (
            f"{self.outcomes} seeds, {len(self.failed)} wrong; {self.sums['steps']:,} steps, "
            f"{self.sums['simulated_days']:,} simulated days, {self.sums['records']:,} records, "
            f"{self.faults.total():,} faults in {self.seconds:.0f} s\n"
            f"lost {self.sums['lost']}, wrong {self.sums['wrong']}, written more than once {self.sums['duplicated']:,}, "
            f"overtaken by a frozen writer {self.sums['overtaken']:,}; "
            f"decided {decided['p50']} s after the last fault (at most {decided['max']}), "
            f"in the store {stored['p50']} s (at most {stored['max']})"
        )


def _spread(seconds: list[float]) -> dict[str, float | None]:
    ordered = sorted(seconds)
    if not ordered:
        return {"p50": None, "max": None}
    return {"p50": round(ordered[len(ordered) // 2], 1), "max": round(ordered[-1], 1)}


if __name__ == "__main__":
    sys.exit(main())
