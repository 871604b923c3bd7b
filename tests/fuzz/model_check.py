"""The independent model on spoiled logs, as far as it knows the contract.

It leaves out what codec and policy refuse, keeps everything for ever and is slow. So lines that the codec refuses are blank
for it, and it is asked up to where the core may begin to forget; where a line says what only one of the two takes (the
bounds of a policy, the first and last hours of time), it is not asked at all.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from events.codec import Refusal, decode, decode_under_fixed_policy, refuse_future
from events.policy import Policy, policy_document
from events.records import CheckWaived, OutageClosed, PolicyChanged, Record, SourceHeard, SourceRecord, Tick
from events.results import encode_alert, encode_verdict
from streams.core.outcome import Outcome
from tests.support.model import run
from tests.support.model.policy import Refused, check_policy
from tests.support.model.validation import DeadLetter, read_line

_MEMORY = timedelta(days=30)
# Of a person and period; the model looks at every check for every check.
_MOST_CHECKS = 150
# A record waits a week at least in the core, and as long as a later policy says in the model.
_LONGEST_WAIT_DAYS = 7


def assert_decided_as_the_model_does(
    lines: Sequence[bytes], outcomes: Sequence[Outcome | None], policy: Policy | None
) -> bool:
    """Compare verdicts, alerts and refusals with those of the model; returns whether there was anything it could judge."""
    records = [_read(line, policy) for line in lines]
    end = _known_until(records)
    asked = [b"" if record is None else line for line, record in zip(lines, records, strict=True)][:end]
    if not all(_is_known(line, record, policy) for line, record in zip(asked, records, strict=False)):
        return False
    expected = run(asked, None if policy is None else policy_document(policy))
    decided = [outcome for outcome in outcomes[:end] if outcome is not None]
    verdicts = [json.loads(encode_verdict(verdict)) for outcome in decided for verdict in outcome.verdicts]
    alerts = [json.loads(encode_alert(alert)) | {"detail": {}} for outcome in decided for alert in outcome.alerts]
    assert verdicts == expected.verdicts
    assert alerts == expected.alerts
    _assert_refused_alike(records, outcomes[:end], dict(expected.dead_letters))
    return bool(asked)


def _read(line: bytes, policy: Policy | None) -> Record | None:
    """Return the record of a line; None where it is blank, or refused whatever the state is."""
    try:
        record = decode(line) if policy is None else decode_under_fixed_policy(line)
        if isinstance(record, SourceRecord):
            refuse_future(record)
    except Refusal:
        return None
    return record


def _known_until(records: Sequence[Record | None]) -> int:
    """Return how many records come before the first tick at which the core may forget any of them."""
    clock: datetime | None = None
    first: datetime | None = None
    for number, record in enumerate(records):
        if record is None:
            continue
        if isinstance(record, Tick):
            clock = record.at if clock is None else max(clock, record.at)
            if first is not None and clock >= first + _MEMORY:
                return number
        else:
            now = clock or (record.heard_until if isinstance(record, SourceHeard) else record.occurred_at)
            if isinstance(
                record, OutageClosed
            ):  # forgotten by the time at which it was settled, not by that of its coming
                now = min(now, max(record.until, record.backfill_until))
            first = now if first is None else min(first, now)
    return len(records)


def _is_known(line: bytes, record: Record | None, policy: Policy | None) -> bool:
    if record is None:
        return True
    try:
        read_line(line, read_policies=policy is None)
        if isinstance(record, PolicyChanged):
            document: dict[str, Any] = json.loads(line)["policy"]
            check_policy(document)
            return _is_small(record.policy)
    except (DeadLetter, Refused):
        return False
    return True


def _is_small(policy: Policy) -> bool:
    windows = sum(len(check.windows) for check in policy.checks)
    return windows * policy.observation.period_days <= _MOST_CHECKS and policy.early_days <= _LONGEST_WAIT_DAYS


def _assert_refused_alike(
    records: Sequence[Record | None], outcomes: Sequence[Outcome | None], expected: dict[int, str]
) -> None:
    clock: datetime | None = None
    for number, (record, outcome) in enumerate(zip(records, outcomes, strict=False)):
        if isinstance(record, Tick):
            clock = record.at if clock is None else max(clock, record.at)
        if record is None or outcome is None:
            continue
        found = None if outcome.refusal is None else outcome.refusal.reason.value
        is_forgotten = isinstance(record, CheckWaived) and clock is not None and clock.date() - record.date >= _MEMORY
        assert found == expected.get(number) or (is_forgotten and found == "no_such_check")
