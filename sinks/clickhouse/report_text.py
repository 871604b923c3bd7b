"""The daily report as a table for people, as CSV and as JSON for programs. Pure."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from events.instants import format_instant
from sinks.clickhouse.report import AREA_FIGURES, CHECK_FIGURES, AreaFigures, CheckFigures, Report, report_rows

COLUMNS = ("date", "area", "level", "check", "window", "expected", *CHECK_FIGURES, *AREA_FIGURES)
_HEADINGS = {
    "fevers_confirmed": "confirmed",
    "scans_held": "held",
    "scans_turned_back": "turned back",
    "alerts_open": "open alerts",
    "alerts_open_critical": "critical",
}


def as_csv(report: Report) -> str:
    """Write one line an area and one a check and window; the columns are COLUMNS, for ever in this order."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(report_rows(report))
    return text.getvalue()


def as_json(report: Report) -> str:
    """Write one object, two spaces deep; `expected` is null while the day is not closed."""
    document = {
        "date": report.date.isoformat(),
        "area": report.area,
        "level": report.level,
        "timezone": report.timezone,
        "policy_version": report.policy_version,
        "clock": format_instant(report.clock) if report.clock else None,
        "is_closed": report.is_closed,
        "areas": [_area_document(report, area) for area in report.areas],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _area_document(report: Report, area: AreaFigures) -> dict[str, Any]:
    return {
        "area": area.area,
        "level": area.area.count("/") + 1,
        "total": _check_document(report, area.total),
        "checks": [{"check": row.check, "window": row.window, **_check_document(report, row)} for row in area.checks],
        **area.figures,
    }


def _check_document(report: Report, row: CheckFigures) -> dict[str, int | None]:
    return {"expected": report.expected(row), **{name: getattr(row, name) for name in CHECK_FIGURES}}


def as_table(report: Report) -> str:
    """Write two aligned tables: the checks, and what else happened."""
    rows = list(report_rows(report))
    checks = ("area", "check", "window", "expected", *CHECK_FIGURES)
    areas = [row for row in rows if not row["check"]]
    return "\n".join((_heading(report), _aligned(checks, rows), _aligned(("area", *AREA_FIGURES), areas)))


def _heading(report: Report) -> str:
    clock = format_instant(report.clock) if report.clock else "not known"
    state = "closed" if report.is_closed else "still open: what is expected is not final"
    policy = report.policy_version or "none"
    return f"{report.area}, {report.date} ({report.timezone}, policy {policy}): {state}. Clock: {clock}\n"


def _aligned(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [[_HEADINGS.get(name, name) for name in columns]]
    lines += [[_cell(row, name) for name in columns] for row in rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    return "".join(
        "  ".join(
            cell.ljust(width) if name in ("area", "check", "window") else cell.rjust(width)
            for name, cell, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if value is None:
        return "?"
    return "all" if value == "" else str(value)
