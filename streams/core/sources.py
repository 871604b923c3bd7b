"""What the log knows of its sources: what is expected of each, when it was heard, which of its numbers are missing.

Each is an entry of its own where the state is written down, under a key that no person has. A source that nobody defined
and that was not heard for as long as anything is remembered is let go of.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from events.policy import Policy
from events.results import Alert, Hole, SourceState
from streams.core.calendar import microseconds
from streams.core.deadlines import DeadlineIndex
from streams.core.numbers import Run, first_seen_at, holes
from streams.core.person import memory

PREFIX = "/source/"
# Numbers on their way: other topics, other partitions.
GAP_AFTER = timedelta(minutes=10)
_DELAYS = 12
_SHOWN_HOLES = 50
# Of each kind and source: what a repeat, or a command for what is resolved, is recognised by.
_REMEMBERED = 64


class Source(msgspec.Struct, array_like=True):
    """One source as the log describes it so far.

    `watched_since` is the clock from which on its silence is noticed, None where it is not. `delays` are the least delays
    of the last records that told of it, by their event ids. `silence` and `gap` are its open alerts, `told` the silence
    that the latest alert told of, `resolved` the last alerts that are not open any more, the latest since `resolved_at`.
    """

    source_id: str
    areas: tuple[str, ...] = ()
    interval_seconds: int = 0
    is_active: bool = False
    watched_since: datetime | None = None
    definitions: list[str] = []
    heard_until: datetime | None = None
    delays: dict[str, int | None] = {}
    runs: list[Run] = []
    silence: Alert | None = None
    gap: Alert | None = None
    told: str = ""
    resolved: list[str] = []
    resolved_at: datetime | None = None

    @property
    def area(self) -> str:
        """The area of its alerts."""
        return self.areas[0] if self.areas else ""

    @property
    def silent_since(self) -> datetime | None:
        """Since when it is silent: it was heard last, or came to be watched; None where that is not noticed."""
        if self.watched_since is None:
            return None
        return self.watched_since if self.heard_until is None else max(self.watched_since, self.heard_until)

    @property
    def silent_at(self) -> datetime | None:
        """When the clock makes an alert of its silence; None where it does not, or has."""
        since = self.silent_since
        if since is None or self.silence is not None or self.told == stamp(since):
            return None
        return since + timedelta(seconds=self.interval_seconds)

    @property
    def is_steady(self) -> bool:
        """Tell whether being heard again only puts its deadlines off, as long as no hole comes with it.

        Then what falls due is its silence, or that it is forgotten: both count from `heard_until`, and none comes into
        being. Not so before it was heard, when it may be remembered for its resolved alerts alone; where there are holes;
        while an alert is open, which can end; and once a silence was told of: that is due no more, but the next one is.
        """
        if self.heard_until is None or len(self.runs) > 1 or self.silence is not None or self.gap is not None:
            return False
        return not self.told or (since := self.silent_since) is None or self.told != stamp(since)

    @property
    def gap_at(self) -> datetime | None:
        """When the clock makes an alert of its holes; None where there are none, or an alert tells of them."""
        seen_at = first_seen_at(self.runs) if self.gap is None and len(self.runs) > 1 else None
        return None if seen_at is None else seen_at + GAP_AFTER

    def given_up_at(self, policy: Policy) -> datetime | None:
        """Return when the hole that has been there longest is given up."""
        seen_at = first_seen_at(self.runs) if len(self.runs) > 1 else None
        return None if seen_at is None else seen_at + memory(policy)

    def forgotten_at(self, policy: Policy) -> datetime | None:
        """Return when it is forgotten, and then its resolved alerts; None where it is defined, or something is missing."""
        since = self.resolved_at if self.heard_until is None else self.heard_until
        if self.definitions or since is None or len(self.runs) > 1:
            return None
        return since + memory(policy)

    def forget(self) -> bool:
        """Forget what was heard, or where that is forgotten the alerts; returns whether nothing is left."""
        if self.heard_until is None:
            return True
        self.heard_until, self.runs, self.delays = None, [], {}
        return not self.resolved

    def next_due(self, policy: Policy) -> datetime | None:
        """Return the first instant at which a tick has something to do for it."""
        due = (self.silent_at, self.gap_at, self.given_up_at(policy), self.forgotten_at(policy))
        return min([at for at in due if at is not None], default=None)

    def had_alert(self, identity: str) -> bool:
        """Tell whether an alert is one of its, resolved or not, as long as that is remembered."""
        is_open = any(alert is not None and alert.alert_id == identity for alert in (self.silence, self.gap))
        return is_open or identity in self.resolved

    def remember_definition(self, event_id: str) -> bool:
        """Remember a definition; returns whether it is known."""
        return _is_known(self.definitions, event_id)

    def remember_delay(self, event_id: str, delay_ms: int | None) -> None:
        """Take one more delay, each once."""
        if event_id in self.delays:
            return
        self.delays[event_id] = delay_ms
        if len(self.delays) > _DELAYS:
            del self.delays[next(iter(self.delays))]

    def remember_resolved(self, identity: str, resolved_at: datetime) -> None:
        """Remember an alert that is resolved."""
        _is_known(self.resolved, identity)
        self.resolved_at = resolved_at

    def state(self, updated_at: datetime) -> SourceState:
        """Return what is told of it."""
        delays = [delay for delay in self.delays.values() if delay is not None]
        found = holes(self.runs) if len(self.runs) > 1 else []
        return SourceState(
            source_id=self.source_id,
            is_active=self.is_active,
            areas=self.areas,
            interval_seconds=self.interval_seconds,
            heard_until=self.heard_until,
            is_silent=self.silence is not None,
            last_sequence=self.runs[-1].last if self.runs else None,
            missing=sum(hole.last - hole.first + 1 for hole in found),
            holes=tuple([Hole(hole.first, hole.last) for hole in found[:_SHOWN_HOLES]]),
            clock_offset_ms=min(delays, default=None),
            updated_at=updated_at,
        )


def _is_known(remembered: list[str], name: str) -> bool:
    if name in remembered:
        return True
    remembered.append(name)
    del remembered[:-_REMEMBERED]
    return False


# What intake tells ends with a half hour, the same for many sources.
@lru_cache(maxsize=256)
def stamp(instant: datetime) -> str:
    """Return an instant as it names the alert of a silence: to the second, in UTC."""
    return f"{instant:%Y%m%dT%H%M%SZ}"


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Source).decode


class Sources:
    """The sources of a partition by their ids; one that was changed is to be put back."""

    def __init__(self, entries: Mapping[str, bytes] | None = None) -> None:
        """Begin with what was written down, or with none."""
        self.changed: dict[str, None] = {}
        self._known = {source.source_id: source for source in map(_unpack, (entries or {}).values())}
        # Who has something due is noted here at that instant or earlier: most deadlines are put off before they come.
        self._indexed: dict[str, int] = {}
        self._deadlines = DeadlineIndex()

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Source]:
        """Yield all in the order of their ids."""
        return iter([self._known[source_id] for source_id in self.ids()])

    def ids(self) -> list[str]:
        """Return the ids of all, in their order."""
        return sorted(self._known)

    def get(self, source_id: str) -> Source | None:
        """Return what is known of a source, None where that is nothing."""
        return self._known.get(source_id)

    def put(self, source: Source, policy: Policy) -> None:
        """Hold a source as it is now."""
        self._known[source.source_id] = source
        self.changed[source.source_id] = None
        self._note(source.source_id, source.next_due(policy))

    def put_off(self, source: Source) -> None:
        """Hold a source that was held before, and of which nothing falls due earlier than it did then."""
        self.changed[source.source_id] = None

    def remove(self, source: Source) -> None:
        """Let go of a source."""
        self._known.pop(source.source_id, None)
        self.changed[source.source_id] = None

    def look_again(self, policy: Policy) -> None:
        """Find anew when each falls due, under another policy or after it was read back."""
        for source in self:
            self._note(source.source_id, source.next_due(policy))

    def _note(self, source_id: str, due_at: datetime | None) -> None:
        if due_at is None:
            return
        due, indexed = microseconds(due_at), self._indexed.get(source_id)
        if indexed is None or due < indexed:
            self._indexed[source_id] = due
            self._deadlines.add(due, source_id)

    def pop_due(self, clock: datetime, policy: Policy) -> list[Source]:
        """Take out all whose next deadline the clock has reached, by id; each is to be put back or removed."""
        found: list[str] = []
        for instant, source_ids in list(self._deadlines.pop_due(microseconds(clock))):
            for source_id in source_ids:
                if self._indexed.get(source_id) != instant:
                    continue
                del self._indexed[source_id]
                source = self._known.get(source_id)
                due_at = None if source is None else source.next_due(policy)
                if due_at is not None and due_at <= clock:
                    found.append(source_id)
                else:
                    self._note(source_id, due_at)
        return [self._known[source_id] for source_id in sorted(found)]

    def packed(self, source_id: str) -> bytes | None:
        """Return a source as bytes, None where nothing is known of it."""
        source = self._known.get(source_id)
        return None if source is None else _pack(source)
