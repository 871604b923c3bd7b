"""sequence_gap: numbers of a source are missing for longer than records are under way (warning).

One alert for all holes of a source, named after the first missing number and the instant at which the first of them was
seen: a counter that began again may miss the same number twice. Resolved when none is left: all came,
or the rest was given up. When staff resolve it, the holes are written off.
"""

from events.instants import format_instant
from events.vocabulary import AlertReason, AlertState, RuleName
from streams.core.numbers import give_up, holes, missing
from streams.core.outcome import Step
from streams.core.source_alerts import raised, revised
from streams.core.sources import Source, stamp


def fall_due(step: Step, source: Source) -> None:
    """Open the alert of all holes, one of which has been there too long."""
    found = holes(source.runs)
    detail = {
        "first": found[0].first,
        "last": found[-1].last,
        "missing": missing(source.runs),
        "holes": len(found),
        "since": format_instant(min(hole.since for hole in found)),
        "until": format_instant(max(hole.until for hole in found)),
    }
    occurrence = f"{found[0].first}/{stamp(min(hole.seen_at for hole in found))}"
    source.gap = raised(step, source, RuleName.SEQUENCE_GAP, occurrence, detail)


def look(step: Step, source: Source, reason: AlertReason) -> None:
    """Resolve the alert if no hole is left."""
    if source.gap is not None and len(source.runs) < 2:
        source.gap = revised(step, source, source.gap, AlertState.RESOLVED, reason)


def write_off(step: Step, source: Source) -> None:
    """Resolve the alert because staff say so: what is missing now is not asked for any more."""
    if source.gap is not None:
        give_up(source.runs)
        source.gap = revised(step, source, source.gap, AlertState.RESOLVED, AlertReason.BY_STAFF)
