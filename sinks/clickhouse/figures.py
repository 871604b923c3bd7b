"""Whether the views show what the rows say: checks by area and day, counted once more from the rows of the grids."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sinks.clickhouse.driver import Database
from sinks.clickhouse.ledger import STATES, AreaDay, area_day, by_date, numbers

# Rows that come meanwhile must not look like a difference.
_FIGURES_TRIES = 5
_COUNTED = ", ".join(f"sum(state = '{state}') AS {state}" for state in STATES)
_ROWS = f"""
SELECT area, toInt32(date) AS day, count() AS decided, {_COUNTED}
FROM
(
    SELECT date, check, window, check_id, argMax(t.area, t.revision) AS area, argMax(t.state, t.revision) AS state
    FROM checks AS t WHERE date >= {{first:Date32}} AND date <= {{last:Date32}} GROUP BY date, check, window, check_id
)
GROUP BY area, day
"""
_VIEW = f"""
SELECT area, toInt32(date) AS day, sum(v.decided) AS decided, {", ".join(f"sum(v.{state}) AS {state}" for state in STATES)}
FROM v_checks_by_area AS v WHERE date >= {{first:Date32}} AND date <= {{last:Date32}} GROUP BY area, day
"""


class Figures(NamedTuple):
    """How many areas and days were compared, and those that are wrong."""

    compared: int
    places: list[AreaDay]


def wrong_figures(database: Database, first: date, last: date) -> Figures | None:
    """Return the areas and days of which the views do not show what the rows say; None where the rows changed all the time.

    `decided` must also be what the states are together: a state that is none of them shows here.
    """
    asked = {"first": first, "last": last}
    before = _figures_of_rows(database, asked)
    for _ in range(_FIGURES_TRIES):
        shown = {area_day(row): numbers(row) for row in database.query(_VIEW, asked)}
        after = _figures_of_rows(database, asked)
        if before == after:
            places = sorted(after.keys() | shown.keys(), key=by_date)
            wrong = [place for place in places if not _is_right(after.get(place), shown.get(place))]
            return Figures(len(places), wrong)
        before = after
    return None


def _figures_of_rows(database: Database, asked: Mapping[str, Any]) -> dict[AreaDay, dict[str, int]]:
    counted: dict[AreaDay, Counter[str]] = {}
    for row in database.query(_ROWS, asked):
        place, figures = area_day(row), numbers(row)
        segments = place.area.split("/")
        for level in range(1, len(segments) + 1):
            counted.setdefault(AreaDay("/".join(segments[:level]), place.date), Counter()).update(figures)
    return {place: dict(figures) for place, figures in counted.items()}


def _is_right(rows: Mapping[str, int] | None, view: Mapping[str, int] | None) -> bool:
    return rows is not None and rows == view and rows["decided"] == sum(rows[state] for state in STATES)
