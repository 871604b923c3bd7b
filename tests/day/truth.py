"""What the spools hold when the day is over: read from their files, beside what each device was told to be safe."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path

from streams.device.spool_file import open_for_reading
from streams.device.spool_view import refused_in, status_of


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record as the spool holds it; `body` is JSON, without its number."""

    sequence: int
    event_id: str
    body: str


@dataclass(frozen=True, slots=True)
class Truth:
    """One device: what was delivered, what was refused and why, what waits, and what it had noted and no longer has."""

    source_id: str
    records: tuple[Recorded, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)
    waiting: int = 0
    missing: tuple[str, ...] = ()
    set_aside: int = 0

    def as_line(self) -> str:
        """Return the line of a file."""
        return json.dumps(asdict(self), separators=(",", ":")) + "\n"


def read_truth(path: Path, source_id: str, noted: Iterable[str]) -> Truth:
    """Read a spool that nobody writes any more."""
    status = status_of(path)
    with closing(open_for_reading(path)) as connection:
        rows = connection.execute("SELECT sequence, event_id, body FROM records ORDER BY position").fetchall()
    records = tuple(Recorded(sequence or 0, event_id, body.decode()) for sequence, event_id, body in rows)
    refused = {each.event_id: each.reason for each in refused_in(path)}
    held = {each.event_id for each in records} | refused.keys()
    missing = tuple(event_id for event_id in noted if event_id not in held)
    return Truth(source_id, records, refused, status.waiting, missing, len(status.set_aside))


def read_truths(directory: Path) -> Iterator[Truth]:
    """Yield what the processes of the devices have written down."""
    for path in sorted(directory.glob("truth-*.ndjson")):
        with path.open(encoding="utf-8") as file:
            for line in file:
                document = json.loads(line)
                records = tuple(Recorded(**each) for each in document.pop("records"))
                yield Truth(**{**document, "records": records, "missing": tuple(document["missing"])})
