"""The truth adds up, covers every trouble, and holds however the records between two ticks are mixed."""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from events.results import encode_alert, encode_verdict
from streams.replay import Replay
from streams.town.settings import Rates
from streams.town.stories.catalogue import DAY_STORIES
from streams.town.write import TOWN, TRUTH_ALERTS, TRUTH_CHECKS, TRUTH_DEAD_LETTERS, write_town
from tests.support import model
from tests.unit.town.towns import Numbered, differences, last_revisions, lines_of, rows_of, shuffled, small

_QUIET = Rates(**dict.fromkeys(Rates.__dataclass_fields__, 0.0))


def _assert_truth(directory: Path, verdicts: list[Any], alerts: list[Any], dead: list[tuple[int, str]]) -> None:
    planned = rows_of(directory, TRUTH_DEAD_LETTERS)
    assert differences(rows_of(directory, TRUTH_CHECKS), last_revisions(verdicts, "check_id"), "check_id") == []
    assert differences(rows_of(directory, TRUTH_ALERTS), last_revisions(alerts, "alert_id"), "alert_id") == []
    assert sorted(dead) == sorted((row["line"], row["reason"]) for row in planned)


def _judge_by_model(directory: Path, lines: list[Numbered]) -> None:
    result = model.run([line for _, line in lines], None)
    dead = [(lines[place][0], reason) for place, reason in result.dead_letters]
    _assert_truth(directory, result.verdicts, result.alerts, dead)


def _judge_by_replay(directory: Path, lines: list[Numbered]) -> None:
    verdicts, alerts, dead = [], [], []
    replayed = Replay().run(io.BytesIO(b"\n".join(line for _, line in lines)))
    for outcome in replayed:
        verdicts += [json.loads(encode_verdict(verdict)) for verdict in outcome.outcome.verdicts]
        alerts += [json.loads(encode_alert(alert)) for alert in outcome.outcome.alerts]
        if outcome.dead_letter is not None:
            dead.append((lines[outcome.dead_letter.offset][0], str(outcome.dead_letter.reason)))
    _assert_truth(directory, verdicts, alerts, dead)


def test_independent_model_agrees(tmp_path: Path) -> None:
    write_town(small(scan_share=0.0, days=9), tmp_path)

    _judge_by_model(tmp_path, lines_of(tmp_path))
    _judge_by_model(tmp_path, shuffled(lines_of(tmp_path), seed=1))


@pytest.mark.parametrize("tick_minutes", [5, 60])
def test_replay_agrees_at_any_size_of_ticks(tmp_path: Path, tick_minutes: int) -> None:
    write_town(small(returnees=30, days=9, tick_minutes=tick_minutes, seed=tick_minutes), tmp_path)

    _judge_by_replay(tmp_path, lines_of(tmp_path))
    _judge_by_replay(tmp_path, shuffled(lines_of(tmp_path), seed=2))


@pytest.mark.parametrize("days", [3, 20])
def test_replay_agrees_in_short_and_long_towns(tmp_path: Path, days: int) -> None:
    write_town(small(days=days, returnees=20, scan_share=0.0), tmp_path)

    _judge_by_replay(tmp_path, shuffled(lines_of(tmp_path), seed=3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_model_agrees_on_many_towns(tmp_path: Path, seed: int) -> None:
    busy = Rates(**dict.fromkeys(DAY_STORIES, 0.9), staff_rate=0.9, repeat_rate=0.3)
    settings = small(seed=seed, returnees=54, rates=busy, days=9, tick_minutes=(10, 20, 30, 60)[seed], scan_share=0.0)
    write_town(settings, tmp_path)

    _judge_by_model(tmp_path, shuffled(lines_of(tmp_path), seed))


def test_quiet_town_brings_nothing(tmp_path: Path) -> None:
    summary = write_town(small(rates=_QUIET, returnees=4), tmp_path)

    assert set(summary.checks) == {"done"}
    assert rows_of(tmp_path, TRUTH_DEAD_LETTERS) == []
    assert set(summary.alerts) <= {"health_code"}  # some come home with a yellow code


def test_town_without_returnees_has_gates_all_the_same(tmp_path: Path) -> None:
    summary = write_town(small(returnees=0), tmp_path)

    assert summary.checks == {}
    assert summary.alerts["fever"] > 0


def test_counts_add_up(town: Path) -> None:
    counts = json.loads((town / TOWN).read_text())
    checks, alerts = rows_of(town, TRUTH_CHECKS), rows_of(town, TRUTH_ALERTS)

    assert counts["lines"] == len(lines_of(town)) == counts["records"] + counts["ticks"]
    assert counts["checks"] == Counter(row["state"] for row in checks)
    assert counts["alerts"] == Counter(row["rule"] for row in alerts)
    assert counts["alert_states"] == Counter(row["state"] for row in alerts)
    assert counts["dead_letters"] == Counter(row["reason"] for row in rows_of(town, TRUTH_DEAD_LETTERS))
    assert len({row["check_id"] for row in checks}) == len(checks)
    assert len({row["alert_id"] for row in alerts}) == len(alerts)
    assert set(counts["checks"]) == {"done", "late", "missed", "waived"}


def test_default_number_of_returnees_shows_every_story(town: Path) -> None:
    told = json.loads((town / TOWN).read_text())["stories"]

    assert {story.play.__name__ for stories in DAY_STORIES.values() for story in stories} <= set(told)
    assert len({row["rule"] for row in rows_of(town, TRUTH_ALERTS)}) == 8
