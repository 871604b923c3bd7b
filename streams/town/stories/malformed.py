"""Records that no reader accepts, each with the reason code that must come."""

from random import Random
from typing import Any, Final

import msgspec

from streams.town.calendar import MINUTE
from streams.town.census import person_id
from streams.town.draft import Draft
from streams.town.journal import Fields, Mangle
from streams.town.stay import normal_temperature

_LARGEST_BYTES: Final = 64 * 1024


def _encode(body: Fields) -> bytes:
    return msgspec.json.encode(body)


def _truncate(body: Fields) -> bytes:
    return _encode(body)[:-25]


def _wrap(body: Fields) -> bytes:
    return b"[" + _encode(body) + b"]"


def _as_text(body: Fields) -> bytes:
    return b"SCAN;" + str(body["sequence"]).encode() + b";OK"


def _without(name: str) -> Mangle:
    def mangle(body: Fields) -> bytes:
        return _encode({key: value for key, value in body.items() if key != name})

    return mangle


def _with(**wrong: Any) -> Mangle:
    def mangle(body: Fields) -> bytes:
        return _encode(body | wrong)

    return mangle


def _without_offset(body: Fields) -> bytes:
    return _encode(body | {"occurred_at": str(body["occurred_at"])[:19]})


SPOILED: Final[tuple[tuple[str, Mangle], ...]] = (
    ("not_json", _truncate),
    ("unknown_kind", _with(kind="person_counted")),
    ("invalid_field", _without("checkpoint_id")),
    ("too_large", _with(remark="x" * (_LARGEST_BYTES + 1))),
    ("invalid_field", _with(temperature_c="36.5")),
    ("not_json", _as_text),
    ("invalid_field", _with(direction="sideways")),
    ("invalid_field", _without_offset),
    ("invalid_field", _with(battery=71)),
    ("not_json", _wrap),
    ("invalid_field", _with(area="jintang//huaikou")),
    ("invalid_field", _with(event_id="no spaces, please")),
    ("invalid_field", _without("person_id")),
    ("invalid_field", _with(site="elbow", temperature_c=36.5)),
)


def spoil(draft: Draft, rng: Random, count: int) -> None:
    """Plan spoiled scans at gates, the ways of spoiling in turn."""
    for number in range(count):
        reason, mangle = SPOILED[number % len(SPOILED)]
        scan = draft.scan_resident(rng.randrange(draft.settings.residents), _a_moment(draft, rng))
        scan.mangle, scan.dead_letter = mangle, reason
    draft.stories["malformed"] += count


def clocks_far_ahead(draft: Draft, rng: Random, count: int) -> None:
    """Plan gates whose clock is far ahead for some minutes: every scan made then is refused."""
    for _ in range(count):
        at, ahead = _a_moment(draft, rng), rng.randint(7, 90) * MINUTE
        home = draft.census.home(rng.randrange(draft.settings.residents))
        for number in range(rng.randint(2, 6)):
            resident = home.first_resident + rng.randrange(home.residents)
            true_at = at + number * 40
            reading = {"temperature_c": normal_temperature(rng), "site": "forehead"}
            person = person_id(resident)
            scan = draft.scan(home.gate, home.area, person, true_at + ahead, true_at + 2, **reading)
            scan.dead_letter = "occurred_in_future"
    draft.stories["gate_clock_far_ahead"] += count


def _a_moment(draft: Draft, rng: Random) -> int:
    return draft.calendar.at(rng.randrange(draft.settings.days), rng.uniform(5.5, 21.0))
