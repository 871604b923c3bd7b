"""Bad input on the live path: each kind is a dead letter with its place and bytes, and the next record is taken."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.brokers import BrokerUnderTest
from tests.support.decisions import assert_live_equals_replay, dead_letters
from tests.support.pipeline import Pipeline, pipeline_on
from tests.support.raw_records import (
    closing,
    in_an_hour,
    of_size,
    opening,
    policy,
    raw,
    reading,
    scan,
    tick,
    visit,
)

LARGEST_BYTES = 65_536
ONE_PARTITION = {"raw_partitions": 1, "timeline_partitions": 1, "result_partitions": 1}


@dataclass(frozen=True)
class Bad:
    """One value of a raw topic, and the dead letter it must become."""

    topic: str
    value: bytes | None
    reason: str
    path: str = ""


def bad_values() -> list[Bad]:
    """Return every kind of bad input that intake meets."""
    return [
        Bad("visits", b"", "not_json"),
        Bad("visits", None, "not_json"),
        Bad("visits", b"{", "not_json"),
        Bad("visits", b"[1]", "not_json"),
        Bad("visits", b'"text"', "not_json"),
        Bad("visits", b"\xff\xfe{}", "not_json"),
        Bad("visits", b"\xef\xbb\xbf" + visit("with-mark"), "not_json"),
        Bad("visits", visit("one") + visit("two"), "not_json"),
        Bad("visits", b'{"kind":"visit_recorded","kind":"visit_recorded"}', "not_json"),
        Bad("visits", b"[" * 30_000, "not_json"),
        Bad("visits", b"{}", "unknown_kind", "kind"),
        Bad("visits", raw("door_opened", "other-kind"), "unknown_kind", "kind"),
        Bad("visits", tick("29 00:00"), "unknown_kind", "kind"),
        Bad("commands", tick("29 00:00"), "unknown_kind", "kind"),
        Bad("visits", policy("from-a-device"), "unknown_kind", "kind"),
        Bad("checkpoints", reading("elsewhere"), "unknown_kind", "kind"),
        Bad("temperatures", reading("zero", temperature_c=0), "invalid_field", "temperature_c"),
        Bad("temperatures", reading("text", temperature_c="36.6"), "invalid_field", "temperature_c"),  # type: ignore[arg-type]
        Bad("temperatures", reading("more", surplus=1), "invalid_field", "surplus"),
        Bad("temperatures", reading("bad id"), "invalid_field", "event_id"),
        Bad("temperatures", reading("local", occurred_at="2020-02-02T01:00:00"), "invalid_field", "occurred_at"),
        Bad("temperatures", reading("seq", sequence=0), "invalid_field", "sequence"),
        Bad("temperatures", reading("area", area="a//b"), "invalid_field", "area"),
        Bad("visits", raw("visit_recorded", "missing"), "invalid_field", "person_id"),
        Bad("checkpoints", scan("early", occurred_at=in_an_hour()), "occurred_in_future", "occurred_at"),
        Bad("checkpoints", of_size(scan("large"), LARGEST_BYTES + 1), "too_large"),
        Bad("checkpoints", of_size(scan("huge"), 900_000), "too_large"),
        Bad("commands", raw("policy_changed", "no-policy", policy={}), "invalid_field", "policy.policy_version"),
    ]


def largest_visit() -> bytes:
    """Return a visit with a fever that is all text, and as large as a record may be."""
    rest = len(visit("largest", temperature_c=39.0, site="axillary", symptoms=[""]))
    return visit("largest", temperature_c=39.0, site="axillary", symptoms=["x" * (LARGEST_BYTES - rest)])


async def test_every_kind_of_bad_input_is_a_dead_letter(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Reason, path, place and bytes; a good record behind each bad one is taken, up to the largest there may be.

    That one has grown in the timeline by what intake adds, and brings what any record brings.
    """
    bad = bad_values()
    assert len(largest_visit()) == LARGEST_BYTES
    async with pipeline_on(broker, tmp_path, fresh_name("bad"), topics=ONE_PARTITION) as pipeline:
        parts = await pipeline.start("worker intake", "worker watch")
        await pipeline.send(policy())
        for number, one in enumerate(bad):
            await pipeline.send(one.value, topic=one.topic, key=b"\xff\x00 no key of ours")
            await pipeline.send(scan(f"after-{number}"), reading(f"after-r-{number}", person=f"p-{number}"))
        await pipeline.send(of_size(scan("at-the-limit"), LARGEST_BYTES), largest_visit())
        await pipeline.decided()

        letters = await dead_letters(pipeline)
        taken = (record for record in await pipeline.read_json("timeline") if record["kind"] != "source_heard")
        timeline = {record["event_id"] for record in taken}

        assert {f"after-{number}" for number in range(len(bad))} <= timeline
        assert {f"after-r-{number}" for number in range(len(bad))} <= timeline
        assert len(timeline) == 2 * len(bad) + 3
        await assert_letters_of_raw_topics(pipeline, bad)
        assert len(letters) == len(bad)
        assert {"at-the-limit", "largest"} <= timeline
        assert max(len(record.value or b"") for record in await pipeline.read("timeline")) > LARGEST_BYTES
        assert [alert["evidence"] for alert in await pipeline.read_json("alerts")] == [["largest"]]
        for part in parts:
            assert await part.stop() == 0, part.log()


