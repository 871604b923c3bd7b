"""What intake tells of the sources that it hears."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.records import MOST_RUNS
from streams.broker.outputs import Output
from streams.intake.decider import new_intake
from streams.partition import SavedState
from tests.support.fakes import raw_record

TEN = datetime(2020, 2, 3, 2, tzinfo=UTC)
Told = list[tuple[str, str, list[tuple[int, int]]]]


@dataclass
class Intake:
    """One raw partition; `restarts` has it written down and read back before every record."""

    topic: str = "checkpoints"
    restarts: bool = False

    def __post_init__(self) -> None:
        self.decider = new_intake(self.topic, 2, 48)
        self.offset = 0
        self.entries: dict[str, bytes] = {}

    def take(self, time: str, value: bytes) -> list[Output]:
        """Take a record that the broker stamps at a time after ten o'clock, `MM:SS`."""
        if self.restarts:
            self._restart()
        minutes, seconds = map(int, time.split(":"))
        stamp = TEN + timedelta(minutes=minutes, seconds=seconds)
        record = raw_record(self.topic, 2, self.offset, value, int(stamp.timestamp() * 1000))
        self.offset += 1
        return self.decider.take([record], 0)

    def _restart(self) -> None:
        for key, value in self.decider.changes().items():
            if value is None:
                del self.entries[key]
            else:
                self.entries[key] = value
        head = json.loads(json.dumps(self.decider.head()))
        self.decider = new_intake(self.topic, 2, 48, SavedState(head, dict(self.entries)))


def scan(source: str, sequence: int | None, made: str = "2020-02-03T02:00:00Z", **fields: Any) -> bytes:
    """Return a scan as devices send it."""
    document = {
        "kind": "checkpoint_scanned",
        "event_id": f"{source}-{sequence}",
        "source_id": source,
        "sequence": sequence,
        "occurred_at": made,
        "person_id": "P1",
        "area": "t/g1",
        "checkpoint_id": "k1",
        "direction": "in",
        "decision": "passed",
        **fields,
    }
    return json.dumps(document, separators=(",", ":")).encode()


def temperature(sequence: int | None, **fields: Any) -> bytes:
    """Return a reading as terminals send it."""
    document = {
        "kind": "temperature_taken",
        "event_id": f"e{sequence}",
        "source_id": "T1",
        "sequence": sequence,
        "occurred_at": "2020-02-03T01:59:00Z",
        "person_id": "P1",
        "area": "t/g1",
        "temperature_c": 36.5,
    }
    return json.dumps(document | fields).encode()


