"""Which raw topic a line of a file belongs to."""

from datetime import UTC, datetime

import pytest

from events.records import OUTSIDE_KINDS
from streams.feeding import RawLine, read_line


@pytest.mark.parametrize("kind", OUTSIDE_KINDS)
def test_by_kind(kind: str) -> None:
    """A record goes to the topic of its kind under its source's key, as it stands, valid or not."""
    raw = b'{"kind": "%s", "source_id": "s1", "anything": 1}' % kind.encode()

    line = read_line(raw)

    assert isinstance(line, RawLine)
    assert (line.output.topic, line.output.key, line.output.value) == (OUTSIDE_KINDS[kind].topic, b"s1", raw)
    assert line.is_policy is (kind == "policy_changed")


def test_a_tick() -> None:
    """Is an instant, not a record for a raw topic."""
    assert read_line(b'{"kind":"tick","at":"2020-02-03T08:00:00+08:00"}') == datetime(2020, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[1]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"kind": 3}',
        b'{"kind": "weather_changed", "source_id": ""}',
        b'{"kind":"tick","at":"yesterday"}',
        b'{"kind":"tick"}',
        b'{"kind":["tick"],"source_id":{}}',
        b'{"kind":"visit_recorded","source_id":"\\ud800"}',
        b"9" * 5000,
    ],
)
def test_what_cannot_be_read(raw: bytes) -> None:
    """Goes to a raw topic all the same, for intake to say what is wrong: nothing is dropped on the way."""
    line = read_line(raw)

    assert isinstance(line, RawLine)
    assert (line.output.topic, line.output.value) == ("visits", raw)
