"""The pure part of watch: one partition of the timeline through the core."""

from typing import Any

from events.codec import Refusal, decode_from_timeline
from events.results import encode_alert, encode_verdict
from events.vocabulary import DeadLetterReason
from streams.broker.outputs import Output
from streams.core.engine import step
from streams.core.snapshot import dump_state, load_state
from streams.core.state import State, new_state
from streams.dead_letters import dead_letter, dead_letter_output

_TOPIC = "timeline"


class WatchPartition:
    """Takes the records of one timeline partition in offset order."""

    def __init__(self, partition: int, state: State) -> None:
        """Begin with the state that the records so far have left."""
        self.partition = partition
        self.state = state

    def take(self, offset: int, timestamp_ms: int, value: bytes | None) -> list[Output]:  # noqa: ARG002  time is in the record
        """Return the verdicts and alerts of a timeline record, or the dead letter of one that refers to nothing."""
        raw = value or b""
        try:
            if not raw:
                raise Refusal(DeadLetterReason.NOT_JSON, "", "expected one JSON object, found nothing")
            outcome = step(self.state, decode_from_timeline(raw))
        except Refusal as refusal:
            return [self._dead_letter(refusal, offset, raw)]
        if outcome.refusal is not None:
            return [self._dead_letter(outcome.refusal, offset, raw)]
        outputs = [Output("checks", verdict.check_id.encode(), encode_verdict(verdict)) for verdict in outcome.verdicts]
        outputs += [Output("alerts", alert.alert_id.encode(), encode_alert(alert)) for alert in outcome.alerts]
        return outputs

    def _dead_letter(self, refusal: Refusal, offset: int, raw: bytes) -> Output:
        return dead_letter_output(dead_letter(refusal, _TOPIC, self.partition, offset, raw))

    def dump(self) -> dict[str, Any]:
        """Return the state of the partition."""
        return dump_state(self.state)


def new_watch(partition: int, document: dict[str, Any] | None = None) -> WatchPartition:
    """Return the watch of a partition, from what `dump` gave where there is something."""
    return WatchPartition(partition, new_state() if document is None else load_state(document))
