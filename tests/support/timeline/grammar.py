"""The table language of the spec tests: one line of a story is one record of the timeline.

    02-02 20:00 | open O1 P1 home, last exposure 02-02
    02-03 09:00 | temperature P1 36.6 axillary
    02-03 13:10 | visit P1 seen 36.5 ear, taken 02-03 09:00, as e7
    02-03 13:20 | scan P1 out passed, code red
    02-03 14:00 | tick

On the left stands when the line reached the log, in the local time of the policy; what happened earlier says `taken`.
The n-th line brings event `en` unless it says `as`. Statements and what may follow them after a comma:

    tick
    policy [VERSION] [FIELD=VALUE ...]
    open OBSERVATION PERSON CATEGORY, last exposure DAY     extend OBSERVATION PERSON, last exposure DAY
    close OBSERVATION PERSON OUTCOME                        waive PERSON CHECK DAY WINDOW
    visit PERSON OUTCOME [CELSIUS [SITE]]                   temperature PERSON CELSIUS [SITE]
    scan PERSON DIRECTION DECISION [CELSIUS [SITE]]         raw BYTES
    acknowledge RULE PERSON OCCURRENCE                      resolve RULE PERSON OCCURRENCE
    outage OUTAGE CAUSE, since MOMENT                       restore OUTAGE, until MOMENT, back-filled MOMENT
    source SOURCE every SECONDS [AREA ...]                  source SOURCE unwatched [AREA ...]
    heard SOURCE until MOMENT [FIRST-LAST ...]              (numbers made from `since` until `until`, or when it was heard)
    ..., taken MOMENT   ..., received never   ..., as EVENT   ..., from SOURCE   ..., in AREA   ..., code COLOUR
    ..., under KEY   ..., copied   ..., concerns SOURCE   ..., delay MILLISECONDS
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from events.instants import format_instant
from events.results import alert_id, encode_json
from events.vocabulary import RuleName
from tests.support.timeline.moments import MOMENT, moment, whole_day
from tests.support.timeline.policy_terms import number, policy_from_terms

AREA = "jintang/huaikou/c012/g03"
SOURCE = "S1"

Document = dict[str, Any]

_LINE = re.compile(rf"({MOMENT})\s*\|\s*(.+)")
_MOMENTS = ("since", "until", "back-filled")
_OPTION = re.compile(
    r"(last exposure|taken|received|as|from|in|code|under|since|until|back-filled|concerns|copied|delay) (.+)"
)


class TableError(ValueError):
    """A line of a table cannot be read; the message begins with its number."""


@dataclass(frozen=True)
class Line:
    """One line: its number from 1, when it reached the log, what it says, and its options by their first word."""

    number: int
    at: datetime
    words: list[str]
    options: dict[str, str]
    text: str


def statements(table: str) -> list[tuple[int, str]]:
    """Return the lines of a table that say something, numbered from 1."""
    said = [line.strip() for line in table.splitlines() if line.strip()]
    return list(enumerate(said, start=1))


def read_line(position: int, text: str, zone: ZoneInfo) -> Line:
    """Read one line; raises TableError."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise TableError(f"line {position}: expected 'MM-DD HH:MM | statement', found {text!r}")
    try:
        at = moment(match.group(1), zone)
    except ValueError as error:
        raise TableError(f"line {position}: {error}") from error
    statement = match.group(2)
    if statement.startswith("raw "):
        return Line(position, at, ["raw"], {}, statement.removeprefix("raw "))
    head, *rest = statement.split(", ")
    options: dict[str, str] = {}
    for part in rest:
        option = _OPTION.fullmatch(f"{part} true" if part == "copied" else part)
        if option is None:
            raise TableError(f"line {position}: expected an option such as 'taken 02-03 09:00', found {part!r}")
        options[option.group(1)] = option.group(2)
    return Line(position, at, head.split(), options, statement)


def raw_record(line: Line, zone: ZoneInfo) -> bytes:
    """Return the bytes of the record that a line stands for; raises TableError."""
    if line.words == ["raw"]:
        return line.text.encode()
    if line.words == ["tick"]:
        return encode_json({"kind": "tick", "at": format_instant(line.at)})
    verb, *arguments = line.words
    try:
        if verb == "heard":
            return encode_json(_heard(line, zone))
        document = {**_common(line, zone), **_VERBS[verb](arguments, _with_instants(line.options, zone))}
    except (KeyError, IndexError, ValueError) as error:
        raise TableError(f"line {line.number}: cannot read {line.text!r}: {error!r}") from error
    return encode_json(document)


def _with_instants(options: dict[str, str], zone: ZoneInfo) -> dict[str, str]:
    return options | {name: format_instant(moment(options[name], zone)) for name in _MOMENTS if name in options}


def _common(line: Line, zone: ZoneInfo) -> Document:
    taken = line.options.get("taken")
    return {
        "event_id": line.options.get("as", f"e{line.number}"),
        "source_id": line.options.get("from", SOURCE),
        "occurred_at": format_instant(line.at if taken is None else moment(taken, zone)),
        "received_at": None if line.options.get("received") == "never" else format_instant(line.at),
    }


def _exactly(words: list[str], count: int) -> list[str]:
    if len(words) != count:
        raise ValueError(f"expected {count} words after the verb")
    return words