async def assert_letters_of_raw_topics(pipeline: Pipeline, bad: list[Bad]) -> None:
    """Compare letter by letter with what stands in the raw topics."""
    letters = await dead_letters(pipeline)
    waiting = {topic: [one for one in bad if one.topic == topic] for topic in {one.topic for one in bad}}
    for topic, expected in waiting.items():
        places = {record.offset: record.value or b"" for record in await pipeline.read(topic)}
        found = [letter for (name, _, _), letter in sorted(letters.items()) if name == topic]
        assert [(letter["reason"], letter["raw"]) for letter in found] == [
            (one.reason, one.value or b"") for one in expected
        ]
        for letter, one in zip(found, expected, strict=True):
            assert letter["path"] == one.path, one
            assert letter["partition"] == 0
            assert places[letter["offset"]] == letter["raw"]
            assert "36.6" not in letter["message"]
    assert {record.key for record in await pipeline.read("dead-letters")} == {
        f"{topic}:0".encode() for topic in waiting
    }


async def test_a_dead_letter_can_be_sent_in_again(
    broker: BrokerUnderTest, tmp_path: Path, fresh_name: Callable[[str], str]
) -> None:
    """Mended or its cause gone, under the same event id and sequence: a dead letter was no arrival."""
    async with pipeline_on(broker, tmp_path, fresh_name("again"), topics=ONE_PARTITION) as pipeline:
        await pipeline.start("worker intake", "worker watch")
        await pipeline.send(policy())
        await pipeline.send(reading("r-1", temperature_c=0), reading("r-2", temperature_c=0, sequence=7))
        too_early = [closing("p-1"), closing("p-2", sequence=1), closing("p-2", sequence=1)]
        await pipeline.send(*too_early)
        await pipeline.decided()
        assert [letter["reason"] for letter in (await dead_letters(pipeline)).values()].count("invalid_field") == 2

        await pipeline.send(reading("r-1", temperature_c=39), reading("r-2", "p-2", temperature_c=39, sequence=7))
        await pipeline.send(opening("p-1"), opening("p-2"), *too_early, *too_early)
        await pipeline.decided()

        found = await assert_live_equals_replay(pipeline)
        assert sorted(alert["rule"] for alert in found.final_alerts().values()) == ["fever", "fever"]
        assert {reason for _, _, reason in found.refused} == {"no_such_observation"}
        assert found.refused.total() == 3
        closed = [json.dumps(record) for record in await pipeline.read_json("timeline") if "closed" in record["kind"]]
        assert len(closed) == 9
