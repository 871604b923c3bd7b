"""Who may send what: the sources of the town, as the compacted topic `sources` has them, one record each.

Read by every gateway from its beginning and followed from then on, so that a key that is revoked fails on all of them as
soon as the record arrives. A record that this version cannot read shuts its source and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from events.records import AreaPath, Identifier
from events.vocabulary import Direction
from streams.gateway.adapters.adapting import NATIVE, refuse_unknown_adapter
from streams.gateway.adapters.mapping import Mapping as DeviceMapping
from streams.gateway.adapters.mapping import read_mapping
from streams.gateway.adapters.outcomes import SourceSettings
from streams.gateway.keys import KeptKey, Presented
from streams.gateway.sources import Rights, Source

MOST_KEYS = 8
MOST_AREAS = 64
LARGEST_MAPPING_BYTES = 32 * 1024

# A kind or adapter that only a newer version knows is none that this one lets in: it need not be refused here.
Word = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,63}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSource:
    """A source with its rights, its keys and how it sends.

    `time_zone`, `direction` and `mapping` (TOML) are for the adapter. `sequence_counts` says that the source numbers records
    and nothing else, so that a hole is a loss. `interval_seconds` is how long it may be silent, 0 for ever, and
    `watched_areas` are those whose checks depend on it. `records_per_s` and `burst` bound what it sends.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    source_id: Identifier
    kinds: Annotated[tuple[Word, ...], Field(max_length=64)]
    areas: Annotated[tuple[AreaPath, ...], Field(max_length=MOST_AREAS)]
    checkpoints: Annotated[tuple[Identifier, ...], Field(max_length=64)] = ()
    adapter: Word = NATIVE
    time_zone: Annotated[str, Field(strict=True, max_length=64)] = "UTC"
    direction: Direction | None = None
    mapping: Annotated[str, Field(strict=True, max_length=LARGEST_MAPPING_BYTES)] | None = field(
        default=None, repr=False
    )
    sequence_counts: Annotated[bool, Field(strict=True)] = True
    interval_seconds: Annotated[int, Field(strict=True, ge=0, le=604_800)] = 0
    watched_areas: Annotated[tuple[AreaPath, ...], Field(max_length=MOST_AREAS)] = ()
    records_per_s: Annotated[float, Field(strict=True, gt=0, le=100_000, allow_inf_nan=False)] = 100.0
    burst: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 2_000
    is_active: Annotated[bool, Field(strict=True)] = True
    keys: Annotated[tuple[KeptKey, ...], Field(max_length=MOST_KEYS)] = field(default=(), repr=False)

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

    def shut_like(self, other: "RegisteredSource") -> "RegisteredSource":
        """Return it with all that is shut in another state of the same source: keys that end there, or the whole."""
        keys = tuple(key if (found := other.key(key.key_id)) is None else key.shut_like(found) for key in self.keys)
        return replace(self, keys=keys, is_active=self.is_active and other.is_active)

    def valid_keys(self, now: datetime) -> tuple[KeptKey, ...]:
        """Return the keys that let it in; none where it is not active."""
        return tuple(key for key in self.keys if key.is_valid(now)) if self.is_active else ()

    def own_mapping(self) -> DeviceMapping | None:
        """Return the mapping that it brings, None where it brings none; raises ValueError."""
        return None if self.mapping is None else _read_mapping(self.mapping)

    def adapter_settings(self) -> SourceSettings:
        """Return what an adapter is to know of it; raises ValueError that names the field.

        The records of other adapters than the native one get its one area and its one checkpoint.
        """
        settings = SourceSettings(
            source_id=self.source_id,
            # Records of the native adapter name their own area and checkpoint; others may do without a checkpoint.
            checkpoint_id=self.checkpoints[0] if self.checkpoints else self.source_id,
            area=self.areas[0] if self.areas else "none",
            adapter=self.adapter,
            time_zone=self.time_zone,
            direction=self.direction,
            mapping=self.own_mapping(),
        )
        refuse_unknown_adapter(settings)
        return settings


# A mapping takes milliseconds to read, and hundreds of devices have the same.
@lru_cache(maxsize=256)
def _read_mapping(text: str) -> DeviceMapping:
    raw = text.encode()
    if len(raw) > LARGEST_MAPPING_BYTES:
        raise ValueError(f"mapping: expected at most {LARGEST_MAPPING_BYTES} bytes")
    try:
        return read_mapping(raw)
    except ValueError as error:
        raise ValueError(f"mapping: {error}") from None


_ADAPTER = TypeAdapter(RegisteredSource)


def build_source(document: Mapping[str, Any]) -> RegisteredSource:
    """Return a source with these fields; raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(dict(document))


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
        self._values: dict[str, bytes] = {}
        self._unreadable: set[str] = set()

    def __len__(self) -> int:
        return len(self._sources)

    def __contains__(self, source_id: str) -> bool:
        return source_id in self._sources

    @property
    def unreadable(self) -> int:
        """Return how many sources are shut because this version cannot read what the topic says of them."""
        return len(self._unreadable)

    def take(self, source_id: str, value: bytes | None) -> None:
        """Take a record of the topic; a tombstone, and what is no record, takes the source away: better shut than open.

        After each outage all of the topic comes again. What it said before is not read anew: of ten thousand sources that
        would take half a second, in which nobody is answered.
        """
        if value is not None and self._values.get(source_id) == value:
            return
        registered = None if value is None else read_source(value)
        if value is None or registered is None or registered.source_id != source_id:
            self._sources.pop(source_id, None)
            self._values.pop(source_id, None)
        else:
            self._sources[source_id] = registered, registered.source
            self._values[source_id] = value
        if value is None or source_id in self._sources:
            self._unreadable.discard(source_id)
        else:
            self._unreadable.add(source_id)

    def key_ids(self, source_id: str) -> frozenset[str] | None:
        """Return the ids of a source's keys, None for a source that is not registered."""
        found = self._sources.get(source_id)
        return None if found is None else frozenset(key.key_id for key in found[0].keys)

    def admit(self, presented: Presented, now: datetime) -> Admitted | None:
        """Let a source in by its key; None where it is unknown, not active, another one's, expired or revoked."""
        found = self._sources.get(presented.source_id)
        key = None if found is None else found[0].key(presented.key_id)
        if found is None or key is None or not found[0].is_active or not key.opens(presented, now):
            return None
        return Admitted(*found, key)
