"""What is known of sources, written down and read back."""

import json
from datetime import UTC, datetime

import pytest

from events.codec import decode
from streams.core import snapshot
from streams.core.engine import step
from streams.core.state import State, new_state
from tests.support.written import read_back, state_document, written
from tests.unit.streams.test_source_outages import defined, heard, tick


def state_after(*lines: bytes) -> State:
    state = new_state()
    for line in lines:
        assert step(state, decode(line)).refusal is None
    return state


LINES = (tick("01:00:00"), defined("t/c1"), heard("01:05:00", 3, 7), tick("01:10:00"), tick("02:06:00"))


@pytest.mark.parametrize("position", range(len(LINES) + 1))
def test_read_back_at_every_line(position: int) -> None:
    """What is read back decides the rest as if nothing had happened, deadlines too."""
    steady, interrupted = new_state(), new_state()
    for number, line in enumerate(LINES):
        if number == position:
            interrupted = read_back(interrupted)
        assert step(interrupted, decode(line)) == step(steady, decode(line))
    assert state_document(read_back(interrupted)) == state_document(steady)


def test_one_source_that_changed_is_one_entry() -> None:
    """The others are not written again."""
    state = state_after(*LINES, heard("02:10:00").replace(b"gate-1", b"gate-2"))
    snapshot.changes(state)

    step(state, decode(heard("02:15:00")))

    assert list(snapshot.changes(state)) == ["/source/gate-1"]


def test_a_state_of_before_there_were_sources() -> None:
    """The format before is read: it has none."""
    head, entries = written(state_after(tick("01:00:00")))
    document = json.loads(head)
    del document["sources"]

    state = snapshot.load_state(document | {"format": 4}, entries)

    assert state.clock == datetime(2020, 2, 3, 1, tzinfo=UTC)
    assert len(state.sources) == 0


def test_a_source_that_is_missing_is_noticed() -> None:
    head, entries = written(state_after(*LINES))
    del entries["/source/gate-1"]

    with pytest.raises(snapshot.SnapshotError, match="expected 1 sources, found 0"):
        snapshot.load_state(json.loads(head), entries)


def test_a_deadline_that_is_put_off_is_held_once() -> None:
    """Signs of life put a deadline off all the time: the index holds one entry of each source, not one for each sign."""
    state = state_after(tick("01:00:00"), defined("t/c1", interval_seconds=86_400))
    for minute in range(5, 60, 5):
        step(state, decode(heard(f"01:{minute:02d}:00")))

    assert len(state.sources._deadlines._instants) == 1
    step(state, decode(tick("23:59:00")))
    assert state.clock is not None
    outcome = step(state, decode(tick("23:59:59").replace(b"02-03", b"02-04")))
    assert [alert.occurrence for alert in outcome.alerts] == ["20200203T015500Z"]