def heard(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    """Return what is told of sources."""
    documents = [json.loads(output.value) for output in outputs if output.topic == "timeline"]
    return [document for document in documents if document["kind"] == "source_heard"]


def told(outputs: Iterable[Output]) -> Told:
    """Return source, until when it counts as heard, and numbers of what is told."""
    return [
        (each["source_id"], each["heard_until"][11:16], [(run["first"], run["last"]) for run in each["sequences"]])
        for each in heard(outputs)
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_scans_are_gathered_by_half_hours(restarts: bool) -> None:
    """The worked example of the module, with and without a restart before every record."""
    intake = Intake(restarts=restarts)

    assert told(intake.take("01:00", scan("a", 7))) == [("a", "03:00", [(7, 7)])]
    assert told(intake.take("02:00", scan("a", 8))) == []
    assert told(intake.take("03:00", scan("a", 9))) == []
    assert told(intake.take("04:00", scan("a", 12))) == [("a", "03:00", [(8, 9), (12, 12)])]
    assert told(intake.take("05:00", scan("a", 13))) == []
    assert told(intake.take("31:00", scan("b", 4))) == [("a", "03:00", [(13, 13)]), ("b", "03:30", [(4, 4)])]
    assert told(intake.take("32:00", scan("a", 14))) == []
    assert told(intake.take("65:00", scan("b", 5))) == [("a", "03:30", [(14, 14)])]


@pytest.mark.parametrize("restarts", [False, True])
def test_who_was_not_heard_for_a_half_hour_is_told_of_at_once(restarts: bool) -> None:
    """In the half hour behind the one in which it was heard it is not: until then nothing says that it is silent."""
    intake = Intake(restarts=restarts)
    intake.take("01:00", scan("a", 1))
    intake.take("02:00", scan("b", 1))

    assert told(intake.take("59:00", scan("a", 2))) == []
    assert told(intake.take("61:00", scan("b", 2))) == [("a", "03:30", [(2, 2)]), ("b", "04:00", [(2, 2)])]


def test_a_number_that_goes_back_is_told_of_at_once() -> None:
    """It fills a hole, or the counter began again; those that follow it wait."""
    intake = Intake()
    intake.take("01:00", scan("a", 9))

    assert told(intake.take("02:00", scan("a", 4))) == [("a", "03:00", [(4, 4)])]
    assert told(intake.take("02:00", scan("a", 5))) == []
    assert told(intake.take("02:00", scan("a", 10))) == [("a", "03:00", [(5, 5), (10, 10)])]


def test_a_repeated_scan_is_a_sign_of_life() -> None:
    """It has no number to tell, and is told of with the half hour."""
    intake = Intake()
    intake.take("01:00", scan("a", 1))
    intake.take("31:00", scan("a", 1))

    assert told(intake.take("61:00", scan("b", 1))) == [("a", "03:30", []), ("b", "04:00", [(1, 1)])]


def test_who_is_not_heard_is_forgotten() -> None:
    """Nothing is held of a source that was heard neither in this half hour nor in the one before."""
    intake = Intake()
    intake.take("01:00", scan("a", 1))
    assert [key for key in intake.decider.changes() if key.startswith("heard/")] == ["heard/a"]
    intake.take("61:00", scan("b", 1))

    changes = {key: value for key, value in intake.decider.changes().items() if key.startswith("heard/")}
    assert changes.keys() == {"heard/a", "heard/b"}
    assert changes["heard/a"] is None
    keys = intake.decider.keys()
    assert [key for key in keys if key.startswith("heard/")] == ["heard/b"]


def test_restarts_change_no_byte() -> None:
    """What is told is the same, to the byte, however often intake is written down and read back."""
    times = [f"{number // 2:02d}:{number % 60:02d}" for number in range(240)]
    values = [
        scan("abc"[number % 3], number * number % 41 + 1, f"2020-02-03T01:{number % 60:02d}:00.5Z")
        for number in range(240)
    ]
    steady, restarted = Intake(), Intake(restarts=True)

    for time, value in zip(times, values, strict=True):
        assert steady.take(time, value) == restarted.take(time, value)


def test_the_source_that_begins_the_next_half_hour() -> None:
    """What is left of the half hour before is told; its new number waits, unless it does not follow."""
    intake = Intake()
    for number in (1, 2, 3):
        intake.take("01:00", scan("a", number))

    assert told(intake.take("31:00", scan("a", 4))) == [("a", "03:00", [(2, 3)])]
    assert told(intake.take("61:00", scan("a", 6))) == [("a", "04:00", [(4, 4), (6, 6)])]


def test_all_that_is_told() -> None:
    """The record stands under the key of the source behind what brought it, and says when the numbers were made."""
    intake = Intake()
    intake.take("01:00", scan("a", 1))
    intake.take("01:00", scan("a", 2, "2020-02-03T02:00:50Z"))
    intake.take("01:00", scan("a", 3, "2020-02-03T02:00:40Z", received_at="2020-02-03T02:01:00.25Z"))
    line, first, second = intake.take("35:00", scan("b", 9, "2020-02-03T02:35:01Z"))

    assert json.loads(line.value)["source_id"] == "b"
    assert (first.topic, first.key, second.key) == ("timeline", b"source:a", b"source:b")
    assert json.loads(first.value) == {
        "kind": "source_heard",
        "event_id": "heard:checkpoints:2:3:0",
        "source_id": "a",
        "heard_until": "2020-02-03T03:00:00Z",
        "least_delay_ms": 10_000,
        "sequences": [{"first": 2, "last": 3, "since": "2020-02-03T02:00:40Z", "until": "2020-02-03T02:00:50Z"}],
    }
    assert (json.loads(second.value)["event_id"], json.loads(second.value)["least_delay_ms"]) == (
        "heard:checkpoints:2:3:1",
        -1000,
    )


def test_other_records_tell_at_once() -> None:
    """Visits, readings, observations and commands are told of one by one."""
    intake = Intake("temperatures")

    assert told(intake.take("01:00", temperature(1))) == [("T1", "03:00", [(1, 1)])]
    assert told(intake.take("01:00", temperature(3))) == [("T1", "03:00", [(3, 3)])]
    assert told(intake.take("01:00", temperature(None))) == [("T1", "03:00", [])]
    assert not any(key.startswith("heard/") for key in intake.decider.changes())


def test_a_repeat_is_a_sign_of_life() -> None:
    """A repeat is heard, and has no number: it came before."""
    intake = Intake("temperatures")
    intake.take("01:00", temperature(1))

    assert told(intake.take("06:00", temperature(1))) == [("T1", "03:00", [])]


@pytest.mark.parametrize(
    "fields",
    [
        {"temperature_c": "hot"},
        {"kind": "visit_recorded"},
        {"kind": "weather"},
        {"occurred_at": "2020-02-04T00:00:00Z"},
    ],
    ids=["a field", "of another topic", "no kind", "in the future"],
)
def test_a_refused_record_has_arrived(fields: dict[str, Any]) -> None:
    """The number of a record that was refused is no hole, wherever it says whose it is."""
    letter, sign = Intake("temperatures").take("01:00", temperature(5, **fields))

    assert letter.topic == "dead-letters"
    assert told([sign]) == [("T1", "03:00", [(5, 5)])]


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"",
        b"[1]",
        temperature(1, source_id="a b"),
        temperature(1, source_id=7),
        temperature(1, note="x" * 70_000),
    ],
)
def test_what_does_not_say_whose_it_is(value: bytes) -> None:
    """Nobody is heard by it."""
    (letter,) = Intake("temperatures").take("01:00", value)

    assert letter.topic == "dead-letters"