def _opened(words: list[str], options: dict[str, str]) -> Document:
    observation, person, category = _exactly(words, 3)
    return {
        "kind": "observation_opened",
        "observation_id": observation,
        "person_id": person,
        "area": options.get("in", AREA),
        "category": category,
        "last_exposure_on": whole_day(options["last exposure"]),
    }


def _extended(words: list[str], options: dict[str, str]) -> Document:
    observation, person = _exactly(words, 2)
    return {
        "kind": "observation_extended",
        "observation_id": observation,
        "person_id": person,
        "last_exposure_on": whole_day(options["last exposure"]),
    }


def _closed(words: list[str], _: dict[str, str]) -> Document:
    observation, person, outcome = _exactly(words, 3)
    return {"kind": "observation_closed", "observation_id": observation, "person_id": person, "outcome": outcome}


def _waived(words: list[str], _: dict[str, str]) -> Document:
    person, check, date, window = _exactly(words, 4)
    return {
        "kind": "check_waived",
        "person_id": person,
        "check": check,
        "date": whole_day(date),
        "window": window,
        "reason": "as decided",
    }


def _reading(words: list[str]) -> Document:
    if len(words) > 2:
        raise ValueError("expected a temperature and a site, nothing more")
    celsius = number(words[0]) if words else None
    return {"temperature_c": celsius, "site": words[1] if len(words) == 2 else None}


def _visited(words: list[str], options: dict[str, str]) -> Document:
    return {
        "kind": "visit_recorded",
        "person_id": words[0],
        "area": options.get("in", AREA),
        "visitor_id": "V1",
        "outcome": words[1],
        "symptoms": [],
        **_reading(words[2:]),
    }


def _taken(words: list[str], options: dict[str, str]) -> Document:
    area = options.get("in", AREA)
    return {"kind": "temperature_taken", "person_id": words[0], "area": area, **_reading(words[1:])}


def _scanned(words: list[str], options: dict[str, str]) -> Document:
    return {
        "kind": "checkpoint_scanned",
        "person_id": words[0],
        "area": options.get("in", AREA),
        "checkpoint_id": "G1",
        "direction": words[1],
        "decision": words[2],
        "health_code": options.get("code"),
        **_reading(words[3:]),
    }


def _outage(words: list[str], options: dict[str, str]) -> Document:
    outage, cause = _exactly(words, 2)
    return {
        "kind": "outage_opened",
        "outage_id": outage,
        "is_copy": "copied" in options or None,
        "cause": cause,
        "area": options.get("in"),
        "concerned_source_id": options.get("concerns"),
        "since": options["since"],
    }


def _restored(words: list[str], options: dict[str, str]) -> Document:
    (outage,) = _exactly(words, 1)
    return {
        "kind": "outage_closed",
        "outage_id": outage,
        "is_copy": "copied" in options or None,
        "until": options["until"],
        "backfill_until": options["back-filled"],
    }


def _source(words: list[str], _: dict[str, str]) -> Document:
    source, *rest = words
    is_watched = rest[0] == "every"
    return {
        "kind": "source_defined",
        "defined_source_id": source,
        "areas": rest[2:] if is_watched else rest[1:],
        "interval_seconds": int(rest[1]) if is_watched else 0,
        "is_active": is_watched,
    }


def _heard(line: Line, zone: ZoneInfo) -> Document:
    source, _, day, time, *runs = line.words[1:]
    heard_until = format_instant(moment(f"{day} {time}", zone))
    instants = _with_instants(line.options, zone)
    return {
        "kind": "source_heard",
        "event_id": line.options.get("as", f"e{line.number}"),
        "source_id": source,
        "heard_until": heard_until,
        "least_delay_ms": int(line.options["delay"]) if "delay" in line.options else None,
        "sequences": [
            {
                "first": int(run.partition("-")[0]),
                "last": int(run.rpartition("-")[2]),
                "since": instants.get("since", instants.get("until", heard_until)),
                "until": instants.get("until", heard_until),
            }
            for run in runs
        ],
    }


def subject_of(name: str) -> str:
    """Return the subject that a table names: a person, unless it says `source:`."""
    return name if ":" in name else f"person:{name}"


def alert_identity(rule: str, name: str, occurrence: str) -> str:
    """Return the id of the alert of a rule about a person or `source:`, its occurrence with short days."""
    return alert_id(RuleName(rule), subject_of(name), whole_day(occurrence))


def _command(kind: str) -> Callable[[list[str], dict[str, str]], Document]:
    def document(words: list[str], options: dict[str, str]) -> Document:
        rule, name, occurrence = _exactly(words, 3)
        identity = alert_identity(rule, name, occurrence)
        return {"kind": kind, "alert_id": identity, "key": options.get("under", name), "actor_id": "A1"}

    return document


def _policy(words: list[str], _: dict[str, str]) -> Document:
    named = bool(words) and "=" not in words[0]
    version = words[0] if named else "changed"
    return {"kind": "policy_changed", "policy": policy_from_terms(version, words[1:] if named else words)}


_VERBS: dict[str, Callable[[list[str], dict[str, str]], Document]] = {
    "open": _opened,
    "extend": _extended,
    "close": _closed,
    "waive": _waived,
    "visit": _visited,
    "temperature": _taken,
    "scan": _scanned,
    "acknowledge": _command("alert_acknowledged"),
    "resolve": _command("alert_resolved"),
    "policy": _policy,
    "outage": _outage,
    "restore": _restored,
    "source": _source,
}
