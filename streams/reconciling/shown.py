"""A reconciliation as a table for people and as one document for programs."""

from dataclasses import asdict
from typing import Any

from events.instants import format_instant
from streams.reconciling.findings import Difference, Finding, Kind, LedgerDay, Reconciliation, Relation

_SINK_AGAIN = "stop the sink, set its group back to before the first offset named, start it: rows fall on themselves"
_ADVICE = {
    Relation.RAW_TO_TIMELINE: "records were lost on the way through intake: report it, and send them again",
    Relation.TIMELINE_FROM_RAW: "something else writes into the timeline, or changed a record",
    Relation.RAW_TO_DEAD_LETTERS: "refused records left no dead letter: look at them in the raw topic",
    Relation.DEAD_LETTERS_FROM_RAW: "something else writes into the dead letters, or this version refuses less",
    Relation.TICKS: "a clock was killed while it wrote a tick, and the next one makes up for it; or partitions were added",
    Relation.TIMELINE_TO_CLICKHOUSE: _SINK_AGAIN,
    Relation.CHECKS_TO_CLICKHOUSE: _SINK_AGAIN,
    Relation.ALERTS_TO_CLICKHOUSE: _SINK_AGAIN,
    Relation.DEAD_LETTERS_TO_CLICKHOUSE: _SINK_AGAIN,
    Relation.REVISIONS: "rows were deleted, or the tables were filled from a topic that was compacted before",
    Relation.LAST_REVISIONS: "a process was frozen while it wrote: gridwatch reconcile --mend, before compaction (7 days)",
    Relation.LEDGER: "decide the timeline again (gridwatch replay --from-log) and compare the verdicts of that day",
    Relation.FIGURES: "a view is not that of this version: gridwatch migrate --status",
}


def document(found: Reconciliation) -> dict[str, Any]:
    """Return everything as JSON values."""
    return {
        "since": format_instant(found.since),
        "until": format_instant(found.until),
        "agrees": found.agrees,
        "relations": [_relation(finding) for finding in found.findings],
        "ledger": [asdict(day) for day in found.ledger],
    }


def _relation(finding: Finding) -> dict[str, Any]:
    return {
        "relation": finding.relation.value,
        "compared": finding.compared,
        "under_way": finding.under_way,
        "set_aside": finding.set_aside or None,
        "broken_off": finding.broken_off or None,
        "differences": [_difference(found) for found in finding.differences],
        "notes": [_difference(found) for found in finding.notes],
    }


def _difference(found: Difference) -> dict[str, Any]:
    return {"kind": found.kind.value, **found.group.document(), "count": found.count, "offsets": found.offsets}


def show(found: Reconciliation) -> None:
    """Print a line a relation, and below them where the two sides differ."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("compared")
    for heading in ("records", "under way", "differences"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for finding in found.findings:
        differences = sum(each.count for each in finding.differences)
        style = "red" if differences or finding.broken_off else ("yellow" if finding.set_aside else "")
        note = finding.broken_off or finding.set_aside or _notes(finding)
        cells = (f"{finding.compared:,}", f"{finding.under_way:,}", f"{differences:,}")
        table.add_row(finding.relation.value, *cells, note, style=style)
    console = Console(highlight=False)
    console.print(f"{format_instant(found.since)} to {format_instant(found.until)}")
    console.print(table)
    for day in found.ledger:
        console.print(_equation(day), soft_wrap=True)
    for finding in found.findings:
        for each in finding.differences:
            console.print(f"[red]{finding.relation.value}[/red]: {_in_words(each)}", soft_wrap=True)
        if finding.differences:
            console.print(f"  -> {_ADVICE[finding.relation]}", soft_wrap=True)
    console.print(_conclusion(found))


def _conclusion(found: Reconciliation) -> str:
    if not found.agrees:
        return "something differs: see docs/OPERATIONS.md, Reconcile"
    if not any(finding.compared or finding.under_way for finding in found.findings):
        return "nothing to compare in these hours; the present one is left out unless --until is after it"
    return "all agrees"


def _notes(finding: Finding) -> str:
    counts = finding.counts()
    words = {Kind.REPEATED: "twice", Kind.MENDED: "mended"}
    return ", ".join(f"{counts[kind]:,} {word}" for kind, word in words.items() if counts[kind])


def _equation(day: LedgerDay) -> str:
    figures = asdict(day)
    date, expected, lost = figures.pop("date"), figures.pop("expected"), figures.pop("lost")
    parts = [f"{value:,} {name}" for name, value in figures.items()] + ([f"{lost:,} lost"] if lost else [])
    return f"ledger of {date}: {expected:,} expected = {' + '.join(parts)}"


def _in_words(found: Difference) -> str:
    group = found.group.document()
    topic, partition = group.pop("topic"), group.pop("partition", None)
    place = [topic if partition is None else f"{topic}/{partition}", *group.values()]
    offsets = f", at {', '.join(map(str, found.offsets))}" if found.offsets else ""
    more = ", ..." if found.offsets and found.count > len(found.offsets) else ""
    return f"{found.count:,} {found.kind.value} in {', '.join(place)}{offsets}{more}"
