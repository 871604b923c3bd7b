"""Awkward values as they stand in JSON: what a field might hold that nobody thought of; some must be taken."""

import json

from events.records import KINDS
from events.vocabulary import Category, ClosingOutcome, Decision, Direction, HealthCode, Site, VisitOutcome

# Levels of nesting: what is sensible, and around every limit that a reader may have.
DEPTHS = (2, 5, 30, 63, 64, 65, 66, 200, 500, 900, 960, 985, 990, 995, 1000, 1500, 5000, 20_000)


def _quoted(*texts: str) -> tuple[bytes, ...]:
    return tuple(json.dumps(text, ensure_ascii=False).encode() for text in texts)


def _words(text: str) -> list[str]:
    return text.split()


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]", core: bytes = b"") -> bytes:
    """Return lists, or objects, within each other."""
    return opening * depth + core + closing * depth


NUMBERS = (
    *b"0 -0 0.0 -0.0 1 -1 1.0 2 14 36.6 37 37.3 38 42.500001 1e0 1E5 1e16 1e22 1e300 1e400 -1e400 1e-400 5e-324".split(),
    *b"0.1e1 3.66e1 1.7976931348623157e308 1.7976931348623159e308 01 +1 .5 1. 1e 0x10 1_0 NaN Infinity -Infinity".split(),
    *(b"%d" % number for number in (2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**40)),
    *(b"9" * digits for digits in (19, 40, 41, 400, 5000)),
    *(b"-" + b"9" * 400, b"1" + b"0" * 308, b"1" + b"0" * 309, b"36." + b"6" * 400, b"0." + b"0" * 400 + b"1"),
)

