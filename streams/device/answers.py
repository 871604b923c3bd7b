"""What an answer of the gateway means. Pure: bytes in, outcome out; nothing in here raises for any bytes.

Only what the gateway itself said settles a record. A page of a proxy, whatever its status, settles none.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

_SETTLING = frozenset({200, 422})
_KEY_REFUSED = frozenset({401, 403})
_LATER = frozenset({429, 503})
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
# A record among many that makes the gateway answer so is found by halving.
_ABOUT_THE_CONTENT = {(413, "too_large"), (400, "not_json")}
_HALVING = frozenset({400, 413})
_LARGEST_SEQUENCE = 2**62
_MOST_HOLES = 1000
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record."""

    word: Literal["accepted", "duplicate", "refused"]
    reason: str = ""
    path: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """Every record of the request has its result, in the order of the request."""

    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the gateway knows of the source; `holes` are first and last numbers that it lacks."""

    source_id: str
    last_sequence: int
    holes: tuple[tuple[int, int], ...]
    clock_offset_seconds: float | None = None
    key_expires_at: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRefused:
    """The key may not send: somebody has to look at it."""

    said: str


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The request cannot be taken as it is; `fault` is the gateway's own word for it, empty where another answered."""

    said: str
    fault: str


@dataclass(frozen=True, slots=True)
class Later:
    """Not now; `seconds` is how long the gateway wants to be left alone, None where it does not say."""

    said: str
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Failed:
    """Anything else, a missing answer too: nothing is known about the request."""

    said: str
    was_slow: bool = False


Trouble = KeyRefused | TooMuch | Later | Failed


def read_results(answer: Answer, count: int) -> Settled | Trouble:
    """Read the answer to a request of `count` records."""
    if answer.status not in _SETTLING:
        return _trouble(answer)
    document = _document(answer)
    listed = document.get("records")
    if not isinstance(listed, list) or len(listed) != count:
        return _trouble(answer)
    results = [_result(each) for each in listed]
    known = tuple(result for result in results if result is not None)
    return Settled(known) if len(known) == count else Failed(f"{answer.status} with a result that is not known here")


def read_standing(answer: Answer) -> Standing | Trouble:
    """Read what the gateway says about the source."""
    if answer.status != 200:
        return _trouble(answer)
    document = _document(answer)
    source_id, last, listed = (document.get(name) for name in ("source_id", "last_sequence", "holes"))
    if last is None:
        last = 0
    if not isinstance(source_id, str) or "last_sequence" not in document:
        return Failed("200 that is no answer of the gateway")
    if not _is_sequence(last, lowest=0) or not isinstance(listed, list):
        return Failed("200 that is no answer of the gateway")
    holes = [(hole[0], hole[1]) for hole in listed[:_MOST_HOLES] if _is_hole(hole)]
    offset, key = document.get("clock_offset_seconds"), document.get("key")
    expires_at = key.get("expires_at") if isinstance(key, dict) else None
    return Standing(
        source_id,
        last,
        _apart(holes),
        float(offset) if isinstance(offset, int | float) and abs(offset) < 1e12 else None,
        expires_at[:40] if isinstance(expires_at, str) else None,
    )


def _apart(holes: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return holes in order, those that touch or overlap as one."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(holes):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _trouble(answer: Answer) -> Trouble:
    code = _code(answer)
    said = f"{answer.status} {code}".rstrip()
    if answer.status in _KEY_REFUSED:
        return KeyRefused(said)
    if answer.status in _LATER:
        return Later(said, _retry_after(answer))
    if answer.status in _HALVING:
        return TooMuch(said, code if (answer.status, code) in _ABOUT_THE_CONTENT else "")
    if answer.status in _SETTLING:
        return Failed(f"{answer.status} that is no answer of the gateway to this request")
    return Failed(said)


def _retry_after(answer: Answer) -> int | None:
    text = answer.headers.get("retry-after", "").strip()
    return int(text) if _SECONDS.fullmatch(text) else None


def _code(answer: Answer) -> str:
    if not answer.headers.get("content-type", "").lower().startswith("application/problem+json"):
        return ""
    return _word(_document(answer).get("code"))


def _document(answer: Answer) -> dict[str, Any]:
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _result(listed: object) -> Result | None:
    if not isinstance(listed, dict):
        return None
    match listed.get("result"):
        case "accepted":
            return Result("accepted")
        case "duplicate":
            return Result("duplicate")
        case "refused":
            reason = _word(listed.get("reason")) or "unknown"
            return Result("refused", reason, _text(listed.get("path")), _text(listed.get("message")))
    return None


def _word(value: object) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _text(value: object) -> str:
    """Return text that any terminal and UTF-8 can show, cut short."""
    if not isinstance(value, str):
        return ""
    return "".join(each if each.isprintable() else "?" for each in value[:_LONGEST_TEXT])


def _is_sequence(value: object, *, lowest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= _LARGEST_SEQUENCE


def _is_hole(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and _is_sequence(value[0], lowest=1)
        and _is_sequence(value[1], lowest=1)
        and value[0] <= value[1]
    )
