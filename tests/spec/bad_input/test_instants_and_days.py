"""Instants and days"""

import json
from collections.abc import Callable

import pytest

from events.codec import Refusal, decode
from events.instants import format_instant
from events.records import ObservationExtended, Tick


def tick(at: str) -> Tick:
    """Read a tick."""
    read = decode(json.dumps({"kind": "tick", "at": at}).encode())
    assert isinstance(read, Tick)
    return read


def extended(day: str) -> ObservationExtended:
    """Read an extension by an exposure on a day."""
    document = {
        "kind": "observation_extended",
        "event_id": "e1",
        "source_id": "S1",
        "occurred_at": "2020-02-03T00:00:00Z",
        "observation_id": "O1",
        "person_id": "P1",
        "last_exposure_on": day,
    }
    read = decode(json.dumps(document).encode())
    assert isinstance(read, ObservationExtended)
    return read


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2020-02-03T09:00:00+08:00", "2020-02-03T01:00:00Z"),
        ("2020-02-03T01:00:00Z", "2020-02-03T01:00:00Z"),
        ("2020-02-03t01:00:00z", "2020-02-03T01:00:00Z"),
        ("2020-02-03T01:00:00-00:00", "2020-02-03T01:00:00Z"),
        ("2020-02-03T01:00:00.5Z", "2020-02-03T01:00:00.500000Z"),
        ("2020-02-03T01:00:00.000001Z", "2020-02-03T01:00:00.000001Z"),
        ("2020-02-29T23:59:59+05:45", "2020-02-29T18:14:59Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2199-12-31T23:59:59.999999Z", "2199-12-31T23:59:59.999999Z"),
    ],
)
def test_instants(text: str, instant: str) -> None:
    """Instants are RFC 3339 with an offset, to the microsecond, of the years 1970 to 2199."""
    assert format_instant(tick(text).at) == instant


def refused(read: Callable[[str], object], text: str, path: str) -> bool:
    """Tell whether a text is refused as an invalid field."""
    try:
        read(text)
    except Refusal as refusal:
        return (refusal.reason.value, refusal.path) == ("invalid_field", path)
    return False


def test_what_is_no_instant() -> None:
    """An instant without offset, to less than a microsecond, that does not exist, or a leap second is refused."""
    texts = [
        "2020-02-03T09:00:00",
        "2020-02-03 09:00:00Z",
        "2020-02-03",
        "20200203T090000Z",
        "2020-02-03T09:00Z",
        "2020-02-03T09:00:00.Z",
        "2020-02-03T09:00:00.1234567Z",
        "2020-02-03T09:00:00,5Z",
        "2020-02-03T09:00:00+0800",
        "2020-02-03T09:00:00+08",
        "2020-02-03T09:00:00+24:00",
        "2020-02-03T24:00:00Z",
        "2020-02-03T09:60:00Z",
        "2020-02-30T09:00:00Z",
        "2021-02-29T09:00:00Z",
        "2016-12-31T23:59:60Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T07:59:59+08:00",
        "2200-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1580691600",
        " 2020-02-03T09:00:00Z",
        "2020-02-03T09:00:00Z\n",
        "２020-02-03T09:00:00Z",
        "",
    ]
    assert [text for text in texts if not refused(tick, text, "at")] == []


@pytest.mark.parametrize("text", ["2020-02-02", "2020-02-29", "1970-01-01", "2199-12-31"])
def test_days(text: str) -> None:
    """Days are `YYYY-MM-DD`."""
    assert extended(text).last_exposure_on.isoformat() == text


def test_what_is_no_day() -> None:
    """A day that is written otherwise, or does not exist, is refused."""
    texts = ["2020-2-2", "20200202", "02.02.2020", "2020-02-30", "2021-02-29", "2020-W05-7", "2020-02-02T00:00:00Z", ""]
    assert [text for text in texts if not refused(extended, text, "last_exposure_on")] == []
