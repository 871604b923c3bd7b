"""Everything that has happened so far, in plain lists.

Choice 19: nothing is ever forgotten. Repeats, closed ids, resolved alerts and old checks are known for good.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.support.model.instants import local_instant
from tests.support.model.layout import PolicyInForce, Window

Record = dict[str, Any]


@dataclass(eq=False)
class Observation:
    """A period of observation; `dates` says from which instant on each date brings checks."""

    person: str
    ids: list[str]
    area: str
    category: str
    opened_at: datetime
    opened_position: int
    exposures: list[date]
    period_days: int
    overdue_grace_minutes: int
    dates: dict[date, datetime]
    closed_at: datetime | None = None
    closed_by: str | None = None

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def last_day(self) -> date:
        return self.exposures[-1] + timedelta(days=self.period_days)

    def overdue_at(self, timezone: str) -> datetime:
        midnight = local_instant(self.last_day, "24:00", timezone)
        return midnight + timedelta(minutes=self.overdue_grace_minutes)


@dataclass(eq=False)
class Check:
    """An expected check."""

    observation: Observation
    window: Window
    state: str = "pending"
    revision: int = 0
    evidence: list[str] = field(default_factory=list)

    @property
    def person(self) -> str:
        return self.observation.person

    @property
    def key(self) -> tuple[str, str, date, str]:
        return (self.person, self.window.check, self.window.date, self.window.name)


@dataclass(eq=False)
class Alert:
    """An alert; `about` and `scans` are the rule's own memory."""

    rule: str
    subject: str
    occurrence: str
    person: str
    area: str
    severity: str
    due_at: datetime | None
    raised_at: datetime
    about: Any  # the Check, Observation or (date, code) that caused it
    status: str = ""  # of a fever, which the reason of a command does not hide
    first_at: datetime | None = None  # of a fever: when the first reading was taken
    scans: list[datetime] = field(default_factory=list)  # of a breach: all that came while it was open
    state: str = "open"
    revision: int = 0
    evidence: list[tuple[int, str]] = field(default_factory=list)  # position in the log, event id

    @property
    def is_open(self) -> bool:
        return self.state != "resolved"


@dataclass(frozen=True)
class Arrival:
    """A record from outside with its place in the log and the clock it found."""

    record: Record
    position: int
    occurred_at: datetime
    clock: datetime
    is_waiting: bool  # it came while the person had no open observation
    policy: dict[str, Any]  # the one that held; of a reading


@dataclass(eq=False)
class World:
    """The state of a partition."""

    history: list[PolicyInForce] = field(default_factory=list)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: datetime | None = None
    now: datetime | None = None  # the clock, or before the first tick the record's own time
    position: int = 0
    arrivals: list[Arrival] = field(default_factory=list)
    identities: set[tuple[Any, ...]] = field(default_factory=set)  # by which repeats of the arrivals are known
    observations: list[Observation] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    outages: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    verdict_rows: list[tuple[Any, Record]] = field(default_factory=list)  # of this step, with sort key
    alert_rows: list[tuple[Any, Record]] = field(default_factory=list)

    @property
    def policy(self) -> dict[str, Any]:
        return self.history[-1].policy

    def use_policy(self, policy: dict[str, Any]) -> None:
        """Put a policy in force from now on."""
        self.history.append(PolicyInForce(policy, self.clock))
        self.versions[policy["policy_version"]] = policy

    def forget_policies(self) -> None:
        """Go back to before the first policy."""
        self.history.clear()
        self.versions.clear()

    def open_observation(self, person: str) -> Observation | None:
        """Find the open observation of a person, of which there is at most one."""
        for observation in self.observations:
            if observation.person == person and observation.is_open:
                return observation
        return None

    def area_for(self, record: Record) -> str:
        """Choose the area of an alert: of the person's open observation, else of the record."""
        observation = self.open_observation(record["person_id"])
        return observation.area if observation is not None else str(record["area"])
