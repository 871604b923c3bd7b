"""Give bad input to everything that reads any: each input must become a record or a dead letter, and nothing else.

    python -m tests.fuzz --inputs 1000000            all targets, codec most
    python -m tests.fuzz --inputs 20000 --target core --seed 7
    python -m tests.fuzz --inputs 100000 --engine plain --json fuzz.json
    python -m tests.fuzz --target codec --repeat build/fuzz/crashes/codec-0123456789ab

The engine is atheris, led by the code that inputs reach, in an environment of its own that is made in build/fuzz; where it
cannot be made, inputs are made by random choices alone. What atheris found to reach new code is kept in build/fuzz and begun
with the next time. Exit status 1 where an input broke something; it is in build/fuzz/crashes then, with how to repeat it.
"""

import argparse
import json
import sys
from pathlib import Path

from tests.fuzz.environment import BUILD, guided_python
from tests.fuzz.runner import Report, run_targets
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run what was asked for; return the exit status."""
    options = _parse()
    if options.repeat is not None:
        return _repeat(options.target, options.repeat)
    python = None if options.engine == "plain" else guided_python()
    if python is None and options.engine == "atheris":
        return 2
    report = run_targets(_counts(options.inputs, options.target), options.seed, options.jobs, python)
    sys.stdout.write(report.as_table())
    if options.json:
        before = json.loads(options.json.read_bytes()) if options.target and options.json.exists() else None
        options.json.write_text(json.dumps(report.as_json(before), indent=2) + "\n", encoding="utf-8")
    return _say_broken(report)


def _say_broken(report: Report) -> int:
    for line in report.broken():
        sys.stderr.write(line + "\n")
    return 1 if report.is_broken else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=10_000, help="how many, over all targets")
    parser.add_argument("--target", choices=TARGETS, help="only this one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--engine", choices=("auto", "atheris", "plain"), default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="how many targets at a time")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write what came out; of one target into what is there"
    )
    parser.add_argument("--repeat", type=Path, metavar="INPUT", help="give one target one input, errors shown")
    options = parser.parse_args()
    if options.repeat is not None and options.target is None:
        parser.error("--repeat needs --target")
    return options


def _counts(inputs: int, only: str | None) -> dict[str, int]:
    """Return how many inputs each target gets; together as many as were asked for."""
    if only is not None:
        return {only: inputs}
    counts = {name: inputs * target.share // 1000 for name, target in TARGETS.items()}
    counts[next(iter(counts))] += inputs - sum(counts.values())
    return {name: count for name, count in counts.items() if count}


def _repeat(name: str, path: Path) -> int:
    found = TARGETS[name].run(path.read_bytes())
    sys.stdout.write(f"{found}\n")
    return 0


if __name__ == "__main__":
    assert BUILD.parent.name == "build"
    sys.exit(main())
