"""Quix Streams doing a lesser job: decode, compare the temperature with one threshold, write one state a record.

    python peer.py BROKERS TIMELINE PREFIX RECORDS DIRECTORY

As it comes: state in RocksDB with a changelog, at least once. Ticks have no key and so no state; they are only decoded.
"""

import sys
from typing import Any

from quixstreams import Application, State  # type: ignore[import-not-found]

from bench.span import Span, report_and_end

_THRESHOLD_C = 37.3


def main(brokers: str, timeline: str, prefix: str, records: int, directory: str) -> None:
    """Run the application until it has handled so many records."""
    app = Application(
        broker_address=brokers,
        consumer_group=f"{prefix}quix",
        auto_offset_reset="earliest",
        state_dir=directory,
        loglevel="ERROR",
        auto_create_topics=True,
    )
    spans: list[Span] = []
    handled = 0

    def count(value: Any) -> Any:
        nonlocal handled
        if not handled:
            spans.append(Span())
        handled += 1
        if handled == records:
            report_and_end(spans[0].as_json(handled))
        return value

    def watch(value: dict[str, Any], state: State) -> dict[str, Any]:
        last = state.get("last")
        temperature = value.get("temperature_c") or 0.0
        state.set("last", [1 if last is None else last[0] + 1, temperature, value["occurred_at"]])
        value["is_alert"] = temperature >= _THRESHOLD_C
        return value

    frame = app.dataframe(app.topic(timeline, value_deserializer="json", key_deserializer="bytes"))
    frame = frame.apply(count)
    frame = frame[frame["kind"] != "tick"]
    frame = frame[frame["kind"] != "policy_changed"]
    frame = frame.apply(watch, stateful=True)
    frame = frame[frame["is_alert"]]
    frame.to_topic(app.topic(f"{prefix}quix-alerts", value_serializer="json", key_serializer="bytes"))
    app.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
