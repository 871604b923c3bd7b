"""The device's side of the gateway: records are spooled on disk first, and sent until the gateway has them.

Of use without the rest of gridwatch: it imports nothing of it, and nothing outside the standard library (POSIX).

    with Spool.open(Path("spool.db"), key.source_id) as spool:
        spool.record("temperature_taken", {"person_id": "p-000001", ...})       # on disk when this returns
        Uploader(spool, Gateway("https://gateway.example.org", read_key)).run(stop, wake)
"""

from streams.device.errors import (
    DeviceError,
    NoAnswerError,
    RecordError,
    SpoolBusyError,
    SpoolCorruptError,
    SpoolError,
    SpoolFullError,
    WrongKeyError,
)
from streams.device.gateway import Gateway
from streams.device.keys import Key, parse_key
from streams.device.spool import Keeping, Spool
from streams.device.uploader import Uploader

__all__ = [
    "DeviceError",
    "Gateway",
    "Keeping",
    "Key",
    "NoAnswerError",
    "RecordError",
    "Spool",
    "SpoolBusyError",
    "SpoolCorruptError",
    "SpoolError",
    "SpoolFullError",
    "Uploader",
    "WrongKeyError",
    "parse_key",
]
