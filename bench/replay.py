"""Replay of a simulated town against its floor: reading and decoding the same lines alone.

    python -m bench.replay [--rounds 3] [--scan-share 0.02]

Each round runs both in turn in a process of its own kind of work, one core, and the median of their CPU time counts; the
ratio says how much the decisions cost on top of reading. Lines of JSON: name, value, unit, ratio_to, ratio.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from events.codec import Refusal, decode
from streams.replay import Replay, numbered_lines
from streams.town.settings import TownSettings
from streams.town.write import write_town


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scan-share", type=float, default=0.02)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        summary = write_town(TownSettings(seed=1, scan_share=options.scan_share), Path(directory))
        events = Path(directory) / "events.ndjson"
        floors, replays = [], []
        for _ in range(options.rounds):
            floors.append(_cpu_seconds(_decode_all, events))
            replays.append(_cpu_seconds(_replay_all, events))
    floor, replay = statistics.median(floors), statistics.median(replays)
    micros = 1e6 / summary.lines
    _print("decode alone", floor * micros, "", None)
    _print("replay", replay * micros, "decode alone", replay / floor)


def _print(name: str, value: float, ratio_to: str, ratio: float | None) -> None:
    shown = None if ratio is None else round(ratio, 2)
    print(json.dumps({"name": name, "value": round(value, 2), "unit": "us/line", "ratio_to": ratio_to, "ratio": shown}))


def _cpu_seconds(work: Callable[[Path], None], events: Path) -> float:
    began = time.process_time()
    work(events)
    return time.process_time() - began


def _decode_all(events: Path) -> None:
    with events.open("rb") as file:
        for _, raw, _ in numbered_lines(file):
            try:
                decode(raw)
            except Refusal:
                continue


def _replay_all(events: Path) -> None:
    replay = Replay()
    with events.open("rb") as file:
        for _ in replay.run(file):
            pass


if __name__ == "__main__":
    main()