@pytest.mark.parametrize("sequence", [0, -1, 2**63, 1.5, "7", True])
def test_a_number_that_is_none(sequence: Any) -> None:
    """The source is heard, without a number."""
    outputs = Intake("temperatures").take("01:00", temperature(sequence))

    assert told(outputs) == [("T1", "03:00", [])]


def test_a_clock_that_is_ahead() -> None:
    """A record that was refused for being made in the future says by how much the clock of its source is ahead."""
    outputs = Intake("temperatures").take("01:00", temperature(1, occurred_at="2020-02-03T02:31:00Z"))

    assert [each["least_delay_ms"] for each in heard(outputs)] == [-1_800_000]


def test_a_refused_record_that_does_not_say_when() -> None:
    """It says nothing of the clock of its source."""
    outputs = Intake("temperatures").take("01:00", temperature(1, occurred_at="today"))

    assert [(each["least_delay_ms"], len(each["sequences"])) for each in heard(outputs)] == [(None, 1)]


def test_a_state_of_before_sources_were_heard() -> None:
    """What was written down by the version before is read: nothing is gathered."""
    decider = new_intake("checkpoints", 2, 48, SavedState({}, {}))

    assert decider.head() == {"heard_bucket": -1}


def test_numbers_that_come_in_any_order() -> None:
    """Every number that does not follow is told of at once, so no record is too large."""
    intake, outputs = Intake(), list[Output]()
    for number in range(MOST_RUNS * 2 + 3):
        outputs += intake.take("01:00", scan("a", number * 2 + 1))
    outputs += intake.take("36:00", scan("b", 1))

    records = heard(outputs)
    assert max(len(record["sequences"]) for record in records) <= MOST_RUNS
    assert len({record["event_id"] for record in records}) == len(records)
    numbers = [run["first"] for record in records if record["source_id"] == "a" for run in record["sequences"]]
    assert sorted(numbers) == [number * 2 + 1 for number in range(MOST_RUNS * 2 + 3)]


def test_a_broker_whose_clock_goes_back() -> None:
    """The half hour never goes back."""
    intake = Intake()
    intake.take("36:00", scan("a", 1))

    assert told(intake.take("24:00", scan("a", 2))) == []
    assert told(intake.take("24:00", scan("b", 1))) == [("b", "03:30", [(1, 1)])]
