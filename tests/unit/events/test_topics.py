"""The catalogue of topics: what belongs together fits together, and nothing that must stay is thrown away."""

from dataclasses import replace

import pytest

from events.codec import LARGEST_RECORD_BYTES
from events.records import KINDS, OUTSIDE_KINDS
from events.schema_documents import schema_documents
from events.topics import CATALOGUE, RAW_TOPICS, TOPICS, topic_configs, topic_name

DAY_MS = 86_400_000


def test_the_catalogue_has_these_topics_in_this_order() -> None:
    assert [spec.name for spec in CATALOGUE] == [
        *RAW_TOPICS,
        *("timeline", "checks", "alerts", "source-states", "dead-letters", "watch-state", "intake-state"),
        *("sources", "audit"),
    ]


def test_no_names_collide_in_the_metrics_of_a_broker() -> None:
    for spec in CATALOGUE:
        assert not {".", "_"} & set(spec.name)


def test_every_kind_has_its_raw_topic_and_a_place_in_the_timeline() -> None:
    by_topic = {kind: spec.name for spec in CATALOGUE if spec.name in RAW_TOPICS for kind in spec.kinds}
    assert by_topic == {kind: record.topic for kind, record in OUTSIDE_KINDS.items()}
    assert TOPICS["timeline"].kinds == tuple(KINDS)


def test_every_kind_that_a_topic_names_has_a_schema() -> None:
    assert {kind for spec in CATALOGUE for kind in spec.kinds} == set(schema_documents()) - {"policy"}


def test_what_is_read_together_has_the_same_number_of_partitions() -> None:
    assert {TOPICS[name].partitions_from for name in (*RAW_TOPICS, "intake-state")} == {"raw_partitions"}
    assert {TOPICS[name].partitions_from for name in ("timeline", "watch-state")} == {"timeline_partitions"}
    assert {TOPICS[name].partitions_from for name in ("checks", "alerts", "dead-letters")} == {"result_partitions"}


def test_the_timeline_keeps_every_record_for_ever() -> None:
    configs = topic_configs(TOPICS["timeline"])
    assert configs["cleanup.policy"] == "delete"
    assert configs["retention.ms"] == "-1"


@pytest.mark.parametrize("name", RAW_TOPICS)
def test_raw_records_stand_under_the_time_of_the_broker_for_90_days(name: str) -> None:
    assert TOPICS[name].key == "source_id"
    assert topic_configs(TOPICS[name]) == {
        "cleanup.policy": "delete",
        "retention.ms": str(90 * DAY_MS),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": "1048588",
    }


@pytest.mark.parametrize("name", ["checks", "alerts"])
def test_results_are_compacted_but_every_revision_stays_a_week(name: str) -> None:
    configs = topic_configs(TOPICS[name])
    assert configs["cleanup.policy"] == "compact"
    assert configs["min.compaction.lag.ms"] == str(7 * DAY_MS)


@pytest.mark.parametrize("name", ["watch-state", "intake-state"])
def test_snapshots_are_compacted_at_once_and_in_small_segments(name: str) -> None:
    configs = topic_configs(TOPICS[name])
    assert configs["cleanup.policy"] == "compact"
    assert configs["min.compaction.lag.ms"] == "0"
    assert int(configs["segment.bytes"]) < 1 << 30


def test_who_may_send_is_known_for_ever_and_who_gave_it_longer_than_a_year() -> None:
    assert topic_configs(TOPICS["sources"])["cleanup.policy"] == "compact"
    assert topic_configs(TOPICS["sources"])["min.compaction.lag.ms"] == "0"
    assert topic_configs(TOPICS["audit"])["cleanup.policy"] == "delete"
    assert TOPICS["audit"].retention_ms == TOPICS["dead-letters"].retention_ms
    assert TOPICS["audit"].key == TOPICS["sources"].key == "source_id"


def test_a_dead_letter_can_carry_the_largest_message_of_a_raw_topic() -> None:
    letter = TOPICS["dead-letters"]
    assert letter.retention_ms == 400 * DAY_MS
    for name in RAW_TOPICS:
        assert TOPICS[name].max_message_bytes > LARGEST_RECORD_BYTES
        assert letter.max_message_bytes > TOPICS[name].max_message_bytes * 4 / 3 + 1024


def test_a_town_can_keep_raw_records_longer() -> None:
    longer = replace(TOPICS["visits"], retention_ms=-1)
    assert topic_configs(longer)["retention.ms"] == "-1"


def test_a_prefix_is_put_before_the_name() -> None:
    assert topic_name("", "visits") == "visits"
    assert topic_name("town.", "dead-letters") == "town.dead-letters"
    with pytest.raises(KeyError):
        topic_name("", "weather")
