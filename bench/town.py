"""The input of all benchmarks: a seeded town, the lines that its devices send, and the timeline that intake makes of them.

97 of 100 records are scans of people who are not under observation, 1 of 100 people is observed; `Shares` says what came
out. Made once per settings and kept in `build/bench`, as the same settings give the same bytes.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.places import BUILD, tell
from events.records import KINDS, OUTSIDE_KINDS
from streams.broker.outputs import Output
from streams.intake.decider import new_intake
from streams.town.settings import TownSettings
from streams.town.write import EVENTS, write_town

_REPEAT_HOURS = 48
_FORMAT = 3


class Line(NamedTuple):
    """One record of a topic; a key of None stands in every partition."""

    key: bytes | None
    value: bytes


class RawLine(NamedTuple):
    """One record as a device sent it: offset, timestamp and value as a log record has them."""

    offset: int
    timestamp: int
    value: bytes


class _Head(msgspec.Struct):
    kind: str = ""
    source_id: str = ""
    person_id: str = ""
    at: str = ""


_HEADS = msgspec.json.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class Shares:
    """What the input is made of: lines of the timeline (each tick once), scans of people not observed, and people."""

    records: int
    ticks: int
    everyday_scans: int
    people: int
    observed: int

    def __str__(self) -> str:
        scans = 100 * self.everyday_scans / self.records
        return (
            f"{self.records:,} records and {self.ticks:,} ticks; {scans:.1f} of 100 records scans of people not observed; "
            f"{self.observed:,} of {self.people:,} people observed"
        )


def town_of(people: int, days: int = 14) -> TownSettings:
    """Return a town with the shares of the benchmarks: about one record a person and day."""
    return TownSettings(
        seed=3,
        days=days,
        compounds=max(1, people // 350),
        households=max(1, people // 3),
        residents=people,
        returnees=people // 100,
        scan_share=0.47,
        tick_minutes=15,
    )


class Town:
    """The files of one town."""

    def __init__(self, settings: TownSettings) -> None:
        """Make the files where they are not there yet."""
        digest = hashlib.sha256(json.dumps([_FORMAT, settings.as_json()]).encode()).hexdigest()[:12]
        self.directory = BUILD / f"town-{digest}"
        self.settings = settings
        if not (self.directory / "shares.json").exists():
            self._make()
        self.shares = Shares(**json.loads((self.directory / "shares.json").read_text(encoding="utf-8")))

    @property
    def events(self) -> Path:
        """Return the file of a replay: raw lines in log order, ticks included."""
        return self.directory / EVENTS

    def timeline(self) -> Iterator[Line]:
        """Yield the timeline as intake writes it, ticks once."""
        with (self.directory / "timeline.tsv").open("rb") as file:
            for line in file:
                key, _, value = line.rstrip(b"\n").partition(b"\t")
                yield Line(key or None, value)

    def raw(self) -> Iterator[tuple[str, Line]]:
        """Yield raw topic and record as devices send them; what names no known kind goes to the checkpoints."""
        with self.events.open("rb") as file:
            for line in file:
                head = _head(line)
                if head.kind != "tick":
                    yield _topic(head), Line(head.source_id.encode() or b"-", line.rstrip(b"\n"))

    def _make(self) -> None:
        tell(f"making a town of {self.settings.residents:,} people")
        write_town(self.settings, self.directory)
        shares = self._write_timeline()
        (self.directory / "shares.json").write_text(json.dumps(asdict(shares)), encoding="utf-8")

    def _write_timeline(self) -> Shares:
        observed = _observed(self.events)
        ticks = scans = records = 0
        with (self.directory / "timeline.tsv").open("wb") as file:
            for output in _through_intake(self.events):
                head = _HEADS.decode(output.value)
                is_tick = head.kind == "tick"
                ticks += is_tick
                records += not is_tick
                scans += head.kind == "checkpoint_scanned" and head.person_id not in observed
                file.write((output.key or b"") + b"\t" + output.value + b"\n")
        return Shares(records, ticks, scans, self.settings.residents, len(observed))


def _head(line: bytes) -> _Head:
    try:
        return _HEADS.decode(line)
    except msgspec.DecodeError:
        return _Head()


def _topic(head: _Head) -> str:
    record = OUTSIDE_KINDS.get(head.kind)
    return "checkpoints" if record is None else record.topic


def _observed(events: Path) -> set[str]:
    with events.open("rb") as file:
        heads = map(_head, file)
        return {head.person_id for head in heads if head.kind == "observation_opened"}


def _through_intake(events: Path) -> Iterator[Output]:
    """Yield what intake writes for the lines of a file, in their order; a tick goes through as it is."""
    assert set(KINDS) - set(OUTSIDE_KINDS) == {"source_heard", "tick"}
    intakes = {
        topic: new_intake(topic, 0, _REPEAT_HOURS, None) for topic in {kind.topic for kind in OUTSIDE_KINDS.values()}
    }
    clock_ms = 0
    with events.open("rb") as file:
        numbered = ((offset, line.rstrip(b"\n"), _head(line)) for offset, line in enumerate(file))
        for (topic, is_tick), run in groupby(numbered, key=lambda item: (_topic(item[2]), item[2].kind == "tick")):
            for _, line, head in run if is_tick else ():
                clock_ms = int(datetime.fromisoformat(head.at).timestamp() * 1000)
                yield Output("timeline", None, line, to_all_partitions=True)
            raw = [RawLine(offset, clock_ms, line) for offset, line, _ in run]
            for output in intakes[topic].take(raw, 0):
                if output.topic == "timeline":
                    yield output
