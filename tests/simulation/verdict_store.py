"""The judgement of the sink's store, against the log: rows by where they came from, and figures as the views count them."""

from collections.abc import Iterable

from sinks.clickhouse.columns import TOPICS
from tests.simulation.broker import Broker
from tests.simulation.native import Row
from tests.simulation.store import Store, Table
from tests.simulation.verdict import Judgement
from tests.support.sink_rows import Message, read_row


def judge_store(judgement: Judgement, broker: Broker, store: Store) -> None:
    """Compare every table, as it is and as it is when all is merged, with what the log asks for."""
    judgement.add_wrong("rows in quarantine", store.tables["quarantine"].rows())
    for topic in TOPICS:
        table = store.tables[topic.replace("-", "_")]
        wanted = _identified(table, _rows_of_log(broker, topic))
        merged = _identified(table, table.final())
        judgement.add_lost(f"table {table.name} lacks rows", sorted(wanted.keys() - merged.keys(), key=str))
        judgement.add_wrong(f"table {table.name} has rows of nothing", sorted(merged.keys() - wanted.keys(), key=str))
        judgement.add_wrong(f"table {table.name} differs from the log", _differing(table, wanted, merged))
        unmerged = _identified(table, table.rows())
        judgement.add_wrong(f"table {table.name} is another when merged", _differing(table, unmerged, merged))


def _rows_of_log(broker: Broker, topic: str) -> list[Row]:
    return [
        read_row(topic, Message(tp.topic, tp.partition, record.offset, record.timestamp, record.value))[1]
        for tp in broker.of_topics([topic])
        for record in broker.partitions[tp].ever
    ]


def _identified(table: Table, rows: Iterable[Row]) -> dict[Row, Row]:
    """Return rows by identity; of one that was written twice any, since all say the same of it."""
    at = [table.columns.index(name) for name in table.sorting_key]
    return {tuple(row[place] for place in at): row for row in rows}


def _differing(table: Table, wanted: dict[Row, Row], found: dict[Row, Row]) -> list[Row]:
    """Return the identities whose rows differ, but for the place of the writing: each of them is right."""
    is_by_place = table.sorting_key == ["topic", "partition", "offset"]
    begin = 0 if is_by_place else table.columns.index("appended_at") + 1
    return sorted((key for key in wanted.keys() & found.keys() if wanted[key][begin:] != found[key][begin:]), key=str)
