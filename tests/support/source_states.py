"""What is known of sources, as the outcome of a step leaves it."""

from events.results import SourceState
from streams.core.outcome import Outcome


def source_states(outcome: Outcome) -> tuple[SourceState, ...]:
    """Return what is known now of the sources that a record changed: asked right after the step, what it left."""
    return tuple([source.state(changed_at) for source, changed_at in outcome.sources])
