"""Records as JSON documents: strategies for valid ones, and what is done to them to spoil them."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from events.policy import default_policy, policy_document
from events.records import KINDS
from events.vocabulary import Category, ClosingOutcome, Decision, Direction, HealthCode, OutageCause, Site, VisitOutcome

Document = dict[str, Any]

# `EXAMPLES=2000 pytest ...` looks longer.
EXAMPLES = int(os.environ.get("EXAMPLES", "0"))


def examples(count: int) -> settings:
    """Return how many examples a property is tried on, unless more were asked for."""
    return settings(max_examples=max(count, EXAMPLES), deadline=None, suppress_health_check=[HealthCheck.too_slow])


_ID_LETTERS = "abzAZ059._:-"
IDS = st.text(_ID_LETTERS, min_size=1, max_size=6) | st.just("x" * 64)
AREAS = st.lists(st.text("ab09_-", min_size=1, max_size=5), min_size=1, max_size=8).map("/".join)
TEXTS = st.text(max_size=12)
NAMES = st.text("abA9_-", min_size=1, max_size=6) | st.just("n" * 32)
TEMPERATURES = st.floats(30, 45).filter(bool) | st.integers(34, 43) | st.sampled_from([-1, 1e300, 1e-300])
DAYS = st.dates(date(1970, 1, 1), date(2199, 12, 31)).map(date.isoformat)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = int((datetime(2200, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) - 1


@st.composite
def _instants(draw: st.DrawFn) -> str:
    instant = _EPOCH + timedelta(seconds=draw(st.integers(0, _SECONDS)))
    minutes = draw(st.sampled_from([0, 0, 480, -300, 345, 1439, -1439]))
    local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    digits = draw(st.sampled_from(["", ".5", ".123", ".000001", ".999999"]))
    sign = "-" if minutes < 0 else "+"
    offset = f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    if minutes == 0:
        offset = draw(st.sampled_from(["Z", "z", "+00:00", "-00:00"]))
    letter = draw(st.sampled_from("TTTt"))
    return f"{local:%Y-%m-%d}{letter}{local:%H:%M:%S}{digits}{offset}"


INSTANTS = _instants()


def _words(*words: str) -> st.SearchStrategy[str]:
    return st.sampled_from([str(word) for word in words])


@st.composite
def policies(draw: st.DrawFn) -> Document:
    """Draw a policy that does not contradict itself."""
    policy = policy_document(default_policy())
    policy["policy_version"] = draw(st.text("v1 .\u5e74\u00e9", min_size=1, max_size=8))
    policy["timezone"] = draw(st.sampled_from(["Asia/Shanghai", "UTC", "Europe/Berlin", "America/Argentina/Ushuaia"]))
    policy["late_days"], policy["early_days"] = draw(st.integers(0, 3660)), draw(st.integers(0, 3660))
    policy["observation"]["period_days"] = draw(st.integers(1, 3660))
    policy["observation"]["breach_categories"] = draw(st.lists(_words(*Category), max_size=3))
    policy["fever"]["confirm_sites"] = draw(st.lists(_words(*Site), max_size=3))
    policy["fever"]["threshold_c"]["ear"] = draw(TEMPERATURES)
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    policy["checks"] = [draw(_checks(name)) for name in names]
    return policy


@st.composite
def _checks(draw: st.DrawFn, name: str) -> Document:
    bounds = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
    windows = [
        {"name": f"w{start}", "start": _clock(start), "end": _clock(end)}
        for start, end in zip(bounds[::2], bounds[1::2], strict=False)
    ]
    kinds = _words("visit_recorded", "temperature_taken", "checkpoint_scanned")
    return {
        "name": name,
        "satisfied_by": draw(st.lists(kinds, min_size=1, max_size=3)),
        "grace_minutes": draw(st.integers(0, 527_040)),
        "settle_minutes": draw(st.integers(0, 527_040)),
        "lost_after": draw(st.integers(0, 1_000_000)),
        "windows": windows,
    }


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@st.composite
def _runs(draw: st.DrawFn) -> Document:
    first, last = sorted(draw(st.lists(st.integers(1, 2**63 - 1), min_size=2, max_size=2)))
    since = draw(INSTANTS)
    return {"first": first, "last": last, "since": since, "until": since}


_COMMON = {
    "event_id": IDS,
    "source_id": IDS,
    "sequence?": st.integers(1, 2**63 - 1),
    "occurred_at": INSTANTS,
    "received_at?": INSTANTS,
}
_SITE = _words(*Site)
_MAYBE_MEASURED = TEMPERATURES | st.sampled_from([0, 0.0])
_COMMAND = {"alert_id": IDS, "key": st.text(min_size=1, max_size=12), "actor_id": IDS, "note?": TEXTS}

# The fields of every kind; a `?` may be null or absent.
FIELDS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "observation_opened": {
        **_COMMON,
        "person_id": IDS,
        "observation_id": IDS,
        "area": AREAS,
        "category": _words(*Category),
        "last_exposure_on": DAYS,
        "household_id?": IDS,
    },
    "observation_extended": {**_COMMON, "person_id": IDS, "observation_id": IDS, "last_exposure_on": DAYS},
    "observation_closed": {**_COMMON, "person_id": IDS, "observation_id": IDS, "outcome": _words(*ClosingOutcome)},
    "check_waived": {**_COMMON, "person_id": IDS, "check": TEXTS, "date": DAYS, "window": TEXTS, "reason": TEXTS},
    "visit_recorded": {
        **_COMMON,
        "person_id": IDS,
        "area": AREAS,
        "visitor_id": IDS,
        "outcome": _words(*VisitOutcome),
        "symptoms": st.lists(TEXTS, max_size=3),
        "temperature_c?": _MAYBE_MEASURED,
        "site?": _SITE,
    },
    "temperature_taken": {**_COMMON, "person_id": IDS, "area": AREAS, "temperature_c": TEMPERATURES, "site?": _SITE},
    "checkpoint_scanned": {
        **_COMMON,
        "person_id": IDS,
        "area": AREAS,
        "checkpoint_id": IDS,
        "direction": _words(*Direction),
        "decision": _words(*Decision),
        "temperature_c?": _MAYBE_MEASURED,
        "site?": _SITE,
        "health_code?": _words(*HealthCode),
    },
    "alert_acknowledged": {**_COMMON, **_COMMAND},
    "alert_resolved": {**_COMMON, **_COMMAND},
    "policy_changed": {**_COMMON, "policy": policies()},
    "outage_opened": {
        **_COMMON,
        "outage_id": IDS,
        "is_copy?": st.booleans(),
        "cause": _words(*OutageCause),
        "area?": AREAS,
        "concerned_source_id?": IDS,
        "since": INSTANTS,
    },
    "outage_closed": {
        **_COMMON,
        "outage_id": IDS,
        "is_copy?": st.booleans(),
        "until": INSTANTS,
        "backfill_until": INSTANTS,
    },
    "source_defined": {
        **_COMMON,
        "defined_source_id": IDS,
        "areas": st.lists(AREAS, max_size=3) | st.just(["t/g1"] * 64),
        "interval_seconds": st.integers(0, 604_800),
        "is_active": st.booleans(),
    },
    "source_heard": {
        "event_id": IDS,
        "source_id": IDS,
        "heard_until": INSTANTS,
        "least_delay_ms?": st.integers(-(10**13), 10**13),
        "sequences": st.lists(_runs(), max_size=3),
    },
    "tick": {"at": INSTANTS},
}
assert list(FIELDS) == list(KINDS)


def documents(kind: str) -> st.SearchStrategy[Document]:
    """Return valid documents of a kind; optional fields are there, null or absent."""
    fields = FIELDS[kind]
    required = {name: values for name, values in fields.items() if not name.endswith("?")}
    optional = {name[:-1]: st.none() | values for name, values in fields.items() if name.endswith("?")}
    return st.fixed_dictionaries({"kind": st.just(kind), **required}, optional=optional)


ANY_DOCUMENT = st.sampled_from(list(KINDS)).flatmap(documents)

_JUNK: list[Any] = [
    *(None, True, False, 0, -0.0, 1, -1, 1.0, 1.5, 2**63, 10**45, 10**400, "", " ", "36.5", "x" * 65, [], [[]], {}),
    *("a//b", "/a", "a/", "/".join("abcdefghi"), "a\n", "\uff11", "\ud800", "\x00", "seen", "home", "released"),
    *("24:00", "2020-02-30", "2020-13-01", "1969-12-31", "2200-01-01", "2020-2-1", "0000-01-01", "2020-02-01"),
    *("2020-02-01T00:00:00", "2020-02-01T24:00:00Z", "2016-12-31T23:59:60Z", "2020-02-01T00:00:00.1234567Z"),
    *("1970-01-01T00:00:00+00:01", "1969-12-31T23:59:59-00:01", "2199-12-31T23:59:59.999999-00:01"),
    *("2200-01-01T00:00:00+00:01", "2020-02-01 00:00:00Z", "2020-02-01T00:00:00+24:00", "2020-02-01T00:00:00+0800"),
    "Mars/Olympus",
]


def spoiled(document: Document, random: Random) -> Document:
    """Return a copy of a valid document to which one or two things were done; some of them do no harm."""
    copy = deepcopy(document)
    for _ in range(random.choice([1, 1, 1, 2])):
        random.choice(_DEEDS)(random, random.choice(_holders(copy)))
    return copy


def _holders(document: Any) -> list[Any]:
    """Return every object and list of a document that holds something, the document itself in any case."""
    found = [document]
    for value in document.values() if isinstance(document, dict) else document:
        if isinstance(value, dict | list) and value:
            found += _holders(value)
    return found


def _place(random: Random, holder: Any) -> Any:
    return random.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))


def _junk(random: Random) -> Any:
    """Return a copy: what is put into one document may be spoiled there, or put into itself."""
    return deepcopy(random.choice(_JUNK))


def _take_away(random: Random, holder: Any) -> None:
    del holder[_place(random, holder)]


def _replace(random: Random, holder: Any) -> None:
    holder[_place(random, holder)] = _junk(random)


def _add(random: Random, holder: Any) -> None:
    if isinstance(holder, dict):
        name = random.choice(
            ["extra", "", "Site", "at", "note", "\u540d", "a.b", "\ud800", "temperature_c", "sequence"]
        )
        holder[name] = _junk(random)
    else:
        holder.append(_junk(random))


def _stretch(random: Random, holder: Any) -> None:
    place = _place(random, holder)
    value = holder[place]
    if isinstance(value, str):
        holder[place] = value + random.choice(["\n", " ", "x", "x" * 64, "/x", "0", "\u0661"])
    elif isinstance(value, int | float) and abs(value) < 10**9:
        holder[place] = random.choice([-value, str(value), value + 0.5, value * 10**9])


_DEEDS: list[Callable[[Random, Any], None]] = [_take_away, _replace, _replace, _add, _stretch]


def to_bytes(document: Document) -> bytes:
    """Write a document as a device would, lone surrogates as escapes."""
    return json.dumps(document).encode()
