"""A log through the core (`streams/replay.py`): every line is decided or refused, whatever the others were.

What holds of every history holds of a spoiled one: no check vanishes, a state that is written down and read back half way
goes on as if nothing had been, and the independent model decides alike.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from random import Random
from zlib import crc32

from events.policy import Policy, default_policy
from events.results import (
    SourceState,
    check_id,
    decode_source_state,
    encode_alert,
    encode_source_state,
    encode_verdict,
)
from events.vocabulary import CheckState, DeadLetterReason
from sinks.clickhouse.columns import read_columns
from sinks.clickhouse.runs import Run
from sinks.clickhouse.tables import QUARANTINE
from streams.broker.outputs import Output
from streams.core.outcome import NOTHING, Outcome
from streams.core.state import State
from streams.dead_letters import dead_letter, dead_letter_output
from streams.replay import Replay
from streams.watch.decider import new_watch
from streams.watch.outages import outages_of
from tests.fuzz.corpus import logs
from tests.fuzz.log_mutation import mutate_log
from tests.fuzz.model_check import assert_decided_as_the_model_does
from tests.fuzz.target import Found
from tests.support.source_states import source_states
from tests.support.written import read_back

# What intake has refused before anything stands in the timeline.
_OF_RAW_RECORDS = (DeadLetterReason.OCCURRED_IN_FUTURE, DeadLetterReason.TOO_LARGE)


@dataclass(frozen=True)
class _Raw:
    offset: int
    timestamp: int
    value: bytes | None


def run(data: bytes) -> Found:
    """Decide a log as a file, and once more line by line with the state written down half way."""
    # Some logs are decided under a policy of the command line, and those in them not read.
    policy = default_policy() if crc32(data) % 8 == 0 else None
    lines = [line.rstrip(b"\r") for line in data.split(b"\n")]
    whole, state = _decide_as_file(data, policy)
    decided, interrupted = _decide_interrupted(lines, policy)
    outcomes = [None if each is None else each.outcome for each in decided]
    assert [each for each in decided if each is not None and each.outcome is not NOTHING] == whole
    assert repr(interrupted.clock) == repr(state.clock)
    _assert_equation(interrupted, outcomes)
    _assert_written(outcomes)
    assert_decided_as_the_model_does(lines, outcomes, policy)
    if policy is None:
        _assert_watch_decides_alike(lines, decided)
    found = [outcome for outcome in outcomes if outcome is not None]
    refused = sum(outcome.refusal is not None for outcome in found)
    return Found(len(found) - refused, refused)


@dataclass(frozen=True)
class _Decided:
    """What a line brought, and what was known of the sources that it changed when it had been decided."""

    outcome: Outcome
    sources: tuple[SourceState, ...]


def _decided(outcome: Outcome) -> _Decided:
    return _Decided(outcome if outcome is NOTHING else replace(outcome, sources=()), source_states(outcome))


def _decide_as_file(data: bytes, policy: Policy | None) -> tuple[list[_Decided], State]:
    replay = Replay(policy)
    return [_decided(replayed.outcome) for replayed in replay.run(BytesIO(data))], replay.state


def _decide_interrupted(lines: Sequence[bytes], policy: Policy | None) -> tuple[list[_Decided | None], State]:
    """Return what each line brought, None for a blank one, and the state at the end."""
    replay = Replay(policy)
    decided: list[_Decided | None] = []
    for number, line in enumerate(lines):
        if number == len(lines) // 2:
            replay.state = read_back(replay.state)
        decided.append(_decided(replay.decide(line)) if line.strip() else None)
    return decided, replay.state


def _assert_equation(state: State, outcomes: Sequence[Outcome | None]) -> None:
    """Demand that what is expected is what was judged and what is pending, each check in one state."""
    judged: dict[str, tuple[CheckState, int]] = {}
    for outcome in outcomes:
        for verdict in outcome.verdicts if outcome is not None else ():
            assert verdict.revision == judged.get(verdict.check_id, (None, 0))[1] + 1
            judged[verdict.check_id] = (verdict.state, verdict.revision)
    held: set[str] = set()
    for person in state.people:
        for observation in person.observations:
            ledger = observation.ledger
            for position, slot in enumerate(ledger.layout.slots):
                identity = check_id(person.person_id, slot.check, slot.date, slot.window)
                assert identity not in held, "a check belongs to one observation"
                held.add(identity)
                found = judged.get(identity, (CheckState.PENDING, 0))
                assert found == (ledger.state(position), ledger.revision(position))


def _assert_written(outcomes: Sequence[Outcome | None]) -> None:
    """Demand that the sink has a row for everything that was decided."""
    decided = [outcome for outcome in outcomes if outcome is not None]
    for topic, values in (
        ("checks", [encode_verdict(verdict) for outcome in decided for verdict in outcome.verdicts]),
        ("alerts", [encode_alert(alert) for outcome in decided for alert in outcome.alerts]),
    ):
        numbers = list(range(len(values)))
        assert QUARANTINE not in read_columns(topic, [Run(topic, 0, numbers, numbers, [*values])])
        assert all(json.loads(value) for value in values)


def _assert_watch_decides_alike(lines: Sequence[bytes], decided: Sequence[_Decided | None]) -> None:
    """Demand of watch what a replay of the same lines gives; what it takes and a file does not, it must survive."""
    given = [(line, each.outcome) for line, each in zip(lines, decided, strict=True) if each is not None]
    records = [_Raw(number, 0, line) for number, (line, _) in enumerate(given)]
    outputs = new_watch(0).take(records, 0)
    if any(outcome.refusal and outcome.refusal.reason in _OF_RAW_RECORDS for _, outcome in given):
        return
    expected: list[Output] = []
    for number, (line, outcome) in enumerate(given):
        if outcome.refusal is not None:
            expected.append(dead_letter_output(dead_letter(outcome.refusal, "timeline", 0, number, line)))
        expected += [Output("checks", each.check_id.encode(), encode_verdict(each)) for each in outcome.verdicts]
        expected += [Output("alerts", each.alert_id.encode(), encode_alert(each)) for each in outcome.alerts]
        expected += [output for each in outcome.alerts for output in outages_of(each)]
    last = {state.source_id: state for each in decided if each is not None for state in each.sources}
    for source_id, state in sorted(last.items()):
        expected.append(Output("source-states", source_id.encode(), encode_source_state(state)))
        assert decode_source_state(expected[-1].value) == state
    assert outputs == expected


def mutate(data: bytes, random: Random) -> bytes:
    """Make another log of one."""
    return mutate_log(data, random)


def seeds() -> Sequence[bytes]:
    """Return the logs to begin with."""
    return logs()
