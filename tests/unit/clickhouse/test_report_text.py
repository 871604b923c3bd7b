"""The report as text."""

import csv
import io
import json
from datetime import date

import pytest

from events.policy import default_policy, parse_policy, policy_document
from sinks.clickhouse.report import AreaFigures, CheckFigures, Report, last_deadline, normalised_area
from sinks.clickhouse.report_text import COLUMNS, as_csv, as_json, as_table
from tests.unit.clickhouse.messages import at


def report(*, is_closed: bool) -> Report:
    """Return a report of an area with one area below it."""
    whole = AreaFigures("jintang", [CheckFigures("temperature", "am", 7, 4, 1, 2), CheckFigures("visit", "am", 7, 7)])
    whole.figures.update(scans=1200, scans_held=3, fevers=2)
    return Report(
        date=date(2020, 2, 3),
        area="jintang",
        level=2,
        timezone="Asia/Shanghai",
        policy_version="2020-02-01",
        clock=at("03 12:40"),
        is_closed=is_closed,
        areas=[whole, AreaFigures("jintang/quiet")],
    )


def test_the_csv_has_the_same_columns_for_ever() -> None:
    """Others read it by name and by place."""
    assert as_csv(report(is_closed=True)).splitlines()[0] == (
        "date,area,level,check,window,expected,decided,done,late,missed,waived,unknown,"
        "readings,fevers,fevers_confirmed,scans,scans_held,scans_turned_back,alerts_open,alerts_open_critical"
    )


def test_a_line_of_an_area_has_its_totals_and_the_lines_of_checks_leave_them_empty() -> None:
    """No column adds up twice."""
    rows = list(csv.DictReader(io.StringIO(as_csv(report(is_closed=True)))))

    assert [(row["area"], row["check"], row["expected"], row["scans"]) for row in rows] == [
        ("jintang", "", "14", "1200"),
        ("jintang", "temperature", "7", ""),
        ("jintang", "visit", "7", ""),
        ("jintang/quiet", "", "0", "0"),
    ]


def test_what_is_expected_is_empty_while_the_day_is_open() -> None:
    """Pending checks are not in ClickHouse, and nobody guesses them."""
    rows = list(csv.DictReader(io.StringIO(as_csv(report(is_closed=False)))))
    document = json.loads(as_json(report(is_closed=False)))

    assert {row["expected"] for row in rows} == {""}
    assert (document["is_closed"], document["areas"][0]["total"]["expected"]) == (False, None)
    assert "still open" in as_table(report(is_closed=False))


def test_the_json_says_when_and_under_what() -> None:
    """Day, clock, zone and policy stand beside the figures."""
    document = json.loads(as_json(report(is_closed=True)))

    assert {name: document[name] for name in ("date", "clock", "timezone", "policy_version")} == {
        "date": "2020-02-03",
        "clock": "2020-02-03T12:40:00Z",
        "timezone": "Asia/Shanghai",
        "policy_version": "2020-02-01",
    }
    assert document["areas"][0]["checks"][0]["missed"] == 2
    assert document["areas"][0]["scans"] == 1200


def test_the_table_is_aligned() -> None:
    """Every line of a table ends where its heading ends."""
    _, checks, _ = as_table(report(is_closed=True)).split("\n\n")

    lines = checks.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].split() == ["jintang", "all", "all", "14", "14", "11", "1", "2", "0", "0"]


def test_columns_are_unique() -> None:
    """A reader by name finds one."""
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_the_last_deadline_of_a_day() -> None:
    """20:00 in Shanghai, 30 minutes of grace, 5 to settle."""
    assert last_deadline(default_policy(), date(2020, 2, 3)) == at("03 12:35")


def test_a_window_may_end_at_midnight() -> None:
    """24:00 is 00:00 of the day after."""
    document = policy_document(default_policy())
    document["checks"][0]["windows"][1]["end"] = "24:00"

    assert last_deadline(parse_policy(document), date(2020, 2, 3)) == at("03 16:35")


@pytest.mark.parametrize("text", ["jintang", "jintang/", "a/b/c/d/e/f/g/h", "A-1_b"])
def test_an_area_path_may_end_in_a_slash(text: str) -> None:
    """As people type it."""
    assert normalised_area(text) == text.rstrip("/")


@pytest.mark.parametrize("text", ["", "/", "a//b", "a/b c", "a/b/c/d/e/f/g/h/i", "区"])
def test_what_is_no_area_path_is_refused(text: str) -> None:
    """One to eight segments."""
    with pytest.raises(ValueError, match="expected an area path"):
        normalised_area(text)
