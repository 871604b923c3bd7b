"""The records that the stories of the town bring, before they are numbered and written."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from streams.town.calendar import TownCalendar

Fields = dict[str, Any]
Mangle = Callable[[Fields], bytes]

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True, eq=False)
class PlannedRecord:
    """One record of the history.

    `fields` is what the device sends, without `sequence` and `received_at`. The sequence is given when the record is
    written, in the order of arrival, so that it rises by one per source; `same_as` takes over that of an earlier arrival.
    `mangle` spoils the object on its way into bytes. `dead_letter` is the reason code that must come, if any.
    """

    order: int
    source: str
    received_at: int
    fields: Fields
    same_as: "PlannedRecord | None" = None
    mangle: Mangle | None = None
    dead_letter: str | None = None
    sequence: int = 0

    def line(self, calendar: TownCalendar) -> bytes:
        """Return the record as one line of the log; its sequence must have been given."""
        body = self.fields | {"sequence": self.sequence, "received_at": calendar.iso(self.received_at)}
        return (_ENCODER.encode(body) if self.mangle is None else self.mangle(body)) + b"\n"


@dataclass(slots=True)
class Journal:
    """Everything planned so far, in the order of planning."""

    calendar: TownCalendar
    records: list[PlannedRecord] = field(default_factory=list)

    def add(
        self,
        kind: str,
        source: str,
        occurred_at: int,
        received_at: int,
        *,
        mangle: Mangle | None = None,
        dead_letter: str | None = None,
        **fields: Any,
    ) -> PlannedRecord:
        """Plan a record that `source` stamps with `occurred_at` and the gateway with `received_at`."""
        order = len(self.records)
        body: Fields = {"kind": kind, "event_id": f"{source}:t{order}", "source_id": source, "sequence": 0}
        body["occurred_at"] = self.calendar.iso(occurred_at)
        body["received_at"] = ""
        return self._keep(PlannedRecord(order, source, received_at, body | fields, None, mangle, dead_letter))

    def send_again(self, record: PlannedRecord, received_at: int, **mended: Any) -> PlannedRecord:
        """Plan a second arrival of a record, under the same event_id and sequence, with the given fields mended."""
        order = len(self.records)
        return self._keep(PlannedRecord(order, record.source, received_at, record.fields | mended, record))

    def _keep(self, record: PlannedRecord) -> PlannedRecord:
        self.records.append(record)
        return record
