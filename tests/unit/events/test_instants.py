"""Instants and days: RFC 3339 with an offset, to the microsecond, of the years 1970 to 2199."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given

from events.instants import format_instant, parse_day, parse_instant
from tests.unit.events.documents import DAYS, INSTANTS, examples

GOOD = {
    "2020-02-01T00:00:00Z": "2020-02-01T00:00:00Z",
    "2020-02-01T08:00:00+08:00": "2020-02-01T00:00:00Z",
    "2020-02-01t00:00:00z": "2020-02-01T00:00:00Z",
    "2020-02-01T00:00:00-00:00": "2020-02-01T00:00:00Z",
    "2020-02-29T23:59:59.5-23:59": "2020-03-01T23:58:59.500000Z",
    "2020-02-01T00:00:00.000000Z": "2020-02-01T00:00:00Z",
    "2020-02-01T00:00:00.1Z": "2020-02-01T00:00:00.100000Z",
    "2020-02-01T00:00:00.000001Z": "2020-02-01T00:00:00.000001Z",
    "1970-01-01T00:00:00Z": "1970-01-01T00:00:00Z",
    "1969-12-31T23:00:00-01:00": "1970-01-01T00:00:00Z",
    "2199-12-31T23:59:59.999999Z": "2199-12-31T23:59:59.999999Z",
    "2200-01-01T00:59:59+01:00": "2199-12-31T23:59:59Z",
}
BAD = [
    *("", "2020-02-01", "2020-02-01T00:00:00", "2020-02-01 00:00:00Z", "2020-02-01T00:00Z", "20200201T000000Z"),
    *("2020-02-01T24:00:00Z", "2020-02-01T00:60:00Z", "2016-12-31T23:59:60Z", "2020-02-01T00:00:61Z"),
    *("2020-02-30T00:00:00Z", "2019-02-29T00:00:00Z", "2020-00-01T00:00:00Z", "2020-13-01T00:00:00Z"),
    *("2020-02-01T00:00:00+0800", "2020-02-01T00:00:00+8", "2020-02-01T00:00:00+24:00", "2020-02-01T00:00:00+08:60"),
    *("2020-02-01T00:00:00.Z", "2020-02-01T00:00:00.1234567Z", "2020-02-01T00:00:00,5Z", "2020-02-01T00:00:00Z\n"),
    *(" 2020-02-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "2200-01-01T00:00:00Z"),
    *("2199-12-31T23:59:59-00:01", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    *("12020-02-01T00:00:00Z", "-2020-02-01T00:00:00Z", "\uff12020-02-01T00:00:00Z", "2020-02-01T00:00:0\u0661Z"),
]


@pytest.mark.parametrize("text", GOOD)
def test_an_instant_is_written_in_utc(text: str) -> None:
    instant = parse_instant(text)
    assert instant.tzinfo is UTC
    assert format_instant(instant) == GOOD[text]
    assert parse_instant(GOOD[text]) == instant


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected an") as caught:
        parse_instant(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("value", [None, 0, 1580515200, 1580515200.5, True, [], {}, datetime(2020, 2, 1, tzinfo=UTC)])
def test_only_text_is_read_as_an_instant(value: object) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        parse_instant(value)


@examples(200)
@given(text=INSTANTS)
def test_writing_loses_nothing(text: str) -> None:
    instant = parse_instant(text)
    written = format_instant(instant)
    assert written.endswith("Z")
    assert ("." in written) == bool(instant.microsecond)
    assert parse_instant(written) == instant


@pytest.mark.parametrize(
    "text",
    [
        *(
            "2020-02-30",
            "2019-02-29",
            "2020-2-1",
            "2020-02-01T00:00:00Z",
            "20200201",
            "",
            " 2020-02-01",
            "2020-02-01\n",
        ),
        *("1969-12-31", "2200-01-01", "0000-00-00", "\uff12020-02-01"),
    ],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a day"):
        parse_day(text)


@examples(50)
@given(text=DAYS)
def test_a_day_is_read_as_it_is_written(text: str) -> None:
    assert parse_day(text).isoformat() == text


def test_days_are_bounded_as_instants_are() -> None:
    assert parse_day("1970-01-01") == date(1970, 1, 1)
    assert parse_day("2199-12-31") == date(2199, 12, 31)
