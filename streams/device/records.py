"""A record as bytes: what the caller gave, and what the spool adds.

The number comes last, when it is known for certain, and is put before `occurred_at`, where the gateway's quick way expects
it: the rest never changes once it is spooled.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from streams.device.errors import RecordError

LARGEST_RECORD_BYTES = 64 * 1024
_KIND = re.compile(r"[a-z_]{1,64}", re.ASCII)
_SET_ELSEWHERE = {
    "kind": "expected to be given by itself",
    "event_id": "expected to be left out: the spool sets it",
    "source_id": "expected to be left out: it is that of the key",
    "sequence": "expected to be left out: the spool numbers the records",
    "received_at": "expected to be left out: the gateway sets it",
}
_OCCURRED_AT = b',"occurred_at":'
_LARGEST_SEQUENCE_BYTES = len('"sequence":,') + len(str(2**63 - 1))


def encode_body(kind: str, fields: Mapping[str, object], *, event_id: str, source_id: str, at: datetime) -> bytes:
    """Write a record without its sequence; `occurred_at` is `at` where the fields have none. Raises RecordError."""
    if not isinstance(kind, str) or _KIND.fullmatch(kind) is None:
        raise RecordError("kind", "expected a word of small letters, like temperature_taken")
    if not isinstance(fields, Mapping):
        raise RecordError("", "expected the fields as a mapping")
    for name, expected in _SET_ELSEWHERE.items():
        if name in fields:
            raise RecordError(name, expected)
    document = {"kind": kind, "event_id": event_id, "source_id": source_id, "occurred_at": format_instant(at), **fields}
    body = _encode(document)
    if len(body) + _LARGEST_SEQUENCE_BYTES > LARGEST_RECORD_BYTES:
        raise RecordError("", f"expected a record of at most {LARGEST_RECORD_BYTES} bytes")
    return body


def _encode(document: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        raise RecordError("", "expected text that UTF-8 can carry") from None
    except (TypeError, ValueError, RecursionError):
        raise RecordError("", "expected fields that JSON can hold: text, finite numbers, lists, objects") from None


def with_sequence(body: bytes, sequence: int) -> bytes:
    """Put the number into a body; the quotes of a text before the place would be escaped, so it is found where it is."""
    begin, _, rest = body.partition(_OCCURRED_AT)
    return b'%b,"sequence":%d%b%b' % (begin, sequence, _OCCURRED_AT, rest)


def format_instant(instant: datetime) -> str:
    """Write an instant in UTC with `Z`."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
