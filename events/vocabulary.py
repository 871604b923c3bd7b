"""The closed sets of words that records, verdicts and alerts are made of (contract sections 2 to 6)."""

from enum import StrEnum


class Word(StrEnum):
    """A word of a closed set; hashed as the text it is, which an enumeration by itself does in Python and slowly."""

    __hash__ = str.__hash__


class Category(Word):
    """How a person is observed."""

    HOME = "home"
    CENTRALISED = "centralised"
    LOCKDOWN = "lockdown"


class Site(Word):
    """Where on the body a temperature was measured; no site is `unknown`."""

    AXILLARY = "axillary"
    EAR = "ear"
    FOREHEAD = "forehead"
    TEMPLE = "temple"
    WRIST = "wrist"
    NECK = "neck"
    ORAL = "oral"
    RECTAL = "rectal"
    UNKNOWN = "unknown"


class VisitOutcome(Word):
    """What a visitor met at the door."""

    SEEN = "seen"
    ABSENT = "absent"
    REFUSED = "refused"


class ClosingOutcome(Word):
    """Why an observation was closed."""

    RELEASED = "released"
    HOSPITAL = "hospital"
    MOVED = "moved"
    CANCELLED = "cancelled"


class Direction(Word):
    """Which way a person went through a checkpoint."""

    IN = "in"
    OUT = "out"


class Decision(Word):
    """What the checkpoint did with the person."""

    PASSED = "passed"
    HELD = "held"
    TURNED_BACK = "turned_back"


class HealthCode(Word):
    """The colour that the person's health code showed."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class CheckState(Word):
    """The state of an expected check; every one but `pending` is a verdict."""

    PENDING = "pending"
    DONE = "done"
    MISSED = "missed"
    LATE = "late"
    WAIVED = "waived"
    UNKNOWN = "unknown"


class OutageCause(Word):
    """Why the way of the records is broken, or was."""

    SOURCE_SILENT = "source_silent"
    SEQUENCE_GAP = "sequence_gap"
    CLOCK_STOOD_STILL = "clock_stood_still"
    TOPIC_UNREACHABLE = "topic_unreachable"
    DECLARED = "declared"


class RuleName(Word):
    """The rules that raise alerts."""

    MISSED_CHECK = "missed_check"
    CONTACT_LOST = "contact_lost"
    FEVER = "fever"
    OBSERVATION_OVERDUE = "observation_overdue"
    RELEASED_EARLY = "released_early"
    BREACH = "breach"
    HEALTH_CODE = "health_code"
    IMPLAUSIBLE_READING = "implausible_reading"
    WAY_BROKEN = "way_broken"
    SOURCE_SILENT = "source_silent"
    SEQUENCE_GAP = "sequence_gap"


class AlertState(Word):
    """The state of an alert; open in the wider sense is everything that is not resolved."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Severity(Word):
    """How much an alert matters; `SEVERITY_ORDER` ranks them."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


SEVERITY_ORDER = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class AlertReason(Word):
    """Why an alert stands as it does in a revision."""

    OPENED = "opened"
    LATE_RECORD = "late_record"
    WAIVED = "waived"
    OBSERVATION_CLOSED = "observation_closed"
    CHECK_DONE = "check_done"
    SCREENED = "screened"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    NOT_CONFIRMED = "not_confirmed"
    LAPSED = "lapsed"
    EXTENDED = "extended"
    BY_STAFF = "by_staff"
    WAY_RESTORED = "way_restored"
    HEARD_AGAIN = "heard_again"
    SOURCE_CHANGED = "source_changed"
    BACKFILLED = "backfilled"
    GIVEN_UP = "given_up"


class DeadLetterReason(Word):
    """Why a record was refused."""

    NOT_JSON = "not_json"
    UNKNOWN_KIND = "unknown_kind"
    INVALID_FIELD = "invalid_field"
    OCCURRED_IN_FUTURE = "occurred_in_future"
    TOO_LARGE = "too_large"
    NO_SUCH_OBSERVATION = "no_such_observation"
    NO_SUCH_CHECK = "no_such_check"
    NO_SUCH_ALERT = "no_such_alert"
    OBSERVATION_IS_CLOSED = "observation_is_closed"


class AccessAction(Word):
    """What was done about the access of a source."""

    SOURCE_ADDED = "source_added"
    SOURCE_CHANGED = "source_changed"
    KEY_ROTATED = "key_rotated"
    KEY_REVOKED = "key_revoked"
    SOURCE_REMOVED = "source_removed"
    REQUEST_REFUSED = "request_refused"


class AccessRefusal(Word):
    """Why a gateway refused a request or a part of it."""

    UNAUTHORIZED = "unauthorized"
    NOT_ALLOWED = "not_allowed"
