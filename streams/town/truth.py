"""What must follow from the plan: final verdicts, final alerts, dead letters. Bookkeeping only; the stories decide."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from streams.town.calendar import Span, TownCalendar

_RANK: Final = {"info": 0, "warning": 1, "critical": 2}


def identity(*parts: str) -> str:
    """Return the first 32 hex digits of SHA-256 over the parts joined by `|` (contract sections 4 and 5)."""
    return sha256("|".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Step:
    """A later revision of an alert: its cause falls into `span`. A state or severity of None stays as it was."""

    span: Span
    reason: str
    state: str | None = None
    severity: str | None = None


@dataclass(slots=True, eq=False)
class AlertTruth:
    """An alert that must come, with everything that happens to it.

    `staff_may` is what staff can do without changing what other records bring: nothing, `acknowledge` or `resolve`.
    """

    rule: str
    subject: str
    person_id: str
    occurrence: str
    opened: Span
    severity: str
    reason: str
    staff_may: str
    steps: list[Step] = field(default_factory=list)

    @property
    def alert_id(self) -> str:
        """Return the identity of the alert."""
        return identity(self.rule, self.subject, self.occurrence)

    def resolve(self, span: Span, reason: str) -> None:
        """Note that something resolves the alert, if nothing did before."""
        self.steps.append(Step(span, reason, state="resolved"))

    def change(self, span: Span, reason: str, severity: str) -> None:
        """Note that something gives the alert another reason and severity."""
        self.steps.append(Step(span, reason, severity=severity))

    def acknowledge(self, span: Span) -> None:
        """Note that staff acknowledge the alert."""
        self.steps.append(Step(span, "by_staff", state="acknowledged"))

    def final(self) -> dict[str, Any]:
        """Return the last revision: the steps in the order of time, until one of them resolves the alert."""
        state, severity, reason = "open", self.severity, self.reason
        for step in sorted(self.steps, key=lambda step: step.span):
            if state == "resolved" or (step.state == "acknowledged" and state != "open"):
                continue
            new_severity = step.severity or severity
            if step.state is not None:
                state = step.state
            elif _RANK[new_severity] > _RANK[severity]:
                state = "open"  # an acknowledged alert that got worse is open again
            severity, reason = new_severity, step.reason
        return {
            "alert_id": self.alert_id,
            "rule": self.rule,
            "subject": self.subject,
            "person_id": self.person_id,
            "occurrence": self.occurrence,
            "state": state,
            "severity": severity,
            "reason": reason,
        }


@dataclass(slots=True)
class Truth:
    """Alerts and checks that must come; dead letters are known when the records are written."""

    calendar: TownCalendar
    alerts: list[AlertTruth] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)

    def alert(
        self,
        rule: str,
        person_id: str,
        occurrence: str,
        opened: Span,
        severity: str,
        reason: str = "opened",
        *,
        source: str | None = None,
        staff_may: str = "resolve",
    ) -> AlertTruth:
        """Note an alert that must come; its subject is the source where one is given, else the person."""
        subject = f"person:{person_id}" if source is None else f"source:{source}"
        alert = AlertTruth(rule, subject, person_id, occurrence, opened, severity, reason, staff_may)
        self.alerts.append(alert)
        return alert

    def check(self, person_id: str, area: str, check: str, day: int, window: str, state: str) -> None:
        """Note the final state of an expected check."""
        date = self.calendar.date(day)
        self.checks.append(
            {
                "check_id": identity("check", person_id, check, date, window),
                "person_id": person_id,
                "area": area,
                "check": check,
                "date": date,
                "window": window,
                "state": state,
            }
        )
