"""The slow model of the contract: its examples, its hard spots, and what must hold for every log."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.histories import history
from tests.support.model import Result, run
from tests.support.model.check_examples import check_example, examples
from tests.support.model.instants import local_instant, parse_day, parse_instant, show
from tests.support.model.policy import default_policy

CLOCKS = ("decided_at", "raised_at", "updated_at")


class Log:
    """A log written by hand; instants without a date are on 2020-02-03 in Shanghai."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def tick(self, at: str) -> "Log":
        return self._line({"kind": "tick", "at": _instant(at)})

    def add(self, kind: str, at: str, **fields: Any) -> "Log":
        common = {"event_id": f"e{len(self.lines)}", "source_id": "s1", "occurred_at": _instant(at)}
        return self._line({"kind": kind, **common, **fields})

    def opened(self, at: str, exposed_on: str = "2020-02-02", observation_id: str = "O1") -> "Log":
        fields = {"observation_id": observation_id, "last_exposure_on": exposed_on, "category": "home"}
        return self.add("observation_opened", at, person_id="P1", area="t/g1", **fields)

    def reading(self, at: str, temperature_c: float, site: str = "axillary") -> "Log":
        fields = {"person_id": "P1", "area": "t/g9", "temperature_c": temperature_c, "site": site}
        return self.add("temperature_taken", at, **fields)

    def closed(self, at: str) -> "Log":
        return self.add("observation_closed", at, person_id="P1", observation_id="O1", outcome="hospital")

    def replayed(self) -> Result:
        return run(self.lines, None)

    def _line(self, record: dict[str, Any]) -> "Log":
        self.lines.append(json.dumps(record).encode())
        return self


def _instant(text: str) -> str:
    day, clock = text.split() if " " in text else ("02-03", text)
    return f"2020-{day}T{clock}+08:00"


def _states(result: Result, check: str = "temperature") -> list[tuple[str, str, str]]:
    return [(row["date"][5:], row["window"], row["state"]) for row in result.verdicts if row["check"] == check]


def _alerts(result: Result, rule: str) -> list[tuple[int, str, str]]:
    return [(row["revision"], row["state"], row["reason"]) for row in result.alerts if row["rule"] == rule]


@pytest.mark.parametrize("folder", examples(), ids=lambda folder: folder.name)
def test_the_model_gives_the_examples_of_the_contract(folder: Path) -> None:
    """Every revision of every check and alert of an example comes out as given."""
    assert check_example(folder) == []


def test_a_reading_at_the_end_of_the_grace_comes_too_late() -> None:
    """A window with its grace is half open."""
    in_time = Log().opened("06:00:00").tick("11:00:00").reading("12:29:59.999999", 36.6).tick("12:35:00").replayed()
    too_late = Log().opened("06:00:00").tick("11:00:00").reading("12:30:00", 36.6).tick("12:35:00").replayed()

    assert _states(in_time) == [("02-03", "am", "done")]
    assert _states(too_late) == [("02-03", "am", "missed")]


def test_a_late_reading_clears_the_miss() -> None:
    """A reading taken in time and uploaded late makes the check late and resolves its alert."""
    result = Log().opened("06:00:00").tick("12:35:00").reading("09:00:00", 36.6).replayed()

    assert _states(result) == [("02-03", "am", "missed"), ("02-03", "am", "late")]
    assert (2, "resolved", "late_record") in _alerts(result, "missed_check")


def test_a_reading_before_the_enrolment_waits_for_it() -> None:
    """A reading without an open observation satisfies what a later opening brings."""
    result = Log().tick("09:00:00").reading("08:00:00", 36.6).opened("06:00:00").tick("13:00:00").replayed()

    assert _states(result) == [("02-03", "am", "done")]


def test_a_closing_in_a_window_waives_it_and_takes_the_later_ones_away() -> None:
    """What the clock has begun is waived, what it has not is gone."""
    log = Log().opened("06:00:00").tick("11:00:00").closed("10:00:00").tick("02-05 00:00:00")

    assert _states(log.replayed()) == [("02-03", "am", "waived")]


def test_a_moved_window_keeps_the_policy_it_began_under() -> None:
    """A change of policy moves the windows that have not begun, and no other."""
    policy = default_policy() | {"policy_version": "2"}
    policy["checks"] = [policy["checks"][0] | {"windows": [{"name": "am", "start": "07:00", "end": "10:00"}]}]
    log = Log().opened("05:00:00").tick("06:00:00").add("policy_changed", "06:10:00", policy=policy)
    rows = log.tick("02-04 12:00:00").replayed().verdicts

    assert [(row["date"], row["due_at"], row["policy_version"]) for row in rows if row["check"] == "temperature"] == [
        ("2020-02-03", "2020-02-03T04:30:00Z", "2020-02-01"),
        ("2020-02-04", "2020-02-04T02:30:00Z", "2"),
    ]


