"""What records and ticks do to what is known of sources (contract section 4, **Sources**)."""

from datetime import datetime

from events.records import AlertResolved, SourceDefined, SourceHeard, StaffCommand, source_key
from events.vocabulary import AlertReason, AlertState
from streams.core.numbers import add_run, first_seen_at, give_up
from streams.core.outcome import Outcome, Step
from streams.core.rules import sequence_gap, source_silent
from streams.core.source_alerts import revised
from streams.core.sources import Source
from streams.core.state import State

_KEY = source_key("")


def define(step: Step, record: SourceDefined) -> None:
    """Let a definition hold from here on; one that comes again changes nothing."""
    source = step.state.sources.get(record.defined_source_id) or Source(record.defined_source_id)
    if source.remember_definition(record.event_id):
        return
    source.areas, source.interval_seconds = record.areas, record.interval_seconds
    source.is_active = record.is_active
    if not record.is_active or record.interval_seconds == 0:
        source.watched_since = None
        source_silent.end(step, source, AlertReason.SOURCE_CHANGED)
    elif source.watched_since is None:
        source.watched_since = step.now
    _put(step, source)


def hear(step: Step, record: SourceHeard) -> None:
    """Take what intake tells of a source; told again it changes nothing."""
    source = step.state.sources.get(record.source_id) or Source(record.source_id)
    is_later, began_again = _take_over(source, record, step.now)
    if is_later:
        source_silent.end(step, source, AlertReason.HEARD_AGAIN)
    sequence_gap.look(step, source, AlertReason.GIVEN_UP if began_again else AlertReason.BACKFILLED)
    _put(step, source)


def hear_steady(state: State, record: SourceHeard) -> Outcome | None:
    """Do the same for a source that is steady, as nearly all are: no alert can end. None where it is not one."""
    source, now = state.sources.get(record.source_id), state.clock or record.heard_until
    if source is None or not source.is_steady:
        return None
    _take_over(source, record, now)
    if len(source.runs) < 2:
        state.sources.put_off(source)
    else:
        state.sources.put(source, state.current_policy())
    return Outcome(sources=((source, now),))


def _take_over(source: Source, record: SourceHeard, now: datetime) -> tuple[bool, bool]:
    """Return whether it was heard later than ever before, and whether its counter began again."""
    is_later = source.heard_until is None or record.heard_until > source.heard_until
    if is_later:
        source.heard_until = record.heard_until
    source.remember_delay(record.event_id, record.least_delay_ms)
    began_again = False
    for run in record.sequences:
        began_again |= add_run(source.runs, run, now)
    return is_later, began_again


def _put(step: Step, source: Source) -> None:
    step.state.sources.put(source, step.policy)
    step.note_source(source)


def of_command(state: State, record: StaffCommand) -> Source | None:
    """Return the source whose alert a command names, None where there is none: then the key is a person's."""
    source = state.sources.get(record.key.removeprefix(_KEY)) if record.key.startswith(_KEY) else None
    return source if source is not None and source.had_alert(record.alert_id) else None


def command(step: Step, source: Source, record: StaffCommand) -> None:
    """Let staff acknowledge or resolve an alert of a source; one that is resolved stays as it is."""
    silence, gap = source.silence, source.gap
    if isinstance(record, AlertResolved):
        if silence is not None and silence.alert_id == record.alert_id:
            source_silent.end(step, source, AlertReason.BY_STAFF)
        elif gap is not None and gap.alert_id == record.alert_id:
            sequence_gap.write_off(step, source)
    elif silence is not None and silence.alert_id == record.alert_id and silence.state is AlertState.OPEN:
        source.silence = revised(step, source, silence, AlertState.ACKNOWLEDGED, AlertReason.BY_STAFF)
    elif gap is not None and gap.alert_id == record.alert_id and gap.state is AlertState.OPEN:
        source.gap = revised(step, source, gap, AlertState.ACKNOWLEDGED, AlertReason.BY_STAFF)
    _put(step, source)


def fall_due(step: Step) -> None:
    """Decide everything about sources that the clock has reached."""
    sources, clock = step.state.sources, step.now
    for source in sources.pop_due(clock, step.policy):
        while (due_at := source.next_due(step.policy)) is not None and due_at <= clock:
            if due_at != source.forgotten_at(step.policy):
                step.reached_at = due_at
                _decide(step, source, due_at)
            elif source.forget():
                sources.remove(source)
                break
        else:
            sources.put(source, step.policy)
        step.note_source(source)


def _decide(step: Step, source: Source, due_at: datetime) -> None:
    if due_at == source.silent_at:
        source_silent.fall_due(step, source, due_at)
    if due_at == source.gap_at:
        sequence_gap.fall_due(step, source)
    if due_at == source.given_up_at(step.policy):
        give_up(source.runs, first_seen_at(source.runs))
        sequence_gap.look(step, source, AlertReason.GIVEN_UP)
