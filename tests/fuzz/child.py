"""The process that runs one target with one engine and writes its tally down: `python -m tests.fuzz.child`, by the runner.

With atheris this module must be the first to import gridwatch: what is imported before is not looked into.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.session import Session
    from tests.fuzz.target import Target

_WRITE_SECONDS = 2.0
# Code that tells where it goes is several times as slow.
_GUIDED_SLOWNESS = 5.0
_LARGEST_MEMORY_MB = 4096
# For what no Python is run in; everything else ends earlier by the limit of its target.
_LONGEST_SECONDS = 300


def main() -> None:
    """Run the target of the command line."""
    options = _parse()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.engine == "atheris":
        _run_guided(options)
    else:
        _run_plain(options)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=("atheris", "plain"), required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--inputs", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--work", type=Path, required=True, help="where corpus and tally are")
    parser.add_argument("--crashes", type=Path, required=True)
    return parser.parse_args()


def _run_plain(options: argparse.Namespace) -> None:
    from tests.fuzz.plain import inputs
    from tests.fuzz.session import Session
    from tests.fuzz.targets import TARGETS

    target = TARGETS[options.target]
    target.run(b"")  # what is made once is made now, and not counted
    session = Session(target, options.crashes)
    take = _taker(session, options)
    for data in inputs(target, options.inputs, options.seed):
        take(data)


def _taker(session: "Session", options: argparse.Namespace) -> Callable[[bytes], None]:
    """Return what takes one input; the tally is written now and then, and when all inputs were taken."""
    tally = options.work / "tally.json"
    written_at = time.monotonic()

    def take(data: bytes) -> None:
        nonlocal written_at
        session.run(data)
        is_last = session.tally.inputs >= options.inputs
        if is_last or time.monotonic() - written_at > _WRITE_SECONDS:
            session.write(tally)
            written_at = time.monotonic()
        if is_last and options.engine == "atheris":
            os._exit(0)  # the engine itself knows no way back

    return take


def _run_guided(options: argparse.Namespace) -> None:
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

    with atheris.instrument_imports(include=["events", "streams", "sinks"]):
        from tests.fuzz.session import Session
        from tests.fuzz.targets import TARGETS

    target = TARGETS[options.target]
    target.run(b"")  # as above
    session = Session(target, options.crashes, slowness=_GUIDED_SLOWNESS)
    arguments = [sys.argv[0], *_engine_options(target, options)]

    def mutate_bytes(data: bytes, largest_bytes: int) -> bytes:
        made: bytes = atheris.Mutate(data, largest_bytes)  # another function once the engine runs
        return made

    atheris.Setup(arguments, _taker(session, options), custom_mutator=_mutator(target, mutate_bytes))
    atheris.Fuzz()


def _mutator(target: "Target", by_engine: Callable[[bytes, int], bytes]) -> Callable[[bytes, int, int], bytes]:
    seeds = target.seeds()

    def mutate(data: bytes, largest_bytes: int, seed: int) -> bytes:
        random = Random(seed)
        if random.random() < 0.1:
            return by_engine(data, largest_bytes)
        # What the engine holds is mostly wrong in some way: there are more of those.
        begun = random.choice(seeds) if random.random() < 0.4 else bytes(data)
        return target.mutate(begun, random)[:largest_bytes]

    return mutate


def _engine_options(target: "Target", options: argparse.Namespace) -> list[str]:
    corpus, seeds = options.work / "corpus", options.work / "seeds"
    corpus.mkdir(exist_ok=True)
    seeds.mkdir(exist_ok=True)
    for number, data in enumerate(target.seeds()):
        (seeds / f"{number:04d}").write_bytes(data)
    options.crashes.mkdir(parents=True, exist_ok=True)
    return [
        f"-seed={options.seed + 1}",  # 0 is a random one
        f"-max_len={target.largest_bytes}",
        f"-artifact_prefix={options.crashes}/{target.name}-",
        f"-rss_limit_mb={_LARGEST_MEMORY_MB}",
        f"-timeout={_LONGEST_SECONDS}",
        # The mutator makes several changes itself; of many on top of each other nothing right comes.
        "-mutate_depth=2",
        "-len_control=0",
        "-report_slow_units=600",
        "-reload=0",
        "-verbosity=0",
        str(corpus),
        str(seeds),
    ]


if __name__ == "__main__":
    main()
