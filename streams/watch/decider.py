"""The pure part of watch: one partition of the timeline through the core."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from events.codec import Refusal, decode_from_timeline
from events.results import Alert, Verdict, encode_alert, encode_source_state, encode_verdict
from events.scan_wire import NO_SCAN, read_passing_scans
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.core import snapshot
from streams.core.engine import step
from streams.core.outcome import NOTHING, Outcome
from streams.core.passing import PassingError, pass_over
from streams.core.sources import Source
from streams.core.state import State, new_state
from streams.dead_letters import dead_letter, dead_letter_output
from streams.partition import LogRecord, SavedState, UndecidableRecordError
from streams.watch.outages import outages_of

_TOPIC = "timeline"
# Decoded scans live only as long as their group, in memory the processor has at hand.
_GROUP = 256


class WatchPartition:
    """Takes the records of one timeline partition in offset order."""

    def __init__(self, partition: int, state: State) -> None:
        """Begin with the state that the records so far have left."""
        self.partition = partition
        self.state = state

    def take(self, records: Iterable[LogRecord], publish_from: int) -> list[Output]:
        """Return what timeline records bring: verdicts and alerts, what is known of sources, and the outages that follow.

        For one that refers to nothing that is its dead letter. What is known of a source is told once, as it is after the
        last of the records, behind all others and by the id of the source.
        """
        outputs: list[Output] = []
        changed: dict[str, tuple[Source, datetime, int]] = {}
        given = list(records)
        lines = [record.value or b"" for record in given]
        for index in self._leaving(lines, given):
            offset = given[index].offset
            try:
                outcome = self._decide(lines[index])
                if outcome is not NOTHING and offset >= publish_from:
                    self._add_outputs(outputs, outcome, offset, lines[index])
                    for source, now in outcome.sources:
                        changed[source.source_id] = source, now, offset
            except Exception as error:
                raise UndecidableRecordError(offset, error) from error
        return outputs + [_source_state(*changed[source_id]) for source_id in sorted(changed)]

    def _leaving(self, lines: list[bytes], given: list[LogRecord]) -> Iterator[int]:
        """Yield where a record stands that may leave something; it is to be decided before the next is asked for."""
        for first in range(0, len(lines), _GROUP):
            scans, begin = read_passing_scans(lines[first : first + _GROUP]), 0
            while begin < len(scans):
                if scans[begin] == NO_SCAN:
                    yield first + begin
                    begin += 1
                    continue
                try:
                    index = pass_over(self.state, scans, begin)
                except PassingError as error:
                    cause = error.__cause__ or error
                    raise UndecidableRecordError(given[first + error.index].offset, cause) from cause
                if index < len(scans):
                    yield first + index
                begin = index + 1

    def _decide(self, raw: bytes) -> Outcome:
        try:
            if not raw:
                raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, found nothing")
            record = decode_from_timeline(raw)
        except Refusal as refusal:
            return Outcome(refusal=refusal)
        return step(self.state, record)

    def _add_outputs(self, outputs: list[Output], outcome: Outcome, offset: int, raw: bytes) -> None:
        """Add what a record brings, apart from what is known of sources."""
        if outcome.refusal is not None:
            outputs.append(dead_letter_output(dead_letter(outcome.refusal, _TOPIC, self.partition, offset, raw)))
        outputs += map(_verdict, outcome.verdicts)
        outputs += map(_alert, outcome.alerts)
        for alert in outcome.alerts:
            outputs += outages_of(alert)

    @property
    def clock(self) -> datetime | None:
        """Return the highest tick so far."""
        return self.state.clock

    @property
    def parts(self) -> tuple[str, ...]:
        """Return what is held apart of a person: the readings."""
        return (snapshot.READINGS,)

    def head(self) -> dict[str, Any]:
        """Return what is held beside people, layouts and passed scans."""
        return snapshot.dump_head(self.state)

    def changes(self) -> Mapping[str, bytes | None]:
        """Return the entries that changed since this was last asked."""
        return snapshot.changes(self.state)

    def keys(self) -> list[str]:
        """Return the keys of all entries."""
        return snapshot.entry_keys(self.state)

    def entry(self, key: str) -> bytes | None:
        """Return an entry as it is now."""
        return snapshot.entry(self.state, key)


def _verdict(verdict: Verdict) -> Output:
    return Output("checks", verdict.check_id.encode(), encode_verdict(verdict))


def _alert(alert: Alert) -> Output:
    return Output("alerts", alert.alert_id.encode(), encode_alert(alert))


def _source_state(source: Source, updated_at: datetime, offset: int) -> Output:
    """Return what is told of a source; the record at the offset is the last that changed it."""
    try:
        return Output("source-states", source.source_id.encode(), encode_source_state(source.state(updated_at)))
    except Exception as error:
        raise UndecidableRecordError(offset, error) from error


def new_watch(partition: int, saved: SavedState | None = None) -> WatchPartition:
    """Return the watch of a partition, from what was written down where there is something."""
    return WatchPartition(partition, new_state() if saved is None else snapshot.load_state(saved.head, saved.entries))
