"""What happens to whom and when, all of it from one seed: nothing here does anything.

The day is a day of the devices: 24 hours that lie before the run began, since no device may be ahead of the gateway. It
passes in so many seconds, or more slowly where the machine cannot keep up.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Self

from events.records import CheckpointScanned, TemperatureTaken
from streams.gateway.keys import KeptKey, make_key
from streams.gateway.registrar import new_source
from streams.gateway.registry import RegisteredSource

DAY_S = 86_400.0
HOUR_S = 3_600.0
AREA = "jintang/huaikou/c001/g01"
_WAKES = 5
_SITES = 20
# Its battery was empty: further ahead than any gateway lets pass.
_WRONG_CLOCK_S = 3 * DAY_S
_LOSSES = ("recording", "before", "behind", "idle")


@dataclass(frozen=True, slots=True)
class Plan:
    """One day, which passes in `seconds`; the last `kept_apart` devices are processes of their own, which are killed."""

    seed: int
    devices: int
    kept_apart: int
    seconds: float
    directory: str
    ports: tuple[int, ...]
    began: str

    @property
    def begin(self) -> datetime:
        """Return when the day began, by a clock that is right."""
        return datetime.fromisoformat(self.began) - timedelta(seconds=DAY_S)

    def in_lanes(self) -> range:
        """Return the numbers of the devices that share processes."""
        return range(self.devices - self.kept_apart)

    def apart(self) -> range:
        """Return the numbers of the devices that have processes of their own."""
        return range(self.devices - self.kept_apart, self.devices)

    def as_json(self) -> str:
        """Return it for the command line of another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `as_json` wrote."""
        document = json.loads(text)
        return cls(**{**document, "ports": tuple(document["ports"])})


@dataclass(frozen=True, slots=True)
class Wake:
    """A device has something to record, and sends; `loss` is where it loses its power meanwhile."""

    at_s: float
    records: int
    loss: str = ""


@dataclass(frozen=True, slots=True)
class Device:
    """A device and its day: instants in seconds since the day began."""

    number: int
    kind: str
    stays_on: bool
    clock_off_s: float
    clock_set_at_s: float
    offline: tuple[tuple[float, float], ...]
    wakes: tuple[Wake, ...]

    @property
    def source_id(self) -> str:
        """Return its name."""
        return f"{'gate' if self.kind == CheckpointScanned.kind else 'terminal'}-{self.number:05d}"

    @property
    def person_id(self) -> str:
        """Return the one person that it ever sees: so all of its records stand in one partition of the timeline."""
        return f"p{self.number:06d}"

    def is_offline(self, at_s: float) -> bool:
        """Tell whether nothing reaches it."""
        return any(begin <= at_s < end for begin, end in self.offline)

    def clock_offset_s(self, at_s: float) -> float:
        """Return how far its clock is ahead."""
        return _WRONG_CLOCK_S if at_s < self.clock_set_at_s else self.clock_off_s

    def fields(self, number: int) -> dict[str, object]:
        """Return what it records as its `number`th record."""
        common = {"person_id": self.person_id, "area": AREA}
        if self.kind == CheckpointScanned.kind:
            direction = ("in", "out")[number % 2]
            return common | {"checkpoint_id": self.source_id, "direction": direction, "decision": "passed"}
        return common | {"temperature_c": 36.0 + number % 10 / 10, "site": "axillary"}


def device_of(seed: int, number: int) -> Device:
    """Return a device of the day."""
    chance = random.Random(f"{seed}/device/{number}")
    return Device(
        number=number,
        kind=TemperatureTaken.kind if number % 5 == 0 else CheckpointScanned.kind,
        stays_on=number % 3 == 0,
        clock_off_s=chance.uniform(-600, 240) if chance.random() < 0.25 else chance.uniform(-2, 2),
        clock_set_at_s=chance.uniform(2, 20) * HOUR_S if chance.random() < 0.01 else 0.0,
        offline=tuple(_offline(seed, number, chance)),
        wakes=tuple(_wakes(chance)),
    )


def _offline(seed: int, number: int, chance: random.Random) -> Iterator[tuple[float, float]]:
    """Yield outages: that of its site, if it has one, and its own."""
    site = random.Random(f"{seed}/site/{number % _SITES}")
    if site.random() < 0.2:
        begin = site.uniform(0, 18) * HOUR_S
        yield begin, begin + site.uniform(3, 6) * HOUR_S
    if chance.random() < 0.3:
        begin = chance.uniform(0, 23) * HOUR_S
        yield begin, begin + chance.uniform(1, 12) * HOUR_S


def _wakes(chance: random.Random) -> Iterator[Wake]:
    for at_s in sorted(chance.uniform(0, DAY_S) for _ in range(_WAKES)):
        yield Wake(at_s, chance.randint(3, 9), chance.choice(_LOSSES) if chance.random() < 0.04 else "")


def register(seed: int, device: Device, now: datetime) -> tuple[str, RegisteredSource]:
    """Return the key of a device and how it is registered."""
    text, kept = _key(seed, device, now)
    options: dict[str, object] = {"kinds": (device.kind,), "areas": ("jintang/huaikou",)}
    if device.kind == CheckpointScanned.kind:
        options["checkpoints"] = (device.source_id,)
    return text, new_source(device.source_id, options).with_key(kept)


def key_text(plan: Plan, device: Device) -> str:
    """Return the key that was given to a device."""
    return _key(plan.seed, device, plan.begin)[0]


def _key(seed: int, device: Device, now: datetime) -> tuple[str, KeptKey]:
    return make_key(device.source_id, random.Random(f"{seed}/key/{device.number}").randbytes, created_at=now)
