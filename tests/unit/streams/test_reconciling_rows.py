"""Rows against messages: sums say whether, rows say where."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from streams.reconciling.findings import HOUR_MS, Finding, Group, Kind, Relation
from streams.reconciling.rows import Row, RowSums, Sum, add_missing, compare_rows, differing

FIRST_HOUR = 491_000
FINGERPRINTS = st.integers(0, 2**64 - 1)


@st.composite
def messages(draw: st.DrawFn) -> list[Row]:
    """Draw messages at ascending offsets, over three hours, each with content of its own."""
    fingerprints = draw(st.lists(FINGERPRINTS, min_size=1, max_size=30, unique=True))
    offsets = sorted(draw(st.sets(st.integers(0, 99), min_size=len(fingerprints), max_size=len(fingerprints))))
    stamps = sorted(draw(st.lists(st.integers(0, 3 * HOUR_MS - 1), min_size=len(offsets), max_size=len(offsets))))
    begins = FIRST_HOUR * HOUR_MS
    return [
        Row(offset, begins + stamp, found) for offset, stamp, found in zip(offsets, stamps, fingerprints, strict=True)
    ]


def summed(rows: list[Row], *, may_repeat: bool = False) -> dict[tuple[int, int], Sum]:
    """Sum up rows of partition 3 one by one, hour after hour."""
    sums = RowSums(may_repeat=may_repeat)
    for row in rows:
        sums.close_before(row.appended_ms // HOUR_MS)
        sums.add(3, row.appended_ms // HOUR_MS, [row.offset], [row.fingerprint])
    return sums.sums()


def compared(log: list[Row], table: list[Row]) -> list[tuple[Kind, Group, int, list[int]]]:
    """Compare row by row and return the differences."""
    finding = Finding(Relation.TIMELINE_TO_CLICKHOUSE)
    missing = compare_rows(finding, "timeline", 3, log, table)
    add_missing(finding, "timeline", 3, log, missing)
    return [(each.kind, each.group, each.count, each.offsets) for each in finding.differences]


def group(row: Row) -> Group:
    return Group("timeline", 3, row.appended_ms // HOUR_MS)


@given(messages())
def test_what_agrees(rows: list[Row]) -> None:
    """In whatever order the rows come, and however often."""
    assert list(differing(summed(rows), summed(rows))) == []
    assert compared(rows, [*reversed(rows), *rows]) == []


@given(messages(), st.data(), st.sampled_from(["drop", "content", "offset", "stamp", "invent"]))
def test_any_single_fault_is_found_and_its_place_named(
    rows: list[Row], data: st.DataObject, fault: Literal["drop", "content", "offset", "stamp", "invent"]
) -> None:
    """A row that lacks, says something else, stands at another offset or hour, or that nobody wrote."""
    index = data.draw(st.integers(0, len(rows) - 1))
    row, fresh = (
        rows[index],
        data.draw(FINGERPRINTS.filter(lambda found: found not in {row.fingerprint for row in rows})),
    )
    table = rows[:index] + rows[index + 1 :]
    if fault == "drop":
        expected = [(Kind.MISSING, group(row), 1, [row.offset])]
    elif fault == "content":
        table.append(row._replace(fingerprint=fresh))
        expected = [(Kind.CHANGED, group(row), 1, [row.offset])]
    elif fault == "stamp":
        table.append(row._replace(appended_ms=row.appended_ms + HOUR_MS))
        expected = [(Kind.CHANGED, group(row), 1, [row.offset])]
    else:
        invented = Row(100, row.appended_ms, fresh)
        table.append(invented)
        expected = [(Kind.EXTRA, group(invented), 1, [100])]
        if fault == "offset":
            expected.append((Kind.MISSING, group(row), 1, [row.offset]))
        else:
            table.append(row)

    wrong = list(differing(summed(rows), summed(sorted(table))))

    assert (3, row.appended_ms // HOUR_MS) in wrong
    merged: dict[tuple[Kind, Group], tuple[int, list[int]]] = {
        (kind, place): (n, at) for kind, place, n, at in expected
    }
    assert {(kind, place): (n, at) for kind, place, n, at in compared(rows, table)} == merged


@given(messages(), st.data())
def test_two_contents_under_one_offset(rows: list[Row], data: st.DataObject) -> None:
    """The right row is there, and a wrong one beside it."""
    row = data.draw(st.sampled_from(rows))
    fresh = data.draw(FINGERPRINTS.filter(lambda found: found not in {row.fingerprint for row in rows}))

    assert compared(rows, [*rows, row._replace(fingerprint=fresh)]) == [(Kind.CHANGED, group(row), 1, [row.offset])]


@given(messages(), st.data())
def test_a_message_that_came_twice_counts_once(rows: list[Row], data: st.DataObject) -> None:
    """ClickHouse keeps the row of the later offset, or both until it has merged them."""
    row = data.draw(st.sampled_from(rows))
    later = Row(100, row.appended_ms, row.fingerprint)
    kept = [each for each in rows if each != row]

    assert summed([*kept, row, later], may_repeat=True) == summed([*kept, later], may_repeat=True)
    assert compared([*rows, later], [*kept, later]) == []
    assert compared([*rows, later], [*rows, later]) == []


@given(messages())
def test_a_later_offset_beyond_the_stretch_is_asked_for(rows: list[Row]) -> None:
    """What no row has is returned, so that it can be looked for further on."""
    finding = Finding(Relation.CHECKS_TO_CLICKHOUSE)

    missing = compare_rows(finding, "checks", 0, rows, [])

    assert missing == {row.fingerprint for row in rows}
    assert finding.differences == []


@given(messages())
def test_rows_without_messages_in_a_compacted_log(rows: list[Row]) -> None:
    """They say nothing: the messages may be gone."""
    finding = Finding(Relation.CHECKS_TO_CLICKHOUSE)

    assert compare_rows(finding, "checks", 0, rows[:1], rows, has_gaps=True) == set()
    assert finding.differences == []


def test_sums_wrap_around() -> None:
    """Modulo 2^64, as ClickHouse adds."""
    rows = [Row(offset, FIRST_HOUR * HOUR_MS, 2**63) for offset in range(3)]

    assert summed(rows) == {(3, FIRST_HOUR): Sum(3, 2**63)}


def test_spans() -> None:
    """The offsets of each hour."""
    sums = RowSums(may_repeat=False)
    sums.add(1, FIRST_HOUR, [4, 7], [1, 2])
    sums.add(1, FIRST_HOUR + 1, [9], [3])
    sums.add(1, FIRST_HOUR, [8], [4])

    assert (sums.span((1, FIRST_HOUR)), sums.span((1, FIRST_HOUR + 1))) == ((4, 9), (9, 10))
