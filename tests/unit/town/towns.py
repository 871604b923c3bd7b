"""Reading a written town back, and judging it by whatever decides a log."""

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from streams.town.settings import SIZES, TownSettings
from streams.town.write import EVENTS

Numbered = tuple[int, bytes]
_SMALL = SIZES["small"]


def small(**changes: Any) -> TownSettings:
    """Return the settings of the small town with hardly any everyday scan, and the changes given."""
    return TownSettings(**({**_SMALL, "scan_share": 0.005} | changes))


def lines_of(directory: Path) -> list[Numbered]:
    """Return the lines of the history with their numbers."""
    return list(enumerate((directory / EVENTS).read_bytes().splitlines()))


def rows_of(directory: Path, name: str) -> list[dict[str, Any]]:
    """Return the objects of one of the files."""
    return [json.loads(line) for line in (directory / name).read_bytes().splitlines()]


def is_tick(line: bytes) -> bool:
    """Say whether a line is a tick."""
    return line.startswith(b'{"kind":"tick"')


def channel(number: int, line: bytes) -> tuple[str, str]:
    """Return source and kind, within which the pipeline keeps the order; a spoiled line is a channel of its own."""
    try:
        body = json.loads(line)
        return body["source_id"], body["kind"]
    except (ValueError, TypeError, KeyError):
        return str(number), ""


def shuffled(lines: Iterable[Numbered], seed: int) -> list[Numbered]:
    """Return the lines as they may come through several topics: between ticks only the order in a channel is kept."""
    rng = Random(seed)
    together: list[Numbered] = []
    between: list[Numbered] = []
    for number, line in lines:
        between.append((number, line))
        if number == 0 or is_tick(line):
            together += _shuffle(between[:-1], rng) + between[-1:]
            between = []
    return together + _shuffle(between, rng)


def _shuffle(lines: list[Numbered], rng: Random) -> list[Numbered]:
    channels = [channel(*line) for line in lines]
    rng.shuffle(channels)
    waiting: dict[tuple[str, str], list[Numbered]] = {}
    for line in reversed(lines):
        waiting.setdefault(channel(*line), []).append(line)
    return [waiting[name].pop() for name in channels]


def last_revisions(rows: Iterable[dict[str, Any]], identity: str) -> dict[str, dict[str, Any]]:
    """Return the last row of each identity."""
    return {row[identity]: row for row in rows}


def differences(planned: list[dict[str, Any]], came: dict[str, dict[str, Any]], identity: str) -> list[str]:
    """Return the identities that were planned and did not come so, or came and were not planned."""
    wanted = {row[identity]: row for row in planned}
    wrong = set(wanted) ^ set(came)
    for name in set(wanted) & set(came):
        if any(came[name].get(key) != value for key, value in wanted[name].items()):
            wrong.add(name)
    return sorted(wrong)
