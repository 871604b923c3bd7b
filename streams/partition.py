"""What a worker asks of the pure part that decides the records of one partition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from streams.broker.outputs import Output


class LogRecord(Protocol):
    """One record as the log holds it."""

    @property
    def offset(self) -> int:
        """Return its place in the partition."""

    @property
    def timestamp(self) -> int:
        """Return milliseconds since 1970."""

    @property
    def value(self) -> bytes | None:
        """Return the value's bytes; None is a tombstone."""


class UndecidableRecordError(RuntimeError):
    """Our fault: deciding the record at `offset` raised. The worker stops before the ack, so the record is not lost."""

    def __init__(self, offset: int, cause: BaseException) -> None:
        """Name the record and the kind of error; its text may repeat personal data and stays out."""
        super().__init__(f"offset {offset}: {type(cause).__name__}")
        self.offset = offset


# What stands between the key of an entry and the name of a part of it, an entry that changes only with it.
PART_MARK = "//"


@dataclass(frozen=True, slots=True)
class SavedState:
    """The state of a partition as it is written down: a small head of JSON values, and entries that change one by one."""

    head: dict[str, Any]
    entries: dict[str, bytes]


class PartitionDecider(Protocol):
    """Decides the records of one partition in offset order, and can be written down and read back in between.

    The same records from the same state always give the same outputs: whoever repeats them repeats them exactly. Taken in
    other pieces they do so too, apart from what only the last is told of: that is told once in each piece. Entries
    are immutable bytes, so that what was written down at an offset stays what it was while deciding goes on. An entry
    may have parts, under its key, `//` and one of the names in `parts`: what changes less often than the entry itself.
    """

    @property
    def clock(self) -> datetime | None:
        """Return the highest tick so far, None before the first and where there are no ticks."""

    @property
    def parts(self) -> Sequence[str]:
        """Return the names of all parts that an entry may have."""

    def take(self, records: Iterable[LogRecord], publish_from: int) -> list[Output]:
        """Decide records and return what is to be written because of those at or after offset `publish_from`.

        Raises UndecidableRecordError; what was decided before it is then worth nothing.
        """

    def head(self) -> dict[str, Any]:
        """Return what the state holds beside its entries, as JSON values; small, whatever the number of entries."""

    def changes(self) -> Mapping[str, bytes | None]:
        """Return the entries that changed since this was last asked, None for one that is gone."""

    def entry(self, key: str) -> bytes | None:
        """Return an entry as it is now, None where there is none."""
