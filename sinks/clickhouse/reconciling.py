"""What `gridwatch reconcile` asks ClickHouse about rows: sums by partition and hour, single rows, revisions that lack or
were overtaken.

All of it is bounded by offsets, per partition: `spans` gives the first offset and the one after the last. Nothing is
written. Rows that are there twice and equal count once, whether or not they were merged.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sinks.clickhouse.driver import Database
from sinks.clickhouse.fingerprints import TABLE_OF, fingerprint_sql, may_repeat
from sinks.clickhouse.tables import QUARANTINE

_HOUR = "intDiv(toUnixTimestamp64Milli(appended_at), 3600000)"
_IDENTITY = {"checks": "date, check, window, check_id", "alerts": "rule, alert_id"}
_NAME = {"checks": "check_id", "alerts": "alert_id"}
REVISED = tuple(_IDENTITY)

Spans = Mapping[int, tuple[int, int]]


class HourSum(NamedTuple):
    """Different rows of a partition and hour (since 1970), and the sum of their fingerprints modulo 2^64."""

    partition: int
    hour: int
    rows: int
    checksum: int


class StoredRow(NamedTuple):
    """Where a row came from, the broker's stamp in milliseconds since 1970, and the fingerprint of the rest."""

    offset: int
    appended_ms: int
    fingerprint: int


class Lacking(NamedTuple):
    """A verdict or alert, by the place of its highest revision, and how many revisions below it are not there."""

    partition: int
    hour: int
    offset: int
    revisions: int


class Overtaken(NamedTuple):
    """Where the highest revision of a verdict or alert stands, behind which a lower one came last."""

    partition: int
    hour: int
    offset: int
    identity: str
    revision: int


def hour_sums(database: Database, topic: str, name: str, spans: Spans) -> list[HourSum]:
    """Sum up the rows of a topic of the catalogue, quarantine included; `name` is the topic's on the brokers."""
    if not spans:
        return []
    identity = "fingerprint" if may_repeat(topic) else "offset, fingerprint"
    parts = " UNION ALL ".join(
        f"SELECT DISTINCT partition, {_HOUR} AS hour, {identity} FROM "
        f"(SELECT *, {fingerprint_sql(table)} AS fingerprint FROM {table.name} WHERE {_within(spans)})"
        for table in (TABLE_OF[topic], QUARANTINE)
    )
    rows = database.query(
        "SELECT partition, hour, count() AS rows, sum(fingerprint) AS checksum"
        f" FROM (SELECT partition, hour, fingerprint FROM ({parts})) GROUP BY partition, hour",
        {"topic": name},
    )
    return [HourSum(row["partition"], row["hour"], row["rows"], row["checksum"]) for row in rows]


def stored_rows(database: Database, topic: str, name: str, partition: int, span: tuple[int, int]) -> list[StoredRow]:
    """Return the rows of a stretch of a partition, in the order of their offsets."""
    parts = " UNION ALL ".join(
        f"SELECT offset, toUnixTimestamp64Milli(appended_at) AS appended_ms, {fingerprint_sql(table)} AS fingerprint"
        f" FROM {table.name} WHERE {_within({partition: span})}"
        for table in (TABLE_OF[topic], QUARANTINE)
    )
    rows = database.query(f"SELECT DISTINCT * FROM ({parts}) ORDER BY offset", {"topic": name})
    return [StoredRow(row["offset"], row["appended_ms"], row["fingerprint"]) for row in rows]


def stored_later(
    database: Database, topic: str, name: str, partition: int, offset: int, wanted: Iterable[int]
) -> set[int]:
    """Return those of the wanted fingerprints, one at least, that a row of the partition has at or after an offset."""
    rows = database.query(
        f"SELECT DISTINCT {fingerprint_sql(TABLE_OF[topic])} AS fingerprint FROM {TABLE_OF[topic].name}"
        " WHERE topic = {topic:String} AND partition = {partition:UInt32} AND offset >= {offset:UInt64}"
        f" AND fingerprint IN ({', '.join(map(str, sorted(wanted)))})",
        {"topic": name, "partition": partition, "offset": offset},
    )
    return {row["fingerprint"] for row in rows}


def lacking_revisions(database: Database, topic: str, name: str, spans: Spans) -> list[Lacking]:
    """Return verdicts or alerts with a row in the spans that have not every revision below their highest one."""
    if not spans:
        return []
    table, identity = TABLE_OF[topic].name, _IDENTITY[topic]
    rows = database.query(
        f"SELECT argMax(t.partition, t.revision) AS place, argMax(t.offset, t.revision) AS stands_at,"
        f" argMax({_HOUR}, t.revision) AS hour, toInt64(max(t.revision)) - uniqExact(t.revision) AS revisions"
        f" FROM {table} AS t WHERE topic = {{topic:String}}"
        f" AND ({identity}) IN (SELECT {identity} FROM {table} WHERE {_within(spans)})"
        f" GROUP BY {identity} HAVING revisions > 0 ORDER BY place, stands_at",
        {"topic": name},
    )
    return [Lacking(row["place"], row["hour"], row["stands_at"], row["revisions"]) for row in rows]


def overtaken_revisions(database: Database, topic: str, name: str, spans: Spans, before_ms: int) -> list[Overtaken]:
    """Return verdicts or alerts with a row in the spans whose last record in its partition is not their highest revision.

    Left out are those of which something was appended at or after `before_ms`: perhaps it is being written again just now.
    """
    if not spans:
        return []
    table, identity = TABLE_OF[topic].name, _IDENTITY[topic]
    rows = database.query(
        f"SELECT t.partition AS place, argMax(t.offset, (t.revision, t.offset)) AS stands_at,"
        f" argMax({_HOUR}, (t.revision, t.offset)) AS hour, {_NAME[topic]} AS name, max(t.revision) AS highest"
        f" FROM {table} AS t WHERE topic = {{topic:String}}"
        f" AND ({identity}) IN (SELECT {identity} FROM {table} WHERE {_within(spans)}) GROUP BY {identity}, place"
        " HAVING argMax(t.revision, t.offset) < max(t.revision)"
        " AND max(toUnixTimestamp64Milli(t.appended_at)) < {before:Int64} ORDER BY place, stands_at",
        {"topic": name, "before": before_ms},
    )
    return [Overtaken(row["place"], row["hour"], row["stands_at"], row["name"], row["highest"]) for row in rows]


def compared_identities(database: Database, topic: str, name: str, spans: Spans) -> int:
    """Return how many verdicts or alerts have a row in the spans."""
    if not spans:
        return 0
    table, identity = TABLE_OF[topic].name, _IDENTITY[topic]
    (row,) = database.query(
        f"SELECT uniqExact({identity}) AS identities FROM {table} WHERE {_within(spans)}", {"topic": name}
    )
    return int(row["identities"])


def _within(spans: Spans) -> str:
    """Return the condition that a row lies in the spans; numbers of ours, so they may stand in the text."""
    parts = [
        f"(partition = {int(partition)} AND offset >= {int(first)} AND offset < {int(following)})"
        for partition, (first, following) in sorted(spans.items())
    ]
    return f"topic = {{topic:String}} AND ({' OR '.join(parts)})"
