"""The sender, a process of its own: a town and everyday noise into the raw topics, and a journal of what was acknowledged.

    town    every line up to the next tick, acknowledged; noted as `LINE TICK`; then it waits until the clock has written
            that tick: what arrives after a deadline in the town must not stand before it in the log
    noise   so many records a second whatever becomes of the rest, also while all others stand still

Killed and started again it goes on after the last line of its journals; what had been sent and not noted comes twice, as
from any device. It ends with status 0 when the town is through and the file `hurry` is there.

usage: python -m tests.chaos.sender PLAN     (a JSON object, see Plan; settings of gridwatch from the environment)
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from streams.broker.outputs import Output
from streams.broker.publisher import Publisher
from streams.feeding import RawLine, read_line
from streams.settings import load_settings
from tests.chaos.journal import Journal
from tests.chaos.noise import noise

_GROUP = 2000
_POLL_S = 0.05
_BREATH_S = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send and where to note it; paths as text, so that it can travel as JSON."""

    events: str
    directory: str
    seed: int
    tick_s: float
    noise_per_s: float

    def as_json(self) -> str:
        """Return what `main` takes."""
        return json.dumps(asdict(self))

    @property
    def town(self) -> Journal:
        """Return the journal of the town: `LINE TICK`, all before LINE acknowledged and TICK to be written."""
        return Journal(Path(self.directory) / "town.journal")

    @property
    def noise(self) -> Journal:
        """Return the journal of the noise: how many records were acknowledged."""
        return Journal(Path(self.directory) / "noise.journal")

    @property
    def ticks(self) -> Journal:
        """Return the journal of the clock: each tick that it has written."""
        return Journal(Path(self.directory) / "ticks.journal")

    @property
    def hurry(self) -> Path:
        """Return the file that says: no noise any more, and the rest of the town as quickly as it goes."""
        return Path(self.directory) / "hurry"


async def send(plan: Plan) -> None:
    """Send everything; raises KafkaError when the brokers do not take it."""
    async with Publisher(load_settings()) as publisher, asyncio.TaskGroup() as both:
        both.create_task(_send_noise(plan, publisher))
        both.create_task(_send_town(plan, publisher))


async def _send_town(plan: Plan, publisher: Publisher) -> None:
    last = plan.town.last()
    begin = int(last[0]) if last else 1  # the line before is the policy, which is in the log already
    if last:
        await _written(plan, datetime.fromisoformat(last[1]))
    for end, outputs, tick in _parts(Path(plan.events), begin):
        due_at = time.monotonic() + plan.tick_s
        await publisher.publish(outputs)
        plan.town.note(end, tick.isoformat())
        await _written(plan, tick)
        while time.monotonic() < due_at and not plan.hurry.exists():
            await asyncio.sleep(_POLL_S)


def _parts(events: Path, begin: int) -> Iterator[tuple[int, list[Output], datetime]]:
    """Yield what stands before each tick from line `begin` on: the line after the tick, records, the tick."""
    outputs: list[Output] = []
    with events.open("rb") as file:
        for number, raw in islice(enumerate(file), begin, None):
            line = read_line(raw.rstrip(b"\n"))
            if isinstance(line, RawLine):
                outputs.append(line.output)
            else:
                yield number + 1, outputs, line
                outputs = []
    assert not outputs, "the town ends with a tick"


async def _written(plan: Plan, tick: datetime) -> None:
    while not ((last := plan.ticks.last()) and datetime.fromisoformat(last[0]) >= tick):
        await asyncio.sleep(_POLL_S)


async def _send_noise(plan: Plan, publisher: Publisher) -> None:
    first = sent = int((plan.noise.last() or ["0"])[0])
    began = time.monotonic()
    while not plan.hurry.exists():
        due = first + int(plan.noise_per_s * (time.monotonic() - began))
        while sent < due:
            until = min(due, sent + _GROUP)
            await publisher.publish(noise(plan.seed, number) for number in range(sent, until))
            sent = until
            plan.noise.note(sent)
        await asyncio.sleep(_BREATH_S)


def main() -> int:
    """Send to the end; exit status 4 when the brokers are gone."""
    try:
        asyncio.run(send(Plan(**json.loads(sys.argv[1]))))
    except BaseExceptionGroup as group:
        print(f"cannot send: {[f'{type(error).__name__}: {error}' for error in group.exceptions]}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
