"""The history keeps the promises that a log makes."""

import json
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from events.codec import Refusal, decode
from streams.town.write import TRUTH_DEAD_LETTERS, write_town
from tests.unit.town.towns import is_tick, lines_of, rows_of, small


@pytest.mark.parametrize("tick_minutes", [15, 60])
def test_ticks_part_what_arrived_before_them_from_what_did_not(tmp_path: Path, tick_minutes: int) -> None:
    write_town(small(tick_minutes=tick_minutes, scan_share=0.05), tmp_path)
    clock, arrived, ticks = None, None, []
    for _, line in lines_of(tmp_path):
        if is_tick(line):
            clock = datetime.fromisoformat(json.loads(line)["at"])
            assert arrived is None or arrived < clock
            ticks.append(clock)
        elif b'"received_at":"' in line:
            received_at = datetime.fromisoformat(line.split(b'"received_at":"')[1][:25].decode())
            assert clock is None or received_at >= clock
            assert arrived is None or received_at >= arrived
            arrived = received_at
    assert {later - earlier for earlier, later in pairwise(ticks)} == {timedelta(minutes=tick_minutes)}


def test_log_begins_with_policy(town: Path) -> None:
    first = json.loads(lines_of(town)[0][1])

    assert first["kind"] == "policy_changed"
    assert first["policy"]["timezone"] == "Asia/Shanghai"


def test_every_good_line_is_a_record(town: Path) -> None:
    refused = {row["line"] for row in rows_of(town, TRUTH_DEAD_LETTERS)}

    for number, line in lines_of(town):
        if number not in refused:
            decode(line)


def test_spoiled_lines_are_refused_for_the_reason_planned(town: Path) -> None:
    planned = {row["line"]: row["reason"] for row in rows_of(town, TRUTH_DEAD_LETTERS)}
    by_reader = {"not_json", "unknown_kind", "invalid_field", "too_large"}
    lines = dict(lines_of(town))

    for number, reason in planned.items():
        if reason in by_reader:
            with pytest.raises(Refusal) as refusal:
                decode(lines[number])
            assert refusal.value.reason == reason
    assert by_reader < set(planned.values())


def test_sequence_of_a_source_rises_by_one_and_repeats_keep_it(town: Path) -> None:
    refused = {row["line"]: row["reason"] for row in rows_of(town, TRUTH_DEAD_LETTERS)}
    reached: dict[str, int] = defaultdict(int)
    event_ids: dict[tuple[str, int], str] = {}
    repeats = 0
    for number, line in lines_of(town):
        if is_tick(line):
            continue
        if refused.get(number) in {"not_json", "unknown_kind", "invalid_field", "too_large"}:
            gate = next((source for source in (f"gate-{i:04d}" for i in range(1, 13)) if source.encode() in line), None)
            assert gate is not None or refused[number] == "not_json"
            continue
        body = json.loads(line)
        key = body["source_id"], body["sequence"]
        if key in event_ids:
            repeats += 1
            assert event_ids[key] == body["event_id"]
            continue
        event_ids[key] = body["event_id"]
        assert body["sequence"] > reached[body["source_id"]]
        if not body["source_id"].startswith("gate-"):  # spoiled lines of gates have used up numbers
            assert body["sequence"] == reached[body["source_id"]] + 1
        reached[body["source_id"]] = body["sequence"]
    assert repeats > 0
    assert len(set(event_ids.values())) == len(event_ids)