def test_a_screened_fever_is_settled_by_a_reading_that_came_before_it() -> None:
    """The confirming reading may arrive first; evidence stands in log order."""
    log = Log().tick("05:00:00").opened("06:00:00").reading("09:10:00", 36.5).reading("09:00:00", 38.0, "ear")
    result = log.replayed()

    assert _alerts(result, "fever") == [(1, "open", "screened"), (2, "resolved", "not_confirmed")]
    assert result.alerts[-1]["evidence"] == ["e2", "e3"]


def test_dead_letters_carry_line_and_reason() -> None:
    """Blank lines are counted and skipped; a bad line does not stop the rest."""
    log = Log().closed("09:00:00")
    log.lines += [b"", b"{", b"[]", b'{"kind":"x"}', b" " * 70000 + b"{}", b'{"kind":"tick"}']

    assert log.replayed().dead_letters == [
        (0, "no_such_observation"),
        (2, "not_json"),
        (3, "not_json"),
        (4, "unknown_kind"),
        (5, "too_large"),
        (6, "invalid_field"),
    ]


def test_local_times_around_daylight_saving() -> None:
    """A skipped local time is read with the offset before, of a repeated one the first is meant."""
    assert show(local_instant(parse_day("2020-03-29"), "02:30", "Europe/Berlin")) == "2020-03-29T01:30:00Z"
    assert show(local_instant(parse_day("2020-10-25"), "02:30", "Europe/Berlin")) == "2020-10-25T00:30:00Z"
    assert show(local_instant(parse_day("2020-10-25"), "24:00", "Europe/Berlin")) == "2020-10-25T23:00:00Z"


@pytest.mark.parametrize("seed", range(4))
def test_many_small_ticks_bring_what_one_late_tick_brings(seed: int) -> None:
    """Only the clocks in the records differ."""
    lines, policy = history(seed)
    split: list[bytes] = []
    clock = None
    for line in lines:
        at = _tick_at(line)
        if at is not None and (clock is None or clock < at):
            for part in range(1, 8 if clock is not None else 0):
                between = (clock or at) + (at - (clock or at)) * part / 8
                split.append(json.dumps({"kind": "tick", "at": between.isoformat()}).encode())
            clock = at
        split.append(line)
    whole, parts = run(lines, policy), run(split, policy)

    assert _without_clocks(whole.verdicts) == _without_clocks(parts.verdicts)
    assert _without_clocks(whole.alerts) == _without_clocks(parts.alerts)


@pytest.mark.parametrize("seed", range(100, 104))
def test_dead_letters_change_nothing(seed: int) -> None:
    """Without its dead letters a log gives the same."""
    lines, policy = history(seed)
    whole = run(lines, policy)
    dead = {number for number, _ in whole.dead_letters}
    rest = run([line for number, line in enumerate(lines) if number not in dead], policy)

    assert (rest.verdicts, rest.alerts, rest.dead_letters) == (whole.verdicts, whole.alerts, [])


def test_a_history_is_the_same_for_the_same_seed() -> None:
    """Seeds are reproducible."""
    assert history(7) == history(7)


def _tick_at(line: bytes) -> Any:
    try:
        record = json.loads(line)
        return parse_instant(record["at"]) if set(record) == {"kind", "at"} else None
    except (ValueError, KeyError, TypeError):
        return None


def _without_clocks(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in CLOCKS} for row in rows]


def test_instants_are_written_in_utc() -> None:
    """A fraction stands only where there is one."""
    assert show(parse_instant("2020-02-03T09:00:00.000+08:00")) == "2020-02-03T01:00:00Z"
    assert show(parse_instant("2020-02-03T09:00:00.000001Z") + timedelta(0)) == "2020-02-03T09:00:00.000001Z"


def test_an_event_id_of_two_people_names_two_events() -> None:
    """A repeat is known by its person."""
    log = Log().opened("07:00:00").opened("07:00:00").reading("08:00:00", 36.6)
    log.lines[1] = log.lines[0].replace(b'"P1"', b'"P2"')
    log.lines[2] = log.lines[2].replace(b'"e2"', b'"e0"')  # that of the opening

    result = log.tick("02-03 21:00:00").replayed()

    missed = [row["person_id"] for row in result.verdicts if row["state"] == "missed"]
    assert set(missed) == {"P1", "P2"}


def test_what_is_refused_has_used_no_policy() -> None:
    """The first record is refused: a policy may still come under the name of the default one."""
    policy = default_policy() | {"late_days": 3}

    result = Log().closed("07:00:00").add("policy_changed", "07:00:00", policy=policy).replayed()

    assert result.dead_letters == [(0, "no_such_observation")]
