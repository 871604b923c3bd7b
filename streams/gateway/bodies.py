"""From the bytes of a request to the records in it, within bounds and without an interpretation of any record.

    application/json        one object, or an array of objects
    application/x-ndjson    one object a line; blank lines are none

At most `LARGEST_BODY_BYTES` after decompression, and what is beyond is never unpacked: 33 kB of zstd can be a gigabyte.
"""

import re
import sys
import zlib
from collections.abc import Callable
from email.message import Message
from functools import lru_cache
from http import HTTPStatus
from itertools import islice
from typing import TypeVar

import msgspec

from streams.gateway.problems import Problem, bad_request

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LARGEST_BODY_BYTES = 1 << 20
# Devices of other makers put pictures beside what they tell.
LARGEST_DEVICE_BODY_BYTES = 4 << 20
MOST_RECORDS = 1_000
# Of a frame that names a window of more than 8 MiB nothing is unpacked.
_WINDOW_LOG_MAX = 23
# To read the parameters of a longer one can take a second: `email` looks at each semicolon anew.
_LONGEST_CONTENT_TYPE = 256

_read_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_JSON, _NDJSON = "application/json", "application/x-ndjson"
_Record = TypeVar("_Record", bytes, msgspec.Raw)
_LINE = re.compile(rb"\S[^\n]*")


def read_records(body: bytes, content_type: str) -> list[bytes]:
    """Return the records of a body that is not compressed, as they stand in it; raises Problem."""
    records = _splitter(content_type)(body)
    if not records:
        raise bad_request("no_records", "expected at least one record")
    return records


def decompress(body: bytes, content_encoding: str, largest_bytes: int = LARGEST_BODY_BYTES) -> bytes:
    """Undo the encoding of a request; raises Problem where it is unknown, cut short, or unpacks to more than that."""
    encoding = content_encoding.strip().lower()
    if encoding in ("", "identity"):
        unpacked, is_whole = body, True
    elif encoding in ("gzip", "x-gzip"):
        unpacked, is_whole = _gunzip(body, largest_bytes)
    elif encoding == "zstd":
        unpacked, is_whole = _unpack_zstd(body, largest_bytes)
    else:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "encoding", "expected Content-Encoding gzip, zstd or none")
    if len(unpacked) > largest_bytes:
        raise _too_large(f"expected at most {largest_bytes:,} bytes after decompression")
    if not is_whole:
        raise bad_request("truncated", f"expected {encoding} to its end and nothing behind it")
    return unpacked


def _gunzip(body: bytes, largest_bytes: int) -> tuple[bytes, bool]:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, largest_bytes + 1)
    except zlib.error:
        raise bad_request("truncated", "expected gzip") from None
    return unpacked, unpacker.eof and not unpacker.unused_data


def _unpack_zstd(body: bytes, largest_bytes: int) -> tuple[bytes, bool]:
    unpacker = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX})
    try:
        unpacked = unpacker.decompress(body, max_length=largest_bytes + 1)
    except zstd.ZstdError:
        raise bad_request("truncated", "expected zstd with a window of at most 8 MiB") from None
    return unpacked, unpacker.eof and not unpacker.unused_data


# Few types come from many devices, and to take one apart takes longer than to split a small body.
@lru_cache(maxsize=64)
def _splitter(content_type: str) -> Callable[[bytes], list[bytes]]:
    if len(content_type) > _LONGEST_CONTENT_TYPE:
        raise _unknown_type()
    message = Message()
    message["Content-Type"] = content_type or _JSON
    charset = str(message.get_param("charset", "utf-8")).lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "charset", "expected charset utf-8")
    match message.get_content_type():
        case "application/json":
            return _split_json
        case "application/x-ndjson":
            return _split_lines
    raise _unknown_type()


def _split_json(body: bytes) -> list[bytes]:
    text = body.strip(b" \t\r\n")
    if not text.startswith(b"["):
        return [text] if text else []
    try:
        records = _read_array(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise bad_request("not_json", "expected one JSON object, or an array of them") from None
    return [bytes(record) for record in _not_too_many(records)]


def _split_lines(body: bytes) -> list[bytes]:
    return _not_too_many([match[0].rstrip() for match in islice(_LINE.finditer(body), MOST_RECORDS + 1)])


def _not_too_many(records: list[_Record]) -> list[_Record]:
    if len(records) > MOST_RECORDS:
        raise _too_large(f"expected at most {MOST_RECORDS:,} records")
    return records


def _unknown_type() -> Problem:
    return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content_type", f"expected Content-Type {_JSON} or {_NDJSON}")


def _too_large(detail: str) -> Problem:
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)
