"""source_silent: an active source was not heard for longer than is normal for it (warning).

Counts from when it was heard last, or from when it came to be watched, if that is later. Resolved when it is heard again,
and when nobody expects to hear of it any more.
"""

from datetime import datetime

from events.instants import format_instant
from events.vocabulary import AlertReason, AlertState, RuleName
from streams.core.outcome import Step
from streams.core.source_alerts import raised, revised
from streams.core.sources import Source, stamp


def fall_due(step: Step, source: Source, due_at: datetime) -> None:
    """Open the alert of a silence that has lasted too long."""
    since = source.silent_since
    assert since is not None, "silence is noticed of those who are watched"
    source.told = stamp(since)
    detail = {
        "heard_until": None if source.heard_until is None else format_instant(source.heard_until),
        "interval_seconds": source.interval_seconds,
    }
    source.silence = raised(step, source, RuleName.SOURCE_SILENT, source.told, detail, due_at)


def end(step: Step, source: Source, reason: AlertReason) -> None:
    """Resolve the alert, if there is one."""
    if source.silence is not None:
        source.silence = revised(step, source, source.silence, AlertState.RESOLVED, reason)
