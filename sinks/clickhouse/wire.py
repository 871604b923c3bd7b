"""What the sink decodes of the messages of its topics: what the columns need, with the bounds that the columns have."""

from datetime import date, datetime
from typing import Annotated

import msgspec

_Count32 = Annotated[int, msgspec.Meta(ge=0, lt=2**32)]
_Count64 = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Revision = Annotated[int, msgspec.Meta(ge=1, lt=2**32)]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class PolicyHead(msgspec.Struct):
    """What the views need of a policy."""

    policy_version: str
    timezone: str


class LogRecord(msgspec.Struct, gc=False):
    """A record of the timeline, of whatever kind; what a kind does not have is empty."""

    # Scans are most of the log: their fields come first, in the order in which they are written.
    kind: str
    event_id: str = ""
    source_id: str = ""
    occurred_at: _Instant | None = None
    received_at: _Instant | None = None
    person_id: str = ""
    area: str | None = None  # null in an outage of all areas
    checkpoint_id: str = ""
    direction: str = ""
    decision: str = ""
    temperature_c: float | None = None
    site: str | None = None
    health_code: str | None = None
    outcome: str = ""
    observation_id: str = ""
    category: str = ""
    at: _Instant | None = None
    heard_until: _Instant | None = None
    alert_id: str = ""
    policy: PolicyHead | None = None


class Verdict(msgspec.Struct, gc=False):
    """A verdict."""

    check_id: str
    revision: _Revision
    person_id: str
    observation_id: str
    area: str
    check: str
    date: date
    window: str
    state: str
    due_at: _Instant
    decided_at: _Instant
    evidence: list[str]
    policy_version: str


class Alert(msgspec.Struct, gc=False):
    """An alert; its detail stays as it was written."""

    alert_id: str
    revision: _Revision
    rule: str
    state: str
    severity: str
    reason: str
    subject: str
    person_id: str | None
    key: str
    area: str
    occurrence: str
    due_at: _Instant | None
    raised_at: _Instant
    updated_at: _Instant
    evidence: list[str]
    policy_version: str
    detail: msgspec.Raw = msgspec.Raw(b"{}")


class DeadLetter(msgspec.Struct, gc=False):
    """A refused record."""

    reason: str
    path: str
    message: str
    topic: str
    partition: _Count32
    offset: _Count64
    raw: str
