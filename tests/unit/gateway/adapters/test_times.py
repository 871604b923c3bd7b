"""Times as devices write them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.instants import format_instant
from streams.gateway.adapters.times import load_zone, time_reader

LOCAL = "%Y-%m-%d %H:%M:%S"


@pytest.mark.parametrize(
    ("written", "value", "zone", "instant"),
    [
        ("iso", "2020-02-08T09:10:11+08:00", "UTC", "2020-02-08T01:10:11Z"),
        ("iso", "2020-02-08T09:10:11+0800", "UTC", "2020-02-08T01:10:11Z"),
        ("iso", "2020-02-08 09:10:11.5Z", "Asia/Shanghai", "2020-02-08T09:10:11.500000Z"),
        ("iso", "2020-02-08T09:10:11.123456789-06", "UTC", "2020-02-08T15:10:11.123456Z"),
        ("iso", " 2020-02-08T09:10:11 ", "Asia/Shanghai", "2020-02-08T01:10:11Z"),
        (LOCAL, "2020-2-8 9:10:11", "+08:00", "2020-02-08T01:10:11Z"),
        (LOCAL, "2020-02-08 09:10:11", "Asia/Kolkata", "2020-02-08T03:40:11Z"),
        ("%d/%m/%Y, %H.%M", "08/02/2020, 09.10", "UTC", "2020-02-08T09:10:00Z"),
        ("%Y%m%d%H%M%S", 20200208091011, "UTC", "2020-02-08T09:10:11Z"),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2020-02-08T09:10:11.25-00:30", "UTC", "2020-02-08T09:40:11.250000Z"),
        ("%%%Y (%m) %d %H:%M", "%2020 (02) 08 09:10", "UTC", "2020-02-08T09:10:00Z"),
        ("unix_s", 1581124210, "UTC", "2020-02-08T01:10:10Z"),
        ("unix_s", "1581124210", "UTC", "2020-02-08T01:10:10Z"),
        ("unix_ms", 1581124210250, "UTC", "2020-02-08T01:10:10.250000Z"),
        ("unix", 1581124210, "UTC", "2020-02-08T01:10:10Z"),
        ("unix", "1581124210250", "UTC", "2020-02-08T01:10:10.250000Z"),
        ("unix", 0, "UTC", "1970-01-01T00:00:00Z"),
    ],
)
def test_times_that_are_read(written: str, value: Any, zone: str, instant: str) -> None:
    """Texts with and without an offset, seconds and milliseconds."""
    read, is_doubtful = time_reader(written)(value, load_zone(zone))
    assert (format_instant(read), is_doubtful) == (instant, False)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("iso", "2020-02-30T09:10:11Z"),
        ("iso", "2020-02-08T24:00:00Z"),
        ("iso", "2020-02-08T09:10:60Z"),
        ("iso", "2020-02-08"),
        ("iso", "２０２０-02-08T09:10:11Z"),
        ("iso", "0000-01-01T00:00:00Z"),
        ("iso", "0001-01-01T00:00:00"),
        ("iso", "9999-12-31T23:59:59-12:00"),
        ("iso", "2020-02-08T09:10:11+99:99"),
        ("iso", 20200208),
        ("iso", None),
        ("iso", True),
        ("iso", ["2020-02-08T09:10:11Z"]),
        (LOCAL, "2020-13-01 00:00:00"),
        (LOCAL, "2020-02-08 09:10:11 and more"),
        (LOCAL, "9999999-02-08 09:10:11"),
        ("unix_s", 1581124210250),
        ("unix_s", -1),
        ("unix_ms", 1e300),
        ("unix", "now"),
        ("unix", True),
        ("unix", 5e10),
    ],
)
def test_times_that_are_not(written: str, value: Any) -> None:
    """What is no time of the years that the contract knows is refused with what was expected."""
    with pytest.raises(ValueError, match=r"^expected"):
        time_reader(written)(value, load_zone("Asia/Shanghai"))


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        ("2020-03-29 02:30:00", "2020-03-29T01:30:00Z"),  # does not exist: the clock was put forward at 2
        ("2020-10-25 02:30:00", "2020-10-25T00:30:00Z"),  # exists twice: the first of them
    ],
)
def test_local_times_around_a_change_of_the_clock(local: str, instant: str) -> None:
    """They are taken as if the clock had not been changed yet, and are doubtful."""
    read, is_doubtful = time_reader(LOCAL)(local, load_zone("Europe/Berlin"))
    assert (format_instant(read), is_doubtful) == (instant, True)


@pytest.mark.parametrize(
    "written", ["", "unix_us", "%Y-%m-%d", "%Y-%m-%d %H:%M %Y", "%Y-%m-%d %H:%M%", "%j %Y %m %d %H %M", "ISO"]
)
def test_formats_that_cannot_be_read(written: str) -> None:
    """A format has year, month, day, hour and minute, each once, and nothing that depends on a language."""
    with pytest.raises(ValueError, match=r"^expected iso, unix"):
        time_reader(written)


@pytest.mark.parametrize("name", ["Mars/Olympus", "+8", "+08:60", "", "../UTC", "+24:00"])
def test_zones_that_are_none(name: str) -> None:
    """A zone is an IANA name or an offset."""
    with pytest.raises(ValueError, match="IANA name"):
        load_zone(name)


@settings(deadline=None)
@given(
    st.sampled_from(["iso", LOCAL, "unix", "unix_s", "unix_ms", "%Y%m%d%H%M%f%z"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.datetimes().map(str),
    st.sampled_from(["UTC", "Europe/Berlin", "+14:00", "-23:59", "America/St_Johns"]),
)
def test_any_value(written: str, value: Any, zone: str) -> None:
    """Any value at all is an instant or a ValueError."""
    try:
        read, _ = time_reader(written)(value, load_zone(zone))
    except ValueError as error:
        message = str(error)
    else:
        message = f"expected {read.utcoffset()}"
    assert message.startswith("expected")
