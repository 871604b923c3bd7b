"""The state of one timeline partition: clock, policies seen, people. A value that can be written out and read back."""

from dataclasses import dataclass, field
from datetime import datetime

from events.policy import Policy, default_policy
from streams.core.deadlines import DeadlineIndex
from streams.core.layout import Timetable
from streams.core.person import Person, next_due

# More than intake can have in work when it dies; scans are too many to be remembered for days.
_PASSED_SCANS_MAX = 10_000


@dataclass(slots=True)
class State:
    """What the records of a partition so far have left behind.

    `clock` is the highest tick; `policies` every version seen, by version; `policy` the one that holds, or None before
    the first; `timetable` what they make of every date. With `is_policy_fixed` the policies of the log are not read.
    `passed_scans` are the last scans that left nothing behind: person by event id, oldest first. `deadlines` is a cache.
    """

    clock: datetime | None = None
    policies: dict[str, Policy] = field(default_factory=dict)
    policy: Policy | None = None
    is_policy_fixed: bool = False
    policy_events: set[str] = field(default_factory=set)
    people: dict[str, Person] = field(default_factory=dict)
    passed_scans: dict[str, str] = field(default_factory=dict)
    timetable: Timetable = field(default_factory=Timetable)
    deadlines: DeadlineIndex = field(default_factory=DeadlineIndex)

    def current_policy(self) -> Policy:
        """Return the policy that holds; where the log has brought none, the default is used and counts as seen."""
        return self.policy or self.change_policy(default_policy())

    def change_policy(self, policy: Policy) -> Policy:
        """Let a policy hold from here on and return it; of a version seen before the one seen first is kept."""
        self.policy = self.policies.setdefault(policy.policy_version, policy)
        self.timetable.change(self.policy, self.clock)
        return self.policy

    def forget_policy(self) -> None:
        """Go back to before the first policy; only where nothing was decided under it."""
        self.policy = None
        self.policies.clear()
        self.timetable = Timetable()

    def person(self, person_id: str) -> Person:
        """Return what is held of a person, beginning with nothing."""
        person = self.people.get(person_id)
        if person is None:
            person = self.people[person_id] = Person(person_id)
        return person

    def pass_scan(self, event_id: str, person_id: str) -> None:
        """Recognise a scan that leaves nothing behind for a while: a reader that starts again repeats what it read last."""
        self.passed_scans[event_id] = person_id
        if len(self.passed_scans) > _PASSED_SCANS_MAX:
            del self.passed_scans[next(iter(self.passed_scans))]

    def settle(self, person: Person) -> None:
        """Bring the index up to date with what has become of a person, and let go of one who cannot matter any more."""
        if person.is_empty:
            self.people.pop(person.person_id, None)
            self.deadlines.schedule(person, None)
        else:
            self.deadlines.schedule(person, next_due(person, self.current_policy()))


def new_state(policy: Policy | None = None) -> State:
    """Return the state before the first record; with a policy, that one holds throughout."""
    state = State(is_policy_fixed=policy is not None)
    if policy is not None:
        state.change_policy(policy)
    return state
