"""Who may send what: the sources of the town, as the compacted topic `sources` has them, one record each.

Read by every gateway from its beginning and followed from then on, so that a key that is revoked fails on all of them as soon
as the record arrives.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import ConfigDict, TypeAdapter, ValidationError

from streams.gateway.keys import KeptKey, Presented
from streams.gateway.sources import Rights, Source

_STRICT = ConfigDict(extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSource:
    """A source with its rights, its keys and how it sends.

    `interval_seconds` is how long it may be silent, 0 for ever; `records_per_s` and `burst` bound what it sends.
    """

    __pydantic_config__ = _STRICT

    source_id: str
    kinds: tuple[str, ...]
    areas: tuple[str, ...]
    checkpoints: tuple[str, ...] = ()
    adapter: str = "native"
    timezone: str = "UTC"
    sequence_counts: bool = True
    interval_seconds: float = 0.0
    records_per_s: float = 100.0
    burst: int = 2_000
    keys: tuple[KeptKey, ...] = field(default=(), repr=False)

    @property
    def source(self) -> Source:
        """Return what the door needs of it."""
        rights = Rights(frozenset(self.kinds), self.areas, frozenset(self.checkpoints))
        return Source(self.source_id, rights)

    def key(self, key_id: str) -> KeptKey | None:
        """Return one of its keys."""
        return next((key for key in self.keys if key.key_id == key_id), None)

    def with_key(self, key: KeptKey) -> "RegisteredSource":
        """Return it with a key more."""
        return replace(self, keys=(*self.keys, key))

    def without_keys(self, key_ids: frozenset[str], revoked_at: datetime) -> "RegisteredSource":
        """Return it with keys revoked."""
        keys = tuple(replace(key, revoked_at=revoked_at) if key.key_id in key_ids else key for key in self.keys)
        return replace(self, keys=keys)


_ADAPTER = TypeAdapter(RegisteredSource)


def read_source(value: bytes) -> RegisteredSource | None:
    """Read a record of the topic; None for what is none."""
    try:
        return _ADAPTER.validate_json(value)
    except ValidationError:
        return None


def write_source(source: RegisteredSource) -> bytes:
    """Write a record of the topic."""
    return _ADAPTER.dump_json(source)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A source that was let in, by which key."""

    registered: RegisteredSource
    source: Source
    key: KeptKey


class Registry:
    """All sources in memory; changed by one thread, and asked by the same."""

    def __init__(self) -> None:
        self._sources: dict[str, tuple[RegisteredSource, Source]] = {}

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, source_id: str) -> bool:
        return source_id in self._sources

    def take(self, source_id: str, value: bytes | None) -> None:
        """Take a record of the topic; a tombstone, and what is no record, takes the source away: better shut than open."""
        registered = None if value is None else read_source(value)
        if registered is None or registered.source_id != source_id:
            self._sources.pop(source_id, None)
        else:
            self._sources[source_id] = registered, registered.source

    def admit(self, presented: Presented, now: datetime) -> Admitted | None:
        """Let a source in by its key; None where it is unknown, another one's, expired or revoked."""
        found = self._sources.get(presented.source_id)
        key = None if found is None else found[0].key(presented.key_id)
        if found is None or key is None or not key.opens(presented, now):
            return None
        return Admitted(*found, key)
