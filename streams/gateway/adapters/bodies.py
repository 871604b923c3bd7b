"""Bodies of devices into documents: JSON, XML, lines of text, and any of them in a multipart body."""

import json
import math
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any, NoReturn

from events.codec import DEEPEST_LEVELS, Refusal
from events.vocabulary import DeadLetterReason
from streams.gateway.adapters.mapping import Mapping
from streams.gateway.adapters.multipart import ContentType, event_parts, read_content_type
from streams.gateway.adapters.xml_reading import read_xml

LARGEST_BODY_BYTES = 4 * 1024 * 1024
MOST_EVENTS = 1000
MOST_VALUES = 200_000
_LONGEST_LINE = 64 * 1024
_MOST_FIELDS = 256
_CHARSETS = {
    "utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"
}  # fmt: skip
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_STEPS = {"{": 1, "[": 1, "}": -1, "]": -1}


def documents(body: bytes, content_type: str, mapping: Mapping) -> Iterator[dict[str, Any] | list[Any] | Refusal]:
    """Yield the documents of a body, a line or a part that cannot be read as its Refusal; raises Refusal for the whole."""
    refuse_too_large(body)
    header = read_content_type(content_type)
    if mapping.format in ("key_values", "columns"):
        yield from _lines(text_of_body(body, header), mapping)
    elif header.is_multipart:
        for part, part_type in event_parts(body, header):
            yield _or_refusal(part, part_type, mapping.format)
    else:
        yield _or_refusal(body, header, mapping.format)


def refuse_too_large(body: bytes) -> None:
    """Raise Refusal for a body that is larger than any that a device has a reason to send."""
    if len(body) > LARGEST_BODY_BYTES:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {LARGEST_BODY_BYTES} bytes")


def text_of_body(body: bytes, content_type: ContentType) -> str:
    """Return the text of a device's body; raises Refusal.

    Without a known charset it is UTF-8, and GB 18030 where it cannot be that: firmware writes names so, says nothing of it,
    and the reading beside the name must not be lost.
    """
    declared = _CHARSETS.get((content_type.charset or "").lower())
    for charset in (declared,) if declared else ("utf-8", "gb18030"):
        try:
            return body.decode(charset).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise Refusal(DeadLetterReason.NOT_JSON, "", "expected text in UTF-8, or in the charset of the content type")


def read_json(text: str) -> Any:
    """Read any JSON value, strictly: no NaN, no number beyond a double, no key twice, not too deep; raises Refusal.

    Values are counted first: small ones take many times the memory of their text.
    """
    if text.count(",") + text.count("{") + text.count("[") > MOST_VALUES:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {MOST_VALUES} values")
    if _is_too_deep(text):
        raise Refusal(DeadLetterReason.NOT_JSON, "", f"expected JSON of at most {DEEPEST_LEVELS} levels")
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float
        )
    except _RepeatedKeyError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected every key of an object once") from None
    except ValueError:
        raise Refusal(DeadLetterReason.NOT_JSON, "", "expected JSON with finite numbers") from None


def _or_refusal(body: bytes, content_type: ContentType, form: str) -> dict[str, Any] | list[Any] | Refusal:
    try:
        if form == "xml" or (form == "json_or_xml" and body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")):
            return read_xml(body.lstrip(b" \t\r\n"))
        value = read_json(text_of_body(body, content_type))
    except Refusal as refusal:
        return refusal
    if isinstance(value, dict | list):
        return value
    return Refusal(DeadLetterReason.NOT_JSON, "", "expected a JSON object, or a list of them")


def _lines(text: str, mapping: Mapping) -> Iterator[dict[str, Any] | Refusal]:
    lines = [line for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    refuse_too_many(len(lines))
    for line in lines:
        values = line.split("\t", _MOST_FIELDS + 1)
        if len(line) > _LONGEST_LINE or len(values) > _MOST_FIELDS:
            yield Refusal(DeadLetterReason.TOO_LARGE, "", f"expected lines of at most {_MOST_FIELDS} fields")
        elif mapping.columns is not None:
            yield dict(zip(mapping.columns, values, strict=False))
        else:
            yield _key_values(values)


def _key_values(values: list[str]) -> dict[str, Any] | Refusal:
    pairs = [value.partition("=") for value in values if value.strip()]
    fields = {key.strip(): text for key, _, text in pairs}
    if not all(equals for _, equals, _ in pairs):
        return Refusal(DeadLetterReason.NOT_JSON, "", "expected fields as key=value with a tab between them")
    if len(fields) != len(pairs):
        return Refusal(DeadLetterReason.NOT_JSON, "", "expected every key of a line once")
    return fields


def refuse_too_many(events: int) -> None:
    """Raise Refusal for more events than one request may have."""
    if events > MOST_EVENTS:
        raise Refusal(DeadLetterReason.TOO_LARGE, "", f"expected at most {MOST_EVENTS} events")


def _is_too_deep(text: str) -> bool:
    if text.count("{") + text.count("[") <= DEEPEST_LEVELS:
        return False
    brackets = _NO_BRACKETS.sub("", _STRING.sub("", text))
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > DEEPEST_LEVELS


class _RepeatedKeyError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _RepeatedKeyError
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("expected a number that a double can hold")
    return value


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 40 else _float(digits)
