"""Readings at a site that can confirm or refute a fever, packed: they only grow, and only a new fever looks back at them.

An id begins as the one before it does more often than not, since few terminals measure one person; what they share is
written as its length. The site is written by its place in the vocabulary, the temperature in tenths where they say it all.
"""

from datetime import datetime
from functools import lru_cache

import msgspec

from events.vocabulary import Site

_SITES = tuple(Site)


class ConfirmReading(msgspec.Struct, frozen=True):
    """A plausible reading at a site that can confirm or refute a fever."""

    event_id: str
    taken_at: datetime
    site: Site
    temperature_c: float


class _Packed(msgspec.Struct, frozen=True, array_like=True):
    shared: int
    rest: str
    taken_at: datetime
    site: int
    temperature: int | float


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_Packed]).decode
_TENTHS_BELOW_C = 1e6
_HEADER = b"\xdd"  # of an array in MessagePack, before its length in four bytes


def read_readings(packed: bytes, count: int) -> list[ConfirmReading]:
    """Return packed readings in the order in which they came."""
    return [
        ConfirmReading(
            event_id,
            held.taken_at,
            _SITES[held.site],
            held.temperature / 10 if isinstance(held.temperature, int) else held.temperature,
        )
        for event_id, held in zip(event_ids(packed, count), _unpack(packed, count), strict=True)
    ]


def _unpack(packed: bytes, count: int) -> list[_Packed]:
    return _decode(_HEADER + count.to_bytes(4, "big") + packed)


@lru_cache(maxsize=2)
def event_ids(packed: bytes, count: int) -> tuple[str, ...]:
    """Return the ids of packed readings in their order."""
    found: list[str] = []
    event_id = ""
    for held in _unpack(packed, count):
        event_id = event_id[: held.shared] + held.rest
        found.append(event_id)
    return tuple(found)


def pack_reading(reading: ConfirmReading, before: str) -> bytes:
    """Pack a reading; `before` is the id of the one before it, empty for the first."""
    event_id = reading.event_id
    shared = 0
    for one, other in zip(event_id, before, strict=False):
        if one != other:
            break
        shared += 1
    temperature = _in_tenths(reading.temperature_c)
    site = _SITES.index(reading.site)
    return _encode(_Packed(shared, event_id[shared:], reading.taken_at, site, temperature))


def _in_tenths(temperature_c: float) -> int | float:
    """Return tenths where they say it all; a policy may call any number plausible, and one without bounds stays as it is."""
    if abs(temperature_c) >= _TENTHS_BELOW_C:
        return temperature_c
    tenths = round(temperature_c * 10)
    return tenths if tenths / 10 == temperature_c else temperature_c
