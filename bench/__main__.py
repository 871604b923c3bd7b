"""Measure gridwatch against its floor and its peers.

    python -m bench                     everything; writes docs/figures/bench.json and bench.svg
    python -m bench --only watch,sink   some of it; writes nothing
    python -m bench --quick             in under a minute, lines of JSON: name, value, unit, ratio_to, ratio
    python -m bench --quick --check bench/floors.toml      exit status 1 where a ratio is on the wrong side of its floor

Kafka is started here unless GRIDWATCH_BENCH_KAFKA names one; the quick form without it measures what needs none.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from bench.broker import VARIABLE, stop_broker
from bench.checking import failures
from bench.picture import write_figures
from bench.places import tell
from bench.results import Results, as_lines, as_table
from bench.scope import QUICK, Scope

# Each is a module with a function `run(scope, results)`.
_NEED_KAFKA = {
    "watch": "bench.watching",
    "intake": "bench.intake",
    "scale": "bench.scale",
    "latency": "bench.latency",
    "restart": "bench.restart",
    "sink": "bench.sink",
    "gateway": "bench.gateway",
}
_NEED_NOTHING = {"replay": "bench.replay", "sizes": "bench.sizes"}
_ALL = _NEED_NOTHING | _NEED_KAFKA  # as long as no broker has started, all cores are free
_QUICK = ("watch", "intake", "replay", "sizes")


def main() -> int:
    """Run what was asked for and print what came out; return the exit status."""
    options = _parse()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    scope = replace(QUICK if options.quick else Scope(), **({"rounds": options.rounds} if options.rounds else {}))
    chosen = _chosen(options.only, is_quick=options.quick)
    results = Results()
    failed = []
    try:
        for name in chosen:
            tell(f"== {name}")
            run: Callable[[Scope, Results], None] = import_module(_ALL[name]).run
            try:
                run(scope, results)
            except Exception as error:  # what was measured before is worth having
                tell(f"{name} failed: {type(error).__name__}: {error}")
                failed.append(name)
    finally:
        stop_broker()
    rows = list(results.rows())
    sys.stdout.write(as_lines(rows) if options.quick else as_table(rows))
    if not (options.quick or options.only or failed):
        write_figures(rows, f"python -m bench --rounds {scope.rounds}")
    wrong = failures(rows, options.check) if options.check else []
    for line in wrong:
        tell(line)
    return 1 if failed or wrong else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="little input, lines of JSON")
    parser.add_argument("--only", help=f"some of {','.join(_ALL)}")
    parser.add_argument("--rounds", type=int, help="how often; medians count")
    parser.add_argument("--check", type=Path, metavar="FLOORS.toml", help="compare the ratios with their floors")
    return parser.parse_args()


def _chosen(only: str | None, *, is_quick: bool) -> list[str]:
    if only:
        unknown = set(only.split(",")) - _ALL.keys()
        if unknown:
            raise SystemExit(f"--only: expected some of {','.join(_ALL)}, got {','.join(sorted(unknown))}")
        return [name for name in _ALL if name in only.split(",")]
    if not is_quick:
        return list(_ALL)
    return [name for name in _QUICK if name in _NEED_NOTHING or os.environ.get(VARIABLE)]


if __name__ == "__main__":
    sys.exit(main())
