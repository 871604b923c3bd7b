"""The state of one timeline partition: clock, policies, people, sources. A value that can be written out and read back."""

from dataclasses import dataclass, field
from datetime import datetime

from events.policy import Policy, default_policy
from streams.core.calendar import microseconds
from streams.core.layout import Timetable
from streams.core.outages import Outages
from streams.core.passed_scans import PassedScans
from streams.core.people import People
from streams.core.person import Person, next_due
from streams.core.scan_limits import NO_LIMITS, ScanLimits, scan_limits
from streams.core.sources import Sources


@dataclass(slots=True)
class State:
    """What the records of a partition so far have left behind.

    `clock` is the highest tick; `policies` every version seen, by version; `policy` the one that holds, or None before
    the first; `timetable` what they make of every date. With `is_policy_fixed` the policies of the log are not read.
    `limits` is a cache: what the policy asks of a scan.
    """

    timetable: Timetable = field(default_factory=Timetable)
    people: People = field(init=False)
    clock: datetime | None = None
    policies: dict[str, Policy] = field(default_factory=dict)
    policy: Policy | None = None
    is_policy_fixed: bool = False
    policy_events: set[str] = field(default_factory=set)
    passed_scans: PassedScans = field(default_factory=PassedScans)
    outages: Outages = field(default_factory=Outages)
    sources: Sources = field(default_factory=Sources)
    limits: ScanLimits = NO_LIMITS

    def __post_init__(self) -> None:
        self.people = People(self.timetable)

    def current_policy(self) -> Policy:
        """Return the policy that holds; where the log has brought none, the default is used and counts as seen."""
        return self.policy or self.change_policy(default_policy())

    def change_policy(self, policy: Policy) -> Policy:
        """Let a policy hold from here on and return it; of a version seen before the one seen first is kept."""
        self.policy = self.policies.setdefault(policy.policy_version, policy)
        self.limits = scan_limits(self.policy)
        self.timetable.change(self.policy, self.clock)
        return self.policy

    def forget_policy(self) -> None:
        """Go back to before the first policy; only where nothing was decided under it."""
        self.policy = None
        self.policies.clear()
        self.limits = NO_LIMITS
        self.timetable.forget_policies()

    def settle(self, person: Person) -> None:
        """Put down what has become of a person, and let go of one who cannot matter any more."""
        if person.is_empty:
            self.people.remove(person)
        else:
            due_at = next_due(person, self.current_policy(), self.outages, self.clock)
            self.people.put(person, None if due_at is None else microseconds(due_at))


def new_state(policy: Policy | None = None) -> State:
    """Return the state before the first record; with a policy, that one holds throughout."""
    state = State(is_policy_fixed=policy is not None)
    if policy is not None:
        state.change_policy(policy)
    return state