INSTANTS = _quoted(
    *_words("2020-02-02T01:00:00Z 2020-02-02T09:00:00+08:00 2020-02-02t01:00:00z 2020-02-02T01:00:00-00:00"),
    *_words("2020-02-02T01:00:00.5Z 2020-02-02T01:00:00.123456Z 2020-02-02T01:00:00.1234567Z 2020-02-02T01:00:00.Z"),
    *_words("1969-12-31T23:59:59Z 1969-12-31T23:59:59.999999Z 1969-12-31T23:59:00-00:01 1970-01-01T00:00:00Z"),
    *_words("1970-01-01T00:00:00+00:01 1970-01-01T23:58:59+23:59 2199-12-31T23:59:59.999999Z 2200-01-01T00:00:00Z"),
    *_words("2199-12-31T23:59:59-00:01 2200-01-01T00:00:00+00:01 2199-12-31T00:01:00-23:59 2200-01-01T23:58:00+23:59"),
    *_words("0000-01-01T00:00:00Z 0001-01-01T00:00:00Z 0001-01-01T00:00:00+23:59 9999-12-31T23:59:59-23:59"),
    *_words("2016-12-31T23:59:60Z 2020-02-02T24:00:00Z 2020-02-02T23:60:00Z 2020-02-02T01:00:00+24:00"),
    *_words("2020-02-02T01:00:00+23:59 2020-02-02T01:00:00-23:59 2020-02-02T01:00:00-24:00 2020-02-02T01:00:00+05:60"),
    *_words("2020-02-29T12:00:00Z 2019-02-29T12:00:00Z 2100-02-29T12:00:00Z 2000-02-29T12:00:00Z 2020-02-30T12:00:00Z"),
    *_words("2020-02-02T01:00Z 2020-02-02 2020-02-02T01:00:00 20200202T010000Z 2020-W05-7 1580605200"),
    *_words("2020-02-02T01:00:00+0800 2020-02-02T01:00:00+08 2020-2-2T1:0:0Z 2020-02-02T01:00:00ZZ"),
    *_words("2020-02-02T01:00:00,5Z 2020-02-02T01:00:00.5+08:00 2020-02-02T01:00:00\u221208:00"),
    *_words("\uff12\uff10\uff12\uff10-02-02T01:00:00Z 2020-02-02T01:00:0\u0660Z"),
    *("2020-02-02 01:00:00Z", "2020-02-02T01:00:00 Z", "2020-02-02T01:00:00Z\n", "\n2020-02-02T01:00:00Z"),
)
DAYS = _quoted(
    *_words("2020-02-01 1970-01-01 1969-12-31 2199-12-31 2200-01-01 2020-02-29 2019-02-29 2000-02-29 0000-01-01"),
    *_words("0001-01-01 9999-12-31 2020-13-01 2020-00-01 2020-01-00 2020-04-31 2020-2-1 20200201 2020-W05-6"),
    *_words("2020-02-01T00:00:00Z \uff12\uff10\uff12\uff10-02-01 -020-02-01"),
    *("2020-02-01\n", " 2020-02-01"),
)
IDS = _quoted(
    *_words("a P1 p.x:1 A-9 - _ : a/b \uff21 \u00e9 /layout/1 //readings a//readings 0 null Marker-13800000000"),
    *("x" * 64, "x" * 65, "a b", "a\n", "a\r"),
)
AREAS = _quoted(
    *_words("t/g1 t a/b/c/d/e/f/g/h a/b/c/d/e/f/g/h/i a//b /a a/ / a.b \u7532/\u4e59 -/_"),
    *("a b", "a/b\n"),
)
TEXTS = (
    *_quoted("", " ", "cough", "\u54b3\u55fd", "\U0001f321", "\x7f", "\x80", "\u2028\u2029", "\ufeff", "\ufeffa"),
    *_quoted("\ufffe", "\uffff", "\u202e\u2066abc\u2069", "e\u0301", "\u00e9", "A\u030a\u0323", "\u200b", "a\u200db"),
    *_quoted("x" * 512, "x" * 513, "\r\n", "\n", "\t", "\x00", "a\x00b", '"', "\\", "/", "</script>", "%s%n{0}"),
    *_quoted("Mars/Olympus", "24:00", "24:01"),
    *rb'"\u0000" "\ud83c\udf21" "\u0061" "\/" "\b\f\n\r\t" "\ud800" "\udc00\ud800" "\ud800x" "\u12" "\x41" "\"'.split(),
    *(b'"\xed\xa0\x80"', b'"\xff"', b'"\xc0\xaf"', b'"\xe4\xbd"', b'"\xf4\x90\x80\x80"', b'"\xef\xbb\xbf"'),
    *(b'"\x00"', b'"\n"', b'"\r"', b'"\x1f"', b"'a'", b'"'),
)
KIND_WORDS = _quoted(*KINDS, "verdict", "Tick", "tick ", "weather_changed", "")
_SETS = (Category, Site, VisitOutcome, ClosingOutcome, Direction, Decision, HealthCode)
WORDS = _quoted(*(word.value for words in _SETS for word in words), "Seen", "seen ", "elbow", "hospital\n")
SHAPES = (*b'null true false [] {} [[]] [null] [{}] {"a":1} {"":null} {"a":1,"a":1}'.split(), b"")

ANY = (*NUMBERS, *INSTANTS, *DAYS, *IDS, *AREAS, *TEXTS, *KIND_WORDS, *WORDS, *SHAPES)

# Names of fields that are not there, or not here.
NAMES = (
    *_words("extra Site at note kind policy \u59d3\u540d a.b 13800000000 __class__ self"),
    *_words("temperature_c sequence person_id received_at area symptoms detail"),
    *("", "\ud800", "\x00", "site\n"),
)


def fitting(name: str) -> tuple[bytes, ...]:
    """Return values of the kind that a field of this name holds, right ones and wrong ones."""
    if name == "at" or name.endswith("_at"):
        return INSTANTS
    if name == "date" or name.endswith("_on"):
        return DAYS
    if name == "area":
        return AREAS
    if name == "kind":
        return KIND_WORDS
    if name.endswith("_id"):
        return IDS
    if name == "sequence" or name.endswith(("_c", "_days", "_minutes", "lost_after")):
        return NUMBERS
    if name in ("category", "outcome", "direction", "decision", "site", "health_code"):
        return WORDS
    return TEXTS
